"""Recording why rules applied or did not, while they run.

An *attempt* is one try of one rule, for one coupon or none. The tracer looks at the conditions of
each attempt in the frame in which it was made, so that it tells the values that were compared.
"""

from datetime import datetime

import msgspec

from habitue.promotions.campaign import Campaign
from habitue.promotions.compiled import CompiledCampaign, CompiledRule
from habitue.promotions.coupon import Coupon, CouponRefusal
from habitue.promotions.coupon_book import Rejection
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.trace import CampaignTrace, RuleFailure, RuleTrace, RuleVerdict
from habitue.rules.dialect import Dialect
from habitue.rules.explain import Explanation, explain
from habitue.rules.frame import RuleFailed, StepsExhausted
from habitue.rules.ruleset import conditions

_REFUSAL_WORDS = {
    "ProfileRequired": "the coupon is limited per customer, and the session has no profile",
    "ProfileLimitReached": "this customer has used up what the coupon allows each customer",
}


class Attempt(msgspec.Struct, frozen=True):
    """One try of one rule; without a coupon `code` is empty."""

    compiled: CompiledCampaign
    rule: CompiledRule
    code: str = ""
    coupon: Coupon | None = None

    def rejection(
        self,
        reason: CouponRefusal,
        *,
        condition_index: int | None = None,
        effect_index: int | None = None,
        details: str | None = None,
    ) -> Rejection:
        """The rejection of the coupon by this attempt."""
        return Rejection(reason, *self.rule.cause, condition_index, effect_index, details)


def words_of(failure: Exception) -> str:
    """Why an expression had no value, in words."""
    if isinstance(failure, RuleFailed):
        return str(failure)
    if isinstance(failure, StepsExhausted):
        return "the rule takes more steps than it may"
    return "a number is out of range"


class Tracer:
    """Collects the attempts of one evaluation."""

    def __init__(self, dialect: Dialect, frame: Evaluation) -> None:
        self._dialect = dialect
        self._frame = frame
        self._rules: dict[int, list[RuleTrace]] = {}
        self.failures: list[RuleFailure] = []

    def applied(self, attempt: Attempt) -> None:
        """The rule gave its effects."""
        self._note(attempt, "applied", "all conditions hold", self._explained(attempt))

    def refused(self, attempt: Attempt, refusal: CouponRefusal) -> None:
        """The rule was not tried, because its coupon cannot be used."""
        details = _REFUSAL_WORDS.get(refusal, refusal)
        self._fail(attempt, "condition not met", details, None, None, ())

    def failed(self, attempt: Attempt, effect_index: int | None, failure: Exception | None) -> None:
        """A condition did not hold, or something in the rule has no value."""
        explained = self._explained(attempt)
        if effect_index is not None:
            details = words_of(failure) if failure else "the effect failed"
            self._fail(attempt, "failed", details, None, effect_index, explained)
            return
        index = next((i for i, each in enumerate(explained) if not each.held), None)
        details = explained[index].words if index is not None else "no condition holds"
        verdict: RuleVerdict = "condition not met" if failure is None else "failed"
        self._fail(attempt, verdict, details, index, None, explained)

    def campaigns(
        self, campaigns: list[CompiledCampaign], idle: list[Campaign], now: datetime
    ) -> tuple[CampaignTrace, ...]:
        """The record of all campaigns: those that were evaluated, and why the others were not."""
        traces = [
            CampaignTrace(
                each.campaign.id,
                each.campaign.name,
                True,
                "evaluated",
                tuple(self._rules.get(each.campaign.id, ())),
            )
            for each in campaigns
        ]
        traces += [
            CampaignTrace(each.id, each.name, False, _idle_words(each, now)) for each in idle
        ]
        return tuple(sorted(traces, key=lambda each: each.campaign_id))

    def _explained(self, attempt: Attempt) -> tuple[Explanation, ...]:
        parts = conditions(attempt.rule.tree)[1]
        return tuple(explain(part, self._frame, self._dialect) for part in parts)

    def _fail(
        self,
        attempt: Attempt,
        verdict: RuleVerdict,
        details: str,
        condition_index: int | None,
        effect_index: int | None,
        explained: tuple[Explanation, ...],
    ) -> None:
        self._note(attempt, verdict, details, explained)
        campaign_id, ruleset_id, rule_index, rule_name = attempt.rule.cause
        self.failures.append(
            RuleFailure(
                campaign_id,
                attempt.compiled.campaign.name,
                ruleset_id,
                rule_index,
                rule_name,
                details,
                condition_index,
                effect_index,
                attempt.coupon.id if attempt.coupon else None,
                attempt.code or None,
            )
        )

    def _note(
        self,
        attempt: Attempt,
        verdict: RuleVerdict,
        details: str,
        explained: tuple[Explanation, ...],
    ) -> None:
        rule = attempt.rule
        trace = RuleTrace(
            rule.cause[2], rule.title, verdict, details, attempt.code or None, explained
        )
        self._rules.setdefault(attempt.compiled.campaign.id, []).append(trace)


def _idle_words(campaign: Campaign, now: datetime) -> str:
    if campaign.active_ruleset_id is None:
        return "the campaign has no active rules"
    if campaign.state != "enabled":
        if campaign.experiment_id is not None:
            return "the campaign or its experiment is not enabled"
        return f"the campaign is {campaign.state}"
    if campaign.has_ended(now):
        return f"the campaign ended at {campaign.end_time:%Y-%m-%d %H:%M} UTC"
    return f"the campaign starts at {campaign.start_time:%Y-%m-%d %H:%M} UTC"
