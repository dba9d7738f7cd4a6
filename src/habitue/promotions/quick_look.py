"""A quick look at a cart: the usual one has no fault, which is seen sooner than what is wrong.

Words: a *plain* attribute holds one string, boolean or number, of any value within the bounds. What
is not plain, or wrong, or not certain at first sight is left to the thorough check in `update`.

Invariant: what passes here has no fault there.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from functools import reduce
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeAlias

from habitue.model.attributes import Attributes, Definitions
from habitue.model.limits import (
    AMOUNT_DECIMALS_MAX,
    AMOUNT_MAX,
    ATTRIBUTE_STRING_LENGTH_MAX,
    ATTRIBUTES_MAX,
    CART_LINES_MAX,
    CART_UNITS_MAX,
)
from habitue.model.numbers import EXACT, ZERO
from habitue.pricing.cart import CartItem

#: The names of plain attributes, each with the type of its values.
PlainTypes: TypeAlias = Mapping[str, type]

_TYPES: Mapping[str, type] = MappingProxyType({"string": str, "boolean": bool, "number": Decimal})
_AMOUNTS = attrgetter("price", "weight", "height", "width", "length")


def plain_types(definitions: Definitions) -> PlainTypes:
    """The attributes of which every value of the right type and size is accepted."""
    return {
        name: _TYPES[each.type]
        for name, each in definitions.items()
        if each.type in _TYPES and each.accepted is None
    }


def cart_is_sound(items: tuple[CartItem, ...], attributes: PlainTypes) -> bool:
    """Whether the lines certainly have no fault."""
    if len(items) > CART_LINES_MAX or sum([item.quantity for item in items]) > CART_UNITS_MAX:
        return False
    for item in items:
        if item.additional_costs or len(item.attributes) > ATTRIBUTES_MAX:
            return False
    numbers: list[Any] = []
    pairs = chain.from_iterable([item.attributes.items() for item in items])
    if not _values_fit(pairs, attributes, numbers):
        return False
    amounts: Iterable[Decimal | None] = chain.from_iterable(map(_AMOUNTS, items))
    given = [each for each in amounts if each is not None]
    return are_amounts(given, ZERO) and are_amounts(numbers, -AMOUNT_MAX)


def attributes_fit(attributes: Attributes, types: PlainTypes, numbers: list[Any]) -> bool:
    """Whether all are plain and of their type; the numbers among them are added to `numbers`."""
    return len(attributes) <= ATTRIBUTES_MAX and _values_fit(attributes.items(), types, numbers)


def _values_fit(pairs: Iterable[tuple[str, Any]], types: PlainTypes, numbers: list[Any]) -> bool:
    for name, value in pairs:
        kind, wanted = value.__class__, types.get(name)
        if kind is wanted:
            if kind is str:
                if len(value) > ATTRIBUTE_STRING_LENGTH_MAX:
                    return False
            elif kind is Decimal:
                numbers.append(value)
        elif kind is int and wanted is Decimal:
            numbers.append(value)
        else:
            return False
    return True


def are_amounts(numbers: Collection[Any], least: Decimal) -> bool:
    """Whether all are certainly amounts, and none is below `least`."""
    if not numbers:
        return True
    try:
        # An exact sum has as many decimals as the number that has the most.
        exponent = reduce(EXACT.add, numbers, ZERO).as_tuple().exponent
    except ArithmeticError:
        return False
    if not isinstance(exponent, int) or exponent < -AMOUNT_DECIMALS_MAX:
        return False
    return bool(least <= min(numbers) and max(numbers) <= AMOUNT_MAX)
