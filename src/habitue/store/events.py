"""Rows of the timeline: storing what was done on a device, and reading what a customer did.

`store` writes the messages of one device in one round trip. Each message is stored once, however
often and through whichever process it arrives; who owns the device at that moment owns the event.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from habitue.model.limits import EVENT_AGE_DAYS_MAX
from habitue.store.database import Connection

#: Messages are known for longer than a page keeps trying, and than an event can be old.
MESSAGES_KEPT = timedelta(days=EVENT_AGE_DAYS_MAX + 5)


class EventsWrite(msgspec.Struct, frozen=True):
    """What `store_events` is given, in its order; the sequences are sorted by message.

    Keys of messages are 32 hexadecimal digits, `ages_us` how many microseconds before `now` it
    happened; `documents` is one JSON list.
    """

    device_key: UUID
    device: str
    visit: str
    shared_max: int
    now: datetime
    messages: Sequence[str]
    ages_us: Sequence[int]
    names: Sequence[str]
    documents: bytes


class EventsStored(msgspec.Struct, frozen=True):
    """How many messages were new, whether the device was, and who owns it."""

    stored: int
    created: bool
    owner: int


class EventRow(msgspec.Struct, frozen=True):
    """One event as stored; the document is JSON."""

    at: datetime
    message_key: UUID
    device_key: UUID
    visit: str
    name: str
    received: datetime
    document: bytes


STORE = "SELECT * FROM store_events($1, $2, $3, $4, true, $5, $6, $7, $8, $9)"

_KNOWN = "SELECT message_key FROM event_message WHERE message_key = ANY ($1::uuid[])"

_TIMELINE = """
SELECT at, message_key, device_key, visit, name, received, document FROM customer_event
WHERE customer_id = $1 ORDER BY at DESC, message_key DESC LIMIT $2 OFFSET $3
"""

_ORDER = """
SELECT document FROM customer_event
WHERE customer_id = $1 AND name = 'purchase' AND document ->> 'order' = $2 AND at >= $3
ORDER BY at, message_key
"""

_PURGE = "DELETE FROM event_message WHERE received <= $1"


async def store(connection: Connection, write: EventsWrite) -> EventsStored:
    """Stores the messages that are new; a device that is new comes to be."""
    arguments = msgspec.structs.astuple(write)
    (row,) = await connection.fetch_together(STORE, *arguments, order=write.device_key.int)
    return EventsStored(**row)


async def known_messages(connection: Connection, messages: Sequence[UUID]) -> set[UUID]:
    """Which of the messages were taken before."""
    return {row["message_key"] for row in await connection.fetch(_KNOWN, messages)}


async def read_timeline(
    connection: Connection, customer_id: int, limit: int, offset: int
) -> list[EventRow]:
    """What the customer did, the last first."""
    rows = await connection.fetch(_TIMELINE, customer_id, limit, offset)
    return [EventRow(**row) for row in rows]


async def order_documents(
    connection: Connection, customer_id: int, order: str, since: datetime
) -> list[bytes]:
    """The documents of all purchases of that order, oldest first."""
    rows = await connection.fetch(_ORDER, customer_id, order, since)
    return [row["document"] for row in rows]


async def purge(connection: Connection, now: datetime) -> None:
    """Forgets the messages that cannot come again."""
    await connection.execute(_PURGE, now - MESSAGES_KEPT)
