"""Trying rules: conditions, then effects, for each coupon that a rule asks about.

A rule that asks for a coupon is tried once for each usable code of its campaign, and once without
where no code could be tried or none was asked for: a rule that succeeds without asking for the code
that it is tried for owes nothing to that code. A rule whose condition or effect fails gives nothing
at all, and never fails the request. Where its condition does not hold, its failure effects happen
instead.
"""

from typing import Literal, TypeAlias

from habitue.promotions.campaign import Campaign
from habitue.promotions.compiled import CompiledCampaign, CompiledRule
from habitue.promotions.coupon import Coupon, CouponRefusal, ExclusionReason
from habitue.promotions.coupon_book import BookMarks, BookNotes, CouponBook, Rejection
from habitue.promotions.effects import AcceptCoupon, Effect, EngineError
from habitue.promotions.evaluation import Evaluation, Marks
from habitue.promotions.facts import CouponFacts, readable
from habitue.promotions.referral import ReferralRefusal
from habitue.promotions.referral_book import Cause, Refusal
from habitue.promotions.tally import BudgetUsedUp
from habitue.promotions.tracing import Attempt, Tracer, words_of
from habitue.rules.compile import bind
from habitue.rules.frame import FAILURES, StepsExhausted

#: What came of trying a rule for a code: it applied, it failed, its code was refused before it was
#: tried, or it would have applied without asking for the code.
Try = Literal["applied", "failed", "refused", "unasked"]
#: Of the evaluation, how many rules triggered, and of the codes.
RunMarks: TypeAlias = tuple[Marks, int, BookMarks]


