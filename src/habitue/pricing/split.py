"""Splitting an amount so that the parts sum to the whole, to the last digit.

The method is cumulative: part k is the difference of two rounded running shares. Every part is
within one quantum of its ideal share, no part of a positive whole is negative, and nothing is left
over by construction.
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal, localcontext

from habitue.model.numbers import EXACT, ZERO

#: The finest share that is handed out where the whole itself is not finer: ten decimals, so that a
#: pro rata discount is far below any currency's smallest coin and still a short number.
QUANTUM = Decimal("1E-10")


def split(whole: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`whole` in proportion to `weights` (none negative); the parts sum to exactly `whole`.

    Where all weights are zero the parts are equal as far as possible. An empty `weights` gives no
    parts, whatever the whole.
    """
    if not weights:
        return []
    with localcontext(EXACT):
        sum_of_weights = sum(weights, ZERO)
        if sum_of_weights == 0:
            return split(whole, [Decimal(1)] * len(weights))
        quantum = _quantum_of(whole)
        parts = []
        running = ZERO
        given = ZERO
        for weight in weights[:-1]:
            running += weight
            reached = (whole * running / sum_of_weights).quantize(quantum, ROUND_DOWN)
            if whole >= 0:
                # the product of a long number is rounded, and must not lead beyond the whole
                reached = min(max(reached, given), whole)
            parts.append(reached - given)
            given = reached
        return [*parts, whole - given]


def split_within(whole: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`whole` in proportion to `weights`, no part above its weight; `whole` is at most their sum.

    What rounding would give a part beyond its weight goes to the parts that have room.
    """
    parts = split(whole, weights)
    with localcontext(EXACT):
        over = ZERO
        for index, weight in enumerate(weights):
            if parts[index] > weight:
                over += parts[index] - weight
                parts[index] = weight
        for index, weight in enumerate(weights):
            if not over:
                break
            room = min(over, weight - parts[index])
            parts[index] += room
            over -= room
    return parts


def _quantum_of(whole: Decimal) -> Decimal:
    exponent = whole.as_tuple().exponent
    assert isinstance(exponent, int), "the whole is a finite number"
    return min(QUANTUM, Decimal((0, (1,), exponent)))
