"""Statistics of days are what the balances of everybody were at their ends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import pytest

from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.ledger import Cause
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.store.loyalty_statistics import days
from habitue.usecases.join_program import join_program
from habitue.usecases.read_points import read_balances
from habitue.usecases.settle_points import settle_due
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, open_club, query_of

KEY = UUID(int=9)
IN_SESSION = Cause(session_id=7, session_key="s")


def earn(
    booking: Booking,
    amount: int,
    start: int | None,
    end: int | None,
    cause: Cause,
    key: UUID | None = None,
) -> None:
    """Points that start and end so many hours after the tests' moment."""
    first, last = (None if each is None else NOW + timedelta(hours=each) for each in (start, end))
    decide.earn(booking, key or uuid4(), Decimal(amount), Terms(first, last), cause)


def spend(booking: Booking, amount: int, cause: Cause = CAUSE) -> None:
    decide.deduct(booking, uuid4(), Decimal(amount), cause)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
async def test_days_are_the_balances_at_their_ends(database: Database, zone: str) -> None:
    shop, club = await open_club(database, timezone=zone)
    for name in ("ada", "bob"):
        await add_customer(database, name)
    ada, bob = query_of(club, "ada"), query_of(club, "bob")
    hours = partial(timedelta)
    await act(shop, ada, NOW, lambda it: earn(it, 100, 0, 50, CAUSE))
    await act(shop, ada, NOW, lambda it: earn(it, 40, 30, None, IN_SESSION))
    await act(shop, bob, NOW + hours(hours=20), lambda it: earn(it, 7, None, None, CAUSE, KEY))
    await act(shop, ada, NOW + hours(hours=26), lambda it: spend(it, 30))
    await act(shop, ada, NOW + hours(hours=40), lambda it: spend(it, 45, IN_SESSION))
    await act(
        shop,
        query_of(club, "bob", KEY),
        NOW + hours(hours=60),
        lambda it: decide.activate(it, uuid4(), it.lots[KEY], CAUSE),
    )
    await join_program(shop, club.id, "bob", NOW + hours(hours=27), sandbox=False)
    await settle_due(shop, NOW + hours(days=6))

    first = NOW.astimezone(club.zone).date() - timedelta(days=1)
    told = await days(
        database, club.id, None, zone, first, first + timedelta(days=5), NOW + hours(days=9)
    )
    assert len(told) == 6
    for row in told:
        midnight = datetime.combine(row.day + timedelta(days=1), datetime.min.time(), club.zone)
        moment = midnight.astimezone(UTC) - timedelta(microseconds=1)
        readings = [
            (await read_balances(shop, query, "somebody", NOW + hours(days=7), moment))[1][""]
            for query in (ada, bob)
        ]
        sums = [
            sum((getattr(each.balances, name) for each in readings), Decimal(0))
            for name in ("active", "pending", "spent", "expired", "negative")
        ]
        assert [row.active, row.pending, row.spent, row.expired, row.negative] == sums, row.day
    brought = [
        (row.earned_by_hand, row.earned_by_rules, row.spent_by_hand, row.spent_by_rules)
        for row in told
    ]
    assert [sum(each) for each in zip(*brought, strict=True)] == [107, 40, 30, 45]
    assert [told[0].active, told[-1].active, told[-1].expired] == [0, 47, 25]
    assert sum(row.new_members for row in told) == told[-1].members == 1


async def test_subledgers_are_told_apart(database: Database) -> None:
    shop, club = await open_club(database)
    await add_customer(database, "ada")
    await act(shop, query_of(club, "ada"), NOW, lambda it: earn(it, 5, 0, None, CAUSE))
    (other,) = await days(
        database, club.id, "stamps", "UTC", NOW.date(), NOW.date(), NOW + timedelta(days=1)
    )
    (main,) = await days(
        database, club.id, "", "UTC", NOW.date(), NOW.date(), NOW + timedelta(days=1)
    )
    assert [other.active, main.active] == [0, 5]
