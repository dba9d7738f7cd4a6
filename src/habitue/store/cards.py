"""Reading and saving customer cards: one round trip each.

`load` finds cards by the claims of their identifiers and by id, with all that a decision about them
needs; `save` writes one card as it was decided, or nothing: where something has moved since it was
read it raises `GuardFailed`. Documents of parts are bytes here; what is in them is the business of
the use cases.

A reading is a list of rows: a *head* of what is about no card, then a row for each claim that
somebody holds, then one for each part of each card. Putting them together here costs less than
having it done by the database.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row
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
    attributes: bytes
    merged_into: int | None
    erased: datetime | None
    parts: list[bytes]


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


# Arguments behind a SELECT say nothing to the planner, so that one plan serves for all of them.
HELD = """
held AS MATERIALIZED (
    SELECT claim_key, customer_id, coalesce(root_id, customer_id) AS root_id
    FROM claim WHERE claim_key = ANY ((SELECT $1::uuid[])::uuid[])
)
"""
#: The claims of `HELD`, and the cards of who holds them and of the ids in $2.
CLAIMS_AND_CARDS = """
SELECT customer_id, root_id, claim_key, 1 + (
        SELECT count(*) FROM claim_holder WHERE claim_holder.claim_key = held.claim_key
    ), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM held
UNION ALL
SELECT customer.id, card_part.root_id, NULL, NULL, version, anonymous, created, last_activity,
    session_count, closed_sessions, total_sales, attributes, merged_into, erased, document
FROM customer LEFT JOIN card_part ON card_part.customer_id = customer.id
WHERE customer.id = ANY (ARRAY(SELECT customer_id FROM held) || (SELECT $2::bigint[])::bigint[])
"""
#: The columns that only rows of claims and cards have, as the head has them.
HEAD_COLUMNS = """
NULL::uuid AS claim_key, NULL::bigint AS card_count, NULL::bigint AS version,
NULL::boolean AS anonymous, NULL::timestamptz AS created, NULL::timestamptz AS last_activity,
NULL::bigint AS session_count, NULL::bigint AS closed_sessions, NULL::numeric AS total_sales,
NULL::jsonb AS attributes, NULL::bigint AS merged_into, NULL::timestamptz AS erased,
NULL::jsonb AS document
"""

LOAD = f"""
WITH {HELD}
SELECT configuration.version AS id, nextval('customer_id') AS root_id, {HEAD_COLUMNS},
    request_hash, status AS receipt_status, answer AS receipt_answer
FROM configuration
LEFT JOIN receipt ON receipt.key_digest = $3 AND receipt.created > $4::timestamptz
UNION ALL
SELECT *, NULL, NULL, NULL FROM ({CLAIMS_AND_CARDS}) AS found
"""

LOCK = """
SELECT id FROM customer
WHERE id = ANY (
    ARRAY(SELECT customer_id FROM claim WHERE claim_key = ANY ($1::uuid[])) || $2::bigint[]
)
ORDER BY id FOR UPDATE
"""

SAVE = """
SELECT save_card($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""

#: Cards that are read for a change and cards that are saved share their lanes.
KIN = "cards"


async def load(connection: Connection, query: CardQuery) -> CardsRow:
    """Everything decisions about these cards need, in one round trip."""
    head, *rows = await connection.fetch_together(
        LOAD, *msgspec.structs.astuple(query), begins=is_head, kin=KIN
    )
    return CardsRow(
        configuration_version=head["id"],
        new_id=head["root_id"],
        claims=claims_in(rows),
        cards=cards_in(rows),
        receipt=receipt_in(head),
    )


def is_head(row: Row) -> bool:
    """Whether a row is the head of a reading, and neither a claim nor a card."""
    return row["claim_key"] is None and row["version"] is None


def claims_in(rows: Iterable[Row]) -> list[ClaimRow]:
    """The claims among the rows of a reading."""
    return [
        ClaimRow(row["claim_key"], row["id"], row["root_id"], row["card_count"])
        for row in rows
        if row["claim_key"] is not None
    ]


def cards_in(rows: Iterable[Row]) -> list[CardRow]:
    """The cards among the rows of a reading, by customer; each card's own part comes first."""
    by_customer: dict[int, list[Row]] = {}
    for row in rows:
        if row["claim_key"] is None:
            by_customer.setdefault(row["id"], []).append(row)
    return [_card(id_, by_customer[id_]) for id_ in sorted(by_customer)]


def _card(id_: int, rows: list[Row]) -> CardRow:
    first = rows[0]
    if len(rows) > 1:
        rows.sort(key=lambda row: (row["root_id"] != id_, row["root_id"]))
    return CardRow(
        id=id_,
        version=first["version"],
        anonymous=first["anonymous"],
        created=first["created"],
        last_activity=first["last_activity"],
        session_count=first["session_count"],
        closed_sessions=first["closed_sessions"],
        total_sales=first["total_sales"],
        attributes=first["attributes"],
        merged_into=first["merged_into"],
        erased=first["erased"],
        parts=[row["document"] for row in rows if row["document"] is not None],
    )


async def lock(connection: Connection, query: CardQuery) -> None:
    """Waits until nobody else writes what these customers own; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(LOCK, query.claim_keys, query.customer_ids)


async def save(connection: Connection, write: CardWrite) -> None:
    """Saves the card. Raises `GuardFailed` when anything it rests on has moved."""
    arguments = msgspec.structs.astuple(write)
    await connection.fetch_together(SAVE, *arguments, kin=KIN, order=write.customer_id)
