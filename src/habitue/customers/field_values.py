"""The values that an extended field of each type takes, in the one form in which they are kept.

Tills send numbers as texts and texts as numbers: a value of another JSON type is taken where it
says the same thing (contracts/capillary/SPEC.md section 3.1). What is kept is a text, a whole
number, a `Decimal`, or a list of these. A time is kept as the text of a date or of a moment with
its offset, so that a birthday never changes its day; one without an offset is in UTC.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from habitue.customers.organisation import ExtendedField, folded
from habitue.model.limits import ATTRIBUTE_LIST_LENGTH_MAX, ATTRIBUTE_STRING_LENGTH_MAX
from habitue.model.numbers import is_amount, shortest

#: Every whole number up to here is held exactly by every client.
INTEGER_MAX = 2**53 - 1

_NUMBER = re.compile(r"[+-]?(\d{1,30})(\.\d{0,30})?([eE][+-]?\d{1,2})?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_COUNTRY = re.compile(r"[A-Za-z]{2,3}", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}", re.ASCII)


def is_text(text: str) -> bool:
    """Whether `text` can be kept: no NUL, and no half of a character."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def as_text(value: Any) -> str | None:
    """What a text, a number or a boolean says, as text; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) <= INTEGER_MAX else None
    if isinstance(value, Decimal):
        return f"{shortest(value):f}" if is_amount(value) else None
    return value if isinstance(value, str) and is_text(value) else None


def read_value(field: ExtendedField, value: Any) -> Any:
    """`value` as that field keeps it, or None where the field does not take it."""
    return _READERS[field.type](field, value)


def _text(field: ExtendedField, value: Any) -> str | None:
    text = as_text(value)
    most = field.length_max or ATTRIBUTE_STRING_LENGTH_MAX
    if text is None or len(text.strip()) > most:
        return None
    return text.strip()


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def _integer(field: ExtendedField, value: Any) -> int | None:
    number = _number(value)
    if number is None or abs(number) > INTEGER_MAX or number != number.to_integral_value():
        return None
    return int(number)


def _double(field: ExtendedField, value: Any) -> Decimal | None:
    number = _number(value)
    return shortest(number) if number is not None and is_amount(number) else None


def _moment(field: ExtendedField, value: Any) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    try:
        if len(text) == len("2000-01-31"):
            return date.fromisoformat(text).isoformat()
        match = _MOMENT.fullmatch(text)
        if match is None:
            return None
        day, clock, seconds, fraction, offset = match.groups()
        offset = "Z" if offset in (None, "Z", "z") else offset
        offset = f"{offset[:3]}:{offset[-2:]}" if len(offset) == len("+0000") else offset
        moment = f"{day}T{clock}{seconds or ':00'}"
        datetime.fromisoformat(f"{moment}{offset.replace('Z', '+00:00')}")
    except ValueError:
        return None
    return f"{moment}{fraction or ''}{offset}"


def _option(field: ExtendedField, value: Any) -> str | None:
    text = as_text(value)
    if text is None:
        return None
    return next((each for each in field.options if folded(each) == folded(text)), None)


def _country(field: ExtendedField, value: Any) -> str | None:
    return _code(_COUNTRY, value)


def _currency(field: ExtendedField, value: Any) -> str | None:
    return _code(_CURRENCY, value)


def _code(pattern: "re.Pattern[str]", value: Any) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return text.upper() if pattern.fullmatch(text) else None


def _language(field: ExtendedField, value: Any) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    if _LANGUAGE.fullmatch(text) is None:
        return None
    language, *rest = re.split("[-_]", text)
    return "-".join([language.lower(), *(_subtag(each) for each in rest)])


def _subtag(part: str) -> str:
    """A part of a language tag as it is usually written: regions in capitals, scripts titled."""
    return part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part.lower()


def _list(field: ExtendedField, value: Any) -> list[Any] | None:
    """Several values, as a list or as a text with commas; each is kept once."""
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, list) or len(value) > ATTRIBUTE_LIST_LENGTH_MAX:
        return None
    read = [_element(field, each) for each in value]
    if any(each is None for each in read):
        return None
    kept = list(dict.fromkeys(read))
    most = field.count_max or ATTRIBUTE_LIST_LENGTH_MAX
    return kept if field.count_min <= len(kept) <= most else None


def _element(field: ExtendedField, value: Any) -> Any:
    if field.options:
        return _option(field, value)
    if field.element_type == "TEXT":
        return _text(field, value) or None
    return _integer(field, value) if field.element_type == "INTEGER" else _double(field, value)


_READERS: Mapping[str, Callable[[ExtendedField, Any], Any]] = {
    "STRING": _text,
    "INTEGER": _integer,
    "DOUBLE": _double,
    "DATETIME": _moment,
    "STANDARD_ENUM": _option,
    "CUSTOM_ENUM": _option,
    "COUNTRY": _country,
    "CURRENCY": _currency,
    "LANGUAGE": _language,
    # Stores and staff are named as the shop names them; whether they exist is not asked.
    "ORG_ENTITY": _text,
    "ASSOCIATE_USER": _text,
    "LIST": _list,
}
