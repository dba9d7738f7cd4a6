"""Numbers: what counts as an amount, and how a number leaves the house."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.numbers import is_amount, shortest


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0",
        "0E-999999",
        "1E+15",
        "-1E+15",
        "0.000000000001",
        "1.5" + "0" * 40,
        "999.123456789012",
    ],
)
def test_amounts(text: str) -> None:
    assert is_amount(Decimal(text))


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "sNaN",
        "Infinity",
        "1E+16",
        "1E+999999999",
        "1E-13",
        "1E-999999",
        "1." + "0" * 35 + "1",
    ],
)
def test_what_is_no_amount(text: str) -> None:
    assert not is_amount(Decimal(text))


@pytest.mark.parametrize(
    ("number", "text"),
    [("25.00", "25"), ("1E+2", "100"), ("9.990", "9.99"), ("0.000", "0"), ("-0.50", "-0.5")],
)
def test_the_shortest_form(number: str, text: str) -> None:
    assert str(shortest(Decimal(number))) == text


@settings(max_examples=300, deadline=None)
@given(st.decimals(min_value=-(10**15), max_value=10**15, places=12, allow_nan=False))
def test_the_shortest_form_is_the_same_number_without_an_exponent(number: Decimal) -> None:
    assert is_amount(number)
    assert shortest(number) == number
    assert "E" not in format(shortest(number), "f")
    assert Decimal(format(shortest(number), "f")) == number
