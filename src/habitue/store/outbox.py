"""The outbox in the database: taking what is due, telling what became of it, looking at it.

Words: a message is *taken* for a while by whoever sends it; who does not come back in time loses it
to the next one. So each message is sent at least once, and to one destination about one customer
never before an earlier one has been delivered or given up.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from habitue.model.documents import encode
from habitue.store.database import Connection

MessageState = Literal["waiting", "delivered", "dead"]


class MessageRow(msgspec.Struct, frozen=True):
    """One message; `document` is JSON. The last attempt's fields are None before the first."""

    customer_id: int
    id: int
    root_id: int | None
    message_id: UUID
    destination: str
    destination_id: int
    document: bytes
    application_id: int | None
    campaign_id: int | None
    state: MessageState
    created: datetime
    due: datetime
    attempts: int
    sent: datetime | None
    answered: datetime | None
    url: str | None
    request: str | None
    status: int | None
    response: str | None


class AttemptRow(msgspec.Struct, frozen=True):
    """What became of an attempt: the new state, and when the next one is due if it still waits."""

    state: MessageState
    due: datetime
    sent: datetime
    answered: datetime
    url: str
    request: str
    status: int | None
    response: str


class MessageFilter(msgspec.Struct, frozen=True):
    """Which messages to list; what is None does not matter. `before_id` pages downwards."""

    before_id: int | None = None
    message_id: UUID | None = None
    destination: str | None = None
    destination_ids: Sequence[int] | None = None
    application_id: int | None = None
    campaign_id: int | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    state: MessageState | None = None
    successful: bool | None = None
    status: int | None = None


_TAKE = "SELECT * FROM take_messages($1, $2, $3)"

_TELL = """
UPDATE outbox SET state = $4, due = $5, sent = $6, answered = $7, url = $8, request = $9,
    status = $10, response = $11
WHERE customer_id = $1 AND id = $2 AND attempts = $3 AND state = 'waiting'
"""

_LIST = """
SELECT * FROM outbox
WHERE ($1::bigint IS NULL OR id < $1)
    AND ($2::uuid IS NULL OR message_id = $2)
    AND ($3::text IS NULL OR destination = $3)
    AND ($4::bigint[] IS NULL OR destination_id = ANY ($4))
    AND ($5::bigint IS NULL OR application_id = $5)
    AND ($6::bigint IS NULL OR campaign_id = $6)
    AND ($7::timestamptz IS NULL OR created >= $7)
    AND ($8::timestamptz IS NULL OR created < $8)
    AND ($9::text IS NULL OR state = $9)
    AND ($10::boolean IS NULL OR (status IS NOT NULL AND (status BETWEEN 200 AND 299) = $10))
    AND ($11::bigint IS NULL OR status = $11)
ORDER BY id DESC LIMIT $12
"""

_REPLAY = """
UPDATE outbox SET state = 'waiting', attempts = 0, due = $2
WHERE state = 'dead' AND id = ANY ($1::bigint[])
RETURNING *
"""

_WRITE = "SELECT write_resource_outbox($1, $1, NULL, $2, $3)"

_PURGE = "DELETE FROM outbox WHERE state = 'delivered' AND answered <= $1"


async def take(
    connection: Connection, now: datetime, until: datetime, count: int
) -> list[MessageRow]:
    """At most so many messages that are due, taken until then."""
    return [MessageRow(**row) for row in await connection.fetch(_TAKE, now, until, count)]


async def tell(connection: Connection, message: MessageRow, attempt: AttemptRow) -> None:
    """What became of the attempt; nothing where somebody else has taken the message meanwhile."""
    told = msgspec.structs.astuple(attempt)
    await connection.execute(_TELL, message.customer_id, message.id, message.attempts, *told)


async def listed(connection: Connection, wanted: MessageFilter, limit: int) -> list[MessageRow]:
    """The newest messages of that kind."""
    rows = await connection.fetch(_LIST, *msgspec.structs.astuple(wanted), limit)
    return [MessageRow(**row) for row in rows]


async def replay(connection: Connection, ids: Sequence[int], now: datetime) -> list[MessageRow]:
    """Makes the dead ones among these messages wait again, as if never tried; those it was."""
    return [MessageRow(**row) for row in await connection.fetch(_REPLAY, ids, now)]


async def write(connection: Connection, messages: Sequence[object], now: datetime) -> None:
    """Adds messages about nobody in particular, in the transaction of what caused them."""
    await connection.execute(_WRITE, 0, now, encode(messages))


async def purge(connection: Connection, since: datetime) -> None:
    """Deletes what was delivered before that moment."""
    await connection.execute(_PURGE, since)
