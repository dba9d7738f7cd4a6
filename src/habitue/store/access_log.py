"""The log of requests in the database: many added at once, a page of them, the old ones deleted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from habitue.store.database import Connection, Database

#: How long a list may take; a pattern can be one that never comes to an end.
_SECONDS_MAX = 5


class InvalidPattern(Exception):
    """What a request gave as a regular expression is none."""


class AccessRow(msgspec.Struct, frozen=True):
    """One request with its answer, as bytes, of which the beginnings are kept."""

    application_id: int
    id: UUID
    at: datetime
    method: str
    uri: str
    status: int
    request: bytes
    response: bytes


class AccessPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests of an application; what is None does not matter. `path` is a regular
    expression."""

    application_id: int
    since: datetime
    until: datetime
    path: str | None = None
    method: str | None = None
    failed: bool | None = None
    skip: int = 0
    limit: int = 1000


_PAGE = """
SELECT * FROM access_log
WHERE application_id = $1 AND at >= $2 AND at < $3
    AND ($4::text IS NULL OR split_part(uri, '?', 1) ~ $4)
    AND ($5::text IS NULL OR method = $5)
    AND ($6::boolean IS NULL OR (status >= 400) = $6)
ORDER BY at {direction}, id {direction} OFFSET $7 LIMIT $8 + 1
"""

_SETTLE_ERASURES = "SELECT settle_log_erasures()"
_PURGE = "DELETE FROM access_log WHERE at <= $1"


async def add(connection: Connection, rows: Sequence[AccessRow]) -> None:
    """Adds the rows, all or none."""
    await connection.copy_records_to_table(
        "access_log",
        records=[msgspec.structs.astuple(each) for each in rows],
        columns=AccessRow.__struct_fields__,
    )


async def page(database: Database, wanted: AccessPage, *, newest_first: bool) -> list[AccessRow]:
    """The requests of one page, and one more where there are more. Raises `InvalidPattern`, and
    `StoreUnavailable` where it takes too long."""
    statement = _PAGE.format(direction="DESC" if newest_first else "ASC")
    async with database.transaction() as transaction:
        await transaction.execute(f"SET LOCAL statement_timeout = '{_SECONDS_MAX}s'")
        try:
            rows = await transaction.fetch(statement, *msgspec.structs.astuple(wanted))
        except asyncpg.InvalidRegularExpressionError as error:
            raise InvalidPattern from error
    return [AccessRow(*row) for row in rows]


async def purge(connection: Connection, since: datetime) -> None:
    """Deletes what was noted before that moment, and what has been noted since of whoever was
    erased a moment before."""
    await connection.execute(_PURGE, since)
    await connection.execute(_SETTLE_ERASURES)
