"""What rules can give on units of the cart, and what they say where they give nothing."""

from collections import Counter
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.promotions.effects import (
    CustomEffect,
    EngineError,
    RollbackDiscount,
    SetDiscountPerAdditionalCostPerItem,
    SetDiscountPerItem,
    ShowNotification,
    UpdateAttribute,
)
from habitue.promotions.rollback import Giving, of_units, rollbacks_of
from habitue.rules.notation import read_text
from habitue.rules.parse import render_expression
from tests.promotions.shop_window import Window, coupon, item, rule, values

DEPOSIT: dict[str, Any] = {"additional_costs": {"deposit": Decimal(2)}}


def test_a_discount_on_a_cost_of_each_unit() -> None:
    half = 'lambda item: itemAdditionalCost(item, "deposit") / 2'
    window = Window(
        [rule("true", f'setDiscountPerAdditionalCostPerItem("deposit", "deposit", {half})')]
    )
    effects = window.decide(item("tea", 5, 2, **DEPOSIT)).effects
    assert [each.outcome for each in effects] == [
        SetDiscountPerAdditionalCostPerItem("deposit#0", 6, "deposit", Decimal(1), 0, unit)
        for unit in (0, 1)
    ]
    assert [each.outcome for each in rollbacks_of(effects, Giving())] == [
        RollbackDiscount("deposit#0", Decimal(1), 0, unit, 6, "deposit") for unit in (0, 1)
    ]
    returning, kept = of_units(effects, {0: range(1, 2)})
    assert [each.outcome.sub_position for each in returning] == [1]  # type: ignore[union-attr]
    assert [each.outcome.sub_position for each in kept] == [0]  # type: ignore[union-attr]


def test_the_rule_fails_where_one_unit_lacks_the_cost() -> None:
    window = Window([rule("true", 'setDiscountPerAdditionalCostPerItem("deposit", "deposit", 1)')])
    assert window.given(item("tea", 5, **DEPOSIT), item("pot", 9)) == []


def test_the_cheapest_the_dearest_and_those_that_are_free_of_so_many() -> None:
    cart = [item("pot", 9), item("tea", 5, 3), item("cup", 7)]

    def discounted(items: str) -> Counter[Decimal]:
        window = Window([rule("true", f'setDiscountPerItem("x", lambda i: i.price, {items})')])
        found = [Counter(values(window.given(*order))) for order in permutations(cart)]
        assert all(each == found[0] for each in found), "the order of the lines does not matter"
        return found[0]

    assert discounted("cheapest(session.cart_items, 2)") == Counter([5, 5])
    assert discounted("dearest(session.cart_items, 2)") == Counter([9, 7])
    assert discounted("buyGet(session.cart_items, 2, 1)") == Counter([5])
    assert discounted("buyGet(session.cart_items, 1, 1)") == Counter([5, 5])
    assert discounted("buyGet(session.cart_items, 1, 1, 1)") == Counter([5])
    assert discounted("cheapest(session.cart_items, 99)") == Counter([5, 5, 5, 7, 9])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from(["0", "0.01", "3.33", "10"]), min_size=1, max_size=6),
    st.sampled_from(["0.1", "7", "10.000000000001", "0"]),
)
def test_shares_of_one_discount_sum_to_it_exactly(prices: list[str], whole: str) -> None:
    window = Window([rule("true", f'setDiscountPerItemProRata("x", {whole})')])
    outcomes = window.given(*(item("tea", price, 2) for price in prices))
    assert sum(values(outcomes)) == Decimal(whole)
    assert all(each.value >= 0 for each in outcomes)
    assert {each.total_discount for each in outcomes} == {Decimal(whole)}


def test_an_effect_of_the_shops_own_on_each_unit() -> None:
    window = Window(
        [rule("true", 'customEffectPerItem(9, "label", lambda item: {"price": item.price})')]
    )
    assert window.given(item("tea", 5, 2)) == [
        CustomEffect(9, "label", {"price": Decimal(5)}, 0, unit) for unit in (0, 1)
    ]


