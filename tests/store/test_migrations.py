"""The schema's migrations, with small files of the tests' own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from habitue.store import migrations
from habitue.store.database import Server, first_connection, open_database
from habitue.store.failures import StartFailure
from habitue.store.location import External
from habitue.store.migrations import Migration
from habitue.store.pool import DriverConnection

ONE = Migration(1, "first", "CREATE TABLE one (n int);\nINSERT INTO one VALUES (1);\n")
TWO = Migration(2, "second", "ALTER TABLE one ADD COLUMN m int;")


def ignore(message: str) -> None:
    """A report to nobody."""


@pytest.fixture
async def empty_url(database_url: str) -> str:
    """A database without any table."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    return database_url


@pytest.fixture
async def connection(empty_url: str) -> AsyncIterator[DriverConnection]:
    async with first_connection(Server(url=empty_url)) as opened:
        yield opened


async def tables(connection: DriverConnection) -> list[str]:
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return [row["tablename"] for row in rows]


def test_files_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "0002_second.sql").write_text("SELECT 2;")
    (tmp_path / "0001_first_of_all.sql").write_text("SELECT 1;")
    (tmp_path / "notes.txt").write_text("")
    assert migrations.load(tmp_path) == (
        Migration(1, "first_of_all", "SELECT 1;"),
        Migration(2, "second", "SELECT 2;"),
    )
    assert migrations.load(tmp_path / "nothing") == ()


@pytest.mark.parametrize("name", ["1_first.sql", "0001-first.sql", "0001_First.sql"])
def test_malformed_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(StartFailure, match="is not named like"):
        migrations.load(tmp_path)


def test_number_used_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("")
    (tmp_path / "0001_other.sql").write_text("")
    with pytest.raises(StartFailure, match=r"0001_other.sql and 0001_first.sql have the same"):
        migrations.load(tmp_path)


