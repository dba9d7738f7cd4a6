"""Parts of a split sum to the whole, whatever the whole and the weights are."""

from decimal import Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.numbers import EXACT
from habitue.pricing.split import QUANTUM, split

AMOUNTS = st.decimals(min_value=0, max_value=10**12, places=12, allow_nan=False)
WEIGHTS = st.lists(
    st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False), min_size=1, max_size=60
)


def test_three_equal_parts_of_ten() -> None:
    parts = split(Decimal(10), [Decimal(1)] * 3)
    assert parts == [Decimal("3.3333333333"), Decimal("3.3333333333"), Decimal("3.3333333334")]


def test_parts_follow_their_weights() -> None:
    assert split(Decimal(9), [Decimal(1), Decimal(2)]) == [Decimal(3), Decimal(6)]


def test_no_weights_give_no_parts() -> None:
    assert split(Decimal(5), []) == []


def test_zero_weights_give_equal_parts() -> None:
    assert split(Decimal(6), [Decimal(0), Decimal(0)]) == [Decimal(3), Decimal(3)]


def test_a_whole_finer_than_the_quantum_is_still_split_exactly() -> None:
    whole = Decimal("0.000000000001")
    assert sum(split(whole, [Decimal(1), Decimal(1)])) == whole


@settings(max_examples=400, deadline=None)
@given(AMOUNTS, WEIGHTS)
def test_the_parts_sum_to_the_whole(whole: Decimal, weights: list[Decimal]) -> None:
    parts = split(whole, weights)
    assert len(parts) == len(weights)
    assert sum(parts) == whole
    assert all(part >= 0 for part in parts)


@settings(max_examples=400, deadline=None)
@given(AMOUNTS, WEIGHTS)
def test_each_part_is_within_a_quantum_of_its_ideal_share(
    whole: Decimal, weights: list[Decimal]
) -> None:
    sum_of_weights = sum(weights, Decimal(0))
    if sum_of_weights == 0:
        return
    for part, weight in zip(split(whole, weights), weights, strict=True):
        ideal = whole * weight / sum_of_weights
        assert abs(part - ideal) <= QUANTUM


@settings(max_examples=200, deadline=None)
@given(AMOUNTS, WEIGHTS)
def test_a_weight_of_zero_gets_nothing(whole: Decimal, weights: list[Decimal]) -> None:
    parts = split(whole, [*weights, Decimal(1), Decimal(0)])
    assert parts[-1] == 0


def test_a_whole_of_many_digits_has_no_negative_part() -> None:
    with localcontext(EXACT):
        whole = Decimal(205) / 3
        parts = split(whole, [Decimal(50)] * 4 + [Decimal(0)])
        assert sum(parts, Decimal(0)) == whole
        assert min(parts) == 0
