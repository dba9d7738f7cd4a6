"""The schema, as numbered SQL files that are applied in their order, once, and never undone.

`NNNN_name.sql` files stand in `migrations/`. Each is applied in one transaction together with the
row of `schema_migration` that records it, under a lock timeout, so that a busy database delays a
migration and is never blocked by one. An advisory lock makes several runners safe.

Two kinds of comments in a file are instructions:

    -- @citus STATEMENT      a line that runs only where the extension Citus is present
    -- @no-transaction       first line of a file whose statements run one by one (CREATE INDEX
                             CONCURRENTLY); each ends with a semicolon at the end of a line, and
                             each must be able to run twice, as a failure leaves those before it

Invariant: an applied file never changes; its SHA-256 is compared at every start.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from habitue.store.embedded import Report
from habitue.store.failures import StartFailure
from habitue.store.pool import DriverConnection

DIRECTORY = Path(__file__).with_name("migrations")
OLDEST_MAJOR = 15
# Any number will do, as long as it stays the same.
_ADVISORY_LOCK = 4_829_471_060_318
#: How long a migration may stand in the queue for a lock, in which others queue behind it.
LOCK_TIMEOUT_MS = 3_000
_ATTEMPTS = 10
_PAUSE_SECONDS = 0.5
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_CITUS = re.compile(r"^-- @citus ", re.MULTILINE)
_NO_TRANSACTION = "-- @no-transaction"
_TABLE = """CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
_INSERT = "INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name without number and suffix, and its text."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def label(self) -> str:
        return f"{self.number:04}_{self.name}"

    @property
    def in_transaction(self) -> bool:
        return not self.sql.startswith(_NO_TRANSACTION)


@dataclass(frozen=True, slots=True)
class Status:
    """The files compared with the database.

    `unknown` are migrations of the database that there is no file for, `changed` those whose file
    is not the one that was applied, `skipped` pending ones that a later one has overtaken.
    """

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    changed: tuple[str, ...]
    skipped: tuple[str, ...]

    def refuse_mismatch(self) -> None:
        """Raise `StartFailure` if this database cannot be brought up to date by these files."""
        if self.unknown:
            raise StartFailure(
                "This database was migrated by a newer Habitue "
                f"(it has {', '.join(self.unknown)}): update this installation"
            )
        if self.changed:
            raise StartFailure(
                f"The migration {self.changed[0]} was changed after it was applied to this "
                "database: restore the original file"
            )
        if self.skipped:
            raise StartFailure(
                f"The migration {self.skipped[0]} is missing from this database although a later "
                "one was applied: number it after the last one"
            )

    def refuse_pending(self) -> None:
        """Raise `StartFailure` if anything has not been applied yet."""
        if self.pending:
            raise StartFailure(
                f"This database is behind by {len(self.pending)} migration(s), the first is "
                f"{self.pending[0]}: run `habitue migrate`"
            )


