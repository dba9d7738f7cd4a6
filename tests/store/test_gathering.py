"""Statements that travel together: each gets its own outcome, whatever became of the others."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from habitue.store.database import Database, Row, open_database
from habitue.store.failures import AlreadyExists, OutcomeUnknown
from habitue.store.gathering import GROUP_SIZE_MAX
from habitue.store.location import External

ADD = "INSERT INTO thing (id, name, batch) VALUES ($1, $2, txid_current()) RETURNING id"
LOOK = "SELECT count(*) FROM thing"
SLOW_LOOK = "SELECT pg_sleep(0.1)"
THING = "CREATE TABLE thing (id int PRIMARY KEY, name text UNIQUE, batch bigint)"
SLOW_ADD = ADD.replace("$2", "$2::text || pg_sleep(0.05)::text")


@pytest.fixture(params=[1, 2])
def lanes(request: pytest.FixtureRequest) -> int:
    """How many groups of a kin are under way at a time."""
    count: int = request.param
    return count


@pytest.fixture
async def database(database_url: str, lanes: int) -> AsyncIterator[Database]:
    """A database of this test's own, open, with so many lanes."""
    async with open_database(External(database_url), lanes_max=lanes) as opened:
        yield opened


@pytest.fixture
async def table(database: Database) -> Database:
    """A database with the table `thing (id, name unique, batch)`."""
    await database.execute(THING)
    return database


async def add(database: Database, id_: int, name: str | None = None, query: str = ADD) -> int:
    (row,) = await database.fetch_together(query, id_, name or f"name {id_}", order=id_)
    return int(row["id"])


async def batches(database: Database) -> list[int]:
    rows = await database.fetch("SELECT count(*) FROM thing GROUP BY batch ORDER BY min(id)")
    return [row["count"] for row in rows]


async def test_each_gets_its_own_row(table: Database) -> None:
    ids = list(range(100))
    assert await asyncio.gather(*(add(table, id_) for id_ in ids)) == ids
    assert await table.fetchval("SELECT count(*) FROM thing") == 100


async def test_all_that_wait_leave_in_as_many_transactions_as_there_are_lanes(
    table: Database, lanes: int
) -> None:
    await asyncio.gather(*(add(table, id_) for id_ in range(20)))
    assert await batches(table) == [20 // lanes] * lanes


async def test_a_group_has_a_greatest_size(table: Database, lanes: int) -> None:
    count = lanes * GROUP_SIZE_MAX + 1
    await asyncio.gather(*(add(table, id_) for id_ in range(count)))
    sizes = await batches(table)
    assert sorted(sizes) == [1] + [GROUP_SIZE_MAX] * lanes


async def test_statements_of_a_kin_wait_for_each_other(table: Database, lanes: int) -> None:
    reading = asyncio.create_task(table.fetch_together(SLOW_LOOK, kin="thing"))
    adding = []
    for id_ in range(5):
        await asyncio.sleep(0.01)
        adding.append(asyncio.create_task(table.fetch_together(ADD, id_, f"{id_}", kin="thing")))
    await asyncio.gather(reading, *adding)
    assert len(await batches(table)) == (1 if lanes == 1 else 5)


async def test_who_goes_on_at_once_leaves_with_those_who_wait(database_url: str) -> None:
    """With one lane a late comer, who looks alone, has joined the others by its first row."""
    async with open_database(External(database_url), lanes_max=1) as table:
        await table.execute(THING)

        async def work(who: int) -> None:
            for number in range(4):
                look = SLOW_LOOK if number == 0 else LOOK
                await table.fetch_together(look, kin="thing")
                id_ = 100 * number + who
                await table.fetch_together(ADD, id_, f"{id_}", kin="thing")

        first = [asyncio.create_task(work(who)) for who in range(10)]
        await asyncio.sleep(0.02)
        await asyncio.gather(*first, work(10))
        assert await batches(table) == [11, 11, 11, 11]


async def test_one_by_itself_leaves_at_once(table: Database) -> None:
    assert [await add(table, id_) for id_ in range(3)] == [0, 1, 2]
    assert await batches(table) == [1, 1, 1]


async def test_who_fails_is_told_so_and_nobody_else(table: Database) -> None:
    await add(table, 1000, "taken")
    names = ["taken" if id_ % 7 == 3 else f"name {id_}" for id_ in range(40)]
    outcomes = await asyncio.gather(
        *(add(table, id_, name) for id_, name in enumerate(names)), return_exceptions=True
    )
    refused = [id_ for id_, outcome in enumerate(outcomes) if isinstance(outcome, AlreadyExists)]
    assert refused == [3, 10, 17, 24, 31, 38]
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [
        id_ for id_ in range(40) if id_ not in refused
    ]
    assert await table.fetchval("SELECT count(*) FROM thing") == 35


async def test_a_mistake_in_arguments_is_of_its_caller_alone(table: Database) -> None:
    wrong = table.fetch_together(ADD, "no number", "name")
    outcomes = await asyncio.gather(
        add(table, 1), wrong, add(table, 2), add(table, 3), return_exceptions=True
    )
    assert [outcomes[0], *outcomes[2:]] == [1, 2, 3]
    assert isinstance(outcomes[1], asyncpg.DataError)


async def test_answers_of_many_rows_are_told_apart(database: Database) -> None:
    query = "SELECT n, n = 1 AS head, $1::int AS of FROM generate_series(1, $1) AS n ORDER BY n"
    sizes = [3, 1, 4, 1, 5, 9, 2, 6]

    def begins(row: Row) -> bool:
        return bool(row["head"])

    answers = await asyncio.gather(
        *(database.fetch_together(query, size, begins=begins) for size in sizes)
    )
    assert [[(row["n"], row["of"]) for row in answer] for answer in answers] == [
        [(n, size) for n in range(1, size + 1)] for size in sizes
    ]


async def test_who_gives_up_stops_nobody(table: Database) -> None:
    tasks = [asyncio.create_task(add(table, id_, query=SLOW_ADD)) for id_ in range(8)]
    await asyncio.sleep(0.02)
    tasks[0].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1:] == list(range(1, 8))


