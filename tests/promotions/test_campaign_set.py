"""Groups of campaigns: which of those that would apply do apply, and what the others say."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.promotions.campaign import Limit
from habitue.promotions.campaign_set import (
    CampaignSet,
    EvaluationMode,
    Group,
    Leaf,
    campaigns_in,
    completed,
    default_set,
    groups_in,
    levels_of,
)
from habitue.promotions.effects import DISCOUNTS, RejectCoupon, SetDiscountPerItem
from habitue.promotions.evaluate import Purpose
from tests.promotions.shop_window import Window, coupon, item, rule, values

TEA = item("tea", 100)


def grouped(mode: EvaluationMode, *ids: int, scope: Any = "session") -> dict[str, Any]:
    root = Group(1, "Base", tuple(map(Leaf, ids)), mode, scope)
    return {"campaign_set": CampaignSet(root, 1)}


def off(*amounts: int) -> list[list[dict[str, Any]]]:
    return [[rule("true", f'setDiscount("{amount} off", {amount})')] for amount in amounts]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("stackable", [7, 3, 9]),
        ("listOrder", [7]),
        ("highestDiscount", [9]),
        ("lowestDiscount", [3]),
    ],
)
def test_the_four_modes(mode: EvaluationMode, expected: list[int]) -> None:
    window = Window(*off(3, 7, 9), application=grouped(mode, 2, 1, 3))
    effects = window.decide(TEA).effects
    assert values([each.outcome for each in effects]) == expected
    assert {(each.group_id, each.group_mode) for each in effects} == {(1, mode)}


def test_of_equals_the_first_in_the_list_applies() -> None:
    for mode in ("highestDiscount", "lowestDiscount"):
        window = Window(*off(5, 5), application=grouped(mode, 2, 1))
        assert [each.campaign_id for each in window.decide(TEA).effects] == [2]


def test_a_campaign_that_does_not_trigger_wins_nothing() -> None:
    none = [rule("false", 'setDiscount("99 off", 99)')]
    for mode in ("listOrder", "highestDiscount", "lowestDiscount"):
        window = Window(none, *off(5), application=grouped(mode, 1, 2))
        decision = window.decide(TEA)
        assert values([each.outcome for each in decision.effects]) == [5]
        assert decision.triggered_campaign_ids == (2,)


def test_points_and_gifts_count_nothing() -> None:
    gift = [rule("true", 'addFreeItem("cup", "a cup")')]
    highest = Window(gift, *off(1), application=grouped("highestDiscount", 1, 2))
    assert [each.campaign_id for each in highest.decide(TEA).effects] == [2]
    lowest = Window(gift, *off(1), application=grouped("lowestDiscount", 2, 1))
    assert [each.campaign_id for each in lowest.decide(TEA).effects] == [1]


def test_groups_in_groups() -> None:
    inner = Group(11, "either", (Leaf(1), Leaf(2)), "highestDiscount")
    outer = Group(10, "first", (inner, Leaf(3)), "lowestDiscount")
    root = Group(1, "Base", (outer, Leaf(4)))
    window = Window(*off(3, 7, 9, 1), application={"campaign_set": CampaignSet(root, 1)})
    effects = window.decide(TEA).effects
    assert values([each.outcome for each in effects]) == [7, 1]
    assert [each.group_id for each in effects] == [11, 1]


def coupons_of(*campaign_ids: int) -> list[Any]:
    return [coupon(f"CODE{each}", each, each) for each in campaign_ids]


def with_coupon(*amounts: int) -> list[list[dict[str, Any]]]:
    return [[rule("couponValid()", f'setDiscount("{each} off", {each})')] for each in amounts]


def rejections(decision: Any) -> dict[str, tuple[str, str | None]]:
    return {
        each.outcome.value: (each.outcome.reason, each.outcome.exclusion_reason)
        for each in decision.effects
        if isinstance(each.outcome, RejectCoupon)
    }


@pytest.mark.parametrize(
    ("mode", "reason", "winner"),
    [
        ("highestDiscount", "CampaignGaveLowerDiscount", "CODE2"),
        ("listOrder", "CampaignIsNotFirst", "CODE1"),
    ],
)
def test_codes_of_campaigns_that_lost_say_why(
    mode: EvaluationMode, reason: str, winner: str
) -> None:
    window = Window(*with_coupon(3, 7), application=grouped(mode, 1, 2))
    decision = window.decide(TEA, coupons=coupons_of(1, 2), state="closed")
    loser = "CODE1" if winner == "CODE2" else "CODE2"
    assert rejections(decision) == {loser: ("CouponPartOfNotTriggeredCampaign", reason)}
    assert [each.code for each in decision.redeemed] == [winner]


def test_a_code_that_its_own_rule_refuses_keeps_that_reason() -> None:
    refused = [rule("couponValid() and false", 'setDiscount("x", 99)')]
    window = Window(refused, *with_coupon(7), application=grouped("highestDiscount", 1, 2))
    decision = window.decide(TEA, coupons=coupons_of(1, 2))
    assert rejections(decision) == {"CODE1": ("CouponRejectedByCondition", None)}


def test_a_campaign_that_was_left_out_is_not_judged() -> None:
    root = Group(1, "Base", (Leaf(2),))
    left_out = {"campaign_set": CampaignSet(root, 1, (1,))}
    window = Window(*with_coupon(3), *off(7), application=left_out)
    decision = window.decide(TEA, coupons=coupons_of(1))
    assert rejections(decision) == {
        "CODE1": ("CouponPartOfNotTriggeredCampaign", "CampaignNotInEvaluationSet")
    }
    assert [each.campaign_id for each in decision.effects] == [2, 1]


def test_what_a_loser_would_have_set_and_taken_is_as_it_was() -> None:
    sets = 'updateAttribute("Profile.Attributes.visits", 1, "increaseBy")'
    campaigns = [[rule("true", f'setDiscount("x", {each})', sets)] for each in (3, 7, 5)]
    once = {
        each: {"limits": (Limit("setDiscountEffect", Decimal(1), ("Session",)),)}
        for each in (1, 2, 3)
    }
    window = Window(*campaigns, application=grouped("highestDiscount", 1, 2, 3), fields=once)
    decision = window.decide(TEA)
    assert values([decision.effects[0].outcome]) == [7]
    assert decision.owner_attributes == {"visits": 1}
    assert decision.triggered_campaign_ids == (2,)


def per_item(*amounts: str) -> list[list[dict[str, Any]]]:
    return [[rule("true", f'setDiscountPerItem("off", {each})')] for each in amounts]


def test_the_best_campaign_for_each_unit() -> None:
    # The first gives a fifth, the second three on everything: they meet at fifteen.
    campaigns = per_item("lambda item: item.price / 5", "3")
    for mode, expected in (("highestDiscount", [3, 20]), ("lowestDiscount", [2, 3])):
        scope = grouped(mode, 1, 2, scope="cartItem")  # type: ignore[arg-type]
        given_ = Window(*campaigns, application=scope).given(item("cup", 10), item("pot", 100))
        by_line = sorted(given_, key=lambda each: each.position)
        assert values(by_line) == expected


def test_the_first_campaign_for_each_unit() -> None:
    cheap = "filter(session.cart_items, lambda item: item.price < 20)"
    campaigns = per_item(f"1, {cheap}", "3")
    window = Window(*campaigns, application=grouped("listOrder", 1, 2, scope="cartItem"))
    given_ = window.given(item("cup", 10), item("pot", 100))
    assert given_ == [
        SetDiscountPerItem("off#0", Decimal(1), 0, 0),
        SetDiscountPerItem("off#1", Decimal(3), 1, 0),
    ]


def test_a_campaign_that_wins_no_unit_gives_nothing() -> None:
    campaigns = per_item("1", "3")
    window = Window(*campaigns, application=grouped("highestDiscount", 1, 2, scope="cartItem"))
    decision = window.decide(item("cup", 10, 3))
    assert {each.campaign_id for each in decision.effects} == {2}
    assert decision.triggered_campaign_ids == (2,)


def test_a_complete_evaluation_minds_no_mode() -> None:
    window = Window(*off(3, 7), application=grouped("listOrder", 1, 2))
    purpose = Purpose(dry=True, complete=True)
    assert values(window.given(TEA, purpose=purpose)) == [3, 7]


def test_failures_are_told_once() -> None:
    none = [rule("false", 'setDiscount("99 off", 99)')]
    window = Window(none, *off(5, 7), application=grouped("highestDiscount", 1, 2, 3))
    decision = window.decide(TEA, purpose=Purpose(failures=True))
    assert [each.campaign_id for each in decision.failures] == [1]


def test_new_campaigns_come_last_in_the_default_group() -> None:
    inner = Group(11, "new ones", (Leaf(3),))
    root = Group(1, "Base", (Leaf(2), inner, Leaf(99)))
    whole = completed(CampaignSet(root, 11, (5,)), [1, 2, 3, 4, 5])
    assert list(campaigns_in(whole)) == [2, 3, 1, 4], "99 exists no more, 5 is left out"
    assert [each.id for each in groups_in(whole)] == [1, 11]
    assert levels_of(whole) == 2


AMOUNTS = st.lists(st.integers(0, 4), min_size=1, max_size=5)
MODES = st.sampled_from(["stackable", "listOrder", "highestDiscount", "lowestDiscount"])


@settings(max_examples=60, deadline=None)
@given(AMOUNTS, MODES, MODES, st.integers(0, 5))
def test_a_group_gives_what_its_mode_promises(
    amounts: list[int], inner_mode: Any, outer_mode: Any, cut: int
) -> None:
    leaves = tuple(Leaf(index + 1) for index in range(len(amounts)))
    inner = Group(11, "inner", leaves[:cut], inner_mode)
    root = Group(1, "Base", (inner, *leaves[cut:]), outer_mode)
    window = Window(*off(*amounts), application={"campaign_set": CampaignSet(root, 1)})
    total = sum(values(window.given(TEA)))
    inside = _chosen(inner_mode, [Decimal(each) for each in amounts[:cut]])
    outside = [Decimal(each) for each in amounts[cut:]]
    whole = [inside, *outside] if cut and amounts[:cut] else outside
    assert total == _chosen(outer_mode, whole)


def _chosen(mode: str, amounts: list[Decimal]) -> Decimal:
    if not amounts:
        return Decimal(0)
    chosen = {
        "listOrder": amounts[0],
        "highestDiscount": max(amounts),
        "lowestDiscount": min(amounts),
    }
    return chosen.get(mode, sum(amounts, Decimal(0)))


def test_an_untouched_set_is_the_order_of_age() -> None:
    window = Window(*off(3, 7), application={"campaign_set": default_set(1)})
    assert window.program.placement is None
    decision = window.decide(TEA)
    assert values([each.outcome for each in decision.effects]) == [3, 7]
    assert all(isinstance(each.outcome, DISCOUNTS) for each in decision.effects)
