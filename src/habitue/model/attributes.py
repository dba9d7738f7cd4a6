"""Custom attributes: what a shop may attach to its own things, and the check on the way in.

Words: a *definition* names an attribute of one entity and its type; *attributes* are the values of
one thing, by name. Values are held as strings, booleans, `Decimal` numbers, and lists of these;
a time is held as the RFC 3339 string that was sent, a location as a list of latitude and longitude.

Invariant: what `validate` returns contains defined names only, each with a value of its type, and
no binary floating point number (contracts/talon_one/SEMANTICS.md section 2).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from habitue.model.errors import Fault
from habitue.model.instants import parse_instant
from habitue.model.limits import (
    ATTRIBUTE_LIST_LENGTH_MAX,
    ATTRIBUTE_STRING_LENGTH_MAX,
    ATTRIBUTES_MAX,
)
from habitue.model.numbers import is_amount, shortest
from habitue.model.pointers import escape

Entity = Literal[
    "Application",
    "Campaign",
    "CustomerProfile",
    "CustomerSession",
    "CartItem",
    "Coupon",
    "Event",
    "Giveaway",
    "LoyaltyCard",
    "Referral",
    "Store",
]
AttributeType = Literal[
    "string",
    "number",
    "boolean",
    "time",
    "(list string)",
    "(list number)",
    "(list time)",
    "location",
    "(list location)",
]
Attributes: TypeAlias = dict[str, Any]


class AttributeDefinition(msgspec.Struct, frozen=True):
    """One attribute that a shop has defined; `created` is an RFC 3339 time in UTC.

    With `restricted_by_suggestions` only the suggested strings are accepted. With
    `has_allowed_list` only those of the list are, instead, once there is one; numbers stand in it
    as `text_of` writes them. An empty
    `subscribed_application_ids` means every application. A `builtin` definition came with the
    product and cannot be changed.
    """

    id: int
    entity: Entity
    name: str
    title: str
    type: AttributeType
    created: datetime
    description: str = ""
    suggestions: tuple[str, ...] = ()
    editable: bool = True
    restricted_by_suggestions: bool = False
    subscribed_application_ids: tuple[int, ...] = ()
    event_type: str = ""
    builtin: bool = False
    has_allowed_list: bool = False
    allowed_list: frozenset[str] = frozenset()

    @property
    def accepted(self) -> Collection[str] | None:
        """The texts that values must be among; None where every value of the type is accepted."""
        if self.has_allowed_list:
            return self.allowed_list or None
        return self.suggestions if self.restricted_by_suggestions else None

    def serves(self, application_id: int) -> bool:
        """Whether things of this application may carry the attribute."""
        return not self.subscribed_application_ids or (
            application_id in self.subscribed_application_ids
        )


Definitions: TypeAlias = Mapping[str, AttributeDefinition]


def validate(
    attributes: Mapping[str, Any], definitions: Definitions, entity: Entity, pointer: str
) -> list[Fault]:
    """Everything wrong with `attributes`, as faults under `pointer`; none when all is well.

    A value of null is accepted for every type: it removes the attribute.
    """
    if len(attributes) > ATTRIBUTES_MAX:
        details = f"{entity} takes at most {ATTRIBUTES_MAX} attributes"
        return [Fault(pointer, "Too many", details)]
    faults = []
    for name, value in attributes.items():
        fault = _fault_of(name, value, definitions.get(name), entity, pointer)
        if fault is not None:
            faults.append(fault)
    return faults


_STORED_AS_SENT = frozenset({str, bool, Decimal, type(None)})


def normalised(attributes: Mapping[str, Any]) -> Attributes:
    """Validated attributes as they are stored: numbers are decimals throughout."""
    if _STORED_AS_SENT.issuperset(map(type, attributes.values())):
        return dict(attributes)
    return {name: _normal(value) for name, value in attributes.items()}


def merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> Attributes:
    """`old` with `changes` laid over it; a change to null removes the attribute."""
    result = dict(old)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def by_name(definitions: Iterable[AttributeDefinition], entity: Entity) -> Definitions:
    """The definitions of one entity, by the name that requests use."""
    return {each.name: each for each in definitions if each.entity == entity}


def _fault_of(
    name: str,
    value: Any,
    definition: AttributeDefinition | None,
    entity: Entity,
    pointer: str,
) -> Fault | None:
    if definition is None:
        details = f'Attribute "{name}" is not defined on {entity} entities.'
        return Fault(f"{pointer}/{escape(name)}", "Unknown", details)
    if value is None:
        return None
    if not _FITS[definition.type](value):
        wanted = _WORDS[definition.type]
        details = f'Value of "{name}" attribute ({_shown(value)}) is not {wanted}'
        return Fault(f"{pointer}/{escape(name)}", "Invalid type", details)
    accepted = definition.accepted
    if accepted is not None and not _is_among(value, accepted):
        whose = "allowed values" if definition.has_allowed_list else "suggestions"
        details = f'Value of "{name}" attribute ({_shown(value)}) is not one of its {whose}'
        return Fault(f"{pointer}/{escape(name)}", "Not allowed", details)
    return None


def text_of(value: Any) -> str:
    """A string as it is, a number with all its digits and no exponent: 5, 0.25."""
    if isinstance(value, str):
        return value
    return f"{shortest(Decimal(value)):f}"


def _is_among(value: Any, accepted: Collection[str]) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(text_of(each) in accepted for each in values)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _normal(value: Any) -> Any:
    if isinstance(value, list):
        return [_normal(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _is_string(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= ATTRIBUTE_STRING_LENGTH_MAX


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    return is_amount(Decimal(value))


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and parse_instant(value) is not None


def _is_location(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        return False
    latitude, longitude = map(abs, value)
    return bool(latitude <= 90 and longitude <= 180)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def fits_all(value: Any) -> bool:
        if not isinstance(value, list) or len(value) > ATTRIBUTE_LIST_LENGTH_MAX:
            return False
        return all(map(fits, value))

    return fits_all


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "string": _is_string,
    "number": _is_number,
    "boolean": _is_boolean,
    "time": _is_time,
    "location": _is_location,
    "(list string)": _list_of(_is_string),
    "(list number)": _list_of(_is_number),
    "(list time)": _list_of(_is_time),
    "(list location)": _list_of(_is_location),
}
_WORDS: Mapping[str, str] = {
    "string": "a string",
    "number": "a number",
    "boolean": "a boolean",
    "time": "a time (RFC 3339, with an offset)",
    "location": "a location (a list of latitude and longitude)",
    "(list string)": "a list of strings",
    "(list number)": "a list of numbers",
    "(list time)": "a list of times (RFC 3339, with an offset)",
    "(list location)": "a list of locations (each a list of latitude and longitude)",
}
