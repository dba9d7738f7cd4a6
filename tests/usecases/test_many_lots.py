"""A ledger of very many lots: few are read, and what is decided is what all of them would say."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.ledger import LotsUnread, balances_of
from habitue.loyalty.settling import begin, settled
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.usecases.read_points import read_balances
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of, read

LOTS = 600


def very_many(booking: Booking) -> None:
    """A point each: the first ends last, every third waits, every fifth never ends."""
    for number in range(1, LOTS + 1):
        start = NOW + timedelta(days=2) if number % 3 == 0 else NOW
        end = None if number % 5 == 0 else NOW + timedelta(days=1_000 - number)
        decide.earn(booking, UUID(int=number), Decimal(1), Terms(start, end), CAUSE)


async def test_few_lots_are_read_and_spent_in_the_same_order(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    query = query_of(club, "ada")
    await act(shop, query, NOW, very_many)
    part, whole = await read(shop, query, depth=8), await read(shop, query)
    assert (len(part.lots), len(whole.lots)) == (8, LOTS)
    assert part.active_lots() == whole.active_lots()[:8]
    assert balances_of(part) == balances_of(whole)
    assert balances_of(part).active == 400
    for number, points in enumerate([1, 7, 300, 92], 1):
        key, amount = UUID(int=10_000 + number), Decimal(points)
        expected = begin(await read(shop, query), club, NOW)
        decide.deduct(expected, key, amount, CAUSE)
        spend = partial(decide.deduct, key=key, amount=amount, cause=CAUSE)
        assert (await act(shop, query, NOW, spend)).sets == expected.decision().sets
    assert balances_of(await read(shop, query, depth=0)).active == 0
    assert await complaints(database) == []
    later = NOW + timedelta(days=2)
    _, told = await read_balances(shop, query, "ada", later, projected=False)
    assert told[""].balances.active == 200
    assert told[""].balances.pending == 0


async def test_what_was_not_read_is_not_decided_upon(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    query = query_of(club, "ada")
    await act(shop, query, NOW, very_many)
    part = await read(shop, query, depth=8)
    for wanted in (9, 400):
        with pytest.raises(LotsUnread):
            decide.deduct(begin(part, club, NOW), UUID(int=9_999), Decimal(wanted), CAUSE)
    with pytest.raises(LotsUnread):
        decide.delete_all(begin(part, club, NOW), UUID(int=9_999), CAUSE)
    with pytest.raises(LotsUnread):
        settled(part, club, NOW + timedelta(days=2))
