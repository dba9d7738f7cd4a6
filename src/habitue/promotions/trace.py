"""Why a campaign applied or did not: the record of one evaluation, in values and in words.

A trace is made only when it is asked for; an evaluation without it does not pay for it.
"""

from typing import Literal

import msgspec

from habitue.rules.explain import Explanation

RuleVerdict = Literal["applied", "condition not met", "failed"]


class RuleFailure(msgspec.Struct, frozen=True):
    """One rule that did not apply, for one coupon or none; indexes count from 0."""

    campaign_id: int
    campaign_name: str
    ruleset_id: int
    rule_index: int
    rule_name: str
    details: str
    condition_index: int | None = None
    effect_index: int | None = None
    coupon_id: int | None = None
    coupon_value: str | None = None


class RuleTrace(msgspec.Struct, frozen=True):
    """One try of one rule: what came of it, and each condition with the values it compared."""

    rule_index: int
    rule_name: str
    verdict: RuleVerdict
    details: str
    coupon_value: str | None = None
    conditions: tuple[Explanation, ...] = ()


class CampaignTrace(msgspec.Struct, frozen=True):
    """One campaign: whether it was evaluated, and its rules; `details` says why it was not."""

    campaign_id: int
    campaign_name: str
    evaluated: bool
    details: str
    rules: tuple[RuleTrace, ...] = ()
