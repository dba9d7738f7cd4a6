"""Functions of times. Instants in, instants out (in UTC); calendars are those of the frame's zone.

Days, weeks, months and years are steps of the calendar: a day after 08:00 is 08:00 the next day,
whether the clock was changed in between or not, and a month after 31 January is the last of
February. Seconds, minutes and hours are exact lengths. Parts of a time are strings, as in Talang:
`hour` and `minute` have two digits, `month` and `monthDay` as many as needed, `weekday` is 0 for
Sunday. Results outside the years 1 to 9999 are `RuleFailed`.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from habitue.model.numbers import EXACT
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.functions.declare import BOOLEAN, NUMBER, STRING, TIME, framed, function, plain
from habitue.rules.functions.layouts import Layout, layout_of, weekday_number
from habitue.rules.functions.values import charge_text, time_of_text, time_text
from habitue.rules.signature import CoreFunction

MICROSECONDS_PER = {"second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6}
MICROSECONDS_PER_DAY = 24 * 3600 * 10**6
DAYS_PER = {"day": 1, "week": 7}
MONTHS_PER = {"month": 1, "year": 12}
#: More than the units of any kind between the years 1 and 9999.
AMOUNT_OF_UNITS_MAX = Decimal(10) ** 12

_LOCAL_LAYOUTS = ("2006-01-02", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04")


def local(frame: Frame, time: datetime) -> datetime:
    """`time` in the zone of the frame."""
    try:
        return time.astimezone(frame.zone)
    except (OverflowError, ValueError) as failure:
        raise RuleFailed("the time is outside the years 1 to 9999") from failure


def add_duration(frame: Frame, time: datetime, amount: Decimal, unit: str) -> datetime:
    """The time `amount` units after `time`."""
    singular = unit.lower().removesuffix("s")
    if abs(amount) > AMOUNT_OF_UNITS_MAX:
        raise RuleFailed("the time is outside the years 1 to 9999")
    try:
        if singular in MICROSECONDS_PER:
            return time.astimezone(UTC) + _length(amount, MICROSECONDS_PER[singular])
        if singular in DAYS_PER:
            return _add_days(frame, time, EXACT.multiply(amount, Decimal(DAYS_PER[singular])))
        if singular in MONTHS_PER:
            return _add_months(frame, time, EXACT.multiply(amount, Decimal(MONTHS_PER[singular])))
    except (OverflowError, ValueError) as failure:
        raise RuleFailed("the time is outside the years 1 to 9999") from failure
    raise RuleFailed(f'"{unit[:40]}" is not a unit of time')


def subtract_duration(frame: Frame, time: datetime, amount: Decimal, unit: str) -> datetime:
    """The time `amount` units before `time`."""
    return add_duration(frame, time, -amount, unit)


def _length(amount: Decimal, microseconds: int) -> timedelta:
    return timedelta(microseconds=int(EXACT.multiply(amount, Decimal(microseconds))))


def _add_days(frame: Frame, time: datetime, days: Decimal) -> datetime:
    whole = int(days)
    moved = local(frame, time).replace(tzinfo=None) + timedelta(days=whole)
    part = _length(EXACT.subtract(days, Decimal(whole)), MICROSECONDS_PER_DAY)
    return moved.replace(tzinfo=frame.zone).astimezone(UTC) + part


def _add_months(frame: Frame, time: datetime, months: Decimal) -> datetime:
    if months != int(months):
        raise RuleFailed("months and years are added whole")
    start = local(frame, time)
    year, month_from_0 = divmod(start.year * 12 + start.month - 1 + int(months), 12)
    if not 1 <= year <= 9999:
        raise RuleFailed("the time is outside the years 1 to 9999")
    day = min(start.day, monthrange(year, month_from_0 + 1)[1])
    moved = start.replace(year=year, month=month_from_0 + 1, day=day, fold=0)
    return moved.astimezone(UTC)


def after(time: datetime, other: datetime) -> bool:
    """Whether `time` is later than `other`."""
    return time > other


def before(time: datetime, other: datetime) -> bool:
    """Whether `time` is earlier than `other`."""
    return time < other


def between_times(time: datetime, earliest: datetime, latest: datetime) -> bool:
    """Whether `time` lies strictly between the two others."""
    return earliest < time < latest


def days_between(start: datetime, end: datetime) -> Decimal:
    """Days of 24 hours from `start` to `end`, with fractions; negative when `end` is earlier."""
    length = end.astimezone(UTC) - start.astimezone(UTC)
    return EXACT.divide(Decimal(length // timedelta(microseconds=1)), Decimal(MICROSECONDS_PER_DAY))


def days_from_now(frame: Frame, time: datetime) -> Decimal:
    """Days of 24 hours from now to `time`, with fractions; negative for a time that is past."""
    return days_between(frame.now, time)


def parse_time(frame: Frame, text: str) -> datetime:
    """The time of RFC 3339 text; a date, or a time without an offset, is of the frame's zone."""
    for layout in _LOCAL_LAYOUTS:
        if len(layout) == len(text):
            try:
                return layout_of(layout).read(text, frame.zone)
            except RuleFailed:
                continue
    return time_of_text(text)


