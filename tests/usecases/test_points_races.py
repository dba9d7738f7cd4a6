"""Many who spend one balance at once, each on a connection of its own: nothing is spent twice."""

import asyncio
from collections import Counter
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from habitue.loyalty import decide
from habitue.loyalty.ledger import balances_of
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.model.errors import Refusal
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.store.loyalty import PointsQuery
from habitue.usecases.shop import Shop, ShopSettings
from tests.harness.planted import plant
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of, read

SPENDERS = 64
PATIENT = ShopSettings(lock_wait_seconds=120)
PART = Decimal("0.01")


async def stocked(shop: Shop, club: LoyaltyProgram, amount: str) -> PointsQuery:
    """A customer with so many points, in two lots."""
    await add_customer(shop.database, "ada")
    query = query_of(club, "ada")
    half = Decimal(amount) / 2
    for number in (1, 2):
        earn = partial(
            decide.earn, key=UUID(int=number), amount=half, terms=Terms(NOW), cause=CAUSE
        )
        await act(shop, query, NOW, earn)
    return query


async def spend(database: Database, query: PointsQuery, number: int) -> str:
    """What becomes of one spender, who has a shop, and so a queue, of its own."""
    shop = Shop(database, PATIENT)
    await shop.refresh()
    try:
        await act(shop, query, NOW, lambda b: decide.deduct(b, UUID(int=100 + number), PART, CAUSE))
    except Refusal as refusal:
        return type(refusal).__name__
    except Exception as error:
        return f"error {type(error).__name__}"
    return "spent"


async def race(url: str, query: PointsQuery) -> Counter[str]:
    """All spenders at once."""
    location = External(url)
    async with open_database(
        location, pool_size_max=SPENDERS, patience_seconds=120, lock_wait_seconds=120
    ) as database:
        await asyncio.gather(*(database.fetchval("SELECT pg_sleep(0.05)") for _ in range(SPENDERS)))
        told = await asyncio.gather(*(spend(database, query, each) for each in range(SPENDERS)))
    return Counter(told)


async def test_one_balance_is_not_overspent(database: Database, database_url: str) -> None:
    shop, club = await open_club(database, tiers=())
    query = await stocked(shop, club, "0.40")
    assert await race(database_url, query) == {"spent": 40, "NotEnoughPoints": 24}
    told = balances_of(await read(shop, query))
    assert (told.active, told.spent) == (Decimal(0), Decimal("0.40"))
    assert await complaints(database) == []


@pytest.mark.parametrize("guard", ["no version of the account", "no version of the customer"])
async def test_either_guard_is_enough(database: Database, database_url: str, guard: str) -> None:
    shop, club = await open_club(database, tiers=())
    await plant(database, guard)
    query = await stocked(shop, club, "0.40")
    assert await race(database_url, query) == {"spent": 40, "NotEnoughPoints": 24}
    assert await complaints(database) == []


async def test_without_both_guards_the_race_is_lost(database: Database, database_url: str) -> None:
    shop, club = await open_club(database, tiers=())
    await plant(database, "no version of the account")
    await plant(database, "no version of the customer")
    query = await stocked(shop, club, "0.40")
    assert await race(database_url, query) != {"spent": 40, "NotEnoughPoints": 24}
