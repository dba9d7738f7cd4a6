"""Cascading discounts and partial rewards: what later effects see, and how much there is."""

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.numbers import EXACT
from habitue.pricing.split import split_within
from habitue.promotions.campaign import Limit
from habitue.promotions.effects import (
    AddFreeItem,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerItem,
)
from habitue.promotions.rewards import Reward, reward
from habitue.promotions.rollback import Giving, rollbacks_of
from tests.promotions.shop_window import Window, item, rule, values

CASCADES = {"enable_cascading_discounts": True}


def cascading(*effects: str, **application: Any) -> Window:
    rules = [[rule("true", each)] for each in effects]
    return Window(*rules, application={**CASCADES, **application})


def test_without_cascading_every_formula_reads_the_original_prices() -> None:
    twenty = 'setDiscount("20 %", session.total / 5)'
    window = Window([rule("true", 'setDiscount("10 off", 10)')], [rule("true", twenty)])
    assert window.given(item("tea", 100)) == [
        SetDiscount("10 off", Decimal(10)),
        SetDiscount("20 %", Decimal(20)),
    ]


def test_with_cascading_later_campaigns_see_lowered_values() -> None:
    window = cascading('setDiscount("10 off", 10)', 'setDiscount("20 %", session.total / 5)')
    effects = window.decide(item("tea", 100)).effects
    assert [each.outcome for each in effects] == [
        SetDiscount("10 off", Decimal(10), "sessionTotal"),
        SetDiscount("20 %", Decimal(18), "sessionTotal"),
    ]
    assert rollbacks_of(effects, Giving())[1].outcome == RollbackDiscount(
        "20 %", Decimal(18), scope="sessionTotal"
    )


def test_conditions_of_later_campaigns_see_lowered_values_too() -> None:
    rich = [rule("session.total >= 100", 'setDiscount("5 off", 5)')]
    first = [rule("true", 'setDiscount("10 off", 10)')]
    assert len(Window(rich, first, application=CASCADES).given(item("tea", 100))) == 2
    assert len(Window(first, rich, application=CASCADES).given(item("tea", 100))) == 1


def test_a_discount_lands_in_proportion_and_never_below_zero() -> None:
    window = cascading(
        'setDiscount("30 off", 30)',
        'setDiscountPerItem("all", lambda item: item.price * 2)',
        'setDiscountPerAdditionalCost("shipping", "shipping", 99)',
    )
    given_ = window.given(
        item("tea", 60), item("pot", 30), additional_costs={"shipping": Decimal(10)}
    )
    # 30 of 100: the tea is worth 42, the pot 21, shipping 7.
    assert given_ == [
        SetDiscount("30 off", Decimal(30), "sessionTotal"),
        SetDiscountPerItem("all#0", Decimal(42), 0, 0, scope="price"),
        SetDiscountPerItem("all#1", Decimal(21), 1, 0, scope="price"),
        SetDiscountPerAdditionalCost("shipping", 5, "shipping", Decimal(7)),
    ]


@pytest.mark.parametrize(
    ("scope", "left"), [("sessionTotal", 100), ("cartItems", 90), ("additionalCosts", 10)]
)
def test_scopes_of_discounts_on_the_session(scope: str, left: int) -> None:
    window = cascading(f'setDiscount("all", 999, "{scope}")')
    (only,) = window.given(item("tea", 90), additional_costs={"shipping": Decimal(10)})
    assert only == SetDiscount("all", Decimal(left), scope)


@pytest.mark.parametrize(
    ("scope", "left"), [("price", 20), ("additionalCosts", 3), ("itemTotal", 23)]
)
def test_scopes_of_discounts_on_units(scope: str, left: int) -> None:
    deposit = {"deposit": Decimal(3)}
    window = cascading('setDiscountPerItem("all", 999)', default_item_discount_scope=scope)
    (only,) = window.given(item("tea", 20, additional_costs=deposit))
    assert (only.value, only.scope) == (left, scope)


def test_a_scope_that_does_not_exist_fails_the_rule() -> None:
    assert cascading('setDiscount("x", 1, "price")').given(item("tea", 20)) == []


def test_a_rule_that_fails_has_lowered_nothing() -> None:
    fails = [rule("true", 'setDiscount("x", 50)', 'setDiscount("y", 0 - 1)')]
    half = [rule("true", 'setDiscount("half", session.total / 2)')]
    assert values(Window(fails, half, application=CASCADES).given(item("tea", 100))) == [50]