class Run:
    """One pass over the campaigns. While `traces` is off nothing is noted of why."""

    def __init__(
        self,
        frame: Evaluation,
        book: CouponBook,
        coupon_times: frozenset[str],
        tracer: Tracer | None,
    ) -> None:
        self.frame = frame
        self.book = book
        self.triggered: list[int] = []
        self.tracer = tracer
        self._coupon_times = coupon_times

    def marks(self) -> RunMarks:
        """Where everything stands now, for `roll_back`."""
        return self.frame.marks(), len(self.triggered), self.book.marks()

    def roll_back(self, marks: RunMarks) -> None:
        """Forgets what was given, and what became of codes, since those marks."""
        self.frame.roll_back(marks[0])
        del self.triggered[marks[1] :]
        self.book.roll_back(marks[2])

    def exclude(self, campaign: Campaign, reason: ExclusionReason) -> None:
        """Refuses the codes of a campaign that is not judged."""
        self.book.exclude(campaign.id, reason)
        self._exclude_friend((campaign.id, campaign.active_ruleset_id or 0, 0, ""), reason)

    def lost(self, notes: BookNotes, friend: Cause | None, reason: ExclusionReason) -> None:
        """Notes what became of codes in the trial of a campaign that does not apply."""
        self.book.lost(notes, reason)
        if friend is not None:
            self._exclude_friend(friend, reason)

    def friend_accepted_by(self) -> Cause | None:
        """The rule that has accepted the referral code."""
        issuing = self.frame.issuing
        return issuing.referral.accepted_by if issuing and issuing.referral else None

    def _exclude_friend(self, cause: Cause, reason: ExclusionReason) -> None:
        if self.frame.issuing and self.frame.issuing.referral:
            self.frame.issuing.referral.exclude(cause, reason)

    def rule(self, compiled: CompiledCampaign, rule: CompiledRule) -> None:
        """Tries the rule: with the coupons of its campaign where it asks for one."""
        if rule.uses_coupon:
            applied = self._with_coupons(compiled, rule)
        else:
            applied = self._try(Attempt(compiled, rule)) == "applied"
        if applied:
            self.triggered.append(compiled.campaign.id)

    def _with_coupons(self, compiled: CompiledCampaign, rule: CompiledRule) -> bool:
        tries = {
            self._try_for(compiled, rule, code, coupon)
            for code, coupon in self.book.usable(compiled.campaign.id)
        }
        if "applied" in tries:
            return True
        told = self.tracer or rule.failure_effects
        if tries == {"failed"} or (rule.needs_coupon and not (told and not tries)):
            return False
        return self._try(Attempt(compiled, rule)) == "applied"

    def _try_for(
        self, compiled: CompiledCampaign, rule: CompiledRule, code: str, coupon: Coupon
    ) -> Try:
        attempt = Attempt(compiled, rule, code, coupon)
        refusal: CouponRefusal | None = self.book.limit_refusal(code, coupon)
        if refusal is None and self.frame.tally is not None:
            refusal = self.frame.tally.coupon_refusal(coupon)
        if refusal is not None:
            self.book.refuse(code, attempt.rejection(refusal))
            if self.tracer:
                self.tracer.refused(attempt, refusal)
            return "refused"
        return self._try(attempt)

    def _try(self, attempt: Attempt) -> Try:
        frame, rule, coupon = self.frame, attempt.rule, attempt.coupon
        marks = frame.begin(rule.cause, coupon)
        frame.coupon_facts = None if coupon is None else self._coupon_facts(coupon)
        frame.bindings = {}
        if rule.bindings:
            bind(frame, rule.bindings)
        outcome: Try = "failed"
        held, failure = self._holds(attempt)
        if held:
            failure = self._gives(attempt)
            if failure is None:
                outcome = "applied" if coupon is None or frame.coupon_read else "unasked"
        if outcome == "applied":
            self._accept(attempt, marks[0])
        else:
            frame.roll_back(marks)
            self._tell_of(attempt, held, failure)
        frame.end()
        return outcome

    def _holds(self, attempt: Attempt) -> tuple[bool, Exception | None]:
        failure = None
        try:
            if attempt.rule.condition(self.frame) is True:
                return True, None
        except FAILURES as error:
            failure = error
        if attempt.coupon is not None or self.tracer is not None or self.frame.referral_read:
            self._refuse(attempt, None, failure)
        return False, failure

    def _gives(self, attempt: Attempt) -> Exception | None:
        for index, effect in enumerate(attempt.rule.effects):
            try:
                effect(self.frame)
            except FAILURES as failure:
                self._refuse(attempt, index, failure)
                return failure
        return None

    def _tell_of(self, attempt: Attempt, held: bool, failure: Exception | None) -> None:
        """Adds what a rule that did not apply has to say of it."""
        frame, rule = self.frame, attempt.rule
        if isinstance(failure, StepsExhausted):
            frame.effects.append(
                Effect(*rule.cause, EngineError(words_of(failure)), None, *frame.group)
            )
        if held or not rule.failure_effects:
            return
        marks = frame.marks()
        try:
            for effect in rule.failure_effects:
                effect(frame)
        except FAILURES:
            frame.roll_back(marks)

    def _coupon_facts(self, coupon: Coupon) -> CouponFacts:
        return CouponFacts(
            coupon.code,
            readable(coupon.attributes, self._coupon_times),
            usage_counter=coupon.usage_counter,
            start_date=coupon.start_date,
            expiry_date=coupon.expiry_date,
            recipient=coupon.recipient_integration_id,
        )

    def _accept(self, attempt: Attempt, mark: int) -> None:
        frame = self.frame
        coupon = attempt.coupon
        if coupon and frame.redeem and frame.tally is not None:
            frame.tally.redeem(coupon)
        if coupon and self.book.accept(attempt.code, coupon, redeem=frame.redeem):
            outcome = AcceptCoupon(attempt.code)
            frame.effects.insert(
                mark, Effect(*attempt.rule.cause, outcome, coupon.id, *frame.group)
            )
        self._accept_referral(mark)
        if self.tracer:
            self.tracer.applied(attempt)

    def _accept_referral(self, mark: int) -> None:
        frame = self.frame
        if frame.referral_read and frame.issuing and frame.issuing.referral:
            effect = frame.issuing.referral.accept(frame.cause, redeem=frame.referral_redeem)
            if effect is not None:
                group_id, mode = frame.group
                frame.effects.insert(mark, Effect(*frame.cause, effect, None, group_id, mode))

    def _refuse_referral(
        self, attempt: Attempt, effect_index: int | None, words: str | None
    ) -> None:
        frame = self.frame
        if not (frame.referral_read and frame.issuing and frame.issuing.referral):
            return
        index = attempt.rule.failing_condition(frame) if effect_index is None else None
        reason: ReferralRefusal = (
            "ReferralRejectedByCondition" if effect_index is None else "EffectCouldNotBeApplied"
        )
        frame.issuing.referral.refuse(
            Refusal(reason, attempt.rule.cause, index, effect_index, words)
        )

    def _refuse(
        self, attempt: Attempt, effect_index: int | None, failure: Exception | None
    ) -> None:
        words = None if failure is None else words_of(failure)
        self._refuse_referral(attempt, effect_index, words)
        if attempt.coupon is not None:
            self.book.refuse(attempt.code, self._rejection(attempt, effect_index, failure))
        if self.tracer:
            self.tracer.failed(attempt, effect_index, failure)

    def _rejection(
        self, attempt: Attempt, effect_index: int | None, failure: Exception | None
    ) -> Rejection:
        details = None if failure is None else words_of(failure)
        if effect_index is not None:
            reason: CouponRefusal = "EffectCouldNotBeApplied"
            if isinstance(failure, BudgetUsedUp) and failure.refusal == "ProfileRequired":
                reason = "ProfileRequired"
            return attempt.rejection(reason, effect_index=effect_index, details=details)
        index = attempt.rule.failing_condition(self.frame)
        return attempt.rejection(
            "CouponRejectedByCondition", condition_index=index, details=details
        )
