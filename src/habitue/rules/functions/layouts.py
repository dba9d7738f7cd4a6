"""Layouts: patterns by which `parseTime`, `formatTime` and `matchTime` read and write times.

Two spellings are understood, told apart by whether there is a digit in the layout:

- by example, as Go does: `2006-01-02 15:04:05`, `Mon 2 Jan 06 3:04 PM`, `15:04:05Z07:00`;
- by letters, as Joda does and as Talang's documentation shows: `yyyy-MM-dd HH:mm:ss`, `EEE d MMM`,
  `h:mm a`. `Y` means the year and `D` the day of the month, as people write `YYYY-MM-DD`.

Names of months and days are English. Words: a *part* is one field of a time in one way of writing;
a layout is a sequence of parts and literal text. No part may occur twice where times are parsed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from types import MappingProxyType

from habitue.rules.frame import RuleFailed

LAYOUT_LENGTH_MAX = 100
TIME_TEXT_LENGTH_MAX = 200
LAYOUTS_KEPT = 256

MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]


def weekday_number(time: datetime) -> int:
    """0 for Sunday to 6 for Saturday."""
    return time.isoweekday() % 7


def _offset(time: datetime, colon: str) -> str:
    text = time.strftime("%z")
    return text[:3] + colon + text[3:5]


def _offset_or_z(time: datetime, colon: str) -> str:
    return _offset(time, colon) if time.utcoffset() else "Z"


@dataclass(frozen=True, slots=True)
class Part:
    """One way of writing one field: what it looks like, and how it is written."""

    field: str
    pattern: str
    write: Callable[[datetime], str]


def _names(names: list[str], letters: int | None) -> str:
    return "|".join(name[:letters] for name in names)


_TWELVE = r"1[0-2]|0?[1-9]"
PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "year": Part("year", r"\d{4}", lambda t: f"{t.year:04}"),
        "short year": Part("year", r"\d{2}", lambda t: f"{t.year % 100:02}"),
        "month": Part("month", r"\d{1,2}", lambda t: str(t.month)),
        "two-digit month": Part("month", r"\d{2}", lambda t: f"{t.month:02}"),
        "month name": Part("month", _names(MONTHS, None), lambda t: MONTHS[t.month - 1]),
        "short month name": Part("month", _names(MONTHS, 3), lambda t: MONTHS[t.month - 1][:3]),
        "day": Part("day", r"\d{1,2}", lambda t: str(t.day)),
        "padded day": Part("day", r"[ \d]\d", lambda t: f"{t.day:2}"),
        "two-digit day": Part("day", r"\d{2}", lambda t: f"{t.day:02}"),
        "weekday name": Part(
            "weekday", _names(WEEKDAYS, None), lambda t: WEEKDAYS[weekday_number(t)]
        ),
        "short weekday name": Part(
            "weekday", _names(WEEKDAYS, 3), lambda t: WEEKDAYS[weekday_number(t)][:3]
        ),
        "weekday": Part("weekday", r"[0-6]", lambda t: str(weekday_number(t))),
        "hour": Part("hour", r"\d{1,2}", lambda t: str(t.hour)),
        "two-digit hour": Part("hour", r"\d{2}", lambda t: f"{t.hour:02}"),
        "hour of 12": Part("hour12", _TWELVE, lambda t: str(t.hour % 12 or 12)),
        "two-digit hour of 12": Part("hour12", _TWELVE, lambda t: f"{t.hour % 12 or 12:02}"),
        "half of day": Part("half", "AM|PM|am|pm", lambda t: "PM" if t.hour >= 12 else "AM"),
        "small half of day": Part("half", "am|pm", lambda t: "pm" if t.hour >= 12 else "am"),
        "minute": Part("minute", r"\d{1,2}", lambda t: str(t.minute)),
        "two-digit minute": Part("minute", r"\d{2}", lambda t: f"{t.minute:02}"),
        "second": Part("second", r"\d{1,2}", lambda t: str(t.second)),
        "two-digit second": Part("second", r"\d{2}", lambda t: f"{t.second:02}"),
        "milliseconds": Part("fraction", r"\d{3}", lambda t: f"{t.microsecond // 1000:03}"),
        "microseconds": Part("fraction", r"\d{6}", lambda t: f"{t.microsecond:06}"),
        "offset": Part("offset", r"[+-]\d{4}", lambda t: _offset(t, "")),
        "offset with colon": Part("offset", r"[+-]\d{2}:\d{2}", lambda t: _offset(t, ":")),
        "offset or Z": Part("offset", r"Z|[+-]\d{4}", lambda t: _offset_or_z(t, "")),
        "offset with colon or Z": Part(
            "offset", r"Z|[+-]\d{2}:\d{2}", lambda t: _offset_or_z(t, ":")
        ),
    }
)

_BY_EXAMPLE = {
    "2006": "year",
    "06": "short year",
    "January": "month name",
    "Jan": "short month name",
    "01": "two-digit month",
    "1": "month",
    "02": "two-digit day",
    "_2": "padded day",
    "2": "day",
    "Monday": "weekday name",
    "Mon": "short weekday name",
    "15": "two-digit hour",
    "03": "two-digit hour of 12",
    "3": "hour of 12",
    "PM": "half of day",
    "pm": "small half of day",
    "04": "two-digit minute",
    "4": "minute",
    "05": "two-digit second",
    "5": "second",
    "000000": "microseconds",
    "000": "milliseconds",
    "Z07:00": "offset with colon or Z",
    "Z0700": "offset or Z",
    "-07:00": "offset with colon",
    "-0700": "offset",
}
_BY_LETTERS = {
    **dict.fromkeys(("yyyy", "YYYY", "y", "Y"), "year"),
    **dict.fromkeys(("yy", "YY"), "short year"),
    "MMMM": "month name",
    "MMM": "short month name",
    "MM": "two-digit month",
    "M": "month",
    **dict.fromkeys(("dd", "DD"), "two-digit day"),
    **dict.fromkeys(("d", "D"), "day"),
    "EEEE": "weekday name",
    **dict.fromkeys(("EEE", "EE", "E"), "short weekday name"),
    "e": "weekday",
    "HH": "two-digit hour",
    "H": "hour",
    "hh": "two-digit hour of 12",
    "h": "hour of 12",
    "a": "half of day",
    "mm": "two-digit minute",
    "m": "minute",
    "ss": "two-digit second",
    "s": "second",
    "SSSSSS": "microseconds",
    "SSS": "milliseconds",
    "ZZ": "offset with colon",
    "Z": "offset",
}


def _scanner(tokens: Mapping[str, str], literal: str) -> re.Pattern[str]:
    known = "|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True))
    return re.compile(f"(?P<token>{known})|{literal}", re.DOTALL)


_EXAMPLES = _scanner(_BY_EXAMPLE, "(?P<quoted>(?!))|(?P<literal>.)")
_LETTERS = _scanner(_BY_LETTERS, r"'(?P<quoted>[^']*)'|(?P<literal>[^A-Za-z']|T)")


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout ready for use: its parts; a string is literal text."""

    pieces: tuple[Part | str, ...]

    def write(self, time: datetime) -> str:
        """`time` in this layout, in the zone it is in."""
        return "".join(
            piece if isinstance(piece, str) else piece.write(time) for piece in self.pieces
        )

    def read(self, text: str, zone: tzinfo) -> datetime:
        """The time that `text` names; what it leaves out is of 1970-01-01 00:00 in `zone`."""
        match = None
        pattern = _pattern_of(self.pieces)
        if pattern is not None and len(text) <= TIME_TEXT_LENGTH_MAX:
            match = pattern.fullmatch(text)
        if match is None:
            raise RuleFailed(f'"{text[:40]}" is not a time in the layout')
        try:
            return _time_of({k: v for k, v in match.groupdict().items() if v}, zone)
        except (ValueError, OverflowError) as failure:
            raise RuleFailed(f'"{text}" is not a time') from failure


