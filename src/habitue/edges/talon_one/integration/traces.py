"""The trace on the wire: why each campaign applied or did not, with the values compared."""

import msgspec

from habitue.promotions.trace import CampaignTrace, RuleTrace


class ConditionOut(msgspec.Struct):
    """One condition: its text, whether it held, and that in words with the values."""

    text: str
    held: bool
    words: str


class RuleTraceOut(msgspec.Struct, rename="camel", omit_defaults=True):
    rule_index: int
    rule_name: str
    verdict: str
    details: str
    conditions: list[ConditionOut]
    coupon_value: str | None = None


class CampaignTraceOut(msgspec.Struct, rename="camel"):
    campaign_id: int
    campaign_name: str
    evaluated: bool
    details: str
    rules: list[RuleTraceOut]


def trace_out(trace: CampaignTrace) -> CampaignTraceOut:
    """The trace of one campaign as it goes over the wire."""
    rules = [_rule_out(rule) for rule in trace.rules]
    return CampaignTraceOut(
        trace.campaign_id, trace.campaign_name, trace.evaluated, trace.details, rules
    )


def _rule_out(rule: RuleTrace) -> RuleTraceOut:
    conditions = [ConditionOut(each.text, each.held, each.words) for each in rule.conditions]
    return RuleTraceOut(
        rule.rule_index,
        rule.rule_name,
        rule.verdict,
        rule.details,
        conditions,
        rule.coupon_value,
    )