PRICES = st.lists(
    st.sampled_from(["0", "0.01", "3.33", "10", "99.99", "0.000000000001"]), min_size=1, max_size=5
)
DISCOUNTS = st.lists(
    st.sampled_from(
        [
            'setDiscount("x", 7)',
            'setDiscount("x", session.total / 3, "sessionTotal")',
            'setDiscount("x", session.cart_total * 0.333, "cartItems")',
            'setDiscountPerItem("x", lambda item: item.price / 7)',
            'setDiscountPerItemProRata("x", 5)',
            'setDiscountPerAdditionalCost("x", "shipping", 2)',
        ]
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=80, deadline=None)
@given(PRICES, DISCOUNTS)
def test_nothing_ever_goes_below_zero(prices: list[str], discounts: list[str]) -> None:
    cart = [item("tea", price, 2) for price in prices]
    shipping = {"shipping": Decimal(3)}
    told = 'setDiscount("left", session.total, "sessionTotal")'
    outcomes = cascading(*discounts, told).given(*cart, additional_costs=shipping)
    total = sum(Decimal(each) * 2 for each in prices) + 3
    given_ = values(outcomes)
    assert all(each >= 0 for each in given_)
    # The last one takes all that the others have left, to the last digit.
    with localcontext(EXACT):
        assert sum(given_, Decimal(0)) == total


WEIGHTS = st.lists(st.decimals(0, 100, places=3), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, st.integers(0, 1000))
def test_no_part_is_above_its_weight(weights: list[Decimal], thousandths: int) -> None:
    whole = sum(weights, Decimal(0)) * thousandths / 1000
    parts = split_within(whole, weights)
    assert sum(parts, Decimal(0)) == whole
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


def money(limit: int) -> dict[int, dict[str, Any]]:
    return {1: {"limits": (Limit("setDiscount", Decimal(limit), ("Session",)),)}}


def test_a_reward_is_a_function_of_the_wanted_and_the_remaining() -> None:
    five, seven = Decimal(5), Decimal(7)
    assert reward(seven, None, partial=False) == Reward(seven)
    assert reward(seven, five, partial=False) == Reward(seven), "the budget itself refuses it"
    assert reward(seven, None, partial=True) == Reward(seven, seven)
    assert reward(seven, five, partial=True) == Reward(five, seven)
    assert reward(seven, Decimal(0), partial=True) == Reward(seven, seven)


def test_a_partial_reward_names_what_was_wanted() -> None:
    effects = [rule("true", 'setDiscount("x", 70)')]
    window = Window(effects, application={"enable_partial_discounts": True}, fields=money(50))
    assert window.given(item("tea", 100)) == [
        SetDiscount("x", Decimal(50), desired_value=Decimal(70))
    ]


def test_without_partial_rewards_the_rule_fails() -> None:
    assert (
        Window([rule("true", 'setDiscount("x", 70)')], fields=money(50)).given(item("tea", 100))
        == []
    )


def test_an_effect_may_decide_for_itself() -> None:
    yes = Window([rule("true", 'setDiscount("x", 70, null, true)')], fields=money(50))
    assert values(yes.given(item("tea", 100))) == [50]
    no = Window(
        [rule("true", 'setDiscount("x", 70, null, false)')],
        application={"enable_partial_discounts": True},
        fields=money(50),
    )
    assert no.given(item("tea", 100)) == []


def test_where_nothing_remains_the_rule_fails() -> None:
    partial = {"enable_partial_discounts": True}
    twice = [rule("true", 'setDiscount("x", 50)'), rule("true", 'setDiscount("y", 1)')]
    assert values(Window(twice, application=partial, fields=money(50)).given(item("tea", 100))) == [
        50
    ]


def test_units_get_what_there_is_in_turn_and_shares_what_there_is_together() -> None:
    partial = {"enable_partial_discounts": True}
    each = Window(
        [rule("true", 'setDiscountPerItem("x", 20)')], application=partial, fields=money(50)
    )
    assert values(each.given(item("tea", 100, 4))) == [20, 20, 10]
    shared = Window(
        [rule("true", 'setDiscountPerItemProRata("x", 80)')], application=partial, fields=money(50)
    )
    outcomes = shared.given(item("tea", 10), item("pot", 30))
    assert [(it.value, it.desired_value) for it in outcomes] == [
        (Decimal("12.5"), 20),
        (Decimal("37.5"), 60),
    ]
    assert {(it.total_discount, it.desired_total_discount) for it in outcomes} == {(50, 80)}


def test_free_units_are_as_many_as_there_are() -> None:
    limits = {1: {"limits": (Limit("addFreeItemEffect", Decimal(2), ("Session",)),)}}
    window = Window(
        [rule("true", 'addFreeItem("cup", "a cup", 5)')],
        application={"enable_partial_discounts": True},
        fields=limits,
    )
    assert window.given(item("tea", 10)) == [AddFreeItem("cup", "a cup", Decimal(5))] * 2
