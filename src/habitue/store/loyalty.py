"""Reading and saving the points of one owner in one program: one round trip each.

The owner is a customer, or stands for a card of a card-based program (`store.program_cards`).

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
from habitue.store.receipts import Receipt, receipt_in, valid_since


class PointsQuery(msgspec.Struct, frozen=True):
    """Whose points to read: a customer's by claim, those of a card by its identifier, or by the id
    of their owner where both are None. `subledger` of None means all. Lots that are empty are read
    where one of `keys` names them, or a transaction that took from them; so are the postings of
    those transactions."""

    profile_key: UUID | None
    customer_id: int | None
    program_id: int
    subledger: str | None = None
    keys: Sequence[UUID] = ()
    card: str | None = None


class PointsRow(msgspec.Struct, frozen=True):
    """What was read. `ledgers` is a JSON object by subledger, of accounts, lots and holds, with
    what is known of lots that were not read; `receipt` answers an earlier request of the key;
    `postings` a list of what the named transactions posted. `root_id` is whom the claim names.
    `card` is the document of the card whose points they are, None where a customer has them."""

    configuration_version: int
    customer_id: int | None
    customer_version: int | None
    root_id: int | None
    attributes: bytes | None
    joined: datetime | None
    ledgers: bytes
    postings: bytes
    card: bytes | None = None
    receipt: Receipt | None = None


BY_CLAIM = """
    SELECT holder.id, holder.version, holder.attributes, coalesce(claim.root_id, holder.id) AS root,
        NULL::jsonb AS card
    FROM claim JOIN customer AS holder ON holder.id = claim.customer_id
    WHERE claim.claim_key = $1::uuid AND $2::bigint IS NULL
"""

BY_IDENTIFIER = """
    SELECT card.owner_id AS id, card.version, '{}'::jsonb AS attributes, card.owner_id AS root,
        program_card_document(card) AS card
    FROM program_card AS card
    WHERE card.program_id = $3 AND card.identifier = $1::text AND card.deleted IS NULL
        AND $2::bigint IS NULL
"""

_BY_ID = """
    SELECT id, version, attributes, id AS root, NULL::jsonb AS card
    FROM customer WHERE id = $2::bigint AND $1::uuid IS NULL
    UNION ALL
    SELECT owner_id, version, '{}', owner_id, program_card_document(card)
    FROM program_card AS card WHERE owner_id = $2
"""

# All lots that have something left.
_ALL_LOTS = """
    SELECT loyalty_lot.* FROM owner JOIN loyalty_lot ON loyalty_lot.customer_id = owner.id
        AND loyalty_lot.program_id = $3 AND loyalty_lot.subledger = coalesce($4, subledger)
        AND loyalty_lot.remaining > 0 AND $6::timestamptz IS NOT NULL AND $7::integer IS NULL
"""

# Those that something happens to, and the first of those that are active throughout. However many
# lots there are, few entries of an index are looked at.
_SOME_LOTS = """
    SELECT due.* FROM owner CROSS JOIN ledger JOIN loyalty_lot AS due
        ON due.customer_id = owner.id AND due.program_id = $3
        AND due.subledger = ledger.subledger AND due.remaining > 0
        AND coalesce(due.expiry, 'infinity') <= ledger.until
    UNION
    SELECT due.* FROM owner CROSS JOIN ledger JOIN loyalty_lot AS due
        ON due.customer_id = owner.id AND due.program_id = $3
        AND due.subledger = ledger.subledger AND due.remaining > 0
        AND due.start > ledger.since AND due.start <= ledger.until
    UNION
    SELECT first.* FROM first
"""

_LOAD = """
WITH owner AS (%(owner)s), named AS (
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
), account AS (
    SELECT loyalty_account.* FROM owner JOIN loyalty_account
        ON loyalty_account.customer_id = owner.id AND loyalty_account.program_id = $3
        AND loyalty_account.subledger = coalesce($4, subledger)
), ledger AS (
    SELECT subledger, min(moment) AS since, greatest(max(moment), $6) AS until
    FROM account GROUP BY subledger
), first AS (
    SELECT active.* FROM owner CROSS JOIN ledger CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = $3 AND subledger = ledger.subledger
            AND remaining > 0 AND start <= ledger.until
            AND coalesce(expiry, 'infinity') > ledger.until
        ORDER BY coalesce(expiry, 'infinity'), created, key LIMIT $7::integer
    ) AS active
    WHERE $7 IS NOT NULL
), lot AS (
    %(lots)s
    UNION
    SELECT loyalty_lot.* FROM owner JOIN loyalty_lot ON loyalty_lot.customer_id = owner.id
        AND loyalty_lot.program_id = $3 AND loyalty_lot.subledger = coalesce($4, subledger)
    JOIN wanted ON wanted.key = loyalty_lot.key
)
SELECT
    (SELECT version FROM configuration) AS configuration_version,
    owner.id AS customer_id, owner.version AS customer_version, owner.root AS root_id,
    owner.attributes, owner.card,
    (SELECT min(joined) FROM loyalty_membership
        WHERE loyalty_membership.customer_id = owner.id AND program_id = $3) AS joined,
    coalesce((
        SELECT jsonb_object_agg(subledger, jsonb_build_object(
            'accounts', accounts,
            'lots', (SELECT coalesce(jsonb_agg(to_jsonb(lot)), '[]') FROM lot
                WHERE lot.subledger = by_subledger.subledger),
            'holds', (SELECT coalesce(jsonb_agg(to_jsonb(hold)), '[]') FROM hold
                WHERE hold.subledger = by_subledger.subledger),
            'unread', %(unread)s))
        FROM (
            SELECT subledger, jsonb_agg(to_jsonb(account)) AS accounts
            FROM account GROUP BY subledger
        ) AS by_subledger
    ), '{}') AS ledgers,
    coalesce((SELECT jsonb_agg(to_jsonb(named)) FROM named), '[]') AS postings,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer
