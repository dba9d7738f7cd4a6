"""The database as the store's modules see it: statements, transactions, and nothing about servers.

`open_database` finds the server, brings the schema up to date where the server is our own, and
refuses a schema that does not fit where it is not. A `Database` recovers by itself from a server
that was away; an embedded server that has ended is started again by the next statement.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from habitue.model.errors import StoreUnavailable
from habitue.store import codecs, migrations
from habitue.store.embedded import Attachment, Endpoint, Report, attach
from habitue.store.failures import OutcomeUnknown, StartFailure
from habitue.store.gathering import GROUP_LOCK_WAIT_SECONDS, LANES_MAX, Gathering, Lanes
from habitue.store.location import Embedded, Location
from habitue.store.migrations import Migration
from habitue.store.pool import DriverConnection, Pool, close_quietly
from habitue.store.statements import (
    DRIVER_ERRORS,
    Begins,
    Connection,
    Joint,
    Row,
    Transaction,
    translated,
    unreachable,
)

__all__ = ["Connection", "Database", "Row", "Schema", "Server", "Transaction", "open_database"]

# What to do about the schema on opening: refuse one that does not fit, bring it up to date, or
# leave it alone (for the commands that are about the schema itself).
Schema: TypeAlias = Literal["require", "upgrade", "ignore"]

_CONNECT_SECONDS = 10.0
_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
#: For the groups of every gathered statement together.
_GROUP_CONNECTIONS_MAX = 6
#: How long a statement waits for a row that another transaction holds.
LOCK_WAIT_SECONDS = 2.0
_SETTINGS = {"application_name": "habitue", "timezone": "UTC"}
#: Statements of groups find rows by keys. Each is planned once for a connection, and a plan is kept
#: from when tables were small: so that reading a whole table never looks cheap.
_BY_KEYS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a database: a URL, or the socket of an embedded server that is in use."""

    url: str | None = None
    endpoint: Endpoint | None = None
    attachment: Attachment | None = None
    lock_wait_seconds: float = LOCK_WAIT_SECONDS
    by_keys: bool = False

    async def connect(self) -> DriverConnection:
        """Open a connection. Raises what the driver raises."""
        lock_timeout = f"{max(1, round(self.lock_wait_seconds * 1000))}ms"
        settings = {**_SETTINGS, "lock_timeout": lock_timeout}
        if self.by_keys:
            settings |= _BY_KEYS
        connection = await asyncpg.connect(
            self.connection_url,
            # A PGSSLMODE in the environment is meant for servers of others.
            ssl=None if self.endpoint is None else False,
            timeout=_CONNECT_SECONDS,
            server_settings=settings,
        )
        await codecs.install(connection)
        return connection

    @property
    def connection_url(self) -> str:
        """The URL to connect by; it may hold a password."""
        return self.endpoint.url if self.endpoint is not None else self.url or ""

    @property
    def name(self) -> str:
        """What to call it in a message: without password."""
        if self.endpoint is not None:
            return self.endpoint.host
        parts = urlsplit(self.url or "")
        return f"{parts.hostname or 'localhost'}{parts.path}"


class _Opener:
    """Opens the pool's connections, and has an embedded server started again if it has ended.

    A server that says that it is starting or stopping is asked again; the pool's patience ends it.
    """

    def __init__(self, server: Server, report: Report) -> None:
        self._server = server
        self._report = report
        self._revival: asyncio.Task[None] | None = None

    async def connect(self) -> DriverConnection:
        while True:
            try:
                return await self._server.connect()
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(_PAUSE_SECONDS)
            except DRIVER_ERRORS as error:
                if not unreachable(error):
                    raise
                if self._server.attachment is None:
                    raise StoreUnavailable from error
                await self._revive(self._server.attachment)

    async def _revive(self, attachment: Attachment) -> None:
        """Start the server, once for all who wait; it goes on when one of them gives up."""
        if self._revival is None or self._revival.done():
            self._revival = asyncio.create_task(self._ensure(attachment))
        try:
            await asyncio.shield(self._revival)
        except StartFailure as error:
            raise StoreUnavailable from error
        await asyncio.sleep(_PAUSE_SECONDS)

    async def _ensure(self, attachment: Attachment) -> None:
        await asyncio.to_thread(attachment.ensure, self._report)

    async def close(self) -> None:
        """Wait for a start that is under way, so that the attachment can be closed."""
        if self._revival is not None:
            await asyncio.wait([self._revival])


