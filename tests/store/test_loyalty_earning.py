"""Points that many customers earn at once: one statement, and to each its own outcome."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from habitue.customers.claims import profile_key
from habitue.loyalty import decide
from habitue.loyalty.booking import Booking
from habitue.loyalty.ledger import Cause, LedgerDecision, balances_of
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Terms
from habitue.model.errors import KeyReused, NotFound
from habitue.model.idempotency import Idempotency
from habitue.store import loyalty, loyalty_earning
from habitue.store.database import Database, open_database
from habitue.store.failures import AlreadyExists
from habitue.store.location import External
from habitue.store.loyalty_earning import Earning
from habitue.usecases.adjust_points import Adjustment, add_points
from habitue.usecases.points_earned import calm_state
from habitue.usecases.points_state import points_state
from habitue.usecases.shop import Shop
from tests.harness.planted import plant
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

TYPES = (
    *("bigint", "bigint", "bigint", "timestamptz", "bigint", "text", "bigint", "jsonb"),
    *("timestamptz", "timestamptz", "numeric", "uuid", "numeric", "timestamptz", "timestamptz"),
    *("text", "jsonb"),
)

LOADED: Sequence[list[Any]] = ([UUID(int=1)], [1], [""], [NOW], [True], [None], [NOW])


def earning(club: LoyaltyProgram, customer_id: int, **fields: Any) -> Earning:
    """The first point of a new customer."""
    first = Earning(
        customer_id=customer_id,
        customer_version=1,
        root_id=customer_id,
        booked=NOW,
        program_id=club.id,
        subledger="",
        version=0,
        tier=None,
        moment=NOW,
        next_change=None,
        active=Decimal(1),
        key=UUID(int=customer_id),
        amount=Decimal(1),
        start=NOW,
        expiry=None,
        validity="",
        cause=b'{"actor":"the tests"}',
    )
    return msgspec.structs.replace(first, **fields)


async def give(shop: Shop, club: LoyaltyProgram, name: str, key: int, now: datetime = NOW) -> None:
    given = Adjustment(UUID(int=key), Decimal(1), "", Cause(actor="the tests"))
    await add_points(shop, query_of(club, name), name, given, now)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of this test's own, whose readings and earnings travel on one lane."""
    async with open_database(External(database_url), lanes_max=1) as opened:
        yield opened


async def earned_together(database: Database, earnings: Sequence[Earning]) -> list[str]:
    """What becomes of each, all of them at once."""
    works = (loyalty_earning.earn(database, each) for each in earnings)
    told = await asyncio.gather(*works, return_exceptions=True)
    return [type(each).__name__ for each in told]


async def commits(database: Database) -> int:
    """How many transactions of the database the points came with."""
    query = "SELECT count(DISTINCT xmin::text) FROM loyalty_posting"
    return int(await database.fetchval(query))


async def test_customers_earn_together_and_each_its_own(database: Database) -> None:
    shop, club = await open_club(database)
    names = [f"customer {number}" for number in range(20)]
    ids = [await add_customer(database, name) for name in names]
    await asyncio.gather(*(give(shop, club, name, 1) for name in names))
    assert await commits(database) == 1
    await asyncio.gather(*(give(shop, club, name, 2) for name in names[:10]))
    assert await commits(database) == 2
    with pytest.raises(NotFound):
        await give(shop, club, "nobody", 3)
    rows = await database.fetch("SELECT customer_id, version, open FROM loyalty_account ORDER BY 1")
    told = [(row["customer_id"], row["version"], row["open"]) for row in rows]
    assert told == [(id_, *((2, 2) if id_ in ids[:10] else (1, 1))) for id_ in sorted(ids)]
    assert await complaints(database) == []


async def test_whoever_has_moved_is_told_alone(database: Database) -> None:
    _, club = await open_club(database)
    ids = [await add_customer(database, f"customer {number}") for number in range(6)]
    assert await earned_together(database, [earning(club, id_) for id_ in ids[:5]]) == (
        ["NoneType"] * 5
    )
    await database.execute("UPDATE customer SET joined = true WHERE id = $1", ids[4])
    before = await points_rows(database)
    second = {"version": 1, "active": Decimal(2)}
    told = await earned_together(
        database,
        [
            earning(club, ids[0], key=UUID(int=101), **second),
            earning(club, ids[1], key=UUID(int=102), **second, customer_version=2),
            earning(club, ids[2], key=UUID(int=103)),
            earning(club, ids[3], key=UUID(int=104), version=2),
            earning(club, ids[4], key=UUID(int=105), **second),
            earning(club, ids[5]),
            earning(club, ids[5], key=UUID(int=106)),
        ],
    )
    assert told == ["NoneType", *["GuardFailed"] * 4, "NoneType", "GuardFailed"]
    assert await complaints(database) == []
    after = await points_rows(database)
    new = {table: len(rows) - len(before[table]) for table, rows in after.items()}
    assert new == {
        "loyalty_account": 1,
        "loyalty_lot": 2,
        "loyalty_hold": 0,
        "loyalty_transaction": 2,
        "loyalty_posting": 4,
        "loyalty_tier_change": 0,
        "loyalty_membership": 0,
    }