FROM (SELECT 1) AS request LEFT JOIN owner ON true
LEFT JOIN receipt ON receipt.key_digest = $8::uuid AND receipt.created > $9::timestamptz
"""

# When something happens to a lot that was not read, and the last one of `first`, if it is full.
_UNREAD = """
    (SELECT jsonb_build_object(
        'next_change', least((
            SELECT other.expiry FROM loyalty_lot AS other
            WHERE other.customer_id = owner.id AND other.program_id = $3
                AND other.subledger = ledger.subledger AND other.remaining > 0
                AND coalesce(other.expiry, 'infinity') > ledger.until
                AND coalesce(other.expiry, 'infinity') < 'infinity'
                AND NOT EXISTS (SELECT FROM lot
                    WHERE lot.key = other.key AND lot.subledger = other.subledger)
            ORDER BY coalesce(other.expiry, 'infinity') LIMIT 1
        ), (
            SELECT other.start FROM loyalty_lot AS other
            WHERE other.customer_id = owner.id AND other.program_id = $3
                AND other.subledger = ledger.subledger AND other.remaining > 0
                AND other.start > ledger.until
                AND NOT EXISTS (SELECT FROM lot
                    WHERE lot.key = other.key AND lot.subledger = other.subledger)
            ORDER BY other.start LIMIT 1
        )),
        'last', (SELECT first.key FROM first WHERE first.subledger = ledger.subledger
            ORDER BY coalesce(first.expiry, 'infinity'), first.created, first.key
            OFFSET greatest($7 - 1, 0) LIMIT 1))
    FROM ledger WHERE ledger.subledger = by_subledger.subledger)
"""


READ_COLUMNS = [name for name in PointsRow.__struct_fields__ if name != "receipt"]

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

_SAVE_ANSWERED = "SELECT save_answered_points($1, $2, $3, $4, $5, $6, $7, $8, $9::smallint, $10)"


def load_statement(owner: str, *, some_lots: bool) -> str:
    """The statement that reads the points of one owner, whom `owner` selects."""
    parts = {"owner": owner, "lots": _ALL_LOTS, "unread": "NULL::jsonb"}
    if some_lots:
        parts |= {"lots": _SOME_LOTS, "unread": _UNREAD}
    return _LOAD % parts


async def load(
    connection: Connection,
    query: PointsQuery,
    now: datetime,
    depth: int | None = None,
    receipt_key: UUID | None = None,
) -> PointsRow:
    """Everything a decision about the points needs, in one round trip.

    With a `depth` only so many of the lots are read that can be spent, those that are spent first,
    with what something happens to by `now`.
    """
    owner: str = _BY_ID
    name: object = None
    if query.card is not None:
        owner, name = BY_IDENTIFIER, query.card
    elif query.profile_key is not None:
        owner, name = BY_CLAIM, query.profile_key
    row = await connection.fetchrow(
        load_statement(owner, some_lots=depth is not None),
        name,
        query.customer_id if name is None else None,
        query.program_id,
        query.subledger,
        query.keys,
        now,
        depth,
        receipt_key,
        valid_since(now),
    )
    assert row is not None, "the query always gives one row"
    return PointsRow(**{name: row[name] for name in READ_COLUMNS}, receipt=receipt_in(row))


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
    await connection.fetchval(
        "SELECT save_points($1, $2, $3, $4)", customer_id, version, now, ledgers
    )


async def save_of_card(
    connection: Connection, owner_id: int, version: int, now: datetime, ledgers: bytes
) -> None:
    """The same for the points of a card, at its version; also within another write, which guards
    its customer first. Raises `GuardFailed`."""
    await connection.fetchval(
        "SELECT save_card_points($1, $2, $3, $4)", owner_id, version, now, ledgers
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
    await connection.fetchval(
        _SAVE_ANSWERED,
        of_card,
        *owner,
        now,
        ledgers,
        receipt_key,
        receipt.request_hash,
        receipt.status,
        receipt.answer,
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
) -> dict[int, list[UUID]] | None:
    """The lots earned in that session that await an action, by whose they are: its customer, its
    card, or whom else it gave points. None if there is no such session."""
    rows = await connection.fetch(_EARNED_IN_SESSION, session_key, program_id)
    found: dict[int, list[UUID]] = {}
    for row in rows:
        if row["key"] is not None:
            found.setdefault(row["customer_id"], []).append(row["key"])
    return found if rows else None