class Database:
    """A pool of connections to one database.

    Each statement is a transaction of its own, in one round trip; those that are `together` share
    both with others. Raises the failures of
    `habitue.store.failures` and `StoreUnavailable`; see `Connection` for the types of values.
    """

    def __init__(self, pool: Pool, group_pool: Pool, lanes_max: int = LANES_MAX) -> None:
        self._pool = pool
        self._group_pool = group_pool
        self._lanes_max = lanes_max
        self._gatherings: dict[str, Gathering] = {}
        self._lanes: dict[str, Lanes] = {}

    @property
    def pool(self) -> Pool:
        """The pool, for figures about it."""
        return self._pool

    async def fetch(self, query: str, *arguments: object) -> list[Row]:
        """All rows."""
        connection = self._pool.take() or await self._pool.wait()
        try:
            return await connection.fetch(query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            self._pool.give_back(connection)

    async def fetchrow(self, query: str, *arguments: object) -> Row | None:
        """The first row, or None."""
        connection = self._pool.take() or await self._pool.wait()
        try:
            return await connection.fetchrow(query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            self._pool.give_back(connection)

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
        """All rows, in one round trip with others who run the same statement now.

        For statements that always answer at least one row: exactly one, or some of which the first
        and no other `begins`; `joint` says how one execution serves several. Statements of the same
        `kin` share lanes. `order` is the id of what the statement locks first, `claims` are those
        of what it locks after that and others may want too.
        """
        gathering = self._gatherings.get(query)
        if gathering is None:
            lanes = self._lanes.setdefault(kin or query, Lanes(self._lanes_max))
            gathering = Gathering(query, begins, joint, self._pool, self._group_pool, lanes)
            self._gatherings[query] = gathering
        return await gathering.fetch(arguments, order, claims)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """The first column of the first row, or None."""
        connection = self._pool.take() or await self._pool.wait()
        try:
            return await connection.fetchval(query, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            self._pool.give_back(connection)

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement and answer its command tag, like `UPDATE 1`."""
        async with self._lent() as transaction:
            return await transaction.execute(query, *arguments)

    async def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once per row of arguments, all of them or none."""
        async with self._lent() as transaction:
            await transaction.executemany(query, rows)

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> None:
        """Add many rows the fastest way there is, all of them or none."""
        async with self._lent() as transaction:
            await transaction.copy_records_to_table(table, records=records, columns=columns)

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Transaction]:
        """Several statements that are committed together, or not at all if the block raises.

        With `snapshot` they only read, and all of them see the database at one moment.
        """
        connection = self._pool.take() or await self._pool.wait()
        try:
            await _begin(connection, snapshot)
            try:
                yield Transaction(connection)
            except BaseException:
                await _roll_back(connection)
                raise
            await _commit(connection)
        finally:
            self._pool.give_back(connection)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Transaction]:
        connection = self._pool.take() or await self._pool.wait()
        try:
            yield Transaction(connection)
        finally:
            self._pool.give_back(connection)


@asynccontextmanager
async def open_database(
    location: Location,
    *,
    report: Report = lambda message: None,
    pool_size_max: int = 10,
    patience_seconds: float = _PATIENCE_SECONDS,
    schema: Schema | None = None,
    files: Sequence[Migration] | None = None,
    lock_wait_seconds: float = LOCK_WAIT_SECONDS,
    lanes_max: int = LANES_MAX,
) -> AsyncIterator[Database]:
    """The database of `location`, open for the length of the block.

    `schema` is by default "upgrade" for an embedded server and "require" for another one's. `files`
    are the migrations, by default ours. `lock_wait_seconds` bounds how long a statement waits for a
    row that another transaction holds, `lanes_max` how many groups of one kin are under way at a
    time (see `habitue.store.gathering`). `report` is told what takes long; for an embedded server
    it may be called from another thread. Raises `StartFailure`.
    """
    known = migrations.load() if files is None else files
    policy = schema or ("upgrade" if isinstance(location, Embedded) else "require")
    async with reach(location, report) as server:
        await _check_schema(server, policy, known, report)
        opener = _Opener(replace(server, lock_wait_seconds=lock_wait_seconds), report)
        pool = Pool(opener.connect, pool_size_max, patience_seconds)
        group_wait_seconds = min(lock_wait_seconds, GROUP_LOCK_WAIT_SECONDS)
        group_opener = _Opener(
            replace(server, lock_wait_seconds=group_wait_seconds, by_keys=True), report
        )
        group_pool = Pool(group_opener.connect, _GROUP_CONNECTIONS_MAX, patience_seconds)
        try:
            yield Database(pool, group_pool, lanes_max)
        finally:
            await pool.close()
            await group_pool.close()
            await opener.close()
            await group_opener.close()


@asynccontextmanager
async def reach(location: Location, report: Report) -> AsyncIterator[Server]:
    """The server of `location`, running for the length of the block if it is an embedded one."""
    if not isinstance(location, Embedded):
        yield Server(url=location.url)
        return
    given_up = threading.Event()
    try:
        attachment = await asyncio.to_thread(attach, location.data_dir, report, given_up.is_set)
    except asyncio.CancelledError:
        # The thread would wait on, and the process for the thread.
        given_up.set()
        raise
    try:
        endpoint = await asyncio.to_thread(attachment.ensure, report, given_up.is_set)
        yield Server(endpoint=endpoint, attachment=attachment)
    finally:
        await asyncio.to_thread(attachment.close)


@asynccontextmanager
async def first_connection(server: Server) -> AsyncIterator[DriverConnection]:
    """A connection outside any pool; raises `StartFailure` where there is none to be had."""
    try:
        connection = await server.connect()
    except (*DRIVER_ERRORS, ValueError) as error:
        raise StartFailure(f"Cannot connect to the database {server.name}: {error}") from error
    try:
        yield connection
    finally:
        await close_quietly(connection)


async def _check_schema(
    server: Server, policy: Schema, known: Sequence[Migration], report: Report
) -> None:
    async with first_connection(server) as connection:
        migrations.check_server_version(connection)
        if policy == "ignore":
            return
        found = await migrations.status(connection, known)
        found.refuse_mismatch()
        if policy == "upgrade" and found.pending:
            await migrations.migrate(connection, known, report)
        elif policy == "require":
            found.refuse_pending()


async def _begin(connection: DriverConnection, snapshot: bool) -> None:
    kind = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else ""
    try:
        await connection.execute(f"BEGIN{kind}")
    except DRIVER_ERRORS as error:
        raise StoreUnavailable from error


async def _commit(connection: DriverConnection) -> None:
    try:
        answer = await connection.execute("COMMIT")
    except DRIVER_ERRORS as error:
        failure = translated(error)
        raise OutcomeUnknown if type(failure) is StoreUnavailable else failure from error
    if answer != "COMMIT":
        raise asyncpg.InFailedSQLTransactionError(
            "a statement of this transaction failed and was passed over: nothing was committed"
        )


async def _roll_back(connection: DriverConnection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except DRIVER_ERRORS:
        connection.terminate()