@lru_cache(maxsize=LAYOUTS_KEPT)
def layout_of(text: str) -> Layout:
    """The layout that `text` describes. Raises `RuleFailed` for a letter that means nothing."""
    if len(text) > LAYOUT_LENGTH_MAX:
        raise RuleFailed(f"a layout may have {LAYOUT_LENGTH_MAX} characters")
    by_example = any(character.isdigit() for character in text)
    tokens = _BY_EXAMPLE if by_example else _BY_LETTERS
    scanner = _EXAMPLES if by_example else _LETTERS
    pieces: list[Part | str] = []
    end = 0
    for match in scanner.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        token = match["token"]
        pieces.append(PARTS[tokens[token]] if token else match["quoted"] or match["literal"] or "'")
    if end != len(text):
        raise RuleFailed(f'the layout "{text}" is not understood at "{text[end:]}"')
    return Layout(tuple(pieces))


@lru_cache(maxsize=LAYOUTS_KEPT)
def _pattern_of(pieces: tuple[Part | str, ...]) -> re.Pattern[str] | None:
    fields = [piece.field for piece in pieces if isinstance(piece, Part)]
    if len(fields) != len(set(fields)):
        return None
    return re.compile(
        "".join(
            re.escape(piece) if isinstance(piece, str) else f"(?P<{piece.field}>{piece.pattern})"
            for piece in pieces
        ),
        re.ASCII,
    )


def _time_of(found: dict[str, str], zone: tzinfo) -> datetime:
    local = datetime(
        _year_of(found.get("year", "1970")),
        _month_of(found.get("month", "1")),
        int(found.get("day", "1")),
        _hour_of(found),
        int(found.get("minute", "0")),
        int(found.get("second", "0")),
        int(found.get("fraction", "0").ljust(6, "0")),
        tzinfo=_zone_of(found["offset"]) if "offset" in found else zone,
    )
    return local.astimezone(UTC)


def _year_of(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (1900 if year >= 69 else 2000)


def _month_of(text: str) -> int:
    if text.strip().isdigit():
        return int(text)
    return 1 + [name[:3] for name in MONTHS].index(text[:3])


def _hour_of(found: dict[str, str]) -> int:
    if "hour" in found or "hour12" not in found:
        return int(found.get("hour", "0"))
    return int(found["hour12"]) % 12 + (12 if found.get("half", "AM").upper() == "PM" else 0)


def _zone_of(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
