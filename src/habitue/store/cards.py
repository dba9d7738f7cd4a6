"""Reading and saving customer cards: one round trip each.

`load` finds cards by the claims of their identifiers and by id, with all that a decision about them
needs; `save` writes one card as it was decided, or nothing: where something has moved since it was
read it raises `GuardFailed`. Documents of parts are bytes here; what is in them is the business of
the use cases.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from habitue.store.database import Connection
from habitue.store.documents import decoder_of
from habitue.store.receipts import Receipt, receipt_in


class CardQuery(msgspec.Struct, frozen=True):
    """What to read: who holds these claims, and the customers of these ids.

    A receipt older than `receipts_since` is not seen.
    """

    claim_keys: Sequence[UUID]
    customer_ids: Sequence[int]
    receipt_key: UUID | None
    receipts_since: datetime


class ClaimRow(msgspec.Struct, frozen=True):
    """A claim that somebody holds; `card_count` is how many cards carry that identifier."""

    key: UUID
    customer_id: int
    root_id: int
    card_count: int


class CardRow(msgspec.Struct, frozen=True):
    """A customer with the documents of the card's parts, by root."""

    id: int
    version: int
    anonymous: bool
    created: datetime
    last_activity: datetime
    session_count: int
    closed_sessions: int
    total_sales: Decimal
    attributes: msgspec.Raw
    merged_into: int | None
    erased: datetime | None
    parts: list[msgspec.Raw]


class CardsRow(msgspec.Struct, frozen=True):
    """What was read. `new_id` is free for a customer who comes to be."""

    configuration_version: int
    new_id: int
    claims: list[ClaimRow]
    cards: list[CardRow]
    receipt: Receipt | None


class CardWrite(msgspec.Struct, frozen=True):
    """One card as it shall be; the lists are JSON documents (see `save_card` of the schema).

    Version 0 means that the customer comes to be. `names` of None leaves them, `changes` of None
    records nothing.
    """

    customer_id: int
    version: int
    now: datetime
    attributes: bytes | None
    parts: bytes
    claims: bytes | None
    released: Sequence[UUID]
    holders: bytes | None
    names: bytes | None
    change_root: int | None = None
    change_kind: str | None = None
    change_actor: bytes | None = None
    changes: bytes | None = None
    receipt_key: UUID | None = None
    receipt_hash: bytes | None = None
    receipt_status: int | None = None
    receipt_answer: bytes | None = None


_LOAD = """
WITH held AS (
    SELECT claim_key, customer_id, coalesce(root_id, customer_id) AS root_id
    FROM claim WHERE claim_key = ANY ($1::uuid[])
), found AS (
    SELECT customer_id AS id FROM held UNION SELECT unnest($2::bigint[])
)
SELECT configuration.version AS configuration_version,
    nextval('customer_id') AS new_id,
    (
        SELECT jsonb_agg(jsonb_build_object('key', claim_key, 'customer_id', customer_id,
            'root_id', root_id, 'card_count', 1 + (
                SELECT count(*) FROM claim_holder WHERE claim_holder.claim_key = held.claim_key)
            )) FROM held
    ) AS claims,
    (
        SELECT jsonb_agg(to_jsonb(customer) || jsonb_build_object('parts', (
            SELECT coalesce(jsonb_agg(document ORDER BY root_id <> customer.id, root_id), '[]')
            FROM card_part WHERE card_part.customer_id = customer.id
        )) ORDER BY customer.id)
        FROM customer WHERE customer.id IN (SELECT id FROM found)
    ) AS cards,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer
FROM configuration
LEFT JOIN receipt ON receipt.key_digest = $3 AND receipt.created > $4::timestamptz
"""

_LOCK = """
SELECT id FROM customer
WHERE id IN (SELECT customer_id FROM claim WHERE claim_key = ANY ($1::uuid[]))
    OR id = ANY ($2::bigint[])
ORDER BY id FOR UPDATE
"""

_SAVE = """
SELECT save_card($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""

_CLAIMS: "msgspec.json.Decoder[Any]" = decoder_of(list[ClaimRow])
_CARDS: "msgspec.json.Decoder[Any]" = decoder_of(list[CardRow])


async def load(connection: Connection, query: CardQuery) -> CardsRow:
    """Everything decisions about these cards need, in one round trip."""
    row = await connection.fetchrow(_LOAD, *msgspec.structs.astuple(query))
    assert row is not None, "the configuration always has its row"
    return CardsRow(
        configuration_version=row["configuration_version"],
        new_id=row["new_id"],
        claims=_CLAIMS.decode(row["claims"]) if row["claims"] else [],
        cards=_CARDS.decode(row["cards"]) if row["cards"] else [],
        receipt=receipt_in(row),
    )


async def lock(connection: Connection, query: CardQuery) -> None:
    """Waits until nobody else writes what these customers own; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_LOCK, query.claim_keys, query.customer_ids)


async def save(connection: Connection, write: CardWrite) -> None:
    """Saves the card. Raises `GuardFailed` when anything it rests on has moved."""
    await connection.fetchval(_SAVE, *msgspec.structs.astuple(write))
