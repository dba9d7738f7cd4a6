"""The fields of one row as values; what is wrong with them is collected, by line and column."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from habitue.edges.csv_files.reading import TableRow
from habitue.edges.http.moments import YEAR_MAX, YEAR_MIN
from habitue.edges.http.numbers import exact
from habitue.model.errors import Fault
from habitue.model.instants import parse_instant
from habitue.model.limits import AMOUNT_MAX

_NEVER = datetime(YEAR_MIN, 1, 1, tzinfo=UTC)
_JSON = msgspec.json.Decoder(float_hook=exact)
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)


class RowReader:
    """Reads one row. What cannot be read is None or empty, and a fault."""

    def __init__(self, row: TableRow) -> None:
        self.line = row.line
        self.faults: list[Fault] = []
        self._fields = row.fields

    def fault(self, column: str, title: str, details: str) -> None:
        """Notes that something is wrong with a column."""
        self.faults.append(Fault("", title, f"{column}: {details}", line=self.line))

    def text(self, column: str, most: int) -> str:
        """A text of at most that many characters; empty where there is none."""
        value = self._fields[column]
        if len(value) > most:
            self.fault(column, "Too long", f"at most {most} characters are accepted")
            return ""
        return value

    def required(self, column: str, most: int) -> str:
        """A text that must not be empty."""
        if not self._fields[column]:
            self.fault(column, "Missing", "a value is required")
        return self.text(column, most)

    def choice(self, column: str, choices: Sequence[str]) -> str:
        """One of some words, in any case."""
        value = self._fields[column].lower()
        if value not in choices:
            self.fault(column, "enum", f"one of {', '.join(choices)} is required")
            return choices[0]
        return value

    def amount(self, column: str) -> Decimal | None:
        """A number, None where there is none."""
        value = self._fields[column]
        if not value:
            return None
        number = exact(value) if _NUMBER.fullmatch(value) else None
        if number is None or abs(number) > AMOUNT_MAX:
            self.fault(column, "Invalid number", f'"{value[:40]}" is not a number like 12.5')
            return None
        return number

    def whole(self, column: str) -> int | None:
        """A whole number, None where there is none."""
        value = self._fields[column]
        if not value:
            return None
        if _WHOLE.fullmatch(value) is None:
            self.fault(column, "Invalid number", f'"{value[:40]}" is not a whole number')
            return None
        return int(value)

    def moment(self, column: str) -> datetime | None:
        """A moment, None where there is none."""
        value = self._fields[column]
        if not value:
            return None
        moment = parse_instant(value)
        if moment is None:
            details = f'"{value[:40]}" is not a date and time like 2026-11-10T23:00:00Z'
            self.fault(column, "Invalid date", details)
        elif not YEAR_MIN <= moment.year <= YEAR_MAX:
            self.fault(column, "Out of range", f"the years {YEAR_MIN} to {YEAR_MAX} are accepted")
            return None
        return moment

    def required_moment(self, column: str) -> datetime:
        """A moment that must be there; the beginning of time where it is not."""
        if not self._fields[column]:
            self.fault(column, "Missing", "a value is required")
        return self.moment(column) or _NEVER

    def names(self, column: str, most: int) -> tuple[str, ...]:
        """Names that are parted by semicolons."""
        parts = (each.strip() for each in self._fields[column].split(";"))
        found = tuple(dict.fromkeys(each for each in parts if each))
        if any(len(each) > most for each in found):
            self.fault(column, "Too long", f"each has at most {most} characters")
            return ()
        return found

    def json_object(self, column: str) -> Mapping[str, Any]:
        """A JSON object, empty where there is none; numbers are exact."""
        value = self._fields[column]
        if not value:
            return {}
        try:
            found = _JSON.decode(value.encode())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self.fault(column, "Invalid type", "a JSON object is required")
            return {}
        return found
