"""Asked as of a moment, a ledger tells what it told then, and what it will tell."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import LotRow, PointsPage, points_page
from habitue.usecases.read_past import lots_as_of
from habitue.usecases.read_points import owner_of, read_balances
from habitue.usecases.settle_points import settle_due
from habitue.usecases.shop import Shop
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of

STATUSES: Any = ("active", "pending", "expired")
KEYS = [UUID(int=number) for number in range(40)]


def hour(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def earn(key: int, points: int, start: int | None, end: int | None) -> Callable[[Booking], object]:
    terms = Terms(None if start is None else hour(start), None if end is None else hour(end), "2D")
    return lambda booking: decide.earn(booking, KEYS[key], Decimal(points), terms, CAUSE)


#: What happens at which hour, with the transactions that have to be read for it.
HISTORY: list[tuple[int, Callable[[Booking], object], list[int]]] = [
    (0, earn(1, 30, 0, 10), []),
    (0, earn(2, 20, 0, None), []),
    (0, earn(3, 15, 6, 20), []),
    (0, earn(4, 40, None, None), []),
    (1, lambda it: decide.deduct(it, KEYS[10], Decimal(7), CAUSE), []),
    (2, lambda it: decide.hold(it, KEYS[11], Decimal(5), hour(5), CAUSE), []),
    (3, lambda it: decide.change_expiry(it, KEYS[12], it.lots[KEYS[1]], hour(14), CAUSE), [1]),
    (4, lambda it: decide.hold(it, KEYS[13], Decimal(4), hour(17), CAUSE), []),
    (7, lambda it: decide.activate(it, KEYS[14], it.lots[KEYS[4]], CAUSE), [4]),
    (8, lambda it: decide.take_back(it, KEYS[15], KEYS[2], Decimal(20), CAUSE), [2]),
    (9, lambda it: decide.reimburse(it, KEYS[16], [(KEYS[1], Decimal(3))], CAUSE), [1]),
    (15, lambda it: decide.reimburse(it, KEYS[17], [(KEYS[1], Decimal(2))], CAUSE), [1]),
]
MOMENTS = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 14.5, 15.5, 17.5, 20.5, 60, 130, 400)


class Reader:
    """One customer's ledger, as it is told now or as of another moment."""

    def __init__(self, shop: Shop, club: LoyaltyProgram, owner_id: int) -> None:
        self.shop, self.club, self.owner_id = shop, club, owner_id
        self.query = PointsQuery(None, owner_id, club.id)

    def page(self, status: Any, now: datetime, **fields: Any) -> PointsPage:
        return PointsPage(
            customer_id=self.owner_id, program_id=self.club.id, status=status, now=now, **fields
        )

    async def told_at(self, now: datetime) -> list[Any]:
        """What is told when nobody asks for another moment."""
        lots = [await points_page(self.shop.database, self.page(each, now)) for each in STATUSES]
        _, balances = await read_balances(self.shop, self.query, "ada", now)
        return [lots, balances[""]]

    async def told_of(self, at: datetime, now: datetime) -> list[Any]:
        """What is told of that moment."""
        lots = [
            await lots_as_of(self.shop, self.query, "ada", self.page(each, now), at)
            for each in STATUSES
        ]
        _, balances = await read_balances(self.shop, self.query, "ada", now, at)
        return [lots, balances[""]]


async def opened(database: Database, **fields: Any) -> Reader:
    shop, club = await open_club(database, **{"return_policy": "unlimited", **fields})
    await add_customer(database, "ada")
    key = query_of(club, "ada").profile_key
    assert key is not None
    return Reader(shop, club, await owner_of(shop, key, "ada"))


async def live(reader: Reader) -> dict[datetime, list[Any]]:
    """Lets the history happen; what was told at each moment."""
    told = {}
    waiting = list(HISTORY)
    for moment in MOMENTS:
        while waiting and waiting[0][0] <= moment:
            at, action, named = waiting.pop(0)
            query = query_of(reader.club, "ada", *(KEYS[each] for each in named))
            await act(reader.shop, query, hour(at), action)
        await settle_due(reader.shop, hour(moment))
        told[hour(moment)] = await reader.told_at(hour(moment))
    return told


async def test_the_past_is_told_as_it_was(database: Database) -> None:
    reader = await opened(database)
    told = await live(reader)
    later = hour(MOMENTS[-1] + 1)
    for at, then in told.items():
        assert await reader.told_of(at, later) == then, at
    # all of it happened: each list had something, tiers were entered and left
    assert all(any(then[0][index] for then in told.values()) for index in range(3))
    tiers = [then[1].standing.tier for then in told.values()]
    names = [tier.name if tier else None for tier in tiers]
    assert list(dict.fromkeys(names)) == ["tier 2", "tier 3", None]
    assert await complaints(database) == []


async def test_the_future_is_told_as_it_comes(database: Database) -> None:
    reader = await opened(database)
    for at, action, named in HISTORY[:6]:
        query = query_of(reader.club, "ada", *(KEYS[each] for each in named))
        await act(reader.shop, query, hour(at), action)
    foretold = {at: await reader.told_of(hour(at), hour(2)) for at in MOMENTS[3:]}
    for moment, then in foretold.items():
        await settle_due(reader.shop, hour(moment))
        assert await reader.told_at(hour(moment)) == then, moment


async def test_what_nobody_has_booked_yet_had_happened_all_the_same(database: Database) -> None:
    reader = await opened(database)
    await act(reader.shop, query_of(reader.club, "ada"), NOW, earn(1, 30, 0, 10))
    await act(reader.shop, query_of(reader.club, "ada"), NOW, earn(2, 20, 5, None))
    (active, pending, expired), reading = await reader.told_of(hour(11), hour(500))
    assert [(row.key, row.amount) for row in active] == [(KEYS[2], 20)]
    assert pending == []
    assert [(row.key, row.amount) for row in expired] == [(KEYS[1], 30)]
    assert reading.standing.tier is not None
    # the tier was entered with thirty points and stood, though it never was written
    assert (reading.standing.tier.name, reading.balances.active) == ("tier 2", 20)


async def test_pages_of_the_past_are_cut_and_sorted_like_those_of_now(database: Database) -> None:
    reader = await opened(database)
    for number in range(1, 6):
        end = None if number == 3 else 90 - number
        await act(reader.shop, query_of(reader.club, "ada"), NOW, earn(number, 10, -number, end))
    at, later = hour(1), hour(40)
    await act(reader.shop, query_of(reader.club, "ada"), hour(2), earn(9, 10, 0, None))
    for order in ("start", "-start", "expiry", "-expiry"):
        for skip in (0, 2):
            fields: Any = {"order": order, "skip": skip, "limit": 2}
            page = reader.page("active", later, **fields)
            past: list[LotRow] = await lots_as_of(reader.shop, reader.query, "ada", page, at)
            now = await points_page(database, reader.page("active", at, **fields, keys=KEYS[:9]))
            assert past == now
            assert len(past) == 3
    only = reader.page("active", later, keys=KEYS[2:4], subledgers=("",), session_keys=("",))
    found = await lots_as_of(reader.shop, reader.query, "ada", only, at)
    assert {row.key for row in found} == set(KEYS[2:4])
    assert (
        await lots_as_of(
            reader.shop, reader.query, "ada", reader.page("active", later), NOW - timedelta(hours=9)
        )
        == []
    )
