"""Closing the days of loyalty programs: what the books came to when a day ended, kept for good.

A day is one of the program's time zone. Before it is closed all that happened by itself until then
is booked, so that the closing is the same whether it is made in time or a week later, by one
process or by many.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import ProfileBusy
from habitue.store import loyalty_closings
from habitue.store.failures import LockTimeout
from habitue.store.locks import limit_waiting
from habitue.usecases.settle_points import settle_due
from habitue.usecases.shop import Shop

#: How long after its end a day is closed: requests that began before it have ended by then.
DELAY = timedelta(minutes=2)
#: Days that are closed at once.
BATCH = 31


async def close_days(shop: Shop, now: datetime) -> int:
    """Closes every day of every program that has ended; how many were open. Raises `ProfileBusy`
    where writers do not let it; what was closed stays closed."""
    await shop.refresh()
    open_days = {
        program.id: days
        for program in shop.configuration.loyalty_programs.values()
        if (days := await _open_days(shop, program, now))
    }
    if not open_days:
        return 0
    await settle_due(shop, now)
    count = 0
    for program_id, days in sorted(open_days.items()):
        for first in range(0, len(days), BATCH):
            count += await _close(shop, program_id, days[first : first + BATCH], now)
    return count


async def _close(
    shop: Shop, program_id: int, days: list[tuple[date, datetime]], now: datetime
) -> int:
    names, untils = [day for day, _ in days], [until for _, until in days]
    try:
        async with shop.database.transaction() as connection:
            await limit_waiting(connection, shop.settings.lock_wait_seconds)
            return await loyalty_closings.close_days(connection, program_id, names, untils, now)
    except LockTimeout:
        raise ProfileBusy from None


async def _open_days(
    shop: Shop, program: LoyaltyProgram, now: datetime
) -> list[tuple[date, datetime]]:
    last, first_at = await loyalty_closings.last_closing(shop.database, program.id)
    if last is not None:
        return list(_ended(program, last + timedelta(days=1), now))
    if first_at is None:
        return []
    return list(_ended(program, first_at.astimezone(program.zone).date(), now))


def _ended(program: LoyaltyProgram, day: date, now: datetime) -> Iterator[tuple[date, datetime]]:
    """The days from that one on that have ended, with the moments at which they did."""
    while True:
        following = day + timedelta(days=1)
        until = datetime.combine(following, time(), program.zone).astimezone(UTC)
        if until + DELAY > now:
            return
        yield day, until
        day = following
