"""Intervals of a calendar, one after the other, in a shop's time zone.

An hour is one hour of the clock on the wall at its beginning; days, weeks from Monday, months and
years begin at midnight there, and are as long as the zone makes them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from habitue.model.instants import Period, period_start

Interval = Literal["hour", "day", "week", "month", "year"]

_PERIODS: dict[str, Period] = {
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
    "year": "yearly",
}
#: From the beginning of an interval to somewhere within the next one, however long both are.
_INTO_NEXT = {
    "hour": timedelta(hours=1),
    "day": timedelta(hours=36),
    "week": timedelta(days=10),
    "month": timedelta(days=45),
    "year": timedelta(days=500),
}


def interval_start(moment: datetime, interval: Interval, zone: tzinfo) -> datetime:
    """The instant at which the interval that holds `moment` began in `zone`."""
    if interval == "hour":
        local = moment.astimezone(zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return (moment - into).astimezone(UTC)
    return period_start(moment, _PERIODS[interval], zone)


def interval_starts(
    start: datetime, end: datetime, interval: Interval, zone: tzinfo
) -> Iterator[datetime]:
    """The beginnings of all intervals that have a part from `start` on and before `end`."""
    begun = interval_start(start, interval, zone)
    while begun < end:
        yield begun
        begun = interval_start(begun + _INTO_NEXT[interval], interval, zone)
