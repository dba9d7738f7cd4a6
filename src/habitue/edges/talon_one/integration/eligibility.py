"""Eligibility on the wire: which campaigns a customer may have, and why not the others.

Only a dry run tells it. A campaign stands there as `enabled`, for as such it was evaluated,
whatever its state is where a request picks it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.talon_one.effects import shortened
from habitue.edges.talon_one.rule_metadata import RuleMetadataOut, rule_metadata
from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.eligibility import (
    CampaignEligibility,
    CampaignVerdict,
    RuleVerdict,
    eligibility_of,
)
from habitue.promotions.program import Program
from habitue.promotions.trace import CampaignTrace, RuleFailure

ELIGIBILITY = "campaignEligibility"


class CampaignFailureOut(msgspec.Struct, rename="camel"):
    """Why a campaign does not apply."""

    failure_code: Literal["ALL_RULES_FAILED", "SKIPPED", "AUDIENCE_NOT_MATCHED"]


class CampaignVerdictOut(msgspec.Struct, rename="camel"):
    """Whether a campaign applies, with a code or with none."""

    passed: bool
    coupon_code: str | UnsetType = UNSET
    details: CampaignFailureOut | UnsetType = UNSET


class RuleFailureDetailsOut(
    msgspec.Struct,
    rename={
        "failure_code": "failureCode",
        "coupon_id": "couponID",
        "coupon_value": "couponValue",
        "condition_index": "conditionIndex",
        "effect_index": "effectIndex",
    },
):
    """Why a rule does not apply."""

    failure_code: Literal["CONDITION_NOT_MET", "EFFECT_FAILED"]
    details: str
    coupon_id: int | UnsetType = UNSET
    coupon_value: str | UnsetType = UNSET
    condition_index: int | UnsetType = UNSET
    effect_index: int | UnsetType = UNSET


class RuleVerdictOut(msgspec.Struct, rename="camel"):
    """Whether a rule applies, with a code or with none."""

    passed: bool
    coupon_code: str | UnsetType = UNSET
    details: RuleFailureDetailsOut | UnsetType = UNSET


class RuleEligibilityOut(RuleMetadataOut, rename="camel", kw_only=True):
    """A rule with its verdicts."""

    eligibility: list[RuleVerdictOut]


class CampaignExperimentOut(msgspec.Struct, rename="camel"):
    """The experiment of a campaign, and the variant that the customer has."""

    id: int
    variant_id: int


class CampaignEligibilityOut(msgspec.Struct, rename="camel", kw_only=True):
    """A campaign with its verdicts, and with those on its rules."""

    id: int
    application_id: int
    name: str
    description: str
    start_time: datetime | UnsetType = UNSET
    end_time: datetime | UnsetType = UNSET
    attributes: dict[str, Any]
    state: Literal["enabled"]
    tags: list[str]
    features: list[str]
    eligibility: list[CampaignVerdictOut]
    rules: list[RuleEligibilityOut]
    experiment: CampaignExperimentOut | UnsetType = UNSET


def check_eligibility(content: Sequence[str] | None, *, dry: bool) -> None:
    """Raises `InvalidInput` where a request that is not dry asks for it."""
    if content and ELIGIBILITY in content and not dry:
        details = f"{ELIGIBILITY} can only be asked for with dry=true"
        pointer = f"/responseContent/{list(content).index(ELIGIBILITY)}"
        raise InvalidInput(Fault(pointer, "Not allowed", details))


def eligibility_out(
    traces: Sequence[CampaignTrace],
    failures: Sequence[RuleFailure],
    triggered_ids: Sequence[int],
    program: Program,
    variants: Mapping[int, int],
) -> list[CampaignEligibilityOut]:
    """What the evaluation says of every campaign; of those with an experiment only where the
    customer has one of its `variants`, which are by campaign."""
    found = eligibility_of(traces, failures, triggered_ids)
    return [
        _campaign_out(each, program, variants.get(each.campaign_id, 0))
        for each in found
        if each.campaign_id in program.compiled
        and (each.campaign_id not in program.experiments or each.campaign_id in variants)
    ]


def _campaign_out(
    each: CampaignEligibility, program: Program, variant_id: int
) -> CampaignEligibilityOut:
    compiled = program.compiled[each.campaign_id]
    campaign = compiled.campaign
    return CampaignEligibilityOut(
        id=campaign.id,
        application_id=campaign.application_id,
        name=campaign.name,
        description=campaign.description,
        start_time=campaign.start_time or UNSET,
        end_time=campaign.end_time or UNSET,
        attributes=shortened(campaign.attributes),
        state="enabled",
        tags=list(campaign.tags),
        features=[name for name in campaign.features if name != "advancedEvents"],
        eligibility=[_campaign_verdict(verdict) for verdict in each.verdicts],
        rules=[
            RuleEligibilityOut(
                **rule_metadata(rule.tree.shown),
                eligibility=[_rule_verdict(v) for v in each.rules.get(rule.cause[2], ())],
            )
            for rule in compiled.rules
            if rule.variant_id == variant_id
        ],
        experiment=CampaignExperimentOut(program.experiments[campaign.id].id, variant_id)
        if variant_id
        else UNSET,
    )


def _campaign_verdict(verdict: CampaignVerdict) -> CampaignVerdictOut:
    failure = verdict.failure
    return CampaignVerdictOut(
        failure is None,
        verdict.coupon_value or UNSET,
        UNSET if failure is None else CampaignFailureOut(failure),
    )


def _rule_verdict(verdict: RuleVerdict) -> RuleVerdictOut:
    failure = verdict.failure
    return RuleVerdictOut(
        failure is None,
        verdict.coupon_value or UNSET,
        UNSET if failure is None else _rule_failure(failure),
    )


def _rule_failure(failure: RuleFailure) -> RuleFailureDetailsOut:
    effect, condition = failure.effect_index, failure.condition_index
    return RuleFailureDetailsOut(
        "CONDITION_NOT_MET" if effect is None else "EFFECT_FAILED",
        failure.details,
        UNSET if failure.coupon_id is None else failure.coupon_id,
        failure.coupon_value or UNSET,
        UNSET if condition is None else condition,
        UNSET if effect is None else effect,
    )
