"""The numbers of loyalty cards: how a series makes them.

Words: a number is prefix, *body* and suffix. The body has as many digits as the series says, prefix
and suffix come on top; with a check digit, that is the last digit of the body and is computed from
the digits of the body before it. A *pick* is what one number is made of: in a series that counts,
the position in its sequence, from 1; in a series that draws, a number below `number_count`. Picks
are given as arguments: nothing here counts or draws by itself.

Invariant: different picks of one series make different numbers.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from habitue.customers.card_facts import refused
from habitue.customers.organisation import CardSeries

#: `draw(n)` is a number from 0 to n - 1.
Draw: TypeAlias = Callable[[int], int]

#: contracts/capillary/SPEC.md section 9.2: cards of one generation, digits of a body.
CARDS_PER_GENERATION_MAX = 100_000
BODY_LENGTH_MIN = 5
BODY_LENGTH_MAX = 150


def draws(series: CardSeries) -> bool:
    """Whether numbers are drawn at random; otherwise they are counted."""
    return series.method.startswith("RANDOM")


def number_count(series: CardSeries) -> int:
    """How many numbers the series can have, taken or not.

    Raises `CardRefused` where the series leaves no room for numbers.
    """
    if not BODY_LENGTH_MIN <= series.length <= BODY_LENGTH_MAX:
        raise refused("length_configured_invalid")
    size: int = 10 ** _free_digits(series)
    return size if draws(series) else max(0, size - 1 - series.offset)


def card_numbers(series: CardSeries, picks: Iterable[int]) -> Iterator[str]:
    """The number of every pick, in their order.

    A series that counts begins after its offset: the first pick is the number offset + 1. Raises
    `CardRefused` (numbers exhausted) at a pick beyond the last number of the series.
    """
    count = number_count(series)
    digits = _free_digits(series)
    first, shift = (0, 0) if draws(series) else (1, series.offset)
    checked = _CHECKED.get(series.method, _unchecked)
    for pick in picks:
        if not first <= pick < first + count:
            raise refused("numbers_exhausted", series.code)
        body = checked(str(pick + shift).zfill(digits))
        yield f"{series.prefix}{body}{series.suffix}"


def random_picks(size: int, draw: Draw) -> Iterator[int]:
    """Every number below `size` once, in random order; memory grows with what has been taken."""
    moved: dict[int, int] = {}
    for last in range(size - 1, -1, -1):
        chosen = draw(last + 1)
        picked = moved.get(chosen, chosen)
        moved[chosen] = moved.get(last, last)
        moved.pop(last, None)
        yield picked


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` followed by it pass the Luhn check (ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        weighted = int(digit) * (2 if position % 2 == 0 else 1)
        total += weighted - 9 if weighted > 9 else weighted
    return str(-total % 10)


def mod7_digit(digits: str) -> str:
    """The remainder of the number by seven."""
    return str(int(digits) % 7)


def _free_digits(series: CardSeries) -> int:
    return series.length - (1 if series.method in _CHECKED else 0)


def _unchecked(digits: str) -> str:
    return digits


def _with_luhn(digits: str) -> str:
    return digits + luhn_digit(digits)


def _with_mod7(digits: str) -> str:
    return digits + mod7_digit(digits)


_CHECKED: dict[str, Callable[[str], str]] = {
    "LUHNALGO": _with_luhn,
    "RANDOM_LUHN": _with_luhn,
    "MOD7_ALGO": _with_mod7,
    "RANDOM_MOD7": _with_mod7,
}