def load(directory: Path = DIRECTORY) -> tuple[Migration, ...]:
    """The migrations of a directory in their order. Raises `StartFailure` on a malformed name."""
    found: dict[int, Migration] = {}
    for path in sorted(directory.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise StartFailure(f"{path} is not named like 0001_what_it_does.sql")
        number = int(match[1])
        if number in found:
            raise StartFailure(f"{path.name} and {found[number].label}.sql have the same number")
        found[number] = Migration(number, match[2], path.read_text(encoding="utf-8"))
    return tuple(found.values())


async def status(connection: DriverConnection, migrations: Sequence[Migration]) -> Status:
    """Compare the files with the database, changing nothing."""
    applied = await _applied(connection)
    known = {migration.number: migration for migration in migrations}
    pending = [migration for migration in migrations if migration.number not in applied]
    newest = max(applied, default=0)
    return Status(
        applied=tuple(f"{number:04}_{name}" for number, (name, _) in applied.items()),
        pending=tuple(migration.label for migration in pending),
        unknown=tuple(
            f"{number:04}_{name}" for number, (name, _) in applied.items() if number not in known
        ),
        changed=tuple(
            known[number].label
            for number, (_, sha256) in applied.items()
            if number in known and known[number].sha256 != sha256
        ),
        skipped=tuple(migration.label for migration in pending if migration.number < newest),
    )


async def migrate(
    connection: DriverConnection, migrations: Sequence[Migration], report: Report
) -> tuple[str, ...]:
    """Apply what is pending; answers the labels of what was applied, in order.

    `connection` is used for nothing else and is closed by the caller, which also frees the lock.
    Raises `StartFailure`; what was applied before the failure stays applied.
    """
    await _lock(connection, report)
    await connection.execute(_TABLE)
    now = await status(connection, migrations)
    now.refuse_mismatch()
    has_citus = await connection.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
    for migration in migrations:
        if migration.label in now.pending:
            report(f"Applying migration {migration.label}")
            await _apply(connection, migration, bool(has_citus), report)
    await connection.execute("SELECT pg_advisory_unlock_all()")
    return now.pending


def for_citus(sql: str) -> str:
    """The text with its lines for Citus turned from comments into statements."""
    return _CITUS.sub("", sql)


def check_server_version(connection: DriverConnection) -> None:
    """Refuse a server that is too old for our statements."""
    major = connection.get_server_version().major
    if major < OLDEST_MAJOR:
        raise StartFailure(
            f"The database server is PostgreSQL {major}; {OLDEST_MAJOR} is the oldest that works"
        )


async def _applied(connection: DriverConnection) -> dict[int, tuple[str, str]]:
    if await connection.fetchval("SELECT to_regclass('schema_migration') IS NULL"):
        return {}
    rows = await connection.fetch(
        "SELECT number, name, sha256 FROM schema_migration ORDER BY number"
    )
    return {row["number"]: (row["name"], row["sha256"]) for row in rows}


async def _lock(connection: DriverConnection, report: Report) -> None:
    """Take the advisory lock by asking repeatedly.

    A statement that waited inside the server would hold a snapshot, for which the other runner's
    CREATE INDEX CONCURRENTLY would wait in turn.
    """
    began, told = time.monotonic(), 0
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ADVISORY_LOCK):
        await asyncio.sleep(0.1)
        waited = int(time.monotonic() - began)
        if waited > told:
            told = waited
            report(f"Waiting for another migration to finish, {waited} s so far")


async def _apply(
    connection: DriverConnection, migration: Migration, has_citus: bool, report: Report
) -> None:
    sql = for_citus(migration.sql) if has_citus else migration.sql
    run = _in_transaction if migration.in_transaction else _one_by_one
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await run(connection, migration, sql)
        except asyncpg.LockNotAvailableError:
            report(f"{migration.label} waits for a lock held by others, attempt {attempt}")
            await asyncio.sleep(_PAUSE_SECONDS)
        except asyncpg.PostgresError as error:
            raise StartFailure(_complaint(migration, sql, error)) from error
    raise StartFailure(
        f"Migration {migration.label} got no lock in {_ATTEMPTS} attempts because other "
        "transactions hold it; nothing of it was applied, try again when the database is less busy"
    )


async def _in_transaction(connection: DriverConnection, migration: Migration, sql: str) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        await connection.execute(sql)
        if not connection.is_in_transaction():
            raise StartFailure(f"Migration {migration.label} must not end its own transaction")
        await connection.execute(_INSERT, migration.number, migration.name, migration.sha256)


async def _one_by_one(connection: DriverConnection, migration: Migration, sql: str) -> None:
    await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    for statement in re.split(r";[ \t]*(?:--.*)?$", sql, flags=re.MULTILINE):
        if re.sub(r"--.*", "", statement).strip():
            await connection.execute(statement)
    await connection.execute(_INSERT, migration.number, migration.name, migration.sha256)


def _complaint(migration: Migration, sql: str, error: asyncpg.PostgresError) -> str:
    position = getattr(error, "position", None)
    where = f", line {sql.count(chr(10), 0, int(position)) + 1}" if position else ""
    return f"Migration {migration.label}{where} failed: {error}"