async def test_one_whose_key_is_taken_spoils_nothing(database: Database) -> None:
    shop, club = await open_club(database)
    names = [f"customer {number}" for number in range(4)]
    for name in names:
        await add_customer(database, name)
        await give(shop, club, name, 1)
    keys = zip(names, (2, 1, 3, 4), strict=True)
    told = await asyncio.gather(
        *(give(shop, club, name, key) for name, key in keys), return_exceptions=True
    )
    assert [type(each) for each in told] == [type(None), AlreadyExists, type(None), type(None)]
    assert await database.fetchval("SELECT sum(open) FROM loyalty_account") == 7
    assert await complaints(database) == []


async def test_answers_are_stored_with_the_points_they_are_of(database: Database) -> None:
    shop, club = await open_club(database)
    names = [f"customer {number}" for number in range(4)]
    for name in names:
        await add_customer(database, name)

    async def ask(name: str, key: int, sent: bytes = b"a request") -> str:
        request = Idempotency(UUID(int=key).bytes, sent)
        given = Adjustment(uuid4(), Decimal(1), "", Cause(actor="the tests"))
        try:
            reply = await add_points(shop, query_of(club, name), name, given, NOW, request)
        except KeyReused:
            return "KeyReused"
        return str(reply.status)

    asked = [ask(name, number) for number, name in enumerate(names, 1)]
    assert await asyncio.gather(*asked) == ["204"] * 4
    assert await commits(database) == 1
    # two whose keys are there, one of another request, and two that race for the same key
    again = [ask(names[0], 1), ask(names[1], 2, b"another"), ask(names[2], 9), ask(names[3], 9)]
    assert await asyncio.gather(*again) == ["204", "KeyReused", "204", "204"]
    rows = await database.fetch("SELECT open FROM loyalty_account ORDER BY customer_id")
    assert sorted(int(row["open"]) for row in rows) == [1, 1, 1, 2]
    receipts = await database.fetch("SELECT customer_id, status FROM receipt")
    assert Counter(row["status"] for row in receipts) == {204: 5}
    assert len({row["customer_id"] for row in receipts}) == 4
    assert await complaints(database) == []


async def race(database_url: str, club: LoyaltyProgram) -> None:
    """Shops that know nothing of each other give points to the same two customers, one by one."""
    async with AsyncExitStack() as stack:
        shops = []
        for _ in range(4):
            opened = open_database(External(database_url), pool_size_max=4)
            shops.append(Shop(await stack.enter_async_context(opened)))
            await shops[-1].refresh()

        async def give_twelve(shop: Shop, name: str, first: int) -> None:
            for key in range(first, first + 12):
                await give(shop, club, name, key)

        async with asyncio.TaskGroup() as group:
            for number, shop in enumerate(shops, 1):
                for name in ("ada", "ben"):
                    group.create_task(give_twelve(shop, name, 1_000 * number))


async def test_shops_that_race_lose_nothing(database: Database, database_url: str) -> None:
    _, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    await add_customer(database, "ben")
    await race(database_url, club)
    sums = await database.fetch("SELECT open, active, sequence FROM loyalty_account")
    assert [tuple(row) for row in sums] == [(48, 48, 48)] * 2
    assert await complaints(database) == []


async def test_without_its_guard_the_race_is_lost(database: Database, database_url: str) -> None:
    _, club = await open_club(database, tiers=())
    await add_customer(database, "ada")
    await add_customer(database, "ben")
    await plant(database, "no version of the account that earns")
    # two links after one: what keeps a chain from having them is the last guard
    with pytest.raises(ExceptionGroup) as caught:
        await race(database_url, club)
    assert {type(each) for each in caught.value.exceptions} == {AlreadyExists}


async def test_without_the_version_of_the_customer_what_is_gone_is_booked(
    database: Database,
) -> None:
    _, club = await open_club(database, tiers=())
    id_ = await add_customer(database, "ada")
    stale = earning(club, id_, customer_version=9)
    assert await earned_together(database, [stale]) == ["GuardFailed"]
    await plant(database, "no version of the customer who earns")
    assert await earned_together(database, [stale]) == ["NoneType"]


