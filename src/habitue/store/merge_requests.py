"""Rows of requests to merge two customers. Actors are JSON documents here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row
from habitue.store.receipts import Receipt, receipt_in


class MergeRequestRow(msgspec.Struct, frozen=True):
    """A request as stored; `merged` says whether the merge that it asked for was made and
    stands."""

    id: int
    victim_id: int
    survivor_id: int
    state: str
    comments: str
    created: datetime
    created_by: bytes
    modified: datetime
    modified_by: bytes
    merged: bool


class NewRequestReading(msgspec.Struct, frozen=True):
    """What a new request needs: an id that is free, and the pending ones about the same people."""

    new_id: int
    pending: list[MergeRequestRow]
    receipt: Receipt | None


class MergeRequestWrite(msgspec.Struct, frozen=True):
    """The arguments of `add_merge_request`, in its order."""

    id: int
    victim_id: int
    survivor_id: int
    comments: str
    now: datetime
    actor: bytes
    receipt_key: UUID | None = None
    receipt_hash: bytes | None = None
    receipt_status: int | None = None
    receipt_answer: bytes | None = None


_COLUMNS = """
    request.id, request.victim_id, request.survivor_id, request.state, request.comments,
    request.created, request.created_by, request.modified, request.modified_by,
    EXISTS (
        SELECT FROM customer_merge WHERE customer_merge.victim_id = request.victim_id
            AND undone_at IS NULL AND (reason ->> 'request_id')::bigint = request.id
    ) AS merged
"""

_LOAD = f"SELECT {_COLUMNS} FROM merge_request AS request WHERE id = $1"

_PENDING = f"""
SELECT {_COLUMNS} FROM merge_request AS request
WHERE state = 'PENDING' AND (victim_id = ANY ($1::bigint[]) OR survivor_id = ANY ($1::bigint[]))
ORDER BY id
"""

_NEW = """
SELECT nextval('merge_request_id') AS new_id,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer
FROM configuration
LEFT JOIN receipt ON receipt.key_digest = $1 AND receipt.created > $2::timestamptz
"""

_ADD = "SELECT add_merge_request($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

_DECIDE = """
UPDATE merge_request SET state = $4, comments = $5, modified = $6, modified_by = $7
WHERE victim_id = $1 AND id = $2 AND state = $3
"""


async def load(connection: Connection, request_id: int) -> MergeRequestRow | None:
    """The request of that id."""
    row = await connection.fetchrow(_LOAD, request_id)
    return None if row is None else _row_of(row)


async def load_new(
    connection: Connection,
    customer_ids: Sequence[int],
    receipt_key: UUID | None,
    receipts_since: datetime,
) -> NewRequestReading:
    """What is to be known before somebody asks to merge these customers."""
    row = await connection.fetchrow(_NEW, receipt_key, receipts_since)
    assert row is not None, "the configuration always has its row"
    pending = await connection.fetch(_PENDING, customer_ids)
    return NewRequestReading(row["new_id"], [_row_of(each) for each in pending], receipt_in(row))


async def add(connection: Connection, write: MergeRequestWrite) -> None:
    """Stores a new request. Raises `AlreadyExists` where the victim is that of another pending
    one, and `GuardFailed` where the receipt is there already."""
    await connection.execute(_ADD, *msgspec.structs.astuple(write))


async def decide(
    connection: Connection,
    row: MergeRequestRow,
    state: str,
    comments: str,
    now: datetime,
    actor: bytes,
) -> bool:
    """The request goes to that state; False where it is not in the state that was read."""
    done = await connection.execute(
        _DECIDE, row.victim_id, row.id, row.state, state, comments, now, actor
    )
    return done == "UPDATE 1"


def _row_of(row: Row) -> MergeRequestRow:
    return MergeRequestRow(**dict(row))
