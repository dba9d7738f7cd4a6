"""Rows of imports: begun once, advanced by whoever has carried out the next rows, and listed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.database import Connection
from habitue.store.failures import GuardFailed


class ImportRow(msgspec.Struct, frozen=True):
    """One import; `done` of its `row_count` rows are carried out."""

    id: int
    identity: UUID
    digest: bytes
    entity: str
    row_count: int
    done: int
    actor: str
    created: datetime
    finished: datetime | None


_COLUMNS = "id, identity, digest, entity, row_count, done, actor, created, finished"

_FIND = f"SELECT {_COLUMNS} FROM import WHERE identity = $1 ORDER BY id DESC LIMIT 1"

_BEGIN = f"""
INSERT INTO import (identity, digest, entity, row_count, actor, created, finished)
VALUES ($1, $2, $3, $4::bigint, $5, $6, CASE WHEN $4::bigint = 0 THEN $6::timestamptz END)
ON CONFLICT (identity) WHERE finished IS NULL DO NOTHING
RETURNING {_COLUMNS}
"""

_ADVANCE = """
UPDATE import SET done = $3::bigint,
    finished = CASE WHEN $3::bigint >= row_count THEN $4::timestamptz END
WHERE id = $1 AND done = $2 AND finished IS NULL
RETURNING id
"""

_ONE = f"SELECT {_COLUMNS} FROM import WHERE id = $1"
_LIST = f"SELECT {_COLUMNS} FROM import ORDER BY id DESC OFFSET $1 LIMIT $2"


async def find(connection: Connection, identity: UUID) -> ImportRow | None:
    """The last import of that identity."""
    row = await connection.fetchrow(_FIND, identity)
    return None if row is None else ImportRow(**row)


async def begin(
    connection: Connection,
    identity: UUID,
    digest: bytes,
    entity: str,
    row_count: int,
    actor: str,
    now: datetime,
) -> ImportRow:
    """A new import. Raises `GuardFailed` where one of that identity is under way."""
    row = await connection.fetchrow(_BEGIN, identity, digest, entity, row_count, actor, now)
    if row is None:
        raise GuardFailed("import")
    return ImportRow(**row)


async def advance(
    connection: Connection, import_id: int, done: int, now_done: int, now: datetime
) -> None:
    """So many rows are carried out now, in the transaction of the caller who has carried them out.

    Raises `GuardFailed` where somebody else has.
    """
    if await connection.fetchval(_ADVANCE, import_id, done, now_done, now) is None:
        raise GuardFailed("import")


async def one(connection: Connection, import_id: int) -> ImportRow | None:
    """The import of that id."""
    row = await connection.fetchrow(_ONE, import_id)
    return None if row is None else ImportRow(**row)


async def page(connection: Connection, skip: int, limit: int) -> Sequence[ImportRow]:
    """One page of all imports, the newest first, and one more where there are more."""
    return [ImportRow(**row) for row in await connection.fetch(_LIST, skip, limit + 1)]