@pytest.mark.parametrize("tiers", [True, False])
async def test_what_is_read_of_a_calm_ledger_is_what_there_is(
    database: Database, tiers: bool
) -> None:
    shop, club = await open_club(database, **({} if tiers else {"tiers": ()}))
    later, much_later = NOW + timedelta(hours=30), NOW + timedelta(hours=70)

    def lots(*terms: Terms) -> Any:
        def earn(booking: Booking) -> None:
            for number, each in enumerate(terms, 1):
                decide.earn(booking, UUID(int=number), Decimal(20), each, CAUSE)

        return earn

    cases = {
        "nothing": lambda booking: None,
        "a lot": lots(Terms(NOW)),
        "one that ends": lots(Terms(NOW), Terms(NOW, later), Terms(NOW, much_later)),
        "one that starts": lots(Terms(NOW, much_later), Terms(later)),
        "one that waits": lots(Terms(None)),
    }
    for name, action in cases.items():
        await add_customer(database, name)
        await act(shop, query_of(club, name), NOW, action)
        query, now = query_of(club, name), NOW + timedelta(hours=1)
        row = await loyalty_earning.load_calm(
            database, profile_key(name, sandbox=False), club.id, "", now, attributed=True
        )
        assert row is not None
        full = points_state(await loyalty.load(database, query, now, 0), club, now)
        assert full is not None
        assert msgspec.structs.replace(calm_state(row, club, "", now), postings=[]) == full


async def test_what_is_not_calm_is_read_in_full(database: Database) -> None:
    shop, club = await open_club(database, tiers=())
    ends = NOW + timedelta(hours=2)

    async def is_calm(name: str, now: datetime) -> bool:
        key = profile_key(name, sandbox=False)
        row = await loyalty_earning.load_calm(database, key, club.id, "", now, attributed=False)
        return row is not None

    _, _, eve = [await add_customer(database, name) for name in ("ada", "ben", "eve")]

    def earn(booking: Booking) -> None:
        decide.earn(booking, UUID(int=1), Decimal(5), Terms(NOW, ends), CAUSE)

    async def acted(name: str, action: Any) -> LedgerDecision:
        return await act(shop, query_of(club, name), NOW, action)

    await acted("ada", earn)
    assert (await is_calm("ada", NOW), await is_calm("ada", ends)) == (True, False)
    await acted("ben", earn)
    await acted("ben", lambda b: decide.hold(b, UUID(int=2), Decimal(1), None, CAUSE))
    assert not await is_calm("ben", NOW)
    await database.execute("UPDATE customer SET joined = true WHERE id = $1", eve)
    assert not await is_calm("eve", NOW)
    assert not await is_calm("nobody", NOW)
    for name in ("ada", "ben", "eve"):
        await give(shop, club, name, 9, ends)
    balances = [
        balances_of(await read(shop, query_of(club, name), ends)) for name in ("ada", "ben")
    ]
    told = [(int(each.active), int(each.held), int(each.expired)) for each in balances]
    assert told == [(1, 0, 5), (1, 1, 4)]
    assert await complaints(database) == []


async def test_everything_is_found_by_keys(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        load = await connection.fetch(
            f"EXPLAIN {loyalty_earning.LOAD_CALM}",
            [UUID(int=1)],
            [1],
            [""],
            [NOW],
            [True],
            [None],
            [NOW],
        )
        source: str = await connection.fetchval(
            "SELECT prosrc FROM pg_proc WHERE proname = 'earn_points'"
        )
        arguments = await connection.fetchval(
            "SELECT proargnames::text[] FROM pg_proc WHERE proname = 'earn_points'"
        )
        body = source.split("RETURN QUERY")[1].rsplit(";\nEND", 1)[0]
        for number, (name, type_) in enumerate(zip(arguments, TYPES, strict=True), 1):
            body = re.sub(rf"\b{name}\b", f"${number}::{type_}[]", body)
        save = await connection.fetch(f"EXPLAIN {body}", *([] for _ in TYPES))
    for plan in (load, save):
        lines = [row[0] for row in plan]
        read_ = [
            (line, behind)
            for line, behind in pairwise([*lines, ""])
            if re.search(r"Scan .*\bon (claim|customer|loyalty_\w+)\b", line)
        ]
        assert len(read_) >= 3
        assert [each for each in read_ if "Cond:" not in each[1]] == []


async def test_one_plan_serves_all(database: Database) -> None:
    async with database.transaction() as connection:
        for size in (1, 2, 8, 1, 3, 1, 5, 1, 1, 1):
            await connection.fetch(loyalty_earning.LOAD_CALM, *(each * size for each in LOADED))
        counts = await connection.fetchrow(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1",
            loyalty_earning.LOAD_CALM,
        )
    assert counts is not None
    # The server tries five plans before it decides.
    assert (counts["generic_plans"], counts["custom_plans"]) == (5, 5)
