"""Points that customers spend: the usual write, for many of them in one statement.

A *spending* takes points from lots of one account of a customer who was joined with nobody, and
nothing else happens: no tier changes, nothing is held. Readings for spendings, and spendings
themselves, of different customers that are under way at a time are answered by one execution each,
as earnings are (`store.loyalty_earning`, whose words these are); to each its own outcome.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row
from habitue.store.failures import GuardFailed
from habitue.store.loyalty_earning import TOGETHER, CalmRow, calm_row
from habitue.store.loyalty_loading import LotRow, PointsQuery
from habitue.store.receipts import Receipt, valid_since

#: So many of the lots that can be spent are read, those that are spent first.
SPENDABLE_MAX = 8

#: One row for each reading, by its place; see `loyalty_earning.LOAD_CALM` for how it is planned.
LOAD_SPENDABLE = f"""
SELECT wanted.place, configuration.version AS configuration_version, owner.id, owner.version,
    owner.root_id, owner.joined, owner.attributes, account.root_id AS account_root_id,
    account.version AS account_version, account.totals, account.tier, account.moment,
    account.next_change, account.held > 0 AS holds, (
        SELECT min(loyalty_membership.joined) FROM loyalty_membership
        WHERE customer_id = owner.id AND program_id = wanted.program_id
    ) AS member_since,
    CASE WHEN account.next_change > account.until THEN least((
        SELECT expiry FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = wanted.program_id
            AND subledger = wanted.subledger AND remaining > 0
            AND coalesce(expiry, 'infinity') > account.until
            AND coalesce(expiry, 'infinity') < 'infinity'
            AND key <> ALL (coalesce(lots.keys, '{{}}'))
        ORDER BY coalesce(expiry, 'infinity') LIMIT 1
    ), (
        SELECT start FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = wanted.program_id
            AND subledger = wanted.subledger AND remaining > 0
            AND start > created AND start > account.until
        ORDER BY start LIMIT 1
    )) END AS lots_change,
    lots.*, (
        SELECT true FROM loyalty_transaction
        WHERE key = wanted.fresh AND customer_id = owner.id AND program_id = wanted.program_id
        LIMIT 1
    ) AS is_known,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer
FROM configuration
CROSS JOIN unnest((SELECT $1::uuid[]), (SELECT $2::bigint[]), (SELECT $3::bigint[]),
    (SELECT $4::text[]), (SELECT $5::uuid[]), (SELECT $6::timestamptz[]), (SELECT $7::boolean[]),
    (SELECT $8::uuid[]), (SELECT $9::timestamptz[]))
    WITH ORDINALITY AS wanted (claim_key, owner_id, program_id, subledger, fresh, now, attributed,
        receipt_key, receipts_since, place)
LEFT JOIN LATERAL (
    SELECT holder.id, holder.version, holder.joined, coalesce(named.root_id, holder.id) AS root_id,
        CASE WHEN wanted.attributed THEN holder.attributes END AS attributes
    FROM (
        SELECT customer_id, root_id FROM claim WHERE claim_key = wanted.claim_key
        UNION ALL
        SELECT wanted.owner_id, NULL WHERE wanted.owner_id IS NOT NULL
    ) AS named CROSS JOIN LATERAL (
        SELECT * FROM customer WHERE customer.id = named.customer_id OFFSET 0
    ) AS holder OFFSET 0
) AS owner ON true
LEFT JOIN LATERAL (
    SELECT root_id, version, tier, moment, next_change, held,
        greatest(moment, wanted.now) AS until,
        ARRAY[issued, open, held, spent, expired, voided, transferred, debt, active] AS totals
    FROM loyalty_account
    WHERE customer_id = owner.id AND program_id = wanted.program_id
        AND subledger = wanted.subledger OFFSET 0
) AS account ON true
LEFT JOIN LATERAL (
    SELECT array_agg(key) AS keys, array_agg(root_id) AS roots, array_agg(amount) AS amounts,
        array_agg(remaining) AS remainders, array_agg(created) AS created,
        array_agg(start) AS starts, array_agg(expiry) AS expiries,
        array_agg(validity) AS validities, array_agg(session_id) AS sessions,
        array_agg(taken) AS taken, array_agg(expired) AS expired, array_agg(deleted) AS deleted
    FROM (
        SELECT * FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = wanted.program_id
            AND subledger = wanted.subledger AND remaining > 0 AND start <= account.until
            AND coalesce(expiry, 'infinity') > account.until
        ORDER BY coalesce(expiry, 'infinity'), created, key LIMIT {SPENDABLE_MAX}
    ) AS active
) AS lots ON true
LEFT JOIN LATERAL (
    SELECT * FROM receipt
    WHERE key_digest = wanted.receipt_key AND created > wanted.receipts_since OFFSET 0
) AS receipt ON true
"""

# A receipt is stored for those whose points are; where its key is taken, all is undone.
SPEND = """
SELECT spent.place, CASE WHEN answered.key IS NOT NULL THEN save_receipt(answered.key,
    answered.request_hash, answered.status, answered.answer, answered.customer_id, answered.now)
    END AS receipt
