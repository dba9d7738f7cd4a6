"""The scenarios leave nothing out: every effect, every way of judging groups, every reason of
refusal that the protocol's clients can meet stands in one of them.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

from habitue.edges.talon_one.effects import OUTCOMES
from habitue.promotions.campaign_set import EvaluationMode, EvaluationScope
from habitue.promotions.coupon import CouponRefusal, ExclusionReason
from habitue.promotions.referral import ReferralRefusal
from tests.scenarios.test_scenarios import SCENARIOS

SHOPS = [scenario["shop"] for _, scenario in SCENARIOS]
EFFECTS = [
    effect
    for _, scenario in SCENARIOS
    for sent in scenario["sends"]
    for effect in sent.get("effects", ())
]


def groups_of(value: Any) -> Iterator[tuple[str, str]]:
    """Mode and scope of a group and of those in it."""
    if isinstance(value, dict):
        yield value.get("mode", "stackable"), value.get("scope", "session")
        for each in value["of"]:
            yield from groups_of(each)


def told_of(effect_type: str, name: str) -> set[str]:
    """The values of a property in effects of that type."""
    found = (each[effect_type] for each in EFFECTS if effect_type in each)
    return {props[name] for props in found if name in props}


def test_every_effect_is_in_a_scenario() -> None:
    # The last two tell the title of their rule, and so stand in a table of their own.
    served = {*OUTCOMES, "deductLoyaltyPoints", "changeLoyaltyTierLevel"}
    assert {kind for each in EFFECTS for kind in each} - {"by", "group"} == served


def test_every_way_of_judging_a_group_is_in_a_scenario() -> None:
    found = {each for shop in SHOPS for each in groups_of(shop.get("group"))}
    assert found == set(product(get_args(EvaluationMode), get_args(EvaluationScope)))


def test_every_reason_of_refusal_is_in_a_scenario() -> None:
    assert told_of("rejectCoupon", "rejectionReason") == set(get_args(CouponRefusal))
    assert told_of("rejectReferral", "rejectionReason") == set(get_args(ReferralRefusal))
    for effect_type in ("rejectCoupon", "rejectReferral"):
        reasons = told_of(effect_type, "campaignExclusionReason")
        assert reasons == set(get_args(ExclusionReason))


def test_every_scenario_has_a_sentence_of_its_own() -> None:
    sentences = [scenario["scenario"] for _, scenario in SCENARIOS]
    assert len(set(sentences)) == len(sentences) >= 60
