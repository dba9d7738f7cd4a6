"""Functions of lists. Those that take a block are special forms and live in the compiler.

Whatever makes a list charges one step for each element, so that lists cannot grow without bound.
`min` and `max` pass over elements that are no numbers and fail where there is none; the head of an
empty list is null (both as in Talang's own library).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.functions.declare import (
    ANY,
    ANY_LIST,
    BOOLEAN,
    NUMBER,
    framed,
    function,
    plain,
    same_list,
    the_item,
)
from habitue.rules.functions.values import atom_text, charge_text, type_of
from habitue.rules.signature import CoreFunction
from habitue.rules.types import Type, list_of

List = Sequence[Any]


def new_list(frame: Frame, *elements: Any) -> list[Any]:
    """The list of the arguments."""
    frame.charge(1 + len(elements))
    return list(elements)


def append(frame: Frame, items: List, *elements: Any) -> list[Any]:
    """The list followed by the later arguments."""
    frame.charge(1 + len(items) + len(elements))
    return [*items, *elements]


def head(items: List) -> Any:
    """The first element, or null."""
    return items[0] if items else None


def tail(frame: Frame, items: List) -> List:
    """All but the first element."""
    frame.charge(1 + len(items))
    return items[1:]


def drop_last(frame: Frame, items: List) -> List:
    """All but the last element."""
    frame.charge(1 + len(items))
    return items[:-1]


def item_at(items: List, position: Decimal) -> Any:
    """The element at `position`, counted from 0. Raises `RuleFailed` where there is none."""
    if not 0 <= position < len(items) or position != int(position):
        raise RuleFailed(f"the list has {len(items)} elements and none at the position asked for")
    return items[int(position)]


def reverse(frame: Frame, items: List) -> List:
    """The elements in the opposite order."""
    frame.charge(1 + len(items))
    return items[::-1]


def count(items: List) -> Decimal:
    """How many elements the list has."""
    return Decimal(len(items))


def is_empty(items: List) -> bool:
    """Whether the list has no elements."""
    return not items


def least(frame: Frame, items: List) -> Decimal:
    """The least number of the list."""
    return min(_numbers(frame, items))


def greatest(frame: Frame, items: List) -> Decimal:
    """The greatest number of the list."""
    return max(_numbers(frame, items))


def _numbers(frame: Frame, items: List) -> list[Decimal]:
    frame.charge(1 + len(items))
    numbers = [each for each in items if type_of(each) is NUMBER]
    if not numbers:
        raise RuleFailed("the list holds no number")
    return numbers


def sort(frame: Frame, items: List, descending: bool = False) -> list[Any]:
    """The elements in order: numbers by value, times by instant, all else by text."""
    charge_sort(frame, len(items))
    return sorted(items, key=_sort_key(frame, items), reverse=descending)


def charge_sort(frame: Frame, length: int) -> None:
    """Charge the comparisons of ordering `length` elements."""
    frame.charge(1 + length * max(1, length.bit_length()))


def _sort_key(frame: Frame, items: List) -> Callable[[Any], Any]:
    kinds = {type_of(each).kind for each in items}
    if kinds == {"number"}:
        return _itself
    if kinds == {"time"}:
        return _in_utc
    return lambda each: charge_text(frame, atom_text(frame, each))


def _itself(number: Decimal) -> Decimal:
    return number


def _in_utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


def _list_of_first(arguments: tuple[Type, ...]) -> Type:
    alike = arguments and all(each == arguments[0] for each in arguments)
    return list_of(arguments[0]) if alike else ANY_LIST


def _appended(arguments: tuple[Type, ...]) -> Type:
    held = arguments[0].item
    alike = held is not None and all(each == held for each in arguments[1:])
    return arguments[0] if alike else ANY_LIST


def _append(name: str) -> CoreFunction:
    call = framed(append, ANY_LIST, result=ANY_LIST, rest=ANY, least=1, result_of=_appended)
    return function(name, "The list followed by the later values.", call)


def _part(name: str, call: Callable[..., Any], description: str) -> CoreFunction:
    return function(name, description, framed(call, ANY_LIST, result=ANY_LIST, result_of=same_list))


FUNCTIONS = (
    function(
        "list",
        "The list of the values.",
        framed(new_list, result=ANY_LIST, rest=ANY, result_of=_list_of_first),
    ),
    _append("append"),
    _append("push"),
    function(
        "head",
        "The first element; null where the list is empty.",
        plain(head, ANY_LIST, result=ANY),
    ),
    _part("tail", tail, "All elements but the first."),
    _part("drop", drop_last, "All elements but the last."),
    _part("reverse", reverse, "The elements in the opposite order."),
    function(
        "item",
        "The element at a position, counted from 0.",
        plain(item_at, ANY_LIST, NUMBER, result=ANY, result_of=the_item),
    ),
    function(
        "sort",
        "The elements in order; true as the second argument: descending.",
        framed(sort, ANY_LIST, result=ANY_LIST, result_of=same_list),
        framed(sort, ANY_LIST, BOOLEAN, result=ANY_LIST, result_of=same_list),
    ),
    function("count", "How many elements the list has.", plain(count, ANY_LIST, result=NUMBER)),
    function("isEmpty", "Whether the list is empty.", plain(is_empty, ANY_LIST, result=BOOLEAN)),
    function("min", "The least number of the list.", framed(least, ANY_LIST, result=NUMBER)),
    function("max", "The greatest number of the list.", framed(greatest, ANY_LIST, result=NUMBER)),
)
