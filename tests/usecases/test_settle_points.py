"""The job that books what time has done: the same as a request would, once, whoever comes first."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.ledger import balances_of
from habitue.loyalty.settling import begin
from habitue.loyalty.terms import Terms
from habitue.store.database import Database
from habitue.store.loyalty_audit import Closing, closings
from habitue.usecases.settle_points import settle_due
from habitue.usecases.shop import Shop
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import (
    act,
    add_customer,
    complaints,
    open_club,
    points_rows,
    query_of,
    read,
)


async def stocked(database: Database, *names: str) -> tuple[Shop, list[UUID]]:
    """Customers with points that end after 5 and 50 hours, 3 of them held for 9 hours."""
    shop, club = await open_club(database)
    for name in names:
        await add_customer(database, name)
        query = query_of(club, name)
        for number, (amount, hours) in enumerate([(10, 5), (20, 50)], 1):
            terms = Terms(NOW, NOW + timedelta(hours=hours))
            earn = partial(decide.earn, key=UUID(int=number), amount=Decimal(amount), cause=CAUSE)
            await act(shop, query, NOW, partial(earn, terms=terms))
        until = NOW + timedelta(hours=9)
        hold = partial(decide.hold, key=UUID(int=9), amount=Decimal(3), expires=until, cause=CAUSE)
        await act(shop, query, NOW, hold)
    return shop, [UUID(int=1), UUID(int=2)]


async def test_days_of_jobs_or_one_after_a_week_leave_the_same_books(
    database: Database,
) -> None:
    shop, keys = await stocked(database, "ada", "ben")
    (club,) = shop.configuration.loyalty_programs.values()
    end = NOW + timedelta(days=7)
    before = await read(shop, query_of(club, "ada", *keys), NOW)
    expected = begin(before, club, end).ledger
    assert [await settle_due(shop, NOW + timedelta(hours=each)) for each in (4, 5, 9, 30, 50)] == [
        0,
        2,
        2,
        0,
        2,
    ]
    assert await settle_due(shop, end) == 2  # the tier has ended
    assert await settle_due(shop, end) == 0
    for name in ("ada", "ben"):
        after = await read(shop, query_of(club, name, *keys), end)
        assert balances_of(after) == balances_of(expected)
        assert {key: lot.expired for key, lot in after.lots.items()} == {
            key: lot.expired for key, lot in expected.lots.items()
        }
    assert balances_of(expected).expired == 30
    assert await complaints(database) == []


async def test_many_workers_book_everything_once(database: Database) -> None:
    shop, keys = await stocked(database, "ada", "ben", "cem")
    end = NOW + timedelta(days=3)
    await asyncio.gather(*(settle_due(Shop(database), end) for _ in range(6)))
    assert (
        await database.fetchval("SELECT count(*) FROM loyalty_transaction WHERE kind = 'expire'")
        == 6
    )
    assert await complaints(database) == []
    (club,) = shop.configuration.loyalty_programs.values()
    assert balances_of(await read(shop, query_of(club, "cem", *keys), end)).expired == 30


async def test_the_books_of_a_day_do_not_change_later(database: Database) -> None:
    shop, _ = await stocked(database, "ada")
    (club,) = shop.configuration.loyalty_programs.values()
    evening = NOW + timedelta(hours=12)
    await settle_due(shop, evening)
    told = await closings(database, evening)
    figures = {
        "issued": 30,
        "spent": 0,
        "expired": 10,
        "voided": 0,
        "held": 0,
        "open": 20,
        "debt": 0,
        "transferred": 0,
    }
    amounts = {name: Decimal(number) for name, number in figures.items()}
    assert told == [Closing(program_id=club.id, **amounts)]
    assert told[0].is_closed
    await settle_due(shop, NOW + timedelta(days=9))
    assert await closings(database, evening) == told
    (later,) = await closings(database, NOW + timedelta(days=10))
    assert (later.expired, later.open) == (Decimal(30), Decimal(0))
    assert later.is_closed


async def test_tampering_is_found(database: Database) -> None:
    await stocked(database, "ada")
    assert await complaints(database) == []
    for statement, found in [
        ("UPDATE loyalty_account SET spent = spent + 1", "balances differ from the postings"),
        ("UPDATE loyalty_account SET spent = spent - 1", None),
        ("UPDATE loyalty_lot SET remaining = remaining - 1", "lots differ from the balance"),
        ("UPDATE loyalty_lot SET remaining = remaining + 1", None),
        (
            "UPDATE loyalty_transaction SET at = at - interval '1 day' WHERE sequence = 2",
            "the chain of hashes is broken",
        ),
        (
            "UPDATE loyalty_transaction SET at = at + interval '1 day' WHERE sequence = 2",
            None,
        ),
        (
            "UPDATE loyalty_posting SET amount = amount * 2 WHERE transaction_id = 1",
            "the chain of hashes is broken",
        ),
        ("UPDATE loyalty_posting SET amount = amount / 2 WHERE transaction_id = 1", None),
        ("DELETE FROM loyalty_hold", "holds differ from the balance"),
        (
            "DELETE FROM loyalty_transaction WHERE kind = 'hold'",
            "the end of the chain of hashes is missing",
        ),
    ]:
        await database.execute(statement)
        told = await complaints(database)
        assert (found in told) if found else told == []


async def test_erasing_keeps_the_books_and_not_the_reasons(database: Database) -> None:
    await stocked(database, "ada")
    (id_,) = [row["id"] for row in await database.fetch("SELECT id FROM customer")]
    before = await points_rows(database)
    assert any('"a reason"' in row for row in before["loyalty_transaction"])
    await database.execute(
        "SELECT erase_points($1)",
        id_,
    )
    after = await points_rows(database)
    assert not any('"a reason"' in row for row in after["loyalty_transaction"])
    assert after["loyalty_posting"] == before["loyalty_posting"]
    assert await complaints(database) == []
