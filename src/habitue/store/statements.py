"""Statements on one connection, with the driver's errors turned into ours.

jsonb and json values are `bytes` of JSON text in both directions: the store never parses them.
numeric is `Decimal`, timestamptz is an aware `datetime` in UTC, bytea is `bytes`. Statements are
prepared once per connection, by their text, so their text must not contain values.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import asyncpg

from habitue.model.errors import StoreUnavailable
from habitue.store.failures import AlreadyExists, GuardFailed, LockTimeout, OutcomeUnknown
from habitue.store.pool import DriverConnection

Row: TypeAlias = asyncpg.Record
Arguments: TypeAlias = Sequence[object]
#: Whether a row is the first one of an answer.
Begins: TypeAlias = Callable[[Row], bool]

GUARD_FAILED = "HB001"
_UNIQUE_VIOLATION = "23505"
_LOCK_NOT_AVAILABLE = "55P03"
# deadlock_detected, serialization_failure: undone in favour of another, who has gone on
_OVERTAKEN_STATES = frozenset({"40P01", "40001"})
# query_canceled, disk and memory full, I/O error: the statement was undone. cannot_connect_now,
# too_many_connections: it was never begun.
_UNDONE_STATES = frozenset({"57014", "53100", "53200", "58030", "57P03", "53300"})
# What the driver raises; everything else passes through untouched.
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Joint(NamedTuple):
    """How a statement that serves one caller serves several at once, by one execution of it or of
    `query`: `join` makes its arguments out of theirs, `part` finds a caller's rows among those of
    all.
    """

    join: Callable[[Sequence[Arguments]], Arguments]
    part: Callable[[list[Row], Sequence[Arguments]], list[list[Row]]]
    query: str | None = None


class Connection(Protocol):
    """What a statement can run on: a `Database` (each by itself) or a `Transaction`."""

    async def fetch(self, query: str, *arguments: object) -> list[Row]: ...

    async def fetchrow(self, query: str, *arguments: object) -> Row | None: ...

    async def fetch_together(
        self,
        query: str,
        *arguments: object,
        begins: Begins | None = None,
        joint: Joint | None = None,
        kin: str = "",
        order: int = 0,
        claims: Sequence[int] = (),
    ) -> list[Row]: ...

    async def fetchval(self, query: str, *arguments: object) -> Any: ...

    async def execute(self, query: str, *arguments: object) -> str: ...

    async def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None: ...

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> None: ...


class Transaction:
    """Statements inside one open transaction; made by `Database.transaction` only."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def fetch(self, query: str, *arguments: object) -> list[Row]:
        """All rows."""
        try:
            return await self._connection.fetch(query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def fetchrow(self, query: str, *arguments: object) -> Row | None:
        """The first row, or None."""
        try:
            return await self._connection.fetchrow(query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def fetch_together(
        self,
        query: str,
        *arguments: object,
        begins: Begins | None = None,
        joint: Joint | None = None,
        kin: str = "",
        order: int = 0,
        claims: Sequence[int] = (),
    ) -> list[Row]:
        """All rows; nobody else travels inside this transaction."""
        return await self.fetch(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """The first column of the first row, or None."""
        try:
            return await self._connection.fetchval(query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement and answer its command tag, like `UPDATE 1`."""
        try:
            return await self._connection.execute(query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once per row of arguments, all of them or none."""
        try:
            await self._connection.executemany(query, rows)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> None:
        """Add many rows the fastest way there is, all of them or none."""
        try:
            await self._connection.copy_records_to_table(
                table, records=records, columns=list(columns)
            )
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def stream(
        self, query: str, *arguments: object, rows_at_once: int = 500
    ) -> AsyncIterator[Row]:
        """The rows one by one, of which `rows_at_once` are in memory."""
        try:
            async for row in self._connection.cursor(query, *arguments, prefetch=rows_at_once):
                yield row
        except DRIVER_ERRORS as error:
            raise translated(error) from error


def translated(error: Exception) -> Exception:
    """Our word for what went wrong while the server held a statement.

    A mistake in a statement or in its arguments is nobody's fact and stays what it is.
    """
    if isinstance(error, asyncpg.PostgresError):
        return _of_the_server(error)
    if isinstance(error, asyncpg.InterfaceError):
        lost = not isinstance(error, ValueError) and "connection is closed" in str(error)
        return StoreUnavailable() if lost else error
    return OutcomeUnknown()


def unreachable(error: Exception) -> bool:
    """Whether a failure to connect says that the server is away, and not that we are refused."""
    if isinstance(error, asyncpg.PostgresError):
        return isinstance(translated(error), StoreUnavailable)
    if isinstance(error, ssl.SSLCertVerificationError):
        return False
    return isinstance(error, OSError | TimeoutError)


def _of_the_server(error: asyncpg.PostgresError) -> Exception:
    state = error.sqlstate or ""
    if state == GUARD_FAILED:
        return GuardFailed(str(error.args[0]))
    if state in _OVERTAKEN_STATES:
        return GuardFailed("another transaction went first")
    if state == _LOCK_NOT_AVAILABLE:
        return LockTimeout()
    if state == _UNIQUE_VIOLATION:
        return AlreadyExists(getattr(error, "constraint_name", None) or "")
    if state in _UNDONE_STATES:
        return StoreUnavailable()
    if state.startswith(("08", "57P")):
        return OutcomeUnknown()
    return error
