"""Lengths of time as a loyalty program says them: `30D`, `23W_U`, `12h` (SEMANTICS.md 11.2).

Words: a *duration* is a count of one unit. Seconds, minutes and hours are elapsed time. Days,
weeks, months and years are steps of the calendar in the program's time zone: the clock shows the
same time at both ends, however long the days between were; a month's missing day becomes its last
one, a clock time that is skipped moves ahead by as much, and of one that comes twice the first is
meant. *Rounding* moves the end: `_D` to the first moment of its day (days only), `_U` to the last
second of its day, ISO week, month or year.

Invariant: the end always lies after the beginning.
"""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

import msgspec

from habitue.model.instants import Period, period_start

Unit = Literal["s", "m", "h", "D", "W", "M", "Y"]
Rounding = Literal["", "_D", "_U"]

# Nine digits are ours: far more than the calendar holds for every unit but seconds.
_FORM = re.compile(r"(\d{1,9})([smhDWMY])(_[DU])?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600}
_PERIODS: dict[str, Period] = {"D": "daily", "W": "weekly", "M": "monthly", "Y": "yearly"}
_LAST_SECOND = timedelta(seconds=1)


class Duration(msgspec.Struct, frozen=True):
    """`count` of a unit, and where the end is moved to."""

    count: int
    unit: Unit
    rounding: Rounding = ""

    def times(self, factor: int) -> "Duration":
        """`factor` durations one after the other, rounded once at the end."""
        return Duration(self.count * factor, self.unit, self.rounding)

    def __str__(self) -> str:
        return f"{self.count}{self.unit}{self.rounding}"


def parse_duration(text: str) -> Duration | None:
    """The duration that `text` names, or None: zero is none, and only days are rounded down."""
    match = _FORM.fullmatch(text)
    if match is None or int(match[1]) == 0:
        return None
    rounding = match[3] or ""
    if rounding == "_D" and match[2] != "D":
        return None
    if rounding == "_U" and match[2] not in _PERIODS:
        return None
    return Duration(int(match[1]), match[2], rounding)  # type: ignore[arg-type]


def end_of(start: datetime, duration: Duration, zone: tzinfo) -> datetime | None:
    """The instant at which a duration that begins at `start` ends; None beyond the calendar."""
    try:
        return _rounded(_moved(start, duration, zone), duration, zone)
    except (OverflowError, ValueError):
        return None


def next_boundary(
    anchor: datetime, step: Duration, zone: tzinfo, after: datetime
) -> datetime | None:
    """The first end of one, two, three... steps from `anchor` that lies after an instant.

    None when the calendar ends before. However many steps lie between, few are looked at.
    """
    last = 1
    while (end := end_of(anchor, step.times(last), zone)) is not None and end <= after:
        last *= 2
    first = last // 2 + 1
    while first < last:
        middle = (first + last) // 2
        end = end_of(anchor, step.times(middle), zone)
        if end is not None and end <= after:
            first = middle + 1
        else:
            last = middle
    return end_of(anchor, step.times(last), zone)


def _moved(start: datetime, duration: Duration, zone: tzinfo) -> datetime:
    if duration.unit in _SECONDS:
        return start + timedelta(seconds=duration.count * _SECONDS[duration.unit])
    local = start.astimezone(zone).replace(tzinfo=None)
    if duration.unit in ("D", "W"):
        moved = local + timedelta(days=duration.count * (7 if duration.unit == "W" else 1))
    else:
        moved = _months_later(local, duration.count * (12 if duration.unit == "Y" else 1))
    return moved.replace(tzinfo=zone).astimezone(UTC)


def _months_later(local: datetime, months: int) -> datetime:
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    if year > 9_999:
        raise OverflowError
    return local.replace(
        year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1])
    )


def _rounded(end: datetime, duration: Duration, zone: tzinfo) -> datetime:
    if duration.rounding == "":
        return end
    begin = period_start(end, _PERIODS[duration.unit], zone)
    if duration.rounding == "_D":
        return begin
    one = Duration(1, duration.unit)
    return _moved(begin, one, zone) - _LAST_SECOND
