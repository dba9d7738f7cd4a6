"""Receipts: the stored answers to writes that came with an idempotency key.

A receipt is written in the transaction of the write it answers for, and it is read in the same
round trip as everything else, so that a retry costs nothing extra and can never act twice.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from habitue.model.limits import IDEMPOTENCY_HOURS
from habitue.store.database import Connection, Row


class Receipt(msgspec.Struct, frozen=True):
    """The answer to an earlier request with the same key, and the digest of that request."""

    request_hash: bytes
    status: int
    answer: bytes


_FIND = """
SELECT request_hash, status AS receipt_status, answer AS receipt_answer FROM receipt
WHERE key_digest = $1 AND created > $2
"""
_CLAIM = "SELECT save_receipt($1, $2, 0::smallint, ''::bytea, NULL, $3)"
_COMPLETE = "UPDATE receipt SET status = $2, answer = $3 WHERE key_digest = $1"
_RELEASE = "DELETE FROM receipt WHERE key_digest = $1"
_PURGE = "DELETE FROM receipt WHERE created <= $1"


def valid_since(now: datetime) -> datetime:
    """Receipts older than this are void."""
    return now - timedelta(hours=IDEMPOTENCY_HOURS)


def receipt_in(row: Row) -> Receipt | None:
    """The receipt whose columns stand in `row`, if any."""
    if row["request_hash"] is None:
        return None
    return Receipt(row["request_hash"], row["receipt_status"], row["receipt_answer"])


async def find(connection: Connection, key: UUID, now: datetime) -> Receipt | None:
    """The answer to an earlier request under the same key."""
    row = await connection.fetchrow(_FIND, key, valid_since(now))
    return None if row is None else receipt_in(row)


async def claim(connection: Connection, key: UUID, request_hash: bytes, now: datetime) -> None:
    """Takes the key for this transaction, which must `complete` or `release` it.

    Another request with that key waits until it has. Raises `GuardFailed` where the key is taken,
    `LockTimeout` where whoever takes it is not done in time.
    """
    await connection.execute(_CLAIM, key, request_hash, now)


async def complete(connection: Connection, key: UUID, status: int, answer: bytes) -> None:
    """Notes the answer under a key that this transaction has claimed."""
    await connection.execute(_COMPLETE, key, status, answer)


async def release(connection: Connection, key: UUID) -> None:
    """Gives up a key that this transaction has claimed."""
    await connection.execute(_RELEASE, key)


async def purge(connection: Connection, now: datetime) -> None:
    """Deletes the receipts that are void."""
    await connection.execute(_PURGE, valid_since(now))