def _charged_layout(frame: Frame, layout: str, steps_per_character: int = 4) -> Layout:
    """The layout, charged as if it had not been used before."""
    frame.charge(1 + len(layout) * steps_per_character)
    return layout_of(layout)


def parse_time_in_layout(frame: Frame, text: str, layout: str) -> datetime:
    """The time that `text` names in `layout`; without an offset, in the frame's zone."""
    return _charged_layout(frame, layout, steps_per_character=16).read(text, frame.zone)


def format_time(frame: Frame, time: datetime) -> str:
    """`time` in RFC 3339, in the frame's zone."""
    return charge_text(frame, time_text(frame, time))


def format_time_in_layout(frame: Frame, time: datetime, layout: str) -> str:
    """`time` in `layout`, in the frame's zone."""
    return charge_text(frame, _charged_layout(frame, layout).write(local(frame, time)))


def match_time(frame: Frame, time: datetime, other: datetime, layout: str) -> bool:
    """Whether both times are written alike in `layout`."""
    form = _charged_layout(frame, layout)
    return form.write(local(frame, time)) == form.write(local(frame, other))


def _part(name: str, write: Callable[[datetime], str], description: str) -> CoreFunction:
    def part_of(frame: Frame, time: datetime) -> str:
        return write(local(frame, time))

    return function(name, description, framed(part_of, TIME, result=STRING))


def _pair(name: str, compare: Callable[..., bool], description: str) -> CoreFunction:
    return function(name, description, plain(compare, TIME, TIME, result=BOOLEAN))


def _duration(name: str, call: Callable[..., datetime], description: str) -> CoreFunction:
    return function(name, description, framed(call, TIME, NUMBER, STRING, result=TIME))


FUNCTIONS = (
    function(
        "parseTime",
        "The time that a text names, in RFC 3339 or in the given layout.",
        framed(parse_time, STRING, result=TIME),
        framed(parse_time_in_layout, STRING, STRING, result=TIME),
    ),
    function(
        "formatTime",
        "The time as text, in RFC 3339 or in the given layout.",
        framed(format_time, TIME, result=STRING),
        framed(format_time_in_layout, TIME, STRING, result=STRING),
    ),
    function(
        "matchTime",
        "Whether both times are written alike in the layout.",
        framed(match_time, TIME, TIME, STRING, result=BOOLEAN),
    ),
    _duration("addDuration", add_duration, "The time so many units later."),
    _duration("subDuration", subtract_duration, "The time so many units earlier."),
    _pair("after", after, "Whether the first time is later."),
    _pair("before", before, "Whether the first time is earlier."),
    function(
        "betweenTimes",
        "Whether the first time lies strictly between the others.",
        plain(between_times, TIME, TIME, TIME, result=BOOLEAN),
    ),
    function(
        "daysBetween",
        "Days from the first time to the second, with fractions.",
        plain(days_between, TIME, TIME, result=NUMBER),
    ),
    function("days", "Days from now, with fractions.", framed(days_from_now, TIME, result=NUMBER)),
    _part("date", lambda time: f"{time.year:04}-{time.month:02}-{time.day:02}", "yyyy-MM-dd."),
    _part("hour", lambda time: f"{time.hour:02}", "The hour, 00 to 23."),
    _part("minute", lambda time: f"{time.minute:02}", "The minute, 00 to 59."),
    _part("month", lambda time: str(time.month), "The month, 1 to 12."),
    _part("monthDay", lambda time: str(time.day), "The day of the month, 1 to 31."),
    _part("weekday", lambda time: str(weekday_number(time)), "0 for Sunday to 6 for Saturday."),
    _part("year", lambda time: f"{time.year:04}", "The year."),
)
