"""Rows of customers: reading and saving what a person owns apart from sessions."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row
from habitue.store.receipts import Receipt, receipt_in


class CustomerRow(msgspec.Struct, frozen=True):
    """One customer as stored; `attributes` is a JSON document."""

    id: int
    version: int
    anonymous: bool
    created: datetime
    last_activity: datetime
    session_count: int
    closed_sessions: int
    total_sales: Decimal
    attributes: bytes


class ProfileQuery(msgspec.Struct, frozen=True):
    """Whose profiles to read; a receipt older than `receipts_since` is not seen.

    `asked` is a JSON document of what is asked of which resource, None where nothing is.
    """

    profile_keys: Sequence[UUID]
    receipt_key: UUID | None
    receipts_since: datetime
    asked: bytes | None = None


class ProfileRow(msgspec.Struct, frozen=True):
    """What was read. `customer` is None where that customer comes to be, under `customer_id`."""

    configuration_version: int
    event_id: int
    customer_id: int
    customer: CustomerRow | None
    receipt: Receipt | None
    resources: bytes | None = None


class ProfileWrite(msgspec.Struct, frozen=True):
    """The arguments of `save_profile`, in its order; version 0 means that the customer is new."""

    customer_id: int
    customer_version: int
    attributes: bytes | None
    profile_key: UUID
    profile_kind: str
    profile_id: str
    now: datetime
    last_activity: datetime | None
    receipt_key: UUID | None = None
    receipt_hash: bytes | None = None
    receipt_status: int | None = None
    receipt_answer: bytes | None = None
    changes: bytes | None = None


_LOAD = """
SELECT
    (SELECT version FROM configuration) AS configuration_version,
    nextval('event_id') AS event_id,
    CASE WHEN owner.id IS NULL THEN nextval('customer_id') END AS new_owner_id,
    owner.id AS owner_id,
    owner.version AS owner_version,
    owner.anonymous AS owner_anonymous,
    owner.created AS owner_created,
    owner.last_activity AS owner_last_activity,
    owner.session_count AS owner_session_count,
    owner.closed_sessions AS owner_closed_sessions,
    owner.total_sales AS owner_total_sales,
    owner.attributes AS owner_attributes,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer,
    CASE WHEN $4::jsonb IS NOT NULL THEN
        read_resources(owner.id, coalesce(claim.root_id, owner.id), NULL, $4)
    END AS resources
FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (claim_key, position)
LEFT JOIN claim ON claim.claim_key = wanted.claim_key
LEFT JOIN customer AS owner ON owner.id = claim.customer_id
LEFT JOIN receipt ON receipt.key_digest = $2 AND receipt.created > $3::timestamptz
ORDER BY wanted.position
"""

_LOCK = "SELECT lock_owners($1, $2)"

_SAVE = "SELECT save_profile($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"


async def load(connection: Connection, query: ProfileQuery) -> list[ProfileRow]:
    """Everything decisions about the profiles need, in the order asked for, in one round trip."""
    rows = await connection.fetch(_LOAD, *msgspec.structs.astuple(query))
    return [
        ProfileRow(
            configuration_version=row["configuration_version"],
            event_id=row["event_id"],
            customer_id=row["owner_id"] or row["new_owner_id"],
            customer=owner_in(row),
            receipt=receipt_in(row),
            resources=row["resources"],
        )
        for row in rows
    ]


async def lock(connection: Connection, query: ProfileQuery) -> None:
    """Waits until nobody else writes what the customers own, and the other owners of points that
    the request may be about; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_LOCK, query.profile_keys, query.asked)


async def save(connection: Connection, writes: Sequence[ProfileWrite]) -> None:
    """Saves the profiles, all or none. Raises `GuardFailed` when any of them has moved."""
    if len(writes) == 1:
        await connection.execute(_SAVE, *msgspec.structs.astuple(writes[0]))
    else:
        ordered = sorted(writes, key=_locking_order)
        await connection.executemany(_SAVE, [msgspec.structs.astuple(each) for each in ordered])


def _locking_order(write: ProfileWrite) -> tuple[bool, int, UUID]:
    """Rows as `lock` takes them, then claims by their key: so nobody waits in a circle."""
    new = write.customer_version == 0
    return new, 0 if new else write.customer_id, write.profile_key


def owner_in(row: Row) -> CustomerRow | None:
    """The customer whose columns stand in `row` as `owner_...`; None where there is none."""
    return None if row["owner_id"] is None else CustomerRow(*_OWNER_COLUMNS(row))


_OWNER_COLUMNS = itemgetter(*(f"owner_{name}" for name in CustomerRow.__struct_fields__))
