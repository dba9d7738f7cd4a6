"""Totals are the exact sums of their parts, in any order."""

from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.pricing.cart import CartItem
from habitue.pricing.totals import remaining_totals_of, totals_of

PRICES = st.decimals(min_value=0, max_value=10**9, places=12, allow_nan=False)
COSTS = st.dictionaries(st.sampled_from(["shipping", "handling", "gift"]), PRICES, max_size=3)
ITEMS = st.builds(
    CartItem,
    sku=st.just("sku"),
    quantity=st.integers(1, 500),
    price=PRICES,
    additional_costs=COSTS,
)


def test_goods_and_shipping() -> None:
    """The recorded example of the contract, section 3.8."""
    items = [
        CartItem(sku="a", quantity=1, price=Decimal(13)),
        CartItem(sku="b", quantity=1, price=Decimal(12)),
    ]
    totals = totals_of(items, {"ShippingCost": Decimal(5)})
    assert totals.cart_items == 25
    assert totals.session_additional_costs == 5
    assert totals.item_additional_costs == 0
    assert totals.total == 30


def test_costs_of_an_item_count_once_per_unit() -> None:
    item = CartItem(
        sku="a",
        quantity=3,
        price=Decimal("9.99"),
        additional_costs={"gift": Decimal("1.5"), "handling": Decimal("0.25")},
    )
    totals = totals_of([item], {})
    assert totals.cart_items == Decimal("29.97")
    assert totals.item_additional_costs == Decimal("5.25")
    assert totals.total == Decimal("35.22")


@settings(max_examples=200, deadline=None)
@given(st.lists(ITEMS, max_size=30), COSTS, st.randoms(use_true_random=False))
def test_totals_equal_the_sum_in_fractions_in_any_order(
    items: list[CartItem], costs: dict[str, Decimal], random: object
) -> None:
    totals = totals_of(items, costs)
    goods = sum(Fraction(item.price) * item.quantity for item in items)
    item_costs = sum(
        Fraction(price) * item.quantity
        for item in items
        for price in item.additional_costs.values()
    )
    assert Fraction(totals.cart_items) == goods
    assert Fraction(totals.item_additional_costs) == item_costs
    assert Fraction(totals.total) == goods + item_costs + sum(map(Fraction, costs.values()))
    random.shuffle(items)  # type: ignore[attr-defined]
    assert totals_of(items, costs) == totals


def test_what_came_back_does_not_remain() -> None:
    items = [
        CartItem("a", 3, Decimal("9.99"), additional_costs={"gift": Decimal(1)}),
        CartItem("b", 2, Decimal(5)),
    ]
    items[0] = msgspec.structs.replace(items[0], returned_quantity=2)
    items[1] = msgspec.structs.replace(items[1], returned_quantity=2)
    totals = remaining_totals_of(items, {"shipping": Decimal(4)})
    assert totals.cart_items == Decimal("9.99")
    assert totals.item_additional_costs == 1
    assert totals.session_additional_costs == 4
    assert totals_of(items, {}).total == Decimal("42.97")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(ITEMS, st.integers(0, 500)), max_size=10), COSTS)
def test_what_remains_and_what_came_back_are_the_whole(
    lines: list[tuple[CartItem, int]], costs: dict[str, Decimal]
) -> None:
    cart = [
        msgspec.structs.replace(item, returned_quantity=min(back, item.quantity))
        for item, back in lines
    ]
    back = sum(
        Fraction(item.price + sum(item.additional_costs.values())) * item.returned_quantity
        for item in cart
    )
    remaining = remaining_totals_of(cart, costs).total
    assert Fraction(remaining) + back == Fraction(totals_of(cart, costs).total)
    assert remaining >= 0
