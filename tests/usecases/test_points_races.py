"""Many who want one balance at once, in shops of their own: nothing is given twice.

Spending goes the way of what is usual, holding the way of all points.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from functools import partial
from itertools import chain
from uuid import UUID

import pytest

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
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
SHOPS = 8
ENOUGH_FOR_40 = {"given": 40, "NotEnoughPoints": 24}
Action = Callable[[int, Booking], None]
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


def spend(number: int, booking: Booking) -> None:
    decide.deduct(booking, UUID(int=100 + number), PART, CAUSE)


def hold(number: int, booking: Booking) -> None:
    decide.hold(booking, UUID(int=100 + number), PART, None, CAUSE)


async def want(shop: Shop, query: PointsQuery, action: Action, number: int) -> str:
    """What becomes of one of them."""
    try:
        await act(shop, query, NOW, partial(action, number))
    except Refusal as refusal:
        return type(refusal).__name__
    except Exception as error:
        return f"error {type(error).__name__}"
    return "given"


async def race(url: str, query: PointsQuery, action: Action) -> Counter[str]:
    """All of them: those of one shop follow one another, and shops know nothing of each other."""

    async def follow(shop: Shop, first: int) -> list[str]:
        return [await want(shop, query, action, each) for each in range(first, SPENDERS, SHOPS)]

    async with AsyncExitStack() as stack:
        shops = []
        for _ in range(SHOPS):
            opened = open_database(
                External(url), pool_size_max=2, patience_seconds=120, lock_wait_seconds=120
            )
            shops.append(Shop(await stack.enter_async_context(opened), PATIENT))
            await shops[-1].refresh()
        told = await asyncio.gather(*(follow(shop, each) for each, shop in enumerate(shops)))
    return Counter(chain.from_iterable(told))


@pytest.mark.parametrize("action", [spend, hold])
async def test_one_balance_is_not_overspent(
    database: Database, database_url: str, action: Action
) -> None:
    shop, club = await open_club(database, tiers=())
    query = await stocked(shop, club, "0.40")
    assert await race(database_url, query, action) == ENOUGH_FOR_40
    told = balances_of(await read(shop, query))
    assert (told.active, told.spent + told.held) == (Decimal(0), Decimal("0.40"))
    assert await complaints(database) == []


@pytest.mark.parametrize("guard", ["no version of the account", "no version of the customer"])
async def test_either_guard_is_enough(database: Database, database_url: str, guard: str) -> None:
    shop, club = await open_club(database, tiers=())
    await plant(database, guard)
    query = await stocked(shop, club, "0.40")
    assert await race(database_url, query, hold) == ENOUGH_FOR_40
    assert await complaints(database) == []


async def test_without_both_guards_the_race_is_lost(database: Database, database_url: str) -> None:
    shop, club = await open_club(database, tiers=())
    await plant(database, "no version of the account")
    await plant(database, "no version of the customer")
    query = await stocked(shop, club, "0.40")
    assert await race(database_url, query, hold) != ENOUGH_FOR_40


async def test_without_its_guards_the_race_of_spending_is_lost(
    database: Database, database_url: str
) -> None:
    shop, club = await open_club(database, tiers=())
    await plant(database, "no version of the account that spends")
    await plant(database, "no version where the account that spends is read")
    query = await stocked(shop, club, "0.40")
    assert await race(database_url, query, spend) != ENOUGH_FOR_40
