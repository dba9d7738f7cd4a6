"""What generated code calls: checks of kinds, reads, list forms. Everything fails by `RuleFailed`.

Invariant: functions that walk a list charge the budget before they do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from habitue.rules.dialect import Dialect
from habitue.rules.frame import Frame, RuleFailed, StepsExhausted
from habitue.rules.functions import lists, numbers
from habitue.rules.functions.values import as_time, charge_text, type_of

#: What `catch` turns into its default.
CAUGHT = (RuleFailed, ArithmeticError)


def out_of_range() -> RuleFailed:
    """The failure that stands for arithmetic without a result."""
    return RuleFailed("a number or a time is out of range")


def fail(reason: str) -> Any:
    """Raise `RuleFailed`; the value of what cannot have one."""
    raise RuleFailed(reason)


def required(value: Any, name: str) -> Any:
    """`value` unless it is unset."""
    if value is None:
        raise RuleFailed(f"{name} is not set")
    return value


def number(value: Any) -> Decimal:
    """`value` where a number is wanted."""
    if value.__class__ is Decimal:
        return value
    if value.__class__ is int:
        return Decimal(value)
    raise _unfit(value, "number")


def string(value: Any) -> str:
    """`value` where a string is wanted."""
    if value.__class__ is str:
        return value
    raise _unfit(value, "string")


def boolean(value: Any) -> bool:
    """`value` where a boolean is wanted."""
    if value is True or value is False:
        return value
    raise _unfit(value, "boolean")


def truth(value: Any) -> bool:
    """`value` as a part of `and` or `or`: a boolean; lists and maps count as true."""
    if value is True or value is False:
        return value
    if isinstance(value, list | tuple | dict):
        return True
    raise _unfit(value, "boolean")


def sequence(value: Any) -> Sequence[Any]:
    """`value` where a list is wanted."""
    if isinstance(value, list | tuple):
        return value
    raise _unfit(value, "list")


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where a map is wanted."""
    if isinstance(value, dict):
        return value
    raise _unfit(value, "map")


def _unfit(value: Any, wanted: str) -> RuleFailed:
    return RuleFailed(f"a {type_of(value).kind} is not a {wanted}")


def items(frame: Frame, values: Sequence[Any], weight: int) -> Sequence[Any]:
    """The elements to be walked, at `weight` steps each."""
    if values.__class__ is not list and values.__class__ is not tuple:
        raise _unfit(values, "list")
    frame.steps_left -= 1 + len(values) * weight
    if frame.steps_left < 0:
        raise StepsExhausted
    return values


def sort_by_number(
    frame: Frame, values: Sequence[Any], key: Callable[[Any], Decimal], descending: bool = False
) -> list[Any]:
    """The elements ordered by a number of each; elements of the same number keep their order."""
    lists.charge_sort(frame, len(values))
    return sorted(values, key=key, reverse=descending)


def sort_by_string(
    frame: Frame, values: Sequence[Any], key: Callable[[Any], str], descending: bool = False
) -> list[Any]:
    """The elements ordered by a string of each, by code points."""
    lists.charge_sort(frame, len(values))
    return sorted(values, key=lambda value: charge_text(frame, key(value)), reverse=descending)


def string_attribute(attributes: Mapping[str, Any], name: str) -> str:
    """A custom attribute that was declared a string."""
    value = attributes.get(name)
    if value.__class__ is str:
        return value
    return string(required(value, name))


def number_attribute(attributes: Mapping[str, Any], name: str) -> Decimal:
    """A custom attribute that was declared a number."""
    value = attributes.get(name)
    if value.__class__ is Decimal:
        return value
    return number(required(value, name))


def boolean_attribute(attributes: Mapping[str, Any], name: str) -> bool:
    """A custom attribute that was declared a boolean."""
    return boolean(required(attributes.get(name), name))


def time_attribute(attributes: Mapping[str, Any], name: str) -> datetime:
    """A custom attribute that was declared a time."""
    return as_time(required(attributes.get(name), name))


def list_attribute(attributes: Mapping[str, Any], name: str) -> Sequence[Any]:
    """A custom attribute that was declared a list."""
    return sequence(required(attributes.get(name), name))


def any_attribute(attributes: Mapping[str, Any], name: str) -> Any:
    """A custom attribute of any type, or an entry of a map."""
    return required(attributes.get(name), name)


@dataclass(frozen=True, slots=True)
class DynamicRead:
    """Reads names of a value whose type only evaluation can tell."""

    dialect: Dialect
    names: tuple[str, ...]

    def __call__(self, value: Any) -> Any:
        """Follow the names through `value`. Raises `RuleFailed` where one is not set."""
        for name in self.names:
            value = required(self._step(value, name), name)
        return value

    def _step(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return value.get(name)
        for record in self.dialect.records.values():
            declared = record.fields.get(name)
            if declared is not None and hasattr(value, declared.attribute):
                return getattr(value, declared.attribute)
        attributes = getattr(value, "attributes", None)
        if not isinstance(attributes, dict):
            return None
        return attributes if name == "Attributes" else attributes.get(name)


def counted(values: Sequence[Any]) -> Decimal:
    """The length of a list as a number."""
    return Decimal(len(values))


total = numbers.total
