"""Comparisons. `and`, `or` and `not` are special forms, because the first two stop early.

`=` and `!=` take any atoms and go by their text; the orderings take numbers or times. With more
than two arguments every comparison is of the first against each later one. `between` is strict at
both ends (contracts/talon_one/TALANG.md section 5).
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from habitue.rules.frame import Frame
from habitue.rules.functions.declare import ANY, BOOLEAN, NUMBER, TIME, framed, function, plain
from habitue.rules.functions.values import equal
from habitue.rules.signature import CoreFunction

Ordered: TypeAlias = Decimal | datetime


def all_equal(frame: Frame, first: Any, *others: Any) -> bool:
    """Whether every later argument equals the first."""
    return all(equal(frame, first, other) for other in others)


def all_differ(frame: Frame, first: Any, *others: Any) -> bool:
    """Whether every later argument differs from the first."""
    return not any(equal(frame, first, other) for other in others)


def between(first: Ordered, *others: Ordered) -> bool:
    """Whether all arguments but the last two lie strictly between those two."""
    *rest, low, high = others
    return all(low < each < high for each in (first, *rest))  # type: ignore[operator]


def against_each(compare: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """The comparison of a first argument with each later one."""

    def holds(first: Ordered, *others: Ordered) -> bool:
        return all(compare(first, other) for other in others)

    return holds


less = against_each(lt)
less_or_equal = against_each(le)
greater = against_each(gt)
greater_or_equal = against_each(ge)


def _ordering(name: str, compare: Callable[..., bool], words: str) -> CoreFunction:
    return function(
        name,
        f"Whether the first number or time is {words} every later one.",
        plain(compare, NUMBER, result=BOOLEAN, rest=NUMBER, least=1),
        plain(compare, TIME, result=BOOLEAN, rest=TIME, least=1),
    )


FUNCTIONS = (
    function(
        "=",
        "Whether every later value equals the first, compared as text.",
        framed(all_equal, ANY, result=BOOLEAN, rest=ANY, least=1),
    ),
    function(
        "!=",
        "Whether every later value differs from the first, compared as text.",
        framed(all_differ, ANY, result=BOOLEAN, rest=ANY, least=1),
    ),
    _ordering("<", less, "less than"),
    _ordering("<=", less_or_equal, "at most"),
    _ordering(">", greater, "greater than"),
    _ordering(">=", greater_or_equal, "at least"),
    function(
        "between",
        "Whether all values but the last two lie strictly between those two.",
        plain(between, NUMBER, result=BOOLEAN, rest=NUMBER, least=2),
        plain(between, TIME, result=BOOLEAN, rest=TIME, least=2),
    ),
)
