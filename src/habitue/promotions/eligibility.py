"""For what the customer of a dry run is eligible: every campaign and rule with a yes or a no.

It is read off the trace of the evaluation. A rule, and a campaign, is judged once for each code
that it was tried for, and once without where it was tried so. A campaign that was not tried, or
that lost in its group to another, was skipped (contracts/talon_one/SEMANTICS.md section 4.8).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec

from habitue.promotions.trace import CampaignTrace, RuleFailure, RuleTrace

CampaignFailure = Literal["ALL_RULES_FAILED", "SKIPPED"]
#: A campaign, a rule of it, and the code that it was tried for, if any.
_Key: TypeAlias = tuple[int, int, str | None]


class CampaignVerdict(msgspec.Struct, frozen=True):
    """Whether a campaign applies, with that code or with none; why not, where it does not."""

    coupon_value: str | None = None
    failure: CampaignFailure | None = None


class RuleVerdict(msgspec.Struct, frozen=True):
    """Whether a rule applies, with that code or with none; why not, where it does not."""

    coupon_value: str | None = None
    failure: RuleFailure | None = None


class CampaignEligibility(msgspec.Struct, frozen=True):
    """One campaign, with the verdicts on its rules by their index."""

    campaign_id: int
    verdicts: tuple[CampaignVerdict, ...]
    rules: Mapping[int, tuple[RuleVerdict, ...]]


def eligibility_of(
    traces: Iterable[CampaignTrace],
    failures: Iterable[RuleFailure],
    triggered_ids: Iterable[int],
) -> list[CampaignEligibility]:
    """The verdicts on every campaign that was evaluated, in the order of the traces."""
    found: dict[_Key, RuleFailure] = {
        (each.campaign_id, each.rule_index, each.coupon_value): each for each in failures
    }
    triggered = frozenset(triggered_ids)
    return [
        CampaignEligibility(
            trace.campaign_id,
            tuple(_verdicts(trace, trace.campaign_id in triggered)),
            _rules(trace, found),
        )
        for trace in traces
        if trace.evaluated
    ]


def _verdicts(trace: CampaignTrace, triggered: bool) -> Iterator[CampaignVerdict]:
    if not trace.rules:
        yield CampaignVerdict(failure="SKIPPED")
    codes = dict.fromkeys(each.coupon_value for each in trace.rules)
    applied = {each.coupon_value for each in trace.rules if _applied(each)}
    for code in codes:
        if code not in applied:
            yield CampaignVerdict(code, "ALL_RULES_FAILED")
        else:
            yield CampaignVerdict(code, None if triggered else "SKIPPED")


def _rules(
    trace: CampaignTrace, failures: Mapping[_Key, RuleFailure]
) -> dict[int, tuple[RuleVerdict, ...]]:
    verdicts: dict[int, dict[str | None, RuleVerdict]] = {}
    for each in trace.rules:
        code, known = each.coupon_value, verdicts.setdefault(each.rule_index, {})
        if _applied(each):
            known[code] = RuleVerdict(code)
        else:
            failure = failures[trace.campaign_id, each.rule_index, code]
            known.setdefault(code, RuleVerdict(code, failure))
    return {index: tuple(known.values()) for index, known in verdicts.items()}


def _applied(rule: RuleTrace) -> bool:
    return rule.verdict == "applied"
