"""Numbers of loyalty cards: unique, of the length of their series, with valid check digits."""

import random
from collections.abc import Sequence
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card_facts import CardRefused
from habitue.customers.card_numbers import (
    card_numbers,
    draws,
    luhn_digit,
    mod7_digit,
    number_count,
    random_picks,
)
from habitue.customers.organisation import CardSeries
from tests.customers.shop_cards import series

METHODS = ("DEFAULT", "LUHNALGO", "MOD7_ALGO", "RANDOM", "RANDOM_LUHN", "RANDOM_MOD7")
AFFIX = st.text("ABCXYZ0123456789", max_size=8)


@st.composite
def any_series(draw: st.DrawFn) -> CardSeries:
    return series(
        method=draw(st.sampled_from(METHODS)),
        prefix=draw(AFFIX),
        suffix=draw(AFFIX),
        length=draw(st.integers(5, 40)),
        offset=draw(st.integers(0, 900)),
    )


def picks_for(made: CardSeries, positions: Sequence[int]) -> list[int]:
    return [position - 1 for position in positions] if draws(made) else list(positions)


def body_of(made: CardSeries, number: str) -> str:
    assert number.startswith(made.prefix)
    assert number.endswith(made.suffix)
    return number[len(made.prefix) : len(number) - len(made.suffix)]


def passes_luhn(digits: str) -> bool:
    """The check as its standard says it, from the right, by a table of doubled digits."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    odd = sum(int(digit) for digit in digits[::-2])
    return (odd + sum(doubled[int(digit)] for digit in digits[-2::-2])) % 10 == 0


@settings(max_examples=200, deadline=None)
@given(any_series(), st.lists(st.integers(1, 8_000), max_size=60, unique=True))
def test_numbers_are_unique_and_of_the_length_of_their_series(
    made: CardSeries, positions: list[int]
) -> None:
    numbers = list(card_numbers(made, picks_for(made, positions)))
    assert len(set(numbers)) == len(numbers) == len(positions)
    for number in numbers:
        body = body_of(made, number)
        assert len(body) == made.length
        assert body.isascii()
        assert body.isdecimal()


@settings(max_examples=200, deadline=None)
@given(any_series(), st.lists(st.integers(1, 8_000), min_size=1, max_size=20, unique=True))
def test_check_digits_are_valid(made: CardSeries, positions: list[int]) -> None:
    for number in card_numbers(made, picks_for(made, positions)):
        body = body_of(made, number)
        if "LUHN" in made.method:
            assert passes_luhn(body)
        elif "MOD7" in made.method:
            assert int(body[:-1]) % 7 == int(body[-1])


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789", min_size=1, max_size=30), st.integers(0, 29), st.integers(1, 9))
def test_one_wrong_digit_never_passes_luhn(digits: str, place: int, by: int) -> None:
    whole = digits + luhn_digit(digits)
    place %= len(whole)
    wrong = f"{whole[:place]}{(int(whole[place]) + by) % 10}{whole[place + 1 :]}"
    assert passes_luhn(whole)
    assert not passes_luhn(wrong)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 300), st.randoms(use_true_random=False))
def test_random_picks_are_every_number_once(size: int, source: random.Random) -> None:
    assert sorted(random_picks(size, source.randrange)) == list(range(size))


def test_random_picks_of_an_endless_space_do_not_repeat() -> None:
    picks = list(islice(random_picks(10**40, random.Random(5).randrange), 2_000))
    assert len(set(picks)) == 2_000


def test_known_check_digits() -> None:
    assert (luhn_digit("7992739871"), luhn_digit("0"), luhn_digit("453201511283036")) == (
        "3",
        "0",
        "6",
    )
    assert (mod7_digit("0000000"), mod7_digit("0000008"), mod7_digit("1234567")) == ("0", "1", "5")


def test_the_protocols_example() -> None:
    """Length leaves out prefix and suffix: GOLD, sixteen digits, 2025."""
    assert list(card_numbers(series(), [77, 78])) == [
        "GOLD00000000000000772025",
        "GOLD00000000000000782025",
    ]


@pytest.mark.parametrize(
    ("method", "first", "last", "count"),
    [
        ("DEFAULT", "00008", "99999", 99_992),
        ("LUHNALGO", "00083", "99994", 9_992),
        ("MOD7_ALGO", "00081", "99993", 9_992),
    ],
)
def test_a_series_that_counts_begins_after_its_offset_and_ends(
    method: str, first: str, last: str, count: int
) -> None:
    made = series(method=method, prefix="", suffix="", length=5, offset=7)
    assert number_count(made) == count
    assert list(card_numbers(made, [1, count])) == [first, last]
    for pick in (0, count + 1):
        with pytest.raises(CardRefused) as refusal:
            list(card_numbers(made, [pick]))
        assert refusal.value.fact.reason == "numbers_exhausted"


@pytest.mark.parametrize(("method", "count"), [("RANDOM", 100_000), ("RANDOM_LUHN", 10_000)])
def test_a_series_that_draws_has_all_numbers(method: str, count: int) -> None:
    made = series(method=method, prefix="P", suffix="", length=5, offset=7)
    assert number_count(made) == count
    assert len(set(card_numbers(made, range(count)))) == count
    with pytest.raises(CardRefused):
        list(card_numbers(made, [count]))


@pytest.mark.parametrize("length", [0, 4, 151])
def test_a_series_without_room_makes_no_numbers(length: int) -> None:
    with pytest.raises(CardRefused) as refusal:
        number_count(series(length=length))
    assert refusal.value.fact.reason == "length_configured_invalid"


def test_an_offset_beyond_the_last_number_leaves_none() -> None:
    assert number_count(series(length=5, offset=100_000)) == 0
