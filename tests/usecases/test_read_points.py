"""Balances that were saved are those that the lots come to, at every moment."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.usecases.read_points import read_balances
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, open_club, query_of


def several(booking: Booking) -> None:
    """Lots that start and end, some of it spent and held."""
    for number, (start, end) in enumerate([(0, 10), (0, None), (5, 20), (None, None)], 1):
        begins = None if start is None else NOW + timedelta(hours=start)
        ends = None if end is None else NOW + timedelta(hours=end)
        terms = Terms(begins, ends)
        decide.earn(booking, UUID(int=number), Decimal(30), terms, CAUSE)
    decide.deduct(booking, UUID(int=10), Decimal(7), CAUSE)
    decide.hold(booking, UUID(int=11), Decimal(5), NOW + timedelta(hours=3), CAUSE)


async def test_the_short_way_and_the_long_way_tell_the_same(database: Database) -> None:
    shop, club = await open_club(database)
    await add_customer(database, "ada")
    query = query_of(club, "ada")
    await act(shop, query, NOW, several)
    told = []
    for hours in (0, 1, 2.9, 3, 4, 5, 9, 10, 19, 20, 70):
        now = NOW + timedelta(hours=hours)
        _, short = await read_balances(shop, query, "ada", now, projected=False)
        _, long = await read_balances(shop, query, "ada", now)
        assert short[""].balances == long[""].balances
        assert short[""].standing == long[""].standing
        told.append((int(short[""].balances.active), int(short[""].balances.pending)))
    assert told == [
        *[(48, 60)] * 3,
        *[(53, 60)] * 2,
        *[(83, 30)] * 2,
        *[(60, 30)] * 2,
        *[(30, 30)] * 2,
    ]


async def test_lots_are_not_read_where_nothing_has_changed(database: Database) -> None:
    shop, club = await open_club(database)
    await add_customer(database, "ada")
    query = query_of(club, "ada")
    earn = partial(decide.earn, amount=Decimal(1), terms=Terms(NOW), cause=CAUSE)
    await act(shop, query, NOW, partial(earn, key=UUID(int=1)))
    await database.execute("DELETE FROM loyalty_lot")
    _, told = await read_balances(shop, query, "ada", NOW, projected=False)
    assert told[""].balances.active == 1
