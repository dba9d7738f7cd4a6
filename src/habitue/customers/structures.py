"""Structured fields of a person: gender, kids, vehicles, sizes of clothes.

Words: *fashion* is what is known of somebody's clothes; its *sizes* are by kind of garment, the
kinds that product feeds use. A size is kept as it was told (`42`, `e38`, `M`): its system is a part
of its text. A list may come as the JSON text of itself, as mobile programs send it.

Invariant: a faulty entry of a list is left out and reported, the others stay
(contracts/tracker/SPEC.md sections 2.4 to 2.6).
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from habitue.customers.births import read_birthday
from habitue.customers.readings import Failed, read_text

Gender = Literal["female", "male", "other"]

ENTRIES_MAX = 50
SIZE_LENGTH_MAX = 20
_VIN_LENGTH_MAX = 17
_GENDERS: dict[str, Gender] = {
    **dict.fromkeys(("f", "female", "woman", "girl", "ж", "жен", "женский"), "female"),
    **dict.fromkeys(("m", "male", "man", "boy", "м", "муж", "мужской"), "male"),
    **dict.fromkeys(("o", "other", "x", "diverse", "non-binary", "nonbinary"), "other"),
}
_NO_GENDER = frozenset({"", "u", "unknown", "none", "null", "undefined", "not specified"})
_JSON = msgspec.json.Decoder(float_hook=Decimal)


class Kid(msgspec.Struct, frozen=True):
    """A child, of which one or the other may not be known."""

    gender: Gender | None = None
    birthday: date | None = None


class Vehicle(msgspec.Struct, frozen=True):
    """A vehicle; `vds` is its identification number or the part of it that describes the model."""

    brand: str = ""
    model: str = ""
    vds: str = ""


class Sizes(msgspec.Struct, frozen=True):
    """Sizes by kind of garment; empty ones are not known."""

    shoe: str = ""
    shirt: str = ""
    tshirt: str = ""
    underwear: str = ""
    trouser: str = ""
    jacket: str = ""
    blazer: str = ""
    sock: str = ""
    belt: str = ""
    hat: str = ""
    glove: str = ""
    dress: str = ""
    top: str = ""
    bottom: str = ""


class Fashion(msgspec.Struct, frozen=True):
    """What is known of somebody's clothes."""

    sizes: Sizes = Sizes()


def read_gender(raw: Any) -> str:
    """A gender out of what forms and templates print; empty where it says that it is not known."""
    if not isinstance(raw, str):
        raise Failed("wrong_type")
    word = raw.strip().casefold()
    if word in _NO_GENDER:
        return ""
    if word not in _GENDERS:
        raise Failed("bad_format")
    return _GENDERS[word]


def read_kids(raw: Any, today: date) -> tuple[list[Any], list[Failed]]:
    """Kids with gender and birthday, and what was wrong with those that are left out."""
    return _entries(raw, lambda entry: _kid(entry, today))


def read_vehicles(raw: Any) -> tuple[list[Any], list[Failed]]:
    """Vehicles with brand, model and vds, and what was wrong with those that are left out."""
    return _entries(raw, _vehicle)


def read_fashion(raw: Any) -> tuple[dict[str, Any], list[Failed]]:
    """Sizes by kind of garment, either as they are or under `sizes`."""
    raw = _decoded(raw)
    if not isinstance(raw, dict):
        raise Failed("wrong_type")
    inner = _decoded(raw["sizes"]) if "sizes" in raw else raw
    if not isinstance(inner, dict):
        raise Failed("wrong_type", "sizes")
    sizes: dict[str, str] = {}
    faults: list[Failed] = []
    for name, value in inner.items():
        try:
            if size := _size(name, value):
                sizes[name] = size
        except Failed as failed:
            faults.append(failed.under(f"sizes/{str(name)[:SIZE_LENGTH_MAX]}"))
    return ({"sizes": dict(sorted(sizes.items()))} if sizes else {}), faults


def _entries(raw: Any, read: Callable[[dict[str, Any]], Any]) -> tuple[list[Any], list[Failed]]:
    raw = _decoded(raw)
    entries = [raw] if isinstance(raw, dict) else raw
    if not isinstance(entries, list):
        raise Failed("wrong_type")
    if len(entries) > ENTRIES_MAX:
        raise Failed("too_many")
    kept, faults = [], []
    for index, entry in enumerate(entries):
        try:
            kept.append(_entry(entry, read))
        except Failed as failed:
            faults.append(failed.under(str(index)))
    return kept, faults


def _entry(raw: Any, read: Callable[[dict[str, Any]], Any]) -> Any:
    """The plain form of an entry, without what is not known of it."""
    raw = _decoded(raw)
    if not isinstance(raw, dict):
        raise Failed("wrong_type")
    plain = msgspec.to_builtins(read(raw))
    known = {name: value for name, value in plain.items() if value}
    if not known:
        raise Failed("nothing_in_it")
    return known


def _kid(entry: dict[str, Any], today: date) -> Kid:
    gender = _named("gender", read_gender, entry)
    birthday = _named("birthday", lambda raw: read_birthday(raw, today), entry)
    return Kid(gender or None, birthday)


def _vehicle(entry: dict[str, Any]) -> Vehicle:
    return Vehicle(
        _named("brand", lambda raw: read_text(raw, 100), entry) or "",
        _named("model", lambda raw: read_text(raw, 100), entry) or "",
        _named("vds", _vds, entry) or "",
    )


def _named(name: str, read: Callable[[Any], Any], entry: dict[str, Any]) -> Any:
    raw = entry.get(name)
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    try:
        return read(raw)
    except Failed as failed:
        raise failed.under(name) from None


def _vds(raw: Any) -> str:
    number = read_text(raw, 40).replace(" ", "").replace("-", "").upper()
    if not (number.isascii() and number.isalnum()):
        raise Failed("bad_characters")
    if len(number) > _VIN_LENGTH_MAX:
        raise Failed("too_long")
    return number


def _size(name: Any, raw: Any) -> str:
    if name not in Sizes.__struct_fields__:
        raise Failed("unknown")
    return "" if raw is None else read_text(raw, SIZE_LENGTH_MAX)


def _decoded(raw: Any) -> Any:
    """The structure itself, where its JSON text was sent."""
    if not isinstance(raw, str) or not raw.lstrip().startswith(("[", "{")):
        return raw
    try:
        return _JSON.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Failed("bad_format") from None
