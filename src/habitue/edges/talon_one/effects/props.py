"""What the properties of all effects have in common."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from habitue.model.numbers import shortest
from habitue.promotions.effects import Effect


class Props(msgspec.Struct, rename="camel", omit_defaults=True):
    """The properties of an effect; what is None is left out."""


#: The effect type of an outcome, and the outcome in the shape that the wire wants.
Out: TypeAlias = tuple[str, Callable[[Any], Props]]
#: The same where the wire wants something of the effect besides its outcome.
OutOfEffect: TypeAlias = tuple[str, Callable[[Effect, Any], Props]]


def shortened(value: Any) -> Any:
    """A value with every number in its shortest form."""
    if isinstance(value, Decimal):
        return shortest(value)
    if isinstance(value, list):
        return [shortened(each) for each in value]
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in value.items()}
    return value


def shortest_or_none(value: Decimal | None) -> Decimal | None:
    """The number in its shortest form, where there is one."""
    return None if value is None else shortest(value)
