"""Looking things up in the shop's lists, and taking some of the units of a list.

Which units are meant is told by position in the list, from 0 at its start or its end.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.words import ITEMS
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import ANY, BOOLEAN, NUMBER, STRING, list_of, record

_NAME = ("collection", STRING)


def in_collection(frame: Evaluation, value: Any, name: str) -> bool:
    """Whether a text, or any of a list of texts, is in the collection."""
    items = _collection(frame, name)
    if isinstance(value, list | tuple):
        frame.charge(1 + len(value))
        return any(isinstance(each, str) and each in items for each in value)
    return isinstance(value, str) and value in items


def items_in_collection(frame: Evaluation, name: str) -> list[ItemFacts]:
    """The units of the cart whose article is in the collection."""
    items = _collection(frame, name)
    units = frame.session_or_fail().cart_items
    frame.charge(1 + len(units))
    return [each for each in units if each.sku in items]


def value_in_map(frame: Evaluation, name: str, key: str, default: Decimal | None = None) -> Decimal:
    """The number that a value map of the campaign gives for a text, or the default."""
    values = frame.lists.value_maps.get((frame.cause[0], name))
    if values is None:
        raise RuleFailed(f"the campaign has no value map {name!r}")
    value = values.get(key, default)
    if value is None:
        raise RuleFailed(f"the value map {name!r} has no value for {key!r}")
    return value


def take_many(
    frame: Evaluation, items: Sequence[Any], count: Decimal, start: str = "start"
) -> list[Any]:
    """The first `count` elements from the start or the end; fewer where there are fewer."""
    number = _whole(count)
    frame.charge(1 + len(items))
    if start not in ("start", "end"):
        raise RuleFailed(f"elements are taken from the start or the end, not {start!r}")
    if start == "end":
        return list(reversed(items))[:number]
    return list(items[:number])


def take_between(
    frame: Evaluation, items: Sequence[Any], first: Decimal, last: Decimal
) -> list[Any]:
    """The elements from the position `first`, and before the position `last`."""
    frame.charge(1 + len(items))
    return list(items[_whole(first) : _whole(last)])


def take_one(frame: Evaluation, items: Sequence[Any], position: Decimal) -> list[Any]:
    """The list of the element at the position. Raises `RuleFailed` where there is none."""
    at = _whole(position)
    if at >= len(items):
        raise RuleFailed(f"the list has {len(items)} elements and none at position {at}")
    return [items[at]]


def _collection(frame: Evaluation, name: str) -> frozenset[str]:
    items = frame.lists.collection(frame.cause[0], name)
    if items is None:
        raise RuleFailed(f"there is no collection {name!r}")
    return items


def _whole(number: Decimal) -> int:
    if number != number.to_integral_value() or not 0 <= number < 2**31:
        raise RuleFailed(f"a position is a whole number, not {number}")
    return int(number)


def _taking(name: str, call: Any, description: str, *more: Any, optional: int = 0) -> HostFunction:
    return HostFunction(
        name, (("items", ITEMS), *more), ITEMS, call, optional=optional, description=description
    )


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "inCollection",
        (("value", ANY), _NAME),
        BOOLEAN,
        in_collection,
        description="Whether a text, or any of some texts, is in a collection.",
    ),
    HostFunction(
        "itemsInCollection",
        (_NAME,),
        list_of(record("Item")),
        items_in_collection,
        description="The units of the cart whose Sku is in a collection.",
    ),
    HostFunction(
        "valueInMap",
        (("valueMap", STRING), ("key", STRING), ("default", NUMBER)),
        NUMBER,
        value_in_map,
        optional=1,
        description="The number that a value map gives for a text such as a Sku.",
    ),
    _taking(
        "takeMany",
        take_many,
        "So many units of a list, from its start or its end.",
        ("count", NUMBER),
        ("from", STRING),
        optional=1,
    ),
    _taking(
        "takeBetween",
        take_between,
        "The units from one position up to another, which is left out.",
        ("from", NUMBER),
        ("to", NUMBER),
    ),
    _taking(
        "takeOne",
        take_one,
        "The unit at a position, as a list; fails where there is none.",
        ("position", NUMBER),
    ),
)
