"""The quick look at a cart agrees with the thorough check: what it passes has no fault."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.attributes import AttributeDefinition, AttributeType, validate
from habitue.model.numbers import is_amount
from habitue.pricing.cart import CartItem
from habitue.promotions.quick_look import are_amounts, attributes_fit, cart_is_sound, plain_types
from tests.building import NOW

KINDS: tuple[tuple[str, AttributeType], ...] = (
    ("color", "string"),
    ("gift", "boolean"),
    ("margin", "number"),
    ("sizes", "(list string)"),
    ("picked", "time"),
)
DEFINITIONS = {
    name: AttributeDefinition(number, "CartItem", name, name, kind, NOW)
    for number, (name, kind) in enumerate(KINDS)
} | {
    "tone": AttributeDefinition(
        9,
        "CartItem",
        "tone",
        "Tone",
        "string",
        NOW,
        suggestions=("warm",),
        restricted_by_suggestions=True,
    )
}
TYPES = plain_types(DEFINITIONS)
NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value=-10, max_value=10, places=2),
    st.sampled_from([Decimal(10) ** 15, Decimal("0.1") ** 12, Decimal("0E-20"), Decimal("sNaN")]),
    st.integers(-(10**16), 10**16),
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.text(max_size=3), NUMBERS, st.lists(st.text(max_size=2))
)
ATTRIBUTES = st.dictionaries(st.sampled_from([*DEFINITIONS, "unknown"]), VALUES, max_size=4)


@settings(max_examples=400, deadline=None)
@given(st.lists(NUMBERS, max_size=4))
def test_what_passes_as_amounts_are_amounts(numbers: list[Any]) -> None:
    if are_amounts(numbers, Decimal(0)):
        assert all(is_amount(Decimal(each)) and each >= 0 for each in numbers)


@settings(max_examples=400, deadline=None)
@given(ATTRIBUTES)
def test_attributes_that_fit_have_no_fault(attributes: dict[str, Any]) -> None:
    numbers: list[Any] = []
    if attributes_fit(attributes, TYPES, numbers) and are_amounts(numbers, -(Decimal(10) ** 15)):
        assert validate(attributes, DEFINITIONS, "CartItem", "") == []


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [Decimal("19.99"), Decimal(0), 3],
        [Decimal(10) ** 15, Decimal("0.000000000001")],
        [Decimal(10) ** 15] * 1_000 + [Decimal("0.000000000001")] * 1_000,
    ],
)
def test_amounts_pass(numbers: list[Any]) -> None:
    assert are_amounts(numbers, Decimal(0))


@pytest.mark.parametrize(
    "numbers",
    [
        [Decimal("0.0000000000005"), Decimal("0.0000000000005")],
        [Decimal(10) ** 15, Decimal("1E-40")],
        [Decimal("1E+60"), Decimal("1E-13")],
        [Decimal("-0.01")],
        [Decimal("NaN")],
        [Decimal("sNaN")],
        [Decimal("Infinity"), Decimal("-Infinity")],
        [Decimal("9E+99"), Decimal("9E+99")],
        [10**15 + 1],
    ],
)
def test_what_may_be_no_amount_does_not_pass(numbers: list[Any]) -> None:
    assert not are_amounts(numbers, Decimal(0))


@pytest.mark.parametrize(
    ("changes", "sound"),
    [
        ({}, True),
        ({"attributes": {"color": "red", "gift": True, "margin": 1}}, True),
        ({"weight": Decimal("12.5")}, True),
        ({"attributes": {"color": None}}, False),
        ({"attributes": {"gift": 1}}, False),
        ({"attributes": {"margin": True}}, False),
        ({"attributes": {"tone": "warm"}}, False),
        ({"attributes": {"color": "x" * 10_001}}, False),
        ({"additional_costs": {"shipping": Decimal(1)}}, False),
        ({"price": Decimal("-1")}, False),
        ({"length": Decimal("0.0000000000001")}, False),
        ({"quantity": 10_001}, False),
    ],
)
def test_a_cart_is_sound_where_all_is_plain_and_in_bounds(
    changes: dict[str, Any], sound: bool
) -> None:
    line: dict[str, Any] = {"sku": "tea", "quantity": 1, "price": Decimal("2.50")}
    assert cart_is_sound((CartItem(**(line | changes)),), TYPES) is sound


def test_a_cart_of_too_many_lines_is_not_sound() -> None:
    line = CartItem("tea", 1, Decimal(1))
    assert cart_is_sound((line,) * 1_000, TYPES)
    assert not cart_is_sound((line,) * 1_001, TYPES)
