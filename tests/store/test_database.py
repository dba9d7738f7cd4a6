"""The database as the store's modules use it, against a real server."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from habitue.model.errors import Conflict, StoreUnavailable
from habitue.store.database import Database, open_database
from habitue.store.failures import (
    AlreadyExists,
    GuardFailed,
    LockTimeout,
    OutcomeUnknown,
    StartFailure,
)
from habitue.store.location import External


@pytest.fixture
async def table(database: Database) -> Database:
    """A database with the table `thing (id, name unique)`."""
    await database.execute("CREATE TABLE thing (id int PRIMARY KEY, name text UNIQUE)")
    return database


async def test_values_keep_their_exact_types(database: Database) -> None:
    document = b'{"total": 1.10,  "name": "\xc3\xa9"}'
    row = await database.fetchrow(
        "SELECT $1::json AS json, $2::jsonb AS jsonb, $3::numeric AS amount, $4::timestamptz AS at,"
        " $5::bytea AS bytes, NULL::jsonb AS nothing",
        document,
        b'{"b":1.10, "a":2}',
        Decimal("12345678901234567890.10"),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        b"\x00\xff",
    )
    assert row is not None
    assert dict(row) == {
        "json": document,
        "jsonb": b'{"a": 2, "b": 1.10}',
        "amount": Decimal("12345678901234567890.10"),
        "at": datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        "bytes": b"\x00\xff",
        "nothing": None,
    }
    assert str(row["amount"]) == "12345678901234567890.10"
    assert row["at"].utcoffset().total_seconds() == 0


async def test_broken_json_is_refused_by_the_server(database: Database) -> None:
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await database.fetchval("SELECT $1::jsonb", b'{"a":')
    assert await database.fetchval("SELECT 1") == 1


async def test_json_in_arrays_and_in_copy(table: Database) -> None:
    assert await table.fetchval("SELECT $1::jsonb[]", [b"1", b'"x"']) == [b"1", b'"x"']
    await table.execute("CREATE TABLE document (id bigint, body jsonb)")
    await table.copy_records_to_table(
        "document", records=[(1, b'{"a": 1}'), (2, None)], columns=["id", "body"]
    )
    rows = await table.fetch("SELECT * FROM document ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, b'{"a": 1}'), (2, None)]


@pytest.mark.parametrize(
    ("element", "values"),
    [
        ("text", ["a", None]),
        ("varchar", ["a", None]),
        ("bool", [True, None]),
        ("int2", [1, None]),
        ("int4", [1, None]),
        ("bigint", [2**53, None]),
        ("numeric", [Decimal("1.10"), None]),
        ("bytea", [b"\x00", None]),
        ("uuid", [UUID(int=7), None]),
        ("date", [date(2026, 3, 29), None]),
        ("timestamptz", [datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None]),
        ("json", [b'{"a":  1.0}', None]),
        ("jsonb", [b'{"a": 1.0}', None]),
    ],
)
async def test_arrays_need_no_questions_to_the_server(
    database: Database, element: str, values: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", asked.append)
    assert await database.fetchval(f"SELECT $1::{element}[]", values) == values
    assert asked == []


async def test_executemany_is_all_or_nothing(table: Database) -> None:
    with pytest.raises(AlreadyExists):
        await table.executemany("INSERT INTO thing VALUES ($1, $2)", [(1, "a"), (2, "a")])
    assert await table.fetchval("SELECT count(*) FROM thing") == 0
    await table.executemany("INSERT INTO thing VALUES ($1, $2)", [(1, "a"), (2, "b")])
    assert await table.fetchval("SELECT count(*) FROM thing") == 2


async def test_transaction_commits_as_a_whole(table: Database) -> None:
    async with table.transaction() as transaction:
        assert await transaction.execute("INSERT INTO thing VALUES (1, 'a')") == "INSERT 0 1"
        assert await table.fetchval("SELECT count(*) FROM thing") == 0
    assert await table.fetchval("SELECT count(*) FROM thing") == 1


async def test_transaction_is_undone_when_its_block_raises(table: Database) -> None:
    async def write_and_fail() -> None:
        async with table.transaction() as transaction:
            await transaction.execute("INSERT INTO thing VALUES (1, 'a')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await table.fetchval("SELECT count(*) FROM thing") == 0
    assert table.pool.idle == table.pool.size


async def test_transaction_whose_failure_was_swallowed_is_not_taken_for_committed(
    table: Database,
) -> None:
    async def write_and_pass_over() -> None:
        async with table.transaction() as transaction:
            await transaction.execute("INSERT INTO thing VALUES (1, 'a')")
            with pytest.raises(AlreadyExists):
                await transaction.execute("INSERT INTO thing VALUES (1, 'b')")

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await write_and_pass_over()
    assert await table.fetchval("SELECT count(*) FROM thing") == 0


async def test_snapshot_sees_one_moment_and_writes_nothing(table: Database) -> None:
    async with table.transaction(snapshot=True) as reading:
        assert await reading.fetchval("SELECT count(*) FROM thing") == 0
        await table.execute("INSERT INTO thing VALUES (1, 'a')")
        assert await reading.fetchval("SELECT count(*) FROM thing") == 0
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with table.transaction(snapshot=True) as reading:
            await reading.execute("INSERT INTO thing VALUES (2, 'b')")
    assert await table.fetchval("SELECT count(*) FROM thing") == 1


async def test_stream_gives_every_row_in_order(database: Database) -> None:
    async with database.transaction(snapshot=True) as reading:
        rows = reading.stream("SELECT generate_series(1, $1) AS n", 25, rows_at_once=10)
        assert [row["n"] async for row in rows] == list(range(1, 26))


async def test_unique_violation_names_the_constraint(table: Database) -> None:
    await table.execute("INSERT INTO thing VALUES (1, 'a')")
    with pytest.raises(AlreadyExists) as refusal:
        await table.execute("INSERT INTO thing VALUES (2, 'a')")
    assert refusal.value.constraint == "thing_name_key"
    assert isinstance(refusal.value, Conflict)
    assert await table.fetchval("SELECT count(*) FROM thing") == 1


async def test_guard_of_a_function_is_told_apart(database: Database) -> None:
    with pytest.raises(GuardFailed) as refusal:
        await database.execute(
            "DO $$ BEGIN RAISE EXCEPTION 'profile 7' USING ERRCODE = 'HB001'; END $$"
        )
    assert refusal.value.detail == "profile 7"


async def test_waiting_for_a_row_is_bounded(table: Database) -> None:
    await table.execute("INSERT INTO thing VALUES (1, 'a')")

    async def wait_a_little() -> None:
        async with table.transaction() as waiter:
            await waiter.execute("SET LOCAL lock_timeout = 50")
            await waiter.execute("UPDATE thing SET name = 'b'")

    async with table.transaction() as holder:
        await holder.fetch("SELECT * FROM thing FOR UPDATE")
        with pytest.raises(LockTimeout):
            await wait_a_little()
    assert await table.fetchval("SELECT name FROM thing") == "a"


async def test_one_of_two_in_a_deadlock_may_try_again(table: Database) -> None:
    await table.executemany("INSERT INTO thing VALUES ($1, $2)", [(1, "a"), (2, "b")])
    both = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> str:
        try:
            async with table.transaction() as transaction:
                await transaction.execute("UPDATE thing SET name = name WHERE id = $1", first)
                await both.wait()
                await transaction.execute("UPDATE thing SET name = name WHERE id = $1", second)
        except GuardFailed:
            return "overtaken"
        return "committed"

    outcomes = await asyncio.gather(cross(1, 2), cross(2, 1))
    assert sorted(outcomes) == ["committed", "overtaken"]


async def test_mistakes_in_statements_stay_what_they_are(database: Database) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await database.fetch("SELEKT 1")
    with pytest.raises(asyncpg.DataError):
        await database.fetch("SELECT $1::int", "one")
    with pytest.raises(asyncpg.InterfaceError):
        await database.fetch("SELECT $1::int")
    assert database.pool.size == 1
    assert database.pool.idle == 1


async def test_cancelled_statement_leaves_its_connection_usable(database: Database) -> None:
    task = asyncio.create_task(database.fetchval("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.wait_for(database.fetchval("SELECT 2"), 5) == 2
    assert database.pool.size == 1


async def test_cancelled_transaction_is_undone(table: Database) -> None:
    async def write_and_wait() -> None:
        async with table.transaction() as transaction:
            await transaction.execute("INSERT INTO thing VALUES (1, 'a')")
            await transaction.execute("SELECT pg_sleep(30)")

    task = asyncio.create_task(write_and_wait())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.wait_for(table.fetchval("SELECT count(*) FROM thing"), 5) == 0


async def test_connections_are_bounded_and_waiters_are_served(database_url: str) -> None:
    async with open_database(External(database_url), pool_size_max=3) as database:
        pids = await asyncio.gather(
            *(database.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.01)") for _ in range(20))
        )
        assert len(pids) == 20
        assert len(set(pids)) == 3
        assert (database.pool.size, database.pool.idle) == (3, 3)


async def test_waiting_for_a_connection_is_bounded(database_url: str) -> None:
    location = External(database_url)
    async with open_database(location, pool_size_max=1, patience_seconds=0.05) as database:
        async with database.transaction():
            with pytest.raises(StoreUnavailable):
                await database.fetchval("SELECT 1")
        assert await database.fetchval("SELECT 1") == 1


async def test_cancelled_waiter_loses_no_connection(database_url: str) -> None:
    async with open_database(External(database_url), pool_size_max=1) as database:
        async with database.transaction():
            waiters = [asyncio.create_task(database.fetchval("SELECT 1")) for _ in range(3)]
            await asyncio.sleep(0.01)
            waiters[0].cancel()
        waiters[1].cancel()
        assert await asyncio.wait_for(waiters[2], 5) == 1
        assert (database.pool.size, database.pool.idle) == (1, 1)


async def test_lost_connection_is_an_unknown_outcome_and_the_pool_recovers(
    table: Database, database_url: str
) -> None:
    async with open_database(External(database_url)) as other:
        for _ in range(3):
            working = asyncio.create_task(table.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0.1)
            await _end_other_connections(other)
            with pytest.raises(OutcomeUnknown):
                await working
            assert await table.fetchval("SELECT 1") == 1
    assert table.pool.size == 1


async def test_idle_connection_that_was_ended_is_replaced_silently(
    table: Database, database_url: str
) -> None:
    async with open_database(External(database_url)) as other:
        await _end_other_connections(other)
        await asyncio.sleep(0.05)
        assert await table.fetchval("SELECT 1") == 1


async def test_server_that_cannot_be_reached_is_named_without_its_password() -> None:
    location = External("postgresql://me:secret@127.0.0.1:1/shop")
    with pytest.raises(StartFailure) as refusal:
        async with open_database(location):
            pass
    assert "127.0.0.1/shop" in refusal.value.message
    assert "secret" not in refusal.value.message
    assert "secret" not in repr(location)


async def _end_other_connections(database: Database) -> None:
    await database.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
