"""Values at evaluation: their kinds, their text, and when two of them are equal.

Words: the *kind* of a value is number (`Decimal`), string, boolean, time (aware `datetime`), null,
list (list or tuple), map (dict) or record (any other object of the host). An *atom* is everything
but a list, a map or a record. The *text* of an atom is how a rule sees it as a string: a number in
its shortest form, `true` or `false`, a time in RFC 3339 in the zone of the frame.

Invariants: no result depends on the decimal context of the process; whatever reads or makes text of
unbounded length charges the budget of the frame.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from habitue.model.limits import EXPRESSION_DEPTH_MAX, TEXT_LENGTH_MAX
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.types import ANY, BOOLEAN, MAP, NULL, NUMBER, STRING, TIME, Type, list_of

#: Characters of text that one step of the budget pays for.
CHARACTERS_PER_STEP = 32
#: Numbers with more digits than this before or after the point have no text.
NUMBER_TEXT_DIGITS_MAX = 200

RECORD = Type("record")
TYPE_OF_CLASS: Mapping[type, Type] = MappingProxyType(
    {
        Decimal: NUMBER,
        int: NUMBER,
        str: STRING,
        bool: BOOLEAN,
        datetime: TIME,
        type(None): NULL,
        list: list_of(ANY),
        tuple: list_of(ANY),
        dict: MAP,
    }
)
_ATOMS = frozenset({Decimal, int, str, bool, datetime, type(None)})
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def type_of(value: Any) -> Type:
    """The type of a value at evaluation; every object of the host is a nameless record."""
    return TYPE_OF_CLASS.get(value.__class__, RECORD)


def number_text(number: Decimal | int) -> str:
    """`number` without exponent and without trailing zeros. Raises `RuleFailed` when too long."""
    exact = Decimal(number)
    if not exact:
        return "0"
    if not exact.is_finite() or abs(exact.adjusted()) > NUMBER_TEXT_DIGITS_MAX:
        raise RuleFailed("a number is too long to be written out")
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_text(frame: Frame, time: datetime) -> str:
    """`time` in RFC 3339, in the zone of the frame; a fraction of a second only if it has one."""
    try:
        text = time.astimezone(frame.zone).isoformat()
    except (OverflowError, ValueError) as failure:
        raise RuleFailed("the time is outside the years 1 to 9999") from failure
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def atom_text(frame: Frame, value: Any) -> str:
    """The text of an atom. Raises `RuleFailed` for lists, maps and records."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | int):
        return number_text(value)
    if isinstance(value, datetime):
        return time_text(frame, value)
    raise RuleFailed(f"a {type_of(value).kind} has no text")


def charge_text(frame: Frame, text: str) -> str:
    """`text`, its length charged. Raises `RuleFailed` beyond the longest text a rule may make."""
    if len(text) > TEXT_LENGTH_MAX:
        raise RuleFailed(f"the text would be longer than {TEXT_LENGTH_MAX} characters")
    frame.charge(1 + len(text) // CHARACTERS_PER_STEP)
    return text


def whole_text(frame: Frame, value: Any) -> str:
    """The text of any value; lists and maps in brackets, as Talang prints them."""
    pieces: list[str] = []
    _collect_text(frame, value, pieces, EXPRESSION_DEPTH_MAX)
    return charge_text(frame, "".join(pieces))


def _collect_text(frame: Frame, value: Any, pieces: list[str], levels_left: int) -> None:
    if levels_left == 0 or len(pieces) > TEXT_LENGTH_MAX:
        raise RuleFailed("the value is too large or nested too deeply to be written out")
    if isinstance(value, list | tuple):
        _collect_parts(frame, [("", part) for part in value], pieces, levels_left)
    elif isinstance(value, dict):
        _collect_parts(frame, list(value.items()), pieces, levels_left)
    else:
        pieces.append(charge_text(frame, atom_text(frame, value)))


def _collect_parts(
    frame: Frame, parts: Sequence[tuple[str, Any]], pieces: list[str], levels_left: int
) -> None:
    frame.charge(1 + len(parts))
    for position, (key, part) in enumerate(parts):
        pieces.append(" " if position else "(")
        pieces.append(f"({key} " if key else "")
        _collect_text(frame, part, pieces, levels_left - 1)
        pieces.append(")" if key else "")
    pieces.append(")" if parts else "()")


def time_of_text(text: str) -> datetime:
    """The instant that an RFC 3339 text names, in UTC. Raises `RuleFailed` for any other text."""
    if len(text) > 40 or _RFC3339.fullmatch(text) is None:
        raise RuleFailed(f'"{text[:40]}" is not a time')
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as failure:
        raise RuleFailed(f'"{text}" is not a time') from failure


def as_time(value: Any) -> datetime:
    """`value` where a time is wanted: a time, or RFC 3339 text. Raises `RuleFailed` otherwise."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return time_of_text(value)
    raise RuleFailed(f"a {type_of(value).kind} is not a time")


def equal(frame: Frame, left: Any, right: Any) -> bool:
    """Whether two atoms are equal, which Talang decides by their text.

    Two numbers are equal when their values are (their shortest texts then agree), a time equals
    the text of the same instant in any zone, null equals only null. Lists, maps and records are not
    compared: `RuleFailed`.
    """
    kind = left.__class__
    if kind is right.__class__ and kind in _ATOMS:
        if kind is str:
            frame.charge(1 + min(len(left), len(right)) // CHARACTERS_PER_STEP)
        return bool(left == right)
    if kind not in _ATOMS or right.__class__ not in _ATOMS:
        raise RuleFailed("lists, maps and records cannot be compared")
    if left is None or right is None:
        return False
    return _equal_across_kinds(frame, left, right)


def _equal_across_kinds(frame: Frame, left: Any, right: Any) -> bool:
    if type_of(left) is NUMBER and type_of(right) is NUMBER:
        return bool(left == right)
    if isinstance(left, datetime) and isinstance(right, str):
        return _is_text_of_time(left, right)
    if isinstance(right, datetime) and isinstance(left, str):
        return _is_text_of_time(right, left)
    frame.charge(1)
    return atom_text(frame, left) == atom_text(frame, right)


def _is_text_of_time(time: datetime, text: str) -> bool:
    try:
        return time == time_of_text(text)
    except RuleFailed:
        return False
