"""The fields of a person that profiles tell, and how each is read.

Words: a *trait* is such a field (`TRAITS` names them all); it is *told* in whatever spelling the
teller has, and kept in one plain form, which is JSON: texts, booleans, decimals, ISO dates, lists
and objects of these. The *typed* form of a plain value is for whoever computes with it. A *kid*
and a *vehicle* are structures, and so are sizes of clothes. What is empty was not told.

Invariants: reading a plain form gives the same plain form; no date of birth lies in the future or
before 1900; nobody's age is kept, only when they must have been born, so that it cannot become
stale (contracts/tracker/SPEC.md sections 1.3, 1.4 and 2.5; contracts/capillary/SPEC.md 2.3).
"""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import msgspec

from habitue.customers.births import BirthEstimate, age_years, estimate_of_age, read_birthday
from habitue.customers.notices import NoticeKind
from habitue.customers.readings import (
    Failed,
    Reason,
    read_flag,
    read_language,
    read_name,
    read_number,
    read_text,
    read_zone,
)
from habitue.customers.structures import (
    Fashion,
    Gender,
    Kid,
    Sizes,
    Vehicle,
    read_fashion,
    read_gender,
    read_kids,
    read_vehicles,
)

__all__ = [
    "TRAITS",
    "BirthEstimate",
    "Fashion",
    "Gender",
    "Kid",
    "Reason",
    "Sizes",
    "TraitFault",
    "TraitReading",
    "Vehicle",
    "age_years",
    "read_flag",
    "read_trait",
    "typed_trait",
]


class TraitFault(msgspec.Struct, frozen=True):
    """Why a value, or the part of it at `path` (such as `1/birthday`), was not taken."""

    reason: Reason
    path: str = ""


class TraitReading(msgspec.Struct, frozen=True):
    """What was understood of a value.

    `value` is the plain form, None where nothing is to be kept: nothing was told, or what was told
    is refused for the reasons in `faults`. A structure is kept without its faulty entries.
    """

    value: Any = None
    faults: tuple[TraitFault, ...] = ()
    truncated: bool = False

    @property
    def notice(self) -> NoticeKind | None:
        """What the teller should know, if anything."""
        if self.faults:
            return "trait_invalid"
        return "name_truncated" if self.truncated else None


_Reader = Callable[[Any, date], TraitReading]


def read_trait(name: str, raw: Any, today: date) -> TraitReading:
    """The value of the trait of that name as it was told on `today`.

    Never raises: what cannot be read is a fault of the reading, and a name that is no trait has the
    fault `unknown`.
    """
    reader = TRAITS.get(name)
    if reader is None:
        return TraitReading(faults=(TraitFault("unknown"),))
    if _says_nothing(raw):
        return TraitReading()
    try:
        return reader(raw, today)
    except Failed as failed:
        return TraitReading(faults=(TraitFault(failed.reason, failed.path),))


def typed_trait(name: str, plain: Any) -> Any:
    """The plain value of a trait as a value to compute with.

    A `birthday` becomes a date, `age` a `BirthEstimate`, `kids` a tuple of `Kid`, `vehicles` one of
    `Vehicle`, `fashion` a `Fashion`; all others are what they are.
    """
    type_ = _TYPES.get(name)
    return plain if type_ is None else msgspec.convert(plain, type_)


def _says_nothing(value: Any) -> bool:
    """Whether the value is one that templates print where they know nothing."""
    if isinstance(value, str):
        return value.strip().casefold() in ("", "null", "undefined")
    return value is None or value == [] or value == {}


def _name(raw: Any, today: date) -> TraitReading:
    text, truncated = read_name(raw)
    return TraitReading(text or None, truncated=truncated)


def _text(length_max: int) -> _Reader:
    return lambda raw, today: TraitReading(read_text(raw, length_max) or None)


def _single(read: Callable[[Any], Any]) -> _Reader:
    return lambda raw, today: _reading(read(raw), [])


def _structure(read: Callable[[Any], tuple[Any, list[Failed]]]) -> _Reader:
    return lambda raw, today: _reading(*read(raw))


def _kids(raw: Any, today: date) -> TraitReading:
    return _reading(*read_kids(raw, today))


def _birthday(raw: Any, today: date) -> TraitReading:
    return TraitReading(read_birthday(raw, today).isoformat())


def _age(raw: Any, today: date) -> TraitReading:
    return TraitReading(msgspec.to_builtins(estimate_of_age(raw, today)))


def _reading(value: Any, failures: list[Failed]) -> TraitReading:
    faults = tuple(TraitFault(each.reason, each.path) for each in failures)
    return TraitReading(None if _says_nothing(value) else value, faults)


#: Contract: a region of the product feed has at most 50 characters.
_LOCATION_LENGTH_MAX = 50
_TEXT_LENGTH_MAX = 100

#: Every trait with its reader. `name` is the full name where parts of it are not told, `location` a
#: region of the product feed; `loyalty_...` speak of a program elsewhere.
TRAITS: Mapping[str, _Reader] = MappingProxyType(
    {
        "first_name": _name,
        "last_name": _name,
        "middle_name": _name,
        "name": _name,
        "gender": _single(read_gender),
        "birthday": _birthday,
        "age": _age,
        "language": _single(read_language),
        "location": _text(_LOCATION_LENGTH_MAX),
        "country": _text(_TEXT_LENGTH_MAX),
        "city": _text(_TEXT_LENGTH_MAX),
        "postal_code": _text(20),
        "timezone": _single(read_zone),
        "kids": _kids,
        "vehicles": _structure(read_vehicles),
        "fashion": _structure(read_fashion),
        "bought_something": _single(read_flag),
        "loyalty_status": _text(_TEXT_LENGTH_MAX),
        "loyalty_card_location": _text(_LOCATION_LENGTH_MAX),
        "loyalty_bonuses": _single(read_number),
        "loyalty_bonuses_to_next_level": _single(read_number),
    }
)
_TYPES: Mapping[str, Any] = MappingProxyType(
    {
        "birthday": date,
        "age": BirthEstimate,
        "kids": tuple[Kid, ...],
        "vehicles": tuple[Vehicle, ...],
        "fashion": Fashion,
    }
)
