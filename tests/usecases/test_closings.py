"""Daily closings: made once, in the program's days, the same in time or late, and provable."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from habitue.loyalty import decide
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.store.loyalty_closings import DayClosing, closings_page, wrong_closings
from habitue.usecases.close_days import DELAY, close_days
from habitue.usecases.settle_points import settle_due
from habitue.usecases.shop import Shop
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import act, add_customer, complaints, open_club, query_of

# What of the books must not depend on when jobs ran: all but when it was written down.
_BOOKS = {
    "sets": """
        SELECT to_jsonb(t) - 'id' - 'booked' - 'hash' - 'previous_hash' - 'customer_id' - 'root_id'
            || jsonb_build_object('postings', loyalty_postings_text(customer_id, id)) AS document
        FROM loyalty_transaction AS t ORDER BY customer_id, sequence
    """,
    "lots": """
        SELECT to_jsonb(t) - 'customer_id' - 'root_id' AS document
        FROM loyalty_lot AS t ORDER BY customer_id, key
    """,
    "holds": """
        SELECT to_jsonb(t) - 'customer_id' - 'root_id' AS document
        FROM loyalty_hold AS t ORDER BY customer_id, key, lot
    """,
    "accounts": """
        SELECT to_jsonb(t) - 'version' - 'moment' - 'last_hash' - 'customer_id' - 'root_id'
            AS document
        FROM loyalty_account AS t ORDER BY customer_id
    """,
    "tiers": """
        SELECT to_jsonb(t) - 'id' - 'customer_id' - 'root_id' AS document
        FROM loyalty_tier_change AS t ORDER BY customer_id, id
    """,
    "closings": """
        SELECT to_jsonb(t) - 'through' - 'created' AS document
        FROM loyalty_closing AS t ORDER BY day
    """,
}
WEEK = timedelta(days=7)


async def busy(database: Database) -> tuple[Shop, LoyaltyProgram]:
    """Two customers whose points begin and end all through a week, with holds and tiers."""
    shop, club = await open_club(database, timezone="America/New_York")
    for person, name in enumerate(("ada", "ben")):
        await add_customer(database, name)
        query = query_of(club, name)
        for number in range(1, 8):
            begins = NOW + timedelta(hours=11 * number * (number % 2))
            ends = begins + timedelta(hours=17 + 5 * person)
            earn = partial(decide.earn, key=UUID(int=number), amount=Decimal(9), cause=CAUSE)
            await act(shop, query, NOW, partial(earn, terms=Terms(begins, ends)))
        spend = partial(decide.deduct, key=UUID(int=20), amount=Decimal("3.5"), cause=CAUSE)
        await act(shop, query, NOW, spend)
        until = NOW + timedelta(hours=30)
        hold = partial(decide.hold, key=UUID(int=21), amount=Decimal(4), expires=until, cause=CAUSE)
        await act(shop, query, NOW, hold)
    return shop, club


async def books(database: Database) -> dict[str, list[bytes]]:
    """Everything that the ledger holds, as bytes."""
    return {
        name: [bytes(row["document"]) for row in await database.fetch(statement)]
        for name, statement in _BOOKS.items()
    }


async def reset(database: Database) -> None:
    await database.execute(
        "TRUNCATE loyalty_account, loyalty_lot, loyalty_hold, loyalty_transaction, loyalty_posting,"
        " loyalty_tier_change, loyalty_membership, loyalty_closing, loyalty_program, customer,"
        " claim, customer_identifier"
    )


async def test_a_week_late_leaves_the_same_books_as_every_hour(database: Database) -> None:
    shop, club = await busy(database)
    for hour in range(1, 7 * 24 + 1):
        await settle_due(shop, NOW + timedelta(hours=hour))
        await close_days(shop, NOW + timedelta(hours=hour))
    in_time = await books(database)
    assert await complaints(database) == []
    await reset(database)
    shop, late = await busy(database)
    await close_days(shop, NOW + WEEK)
    after = await books(database)
    assert await complaints(database) == []
    assert (len(after["closings"]), len(after["sets"])) == (7, len(in_time["sets"]))
    old, new = f'"program_id": {club.id}'.encode(), f'"program_id": {late.id}'.encode()
    assert {n: [row.replace(old, new) for row in rows] for n, rows in in_time.items()} == after


async def test_many_workers_close_and_settle_once(database: Database) -> None:
    await busy(database)
    now = NOW + WEEK
    shops = [Shop(database) for _ in range(5)]
    done = await asyncio.gather(*(close_days(shop, now) for shop in shops))
    assert sum(done) == 7
    ended = "SELECT count(*) FROM loyalty_transaction WHERE kind = $1"
    assert await database.fetchval(ended, "expire") == await database.fetchval(
        "SELECT count(*) FROM loyalty_lot WHERE expired > 0"
    )
    assert await database.fetchval(ended, "release_hold") == 2
    assert await complaints(database) == []
    assert await wrong_closings(database) == []


async def test_a_day_is_one_of_the_program_and_adds_up(database: Database) -> None:
    shop, club = await busy(database)
    midnight = datetime(2026, 6, 16, 4, tzinfo=UTC)  # in New York
    assert await close_days(shop, midnight + DELAY - timedelta(seconds=1)) == 0
    assert await close_days(shop, midnight + DELAY) == 1
    assert await close_days(shop, midnight + DELAY) == 0
    (told,) = await closings_page(database, club.id, None, None, 0, 9)
    assert (told.day, told.until) == (date(2026, 6, 15), midnight)
    figures = {"issued": 126, "spent": 7, "held": 8, "open": 111}
    assert {name: int(getattr(told, name)) for name in figures} == figures
    gone = told.spent + told.expired + told.voided + told.held + told.open
    assert told.issued == gone + told.debt + told.transferred


async def test_what_is_booked_later_for_a_closed_day_is_in_the_next_one(
    database: Database,
) -> None:
    shop, club = await busy(database)
    await close_days(shop, NOW + timedelta(days=1))
    before = await closings_page(database, club.id, None, None, 0, 9)
    late: Any = partial(decide.earn, key=UUID(int=50), amount=Decimal(1), terms=Terms(NOW))
    await add_customer(database, "cem")
    await act(shop, query_of(club, "cem"), NOW + timedelta(hours=1), partial(late, cause=CAUSE))
    assert await wrong_closings(database) == []
    await close_days(shop, NOW + timedelta(days=2))
    after = await closings_page(database, club.id, None, None, 0, 9)
    assert after[1:] == before
    assert after[0].issued == before[0].issued + 1
    assert await wrong_closings(database) == []


async def test_a_closing_stays_and_tampering_is_found(database: Database) -> None:
    shop, club = await busy(database)
    await close_days(shop, NOW + timedelta(days=2))
    told = await closings_page(database, club.id, None, None, 0, 9)
    for statement in ("UPDATE loyalty_closing SET open = open", "DELETE FROM loyalty_closing"):
        with pytest.raises(asyncpg.RaiseError):
            await database.execute(statement)
    assert await closings_page(database, club.id, None, None, 0, 9) == told
    await database.execute("UPDATE loyalty_posting SET amount = amount * 2")
    wrong = await wrong_closings(database)
    assert [each.day for each in wrong] == sorted(_day(each) for each in told)


def _day(closing: DayClosing) -> date:
    return closing.day
