"""Reading and saving the points of one owner in one program: one round trip each.

The owner is a customer, or stands for a card of a card-based program (`store.program_cards`).

`load` reads everything that a decision about points needs (`store.loyalty_loading`); `save` appends
what was decided, guarded by the customer's version and that of every account. `write` does the same
inside another write that guards the customer itself. What is in the documents is the business of
the use cases.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from habitue.store.database import Connection
from habitue.store.loyalty_loading import KIN, PointsQuery, PointsRow, load
from habitue.store.receipts import Receipt

__all__ = [
    "SAVE",
    "PointsQuery",
    "PointsRow",
    "awaiting_in_session",
    "causes_of",
    "load",
    "lock",
    "owners_of",
    "save",
    "save_answered",
    "save_of_card",
    "write",
]


_LOCK_CUSTOMER = """
SELECT id FROM customer WHERE id = CASE
    WHEN $1::uuid IS NULL THEN $2::bigint
    ELSE (SELECT customer_id FROM claim WHERE claim_key = $1)
END FOR UPDATE
"""

_LOCK_CARD = """
SELECT id FROM program_card
WHERE program_id = $1 AND identifier = $2 AND deleted IS NULL FOR UPDATE
"""

_LOCK_OWNER = "SELECT id FROM program_card WHERE owner_id = $1 FOR UPDATE"

_OWNERS_OF = """
SELECT DISTINCT customer_id, subledger FROM loyalty_transaction
WHERE program_id = $1 AND key = ANY ($2::uuid[]) ORDER BY customer_id, subledger
"""

_CAUSES_OF = """
SELECT subledger, root_id, key, cause FROM loyalty_transaction
WHERE customer_id = $1 AND program_id = $2 AND key = ANY ($3::uuid[])
"""

# Of the session's customer, of the cards that it names, and of all to whom it gave points.
_EARNED_IN_SESSION = """
SELECT owner.id AS customer_id, lot.key
FROM claim
JOIN session ON session.customer_id = claim.customer_id AND session.id = claim.session_id
CROSS JOIN LATERAL (
    SELECT claim.customer_id AS id
    UNION
    SELECT id FROM points_owners(session,
        jsonb_build_object('card_programs', jsonb_build_array($2::bigint), 'session', true))
) AS owner
LEFT JOIN loyalty_lot AS lot ON lot.customer_id = owner.id
    AND lot.session_id = claim.session_id AND lot.program_id = $2 AND lot.start IS NULL
    AND lot.remaining > 0
WHERE claim.claim_key = $1 ORDER BY lot.key
"""

SAVE = "SELECT save_points($1, $2, $3, $4)"
_SAVE_OF_CARD = "SELECT save_card_points($1, $2, $3, $4)"
_SAVE_ANSWERED = "SELECT save_answered_points($1, $2, $3, $4, $5, $6, $7, $8, $9::smallint, $10)"


async def lock(connection: Connection, query: PointsQuery) -> None:
    """Waits until nobody else writes what the owner owns; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    if query.card is not None:
        await connection.execute(_LOCK_CARD, query.program_id, query.card)
        return
    await connection.execute(_LOCK_CUSTOMER, query.profile_key, query.customer_id)
    if query.profile_key is None:
        await connection.execute(_LOCK_OWNER, query.customer_id)


async def save(
    connection: Connection, customer_id: int, version: int, now: datetime, ledgers: bytes
) -> None:
    """Appends what was decided, a JSON list by ledger. Raises `GuardFailed` when anything that it
    rests on has moved."""
    await connection.fetch_together(
        *(SAVE, customer_id, version, now, ledgers), kin=KIN, order=customer_id
    )


async def save_of_card(
    connection: Connection, owner_id: int, version: int, now: datetime, ledgers: bytes
) -> None:
    """The same for the points of a card, at its version; also within another write, which guards
    its customer first. Raises `GuardFailed`."""
    await connection.fetch_together(
        *(_SAVE_OF_CARD, owner_id, version, now, ledgers), kin=KIN, order=owner_id
    )


async def save_answered(
    connection: Connection,
    owner: tuple[int, int, int],
    now: datetime,
    ledgers: bytes,
    receipt_key: UUID,
    receipt: Receipt,
    *,
    of_card: bool,
) -> None:
    """The same for either, with the answer to the request; `owner` is the id, the version and the
    root that was named. Raises `GuardFailed`, also where the key is taken."""
    await connection.fetch_together(
        _SAVE_ANSWERED,
        of_card,
        *owner,
        now,
        ledgers,
        receipt_key,
        receipt.request_hash,
        receipt.status,
        receipt.answer,
        kin=KIN,
        order=owner[0],
    )


async def write(connection: Connection, customer_id: int, now: datetime, ledgers: bytes) -> None:
    """The same within a write that has guarded the customer: a session's, with its points."""
    await connection.fetchval("SELECT write_points($1, $2, $3)", customer_id, now, ledgers)


async def owners_of(
    connection: Connection, program_id: int, keys: Sequence[UUID]
) -> list[tuple[int, str]]:
    """Whose ledgers hold transactions under those keys: customer and subledger."""
    rows = await connection.fetch(_OWNERS_OF, program_id, keys)
    return [(row["customer_id"], row["subledger"]) for row in rows]


async def causes_of(
    connection: Connection, owner_id: int, program_id: int, keys: Sequence[UUID]
) -> dict[tuple[str, int, UUID], bytes]:
    """Why the owner's transactions under those keys were made, as JSON, by subledger, root and key:
    a lot has those of the transaction that made it."""
    rows = await connection.fetch(_CAUSES_OF, owner_id, program_id, keys)
    return {(row["subledger"], row["root_id"], row["key"]): row["cause"] for row in rows}


async def awaiting_in_session(
    connection: Connection, session_key: UUID, program_id: int
) -> dict[int, list[UUID]] | None:
    """The lots earned in that session that await an action, by whose they are: its customer, its
    card, or whom else it gave points. None if there is no such session."""
    rows = await connection.fetch(_EARNED_IN_SESSION, session_key, program_id)
    found: dict[int, list[UUID]] = {}
    for row in rows:
        if row["key"] is not None:
            found.setdefault(row["customer_id"], []).append(row["key"])
    return found if rows else None