async def test_a_busy_row_holds_up_only_who_wants_it(table: Database) -> None:
    await asyncio.gather(*(add(table, id_) for id_ in range(6)))
    query = "UPDATE thing SET name = 'new ' || id WHERE id = $1 RETURNING id"

    async def rename(id_: int) -> int:
        (row,) = await table.fetch_together(query, id_, order=id_)
        return int(row["id"])

    async with table.transaction() as holder:
        await holder.execute("SELECT FROM thing WHERE id = 2 FOR UPDATE")
        busy = asyncio.create_task(rename(2))
        others = await asyncio.wait_for(
            asyncio.gather(*(rename(id_) for id_ in (0, 1, 3, 4, 5))), 1.5
        )
        assert others == [0, 1, 3, 4, 5]
        assert not busy.done()
    assert await busy == 2


async def test_busy_rows_do_not_keep_the_lanes(table: Database, lanes: int) -> None:
    count = lanes + 3
    await asyncio.gather(*(add(table, id_) for id_ in range(count)))
    query = "UPDATE thing SET name = 'new ' || id WHERE id = $1 RETURNING id"
    async with table.transaction() as holder:
        await holder.execute("SELECT FROM thing WHERE id > 0 FOR UPDATE")
        busy = []
        for id_ in range(1, count):
            busy.append(asyncio.create_task(table.fetch_together(query, id_, order=id_)))
            await asyncio.sleep(0.01)
        await asyncio.wait_for(table.fetch_together(query, 0, order=0), 1)
        assert not any(task.done() for task in busy)
    assert [row["id"] for task in busy for row in await task] == list(range(1, count))


async def test_who_claims_the_same_thing_leaves_after_the_other(table: Database) -> None:
    await table.execute("CREATE TABLE shelf (id int PRIMARY KEY, left_over int)")
    await table.execute("INSERT INTO shelf VALUES (1, 3), (2, 100)")
    take = (
        "UPDATE shelf SET left_over = left_over - 1 WHERE id = $2 AND 1 / left_over >= 0"
        " RETURNING left_over, $1::int AS who, txid_current() AS batch"
    )
    stocks = [1 if who % 5 == 0 else 2 for who in range(20)]
    outcomes = await asyncio.gather(
        *(
            table.fetch_together(take, who, stock, order=who, claims=(stock,))
            for who, stock in enumerate(stocks)
        ),
        return_exceptions=True,
    )
    taken = [each[0] for each in outcomes if not isinstance(each, BaseException)]
    assert [row["left_over"] for row in taken if row["who"] % 5 == 0] == [2, 1, 0]
    assert [row["left_over"] for row in taken if row["who"] % 5] == list(range(99, 83, -1))
    assert isinstance(outcomes[15], asyncpg.DivisionByZeroError)
    assert len({row["batch"] for row in taken}) >= 16


async def test_two_groups_that_want_the_same_rows_do_not_wait_for_each_other(
    table: Database, database_url: str, lanes: int
) -> None:
    async with open_database(External(database_url), lanes_max=lanes) as another:
        await _two_ways(table, another, lanes)


async def _two_ways(table: Database, another: Database, lanes: int) -> None:
    await asyncio.gather(*(add(table, id_) for id_ in range(10)))
    query = "UPDATE thing SET batch = batch + 1 WHERE id = $1 RETURNING id"
    for _ in range(5):
        forwards = [table.fetch_together(query, id_, order=id_) for id_ in range(10)]
        backwards = [another.fetch_together(query, id_, order=id_) for id_ in reversed(range(10))]
        await asyncio.gather(*forwards, *backwards)
    rises = await table.fetch("SELECT batch - min(batch) OVER () AS more FROM thing")
    assert {row["more"] for row in rises} <= set(range(lanes))


async def test_all_are_told_that_the_connection_was_lost(table: Database) -> None:
    await asyncio.gather(*(add(table, id_) for id_ in range(2)))
    adding = [asyncio.create_task(add(table, id_, query=SLOW_ADD)) for id_ in range(10, 18)]
    await asyncio.sleep(0.03)
    await table.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown}
    assert await add(table, 100) == 100
    assert await table.fetchval("SELECT count(*) FROM thing") == 3


async def test_inside_a_transaction_nobody_travels_along(table: Database) -> None:
    async with table.transaction() as transaction:
        await transaction.fetch_together(ADD, 1, "one")
        assert await add(table, 2) == 2
        assert await table.fetchval("SELECT count(*) FROM thing") == 1
    assert await table.fetchval("SELECT count(*) FROM thing") == 2