def test_our_own_files_are_well_formed() -> None:
    numbers = [migration.number for migration in migrations.load()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_each_is_applied_once(connection: DriverConnection) -> None:
    reports: list[str] = []
    assert await migrations.migrate(connection, [ONE], reports.append) == ("0001_first",)
    assert await migrations.migrate(connection, [ONE, TWO], reports.append) == ("0002_second",)
    assert await migrations.migrate(connection, [ONE, TWO], reports.append) == ()
    assert reports == ["Applying migration 0001_first", "Applying migration 0002_second"]
    assert [tuple(row) for row in await connection.fetch("SELECT n, m FROM one")] == [(1, None)]
    found = await migrations.status(connection, [ONE, TWO])
    assert found == migrations.Status(("0001_first", "0002_second"), (), (), (), ())


async def test_status_changes_nothing(connection: DriverConnection) -> None:
    found = await migrations.status(connection, [ONE])
    assert (found.applied, found.pending) == ((), ("0001_first",))
    assert await tables(connection) == []


async def test_failing_migration_leaves_nothing_behind(connection: DriverConnection) -> None:
    bad = Migration(2, "bad", "CREATE TABLE two (n int);\n\nSELECT 1 FROM nowhere;\n")
    with pytest.raises(StartFailure) as refusal:
        await migrations.migrate(connection, [ONE, bad], ignore)
    assert refusal.value.message == (
        'Migration 0002_bad, line 3 failed: relation "nowhere" does not exist'
    )
    assert await tables(connection) == ["one", "schema_migration"]
    assert (await migrations.status(connection, [ONE, bad])).applied == ("0001_first",)


async def test_migration_that_ends_its_transaction_is_refused(connection: DriverConnection) -> None:
    bad = Migration(1, "bad", "CREATE TABLE two (n int); COMMIT;")
    with pytest.raises(StartFailure, match="must not end its own transaction"):
        await migrations.migrate(connection, [bad], ignore)


async def test_changed_file_is_refused(connection: DriverConnection) -> None:
    await migrations.migrate(connection, [ONE], ignore)
    changed = Migration(1, "first", ONE.sql + "-- a word more\n")
    with pytest.raises(StartFailure, match="0001_first was changed after it was applied"):
        await migrations.migrate(connection, [changed, TWO], ignore)
    assert (await migrations.status(connection, [ONE])).applied == ("0001_first",)


async def test_database_of_a_newer_version_is_refused(connection: DriverConnection) -> None:
    await migrations.migrate(connection, [ONE, TWO], ignore)
    with pytest.raises(StartFailure, match=r"migrated by a newer Habitue \(it has 0002_second\)"):
        await migrations.migrate(connection, [ONE], ignore)


async def test_migration_numbered_before_an_applied_one_is_refused(
    connection: DriverConnection,
) -> None:
    later = Migration(3, "third", "SELECT 1")
    await migrations.migrate(connection, [ONE, later], ignore)
    with pytest.raises(StartFailure, match="0002_second is missing"):
        await migrations.migrate(connection, [ONE, TWO, later], ignore)


async def test_lines_for_citus_run_only_where_it_is(connection: DriverConnection) -> None:
    marked = Migration(
        1,
        "marked",
        "CREATE TABLE one (n int);\n-- @citus SELECT create_distributed_table('one');\n",
    )
    assert await migrations.migrate(connection, [marked], ignore) == ("0001_marked",)
    # With the prefix taken away the line is a statement, and fails here, where Citus is not.
    assert "\nSELECT create_distributed_table" in migrations.for_citus(marked.sql)


async def test_statements_outside_a_transaction_run_one_by_one(
    connection: DriverConnection,
) -> None:
    index = Migration(
        2,
        "index",
        "-- @no-transaction\n"
        "DROP INDEX IF EXISTS one_n; -- left by an earlier failure\n"
        "DROP INDEX CONCURRENTLY IF EXISTS one_n;\n"
        "CREATE INDEX CONCURRENTLY one_n\n    ON one (n);\n-- the end\n",
    )
    await migrations.migrate(connection, [ONE, index], ignore)
    assert await connection.fetchval("SELECT to_regclass('one_n') IS NOT NULL")
    assert (await migrations.status(connection, [ONE, index])).pending == ()


async def test_two_runners_apply_each_migration_once(empty_url: str) -> None:
    slow = Migration(1, "slow", "CREATE TABLE one (n int); SELECT pg_sleep(0.3);")

    async def run() -> tuple[str, ...]:
        async with first_connection(Server(url=empty_url)) as connection:
            return await migrations.migrate(connection, [slow, TWO], ignore)

    answers = await asyncio.gather(run(), run(), run())
    assert sorted(answers) == [(), (), ("0001_slow", "0002_second")]


async def test_migration_does_not_queue_before_the_work_of_others(
    connection: DriverConnection, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives up its place in the queue for the lock, and tries again."""
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_MS", 50)
    await migrations.migrate(connection, [ONE], ignore)
    reports: list[str] = []
    async with first_connection(Server(url=empty_url)) as other:
        holding = other.transaction()
        await holding.start()
        await other.execute("SELECT * FROM one")

        def report(message: str) -> None:
            reports.append(message)

        running = asyncio.create_task(migrations.migrate(connection, [ONE, TWO], report))
        await asyncio.sleep(0.8)
        await holding.rollback()
    assert await running == ("0002_second",)
    assert reports[:2] == [
        "Applying migration 0002_second",
        "0002_second waits for a lock held by others, attempt 1",
    ]


async def test_other_servers_databases_must_be_up_to_date_to_be_opened(empty_url: str) -> None:
    location = External(empty_url)
    with pytest.raises(StartFailure) as refusal:
        async with open_database(location, files=[ONE, TWO]):
            pass
    assert refusal.value.message == (
        "This database is behind by 2 migration(s), the first is 0001_first: run `habitue migrate`"
    )
    async with open_database(location, files=[ONE, TWO], schema="upgrade") as database:
        assert await database.fetchval("SELECT n FROM one") == 1
    async with open_database(location, files=[ONE, TWO]):
        pass
    with pytest.raises(StartFailure, match="newer Habitue"):
        async with open_database(location, files=[ONE]):
            pass


class _OldServer:
    """A connection to a server of another age."""

    def __init__(self, major: int) -> None:
        self.major = major

    def get_server_version(self) -> "_OldServer":
        return self


def test_server_that_is_too_old_is_refused() -> None:
    migrations.check_server_version(_OldServer(15))  # type: ignore[arg-type]
    with pytest.raises(StartFailure, match="is PostgreSQL 14; 15 is the oldest"):
        migrations.check_server_version(_OldServer(14))  # type: ignore[arg-type]