@pytest.mark.parametrize(
    ("name", "old", "operator", "operand", "new"),
    [
        ("visits", Decimal(3), "increaseBy", "2", Decimal(5)),
        ("visits", None, "increaseBy", "2", Decimal(2)),
        ("visits", Decimal(3), "decreaseBy", "2", Decimal(1)),
        ("visits", Decimal(3), "multiplyBy", "2", Decimal(6)),
        ("visits", Decimal(10), "divideBy", "3", Decimal("3.333333333333")),
        ("visits", Decimal(10), "setTo", "3", Decimal(3)),
        ("member", True, "toggle", "null", False),
        ("member", None, "toggle", "null", True),
        ("until", "2026-01-31T10:00:00Z", "laterBy", '"1M"', "2026-02-28T10:00:00Z"),
        ("until", "2026-03-31T10:00:00Z", "earlierBy", '"12h"', "2026-03-30T22:00:00Z"),
    ],
)
def test_operators_of_attributes(
    name: str, old: object, operator: str, operand: str, new: object
) -> None:
    path = f"Profile.Attributes.{name}"
    window = Window([rule("true", f'updateAttribute("{path}", {operand}, "{operator}")')])
    decision = window.decide(item("tea", 5), attributes={} if old is None else {name: old})
    assert [each.outcome for each in decision.effects] == [UpdateAttribute(path, new)]
    assert decision.owner_attributes == {name: new}


@pytest.mark.parametrize(
    ("name", "operator", "operand"),
    [
        ("visits", "multiplyBy", "2"),
        ("visits", "divideBy", "0"),
        ("until", "laterBy", '"1M"'),
        ("visits", "raiseTo", "2"),
        ("member", "increaseBy", "1"),
    ],
)
def test_what_cannot_be_operated_on_fails_the_rule(name: str, operator: str, operand: str) -> None:
    effect = f'updateAttribute("Profile.Attributes.{name}", {operand}, "{operator}")'
    decision = Window([rule("true", effect)]).decide(item("tea", 5), attributes={"member": True})
    assert (decision.effects, decision.owner_attributes) == ((), None)


def test_increases_of_one_evaluation_add_up() -> None:
    effect = 'updateAttribute("Profile.Attributes.visits", 2, "increaseBy")'
    decision = Window([rule("true", effect)], [rule("true", effect)]).decide(item("tea", 5))
    assert decision.owner_attributes == {"visits": Decimal(4)}


def test_attributes_of_lines_are_kept_with_the_session() -> None:
    score = 'updateCartItemAttribute("score", lambda item: item.price, null, "increaseBy")'
    decision = Window([rule("true", score), rule("true", score)]).decide(
        item("tea", 5, 2), item("pot", 9)
    )
    assert [each.outcome for each in decision.effects][:2] == [
        UpdateAttribute("Session.CartItems[0].Attributes.score", Decimal(5)),
        UpdateAttribute("Session.CartItems[1].Attributes.score", Decimal(9)),
    ]
    attributes = [each.attributes for each in decision.session.cart_items]
    assert attributes == [{"score": Decimal(10)}, {"score": Decimal(18)}]


def unhappy(when: str, *then: str) -> dict[str, object]:
    told = render_expression(read_text('showNotification("Info", "spend more", "please")'))
    return {**rule(when, *then), "failureEffects": [told]}


TOLD = ShowNotification("Info", "spend more", "please")


def test_failure_effects_happen_where_the_condition_does_not_hold() -> None:
    window = Window([unhappy("session.total >= 100", 'setDiscount("ten", 10)')])
    assert window.given(item("tea", 5)) == [TOLD]
    assert values(window.given(item("tea", 100))) == [10]


def test_an_effect_that_fails_is_no_condition_that_does_not_hold() -> None:
    window = Window([unhappy("true", 'setDiscount("ten", 0 - 10)')])
    assert window.given(item("tea", 5)) == []


def test_failure_effects_of_a_rule_that_wants_a_coupon() -> None:
    window = Window([unhappy("couponValid() and session.total >= 100", 'setDiscount("ten", 10)')])
    assert window.given(item("tea", 5)) == [TOLD]
    told, rejected = window.decide(item("tea", 5), coupons=[coupon("SALE")]).effects
    assert (told.outcome, told.coupon_id) == (TOLD, 1)
    assert rejected.outcome.reason == "CouponRejectedByCondition"  # type: ignore[union-attr]


def test_a_rule_that_takes_too_many_steps_is_told_of() -> None:
    squared = (
        "every(session.cart_items, lambda a: every(session.cart_items, lambda b: b.price > 0))"
    )
    window = Window([rule(squared, 'setDiscount("x", 1)')], [rule("true", 'setDiscount("y", 2)')])
    error, discount = window.given(item("tea", 5, 1000))
    assert error == EngineError("the rule takes more steps than it may")
    assert discount.value == 2


def test_all_units_are_discounted_once() -> None:
    window = Window([rule("true", 'setDiscountPerItem("half", lambda item: item.price / 2)')])
    assert window.given(item("tea", 5, 2)) == [
        SetDiscountPerItem("half#0", Decimal("2.5"), 0, unit) for unit in (0, 1)
    ]
