"""Figures of a loyalty program by day, in the program's time zone."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from habitue.loyalty.program import LoyaltyProgram
from habitue.store import loyalty_statistics
from habitue.store.loyalty_statistics import DayRow
from habitue.usecases.shop import Shop


def midnight(program: LoyaltyProgram, day: date) -> datetime:
    """When a day begins in the program's zone."""
    return datetime.combine(day, time(), program.zone)


async def read_days(
    shop: Shop, program: LoyaltyProgram, subledger: str | None, first: date, last: date
) -> Sequence[DayRow]:
    """What happened on each day from the first to the last."""
    until = midnight(program, last + timedelta(days=1))
    return await loyalty_statistics.days(
        shop.database, program.id, subledger, program.timezone, first, last, until
    )


async def read_today(shop: Shop, program: LoyaltyProgram, now: datetime) -> DayRow:
    """What has happened today until now, that moment included."""
    today = now.astimezone(program.zone).date()
    until = now + timedelta(microseconds=1)
    (row,) = await loyalty_statistics.days(
        shop.database, program.id, None, program.timezone, today, today, until
    )
    return row
