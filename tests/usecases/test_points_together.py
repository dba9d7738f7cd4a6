"""Many writes of one account at once in one process: few saves, and to each its own outcome."""

import asyncio
from collections import Counter
from decimal import Decimal
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.ledger import balances_of
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.usecases.shop import Shop
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of, read

HOLD = UUID(int=900)


async def earn(shop: Shop, club: LoyaltyProgram, number: int, amount: int = 1) -> None:
    def give(booking: Booking) -> None:
        decide.earn(booking, UUID(int=number), Decimal(amount), Terms(NOW), CAUSE)

    await act(shop, query_of(club, "ada"), NOW, give)


async def spend(shop: Shop, club: LoyaltyProgram, number: int, amount: int) -> None:
    def take(booking: Booking) -> None:
        decide.deduct(booking, UUID(int=number), Decimal(amount), CAUSE)

    await act(shop, query_of(club, "ada"), NOW, take)


async def version_of(database: Database) -> int:
    """How often the account was saved."""
    return int(await database.fetchval("SELECT version FROM loyalty_account"))


async def test_writes_that_wait_are_saved_together(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    # 40 points in 20 lots of 2; the payments of 9 want more lots than are read at first
    writes = [earn(shop, club, each, 2) for each in range(1, 21)]
    writes += [spend(shop, club, 100 + each, 9) for each in range(6)]
    told = await asyncio.gather(*writes, return_exceptions=True)
    kinds = Counter(type(each).__name__ for each in told)
    assert kinds == {"NoneType": 24, "NotEnoughPoints": 2}
    assert [type(each).__name__ for each in told[-2:]] == ["NotEnoughPoints"] * 2
    assert await version_of(database) == 2
    balances = balances_of(await read(shop, query_of(club, "ada")))
    assert (balances.active, balances.spent) == (Decimal(4), Decimal(36))
    assert await database.fetchval("SELECT count(*) FROM loyalty_transaction") == 24
    assert await complaints(database) == []


async def test_what_ends_where_it_began_is_told_all_the_same(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    await earn(shop, club, 1, 5)
    query = query_of(club, "ada")
    await asyncio.gather(
        act(shop, query, NOW, lambda booking: None),
        act(shop, query, NOW, lambda b: decide.hold(b, HOLD, Decimal(3), None, CAUSE)),
        act(shop, query, NOW, lambda b: decide.void_hold(b, UUID(int=901), HOLD, CAUSE)),
    )
    kinds = await database.fetch("SELECT kind FROM loyalty_transaction ORDER BY id")
    assert [row["kind"] for row in kinds] == ["earn", "hold", "release_hold"]
    assert await complaints(database) == []


async def test_one_that_cannot_be_saved_fails_alone(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    await earn(shop, club, 1, 5)
    keys = (2, 3, 1, 4)
    told = await asyncio.gather(*(earn(shop, club, each) for each in keys), return_exceptions=True)
    assert [type(each).__name__ for each in told] == [
        *["NoneType"] * 2,
        "AlreadyExists",
        "NoneType",
    ]
    assert balances_of(await read(shop, query_of(club, "ada"))).active == Decimal(8)
    assert await database.fetchval("SELECT count(*) FROM loyalty_transaction") == 4
    assert await complaints(database) == []
