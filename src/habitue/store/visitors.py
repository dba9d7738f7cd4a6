"""Rows of visitors: the card and the device of somebody whom a page named or described.

`save` writes both in one statement, or nothing: where something has moved since it was read it
raises `GuardFailed`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.cards import CardWrite
from habitue.store.database import Connection


class DeviceWrite(msgspec.Struct, frozen=True):
    """A device as it shall be; `from_id` is whose it was when that was decided.

    `since` is how old the visit may be, `at` when the page said it.
    """

    key: UUID
    device: str
    from_id: int | None
    visit: str
    since: datetime
    at: datetime
    proven: bool
    told: bytes


class DeviceRow(msgspec.Struct, frozen=True):
    """What a device told, whose it is, and since when; `told` is a JSON document."""

    customer_id: int
    root_id: int
    anonymous: bool
    since: datetime | None
    proven: bool
    told: bytes


_SAVE = """
SELECT save_visitor($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
    $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
"""

_READ = """
SELECT claim.customer_id, coalesce(claim.root_id, claim.customer_id) AS root_id,
    customer.anonymous, known.since, coalesce(known.proven, false) AS proven,
    coalesce(known.told, '{}') AS told
FROM claim
JOIN customer ON customer.id = claim.customer_id
LEFT JOIN customer_device AS known ON known.customer_id = claim.customer_id
    AND known.device_key = claim.claim_key
WHERE claim.claim_key = $1
"""

_GIVE_ID = "SELECT give_id($1, $2, $3, $4)"


async def give_id(
    connection: Connection, customer_id: int, claim_key: UUID, value: str, now: datetime
) -> bool:
    """Lets the customer be found by that store-side id; False where it cannot be."""
    return bool(await connection.fetchval(_GIVE_ID, customer_id, claim_key, value, now))


async def save(
    connection: Connection,
    write: CardWrite,
    device: DeviceWrite | None,
    anonymous: bool,
    message_key: UUID | None,
    *,
    changes_card: bool,
) -> None:
    """Saves card, device and message. Raises `GuardFailed` when anything they rest on has moved."""
    card = msgspec.structs.astuple(write)
    if not changes_card:
        card = (*card[:4], None, *card[5:])
    attached: Sequence[object] = (None,) * 8
    if device is not None:
        attached = msgspec.structs.astuple(device)
    await connection.fetchval(_SAVE, message_key, anonymous, *attached, *card)


async def read_device(connection: Connection, device_key: UUID) -> DeviceRow | None:
    """Whose the device is, and what it told; None for one that nobody has seen."""
    row = await connection.fetchrow(_READ, device_key)
    return None if row is None else DeviceRow(**row)
