"""Reading and saving the points of one owner in one program: one round trip each.

`load` reads everything that a decision about points needs, as documents; `save` appends what was
decided, guarded by the customer's version and that of every account. `write` does the same inside
another write that guards the customer itself. What is in the documents is the business of the use
cases.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.database import Connection


class PointsQuery(msgspec.Struct, frozen=True):
    """Whose points to read: a customer's by claim, or by id where that is None. `subledger` of None
    means all. Lots that are empty are read where one of `keys` names them, or a transaction that
    took from them; so are the postings of those transactions. Without lots only accounts are
    read."""

    profile_key: UUID | None
    customer_id: int | None
    program_id: int
    subledger: str | None = None
    keys: Sequence[UUID] = ()
    with_lots: bool = True


class PointsRow(msgspec.Struct, frozen=True):
    """What was read. `ledgers` is a JSON object by subledger, of accounts, lots and holds;
    `postings` a list of what the named transactions posted. `root_id` is whom the claim names."""

    configuration_version: int
    customer_id: int | None
    customer_version: int | None
    root_id: int | None
    attributes: bytes | None
    joined: datetime | None
    ledgers: bytes
    postings: bytes


_OWNER = """
    SELECT holder.id, holder.version, holder.attributes, coalesce(claim.root_id, holder.id) AS root
    FROM (SELECT 1) AS request
    LEFT JOIN claim ON claim.claim_key = $1::uuid
    JOIN customer AS holder ON holder.id = CASE
        WHEN $1::uuid IS NULL THEN $2::bigint ELSE claim.customer_id
    END
"""

_LOAD = f"""
WITH owner AS ({_OWNER}), named AS (
    SELECT posting.place, posting.amount, posting.lot, transaction.key, transaction.subledger
    FROM owner JOIN loyalty_transaction AS transaction ON transaction.customer_id = owner.id
        AND transaction.program_id = $3 AND transaction.key = ANY ($5::uuid[])
    JOIN loyalty_posting AS posting ON posting.customer_id = owner.id
        AND posting.transaction_id = transaction.id
), hold AS (
    SELECT loyalty_hold.* FROM owner JOIN loyalty_hold ON loyalty_hold.customer_id = owner.id
        AND loyalty_hold.program_id = $3 AND loyalty_hold.subledger = coalesce($4, subledger)
), wanted AS (
    SELECT lot AS key FROM hold UNION SELECT lot FROM named UNION SELECT unnest($5::uuid[])
), lot AS (
    SELECT loyalty_lot.* FROM owner JOIN loyalty_lot ON loyalty_lot.customer_id = owner.id
        AND loyalty_lot.program_id = $3 AND loyalty_lot.subledger = coalesce($4, subledger)
        AND loyalty_lot.remaining > 0 AND $6::boolean
    UNION ALL
    SELECT loyalty_lot.* FROM owner JOIN loyalty_lot ON loyalty_lot.customer_id = owner.id
        AND loyalty_lot.program_id = $3 AND loyalty_lot.subledger = coalesce($4, subledger)
        AND loyalty_lot.remaining = 0
    JOIN wanted ON wanted.key = loyalty_lot.key AND $6
), account AS (
    SELECT loyalty_account.* FROM owner JOIN loyalty_account
        ON loyalty_account.customer_id = owner.id AND loyalty_account.program_id = $3
        AND loyalty_account.subledger = coalesce($4, subledger)
)
SELECT
    (SELECT version FROM configuration) AS configuration_version,
    owner.id AS customer_id, owner.version AS customer_version, owner.root AS root_id,
    owner.attributes,
    (SELECT min(joined) FROM loyalty_membership
        WHERE loyalty_membership.customer_id = owner.id AND program_id = $3) AS joined,
    coalesce((
        SELECT jsonb_object_agg(subledger, jsonb_build_object(
            'accounts', accounts,
            'lots', (SELECT coalesce(jsonb_agg(to_jsonb(lot)), '[]') FROM lot
                WHERE lot.subledger = by_subledger.subledger),
            'holds', (SELECT coalesce(jsonb_agg(to_jsonb(hold)), '[]') FROM hold
                WHERE hold.subledger = by_subledger.subledger)))
        FROM (
            SELECT subledger, jsonb_agg(to_jsonb(account)) AS accounts
            FROM account GROUP BY subledger
        ) AS by_subledger
    ), '{{}}') AS ledgers,
    coalesce((SELECT jsonb_agg(to_jsonb(named)) FROM named), '[]') AS postings
FROM (SELECT 1) AS request LEFT JOIN owner ON true
"""

_LOCK = f"""
SELECT id FROM customer WHERE id = (SELECT id FROM ({_OWNER}) AS owner) FOR UPDATE
"""

_OWNERS_OF = """
SELECT DISTINCT customer_id, subledger FROM loyalty_transaction
WHERE program_id = $1 AND key = ANY ($2::uuid[]) ORDER BY customer_id, subledger
"""

_EARNED_IN_SESSION = """
SELECT claim.customer_id, lot.key FROM claim
LEFT JOIN loyalty_lot AS lot ON lot.customer_id = claim.customer_id
    AND lot.session_id = claim.session_id AND lot.program_id = $2 AND lot.start IS NULL
WHERE claim.claim_key = $1 AND claim.session_id IS NOT NULL ORDER BY lot.key
"""


async def load(connection: Connection, query: PointsQuery) -> PointsRow:
    """Everything a decision about the points needs, in one round trip."""
    row = await connection.fetchrow(_LOAD, *msgspec.structs.astuple(query))
    assert row is not None, "the query always gives one row"
    return PointsRow(**row)


async def lock(connection: Connection, query: PointsQuery) -> None:
    """Waits until nobody else writes what the owner owns; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_LOCK, query.profile_key, query.customer_id)


async def save(
    connection: Connection, customer_id: int, version: int, now: datetime, ledgers: bytes
) -> None:
    """Appends what was decided, a JSON list by ledger. Raises `GuardFailed` when anything that it
    rests on has moved."""
    await connection.fetchval(
        "SELECT save_points($1, $2, $3, $4)", customer_id, version, now, ledgers
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


async def awaiting_in_session(
    connection: Connection, session_key: UUID, program_id: int
) -> tuple[int | None, list[UUID]]:
    """Who has that session, None if nobody, and the lots earned in it that await an action."""
    rows = await connection.fetch(_EARNED_IN_SESSION, session_key, program_id)
    if not rows:
        return None, []
    return rows[0]["customer_id"], [row["key"] for row in rows if row["key"] is not None]
