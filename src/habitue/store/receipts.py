"""Receipts: the stored answers to writes that came with an idempotency key.

A receipt is written in the transaction of the write it answers for, and it is read in the same
round trip as everything else, so that a retry costs nothing extra and can never act twice.
"""

from datetime import datetime, timedelta

import msgspec

from habitue.model.limits import IDEMPOTENCY_HOURS
from habitue.store.database import Connection, Row


class Receipt(msgspec.Struct, frozen=True):
    """The answer to an earlier request with the same key, and the digest of that request."""

    request_hash: bytes
    status: int
    answer: bytes


_PURGE = "DELETE FROM receipt WHERE created <= $1"


def valid_since(now: datetime) -> datetime:
    """Receipts older than this are void."""
    return now - timedelta(hours=IDEMPOTENCY_HOURS)


def receipt_in(row: Row) -> Receipt | None:
    """The receipt whose columns stand in `row`, if any."""
    if row["request_hash"] is None:
        return None
    return Receipt(row["request_hash"], row["receipt_status"], row["receipt_answer"])


async def purge(connection: Connection, now: datetime) -> None:
    """Deletes the receipts that are void."""
    await connection.execute(_PURGE, valid_since(now))