FROM spend_points($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    AS spent (place)
JOIN unnest($1::bigint[], $4::timestamptz[], $16::uuid[], $17::bytea[], $18::smallint[],
    $19::bytea[]) WITH ORDINALITY
    AS answered (customer_id, now, key, request_hash, status, answer, place)
    ON answered.place = spent.place
"""

_KIN = "spendings"
_LOT_COLUMNS = (
    *("keys", "roots", "amounts", "remainders", "created", "starts", "expiries", "validities"),
    *("sessions", "taken", "expired", "deleted"),
)


class Spending(msgspec.Struct, frozen=True):
    """Points that a customer spends; the account as it was decided upon, at `version`. `booked` is
    when it is saved, `moment` when they were spent. Documents: `tier`, `cause`, and `parts`, which
    is a list of {lot, amount} that sums to `amount`."""

    customer_id: int
    customer_version: int
    root_id: int
    booked: datetime
    program_id: int
    subledger: str
    version: int
    tier: bytes | None
    moment: datetime
    next_change: datetime | None
    active: Decimal
    key: UUID
    amount: Decimal
    parts: bytes
    cause: bytes


async def load_spendable(
    connection: Connection,
    query: PointsQuery,
    now: datetime,
    *,
    attributed: bool,
    receipt_key: UUID | None = None,
) -> CalmRow | None:
    """The one ledger that is asked for by claim or by id, at one moment, with the lots that are
    spent first and the answer to an earlier request of the key.

    None where it is not calm, where there is nobody, where the customer was joined of several, and
    where the `fresh` key of the query is known.
    """
    named = query.profile_key is not None
    rows = await connection.fetch_together(
        LOAD_SPENDABLE,
        *([query.profile_key], [None if named else query.customer_id], [query.program_id]),
        *([query.subledger], [query.fresh], [now], [attributed]),
        *([receipt_key], [valid_since(now)]),
        joint=TOGETHER,
        kin=_KIN,
    )
    calm = calm_row(rows, now)
    if calm is None or rows[0]["is_known"]:
        return None
    return msgspec.structs.replace(calm, lots=_lots(rows[0]))


async def spend(
    connection: Connection,
    spending: Spending,
    receipt_key: UUID | None = None,
    receipt: Receipt | None = None,
) -> None:
    """Books a spending, with the answer to the request where that has a key. Raises `GuardFailed`
    where the customer or the account has moved or the request's key is taken, and `AlreadyExists`
    where the spending's key is."""
    answered = (None, None, None) if receipt is None else msgspec.structs.astuple(receipt)
    values = (*msgspec.structs.astuple(spending), receipt_key, *answered)
    rows = await connection.fetch_together(
        SPEND,
        *([value] for value in values),
        joint=TOGETHER,
        kin=_KIN,
        order=spending.customer_id,
    )
    if not rows:
        raise GuardFailed("points")


def _lots(row: Row) -> Sequence[LotRow]:
    if row["keys"] is None:
        return ()
    columns = (row[name] for name in _LOT_COLUMNS)
    return [LotRow(*values) for values in zip(*columns, strict=True)]
