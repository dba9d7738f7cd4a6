"""Moments in time: always aware, always UTC inside the house.

Words: an *instant* is an aware `datetime` in UTC. A *calendar period* is the day, ISO week (from
Monday), month or year that holds an instant in a shop's time zone.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Period = Literal["daily", "weekly", "monthly", "yearly"]

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def parse_instant(text: str) -> datetime | None:
    """The instant that an RFC 3339 text with an offset names, or None.

    Fractions finer than a microsecond are cut off.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    date, clock, fraction, offset = match.groups()
    offset = "+00:00" if offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{date}T{clock}{(fraction or '')[:7]}{offset}").astimezone(
            UTC
        )
    except (ValueError, OverflowError):
        return None


def zone_of(name: str) -> tzinfo | None:
    """The IANA time zone of that name, or None when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def period_start(now: datetime, period: Period, zone: tzinfo) -> datetime:
    """The instant at which the calendar period that holds `now` began in `zone`."""
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "weekly":
        local -= timedelta(days=local.weekday())
    elif period == "monthly":
        local = local.replace(day=1)
    elif period == "yearly":
        local = local.replace(month=1, day=1)
    return local.astimezone(UTC)
