"""Reading a ledger as it was at a moment, out of the postings and the history of its tiers.

Lots are told with what remained and had ended of them by then, and with the start and the end that
they had then. What ended, or was let go of, by itself before the moment may not be booked yet:
whoever reads this brings it to the moment.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.database import Connection
from habitue.store.loyalty_reading import VISIBLE


class PastRow(msgspec.Struct, frozen=True):
    """Two JSON documents: the ledgers by subledger, each with totals, lots and holds; and a list
    of the last change of tier before the moment, of each root in each subledger."""

    ledgers: bytes
    tier_changes: bytes


class LotEntry(msgspec.Struct, frozen=True):
    """The transaction that earned a lot."""

    id: int
    subledger: str
    key: UUID
    session_key: str
    name: str


# What came back to a lot whose time was over has ended there, which its own postings tell by what
# they lack.
_AS_OF = """
WITH posted AS (
    SELECT entry.id, entry.key, entry.kind, entry.start, entry.expiry, entry.subledger,
        posting.place, posting.amount, posting.lot
    FROM loyalty_transaction AS entry
    JOIN loyalty_posting AS posting ON posting.customer_id = entry.customer_id
        AND posting.transaction_id = entry.id
    WHERE entry.customer_id = $1 AND entry.program_id = $2
        AND ($3::text IS NULL OR entry.subledger = $3) AND entry.at <= $4
), hold AS (
    SELECT * FROM loyalty_hold
    WHERE customer_id = $1 AND program_id = $2
        AND ($3 IS NULL OR subledger = $3) AND expires <= $4
), summed AS (
    SELECT subledger, lot,
        coalesce(sum(amount) FILTER (WHERE place = 'open'), 0) AS remaining,
        - coalesce(sum(amount) FILTER (WHERE place = 'open' AND kind = 'expire'
            OR kind IN ('release_hold', 'reimburse')), 0) AS expired
    FROM posted WHERE lot IS NOT NULL GROUP BY subledger, lot
), terms AS (
    SELECT DISTINCT ON (subledger, lot) subledger, lot, start, expiry FROM posted
    WHERE lot IS NOT NULL AND (key = lot OR kind IN ('activate', 'change_expiry'))
    ORDER BY subledger, lot, id DESC
), lot AS (
    SELECT loyalty_lot.*, jsonb_build_object('remaining', summed.remaining,
        'expired', summed.expired, 'start', terms.start, 'expiry', terms.expiry) AS past
    FROM summed JOIN terms USING (subledger, lot)
    JOIN loyalty_lot ON loyalty_lot.customer_id = $1 AND loyalty_lot.program_id = $2
        AND loyalty_lot.subledger = summed.subledger AND loyalty_lot.key = summed.lot
    WHERE summed.remaining > 0 OR summed.expired > 0 OR EXISTS (
        SELECT FROM hold WHERE hold.subledger = summed.subledger AND hold.lot = summed.lot)
)
SELECT (
    SELECT coalesce(jsonb_object_agg(subledger, jsonb_build_object(
        'totals', totals,
        'lots', (SELECT coalesce(jsonb_agg(to_jsonb(lot) - 'past' || past), '[]') FROM lot
            WHERE lot.subledger = placed.subledger),
        'holds', (SELECT coalesce(jsonb_agg(to_jsonb(hold)), '[]') FROM hold
            WHERE hold.subledger = placed.subledger))), '{}')
    FROM (
        SELECT subledger, jsonb_object_agg(place, amount) AS totals FROM (
            SELECT subledger, place, sum(amount) AS amount FROM posted GROUP BY subledger, place
        ) AS places GROUP BY subledger
    ) AS placed
) AS ledgers, (
    SELECT coalesce(jsonb_agg(to_jsonb(change)), '[]')
    FROM (
        SELECT DISTINCT ON (subledger, root_id) * FROM loyalty_tier_change
        WHERE customer_id = $1 AND program_id = $2
            AND ($3 IS NULL OR subledger = $3) AND at <= $4
        ORDER BY subledger, root_id, at DESC, id DESC
    ) AS change
) AS tier_changes
"""

_ENTRIES = f"""
SELECT entry.id, entry.subledger, entry.key,
    coalesce(entry.cause ->> 'session_key', '') AS session_key,
    coalesce(entry.cause ->> 'name', '') AS name
FROM loyalty_transaction AS entry
{VISIBLE}
WHERE entry.customer_id = $1 AND entry.program_id = $2 AND entry.key = ANY ($3::uuid[])
"""


async def as_of(
    connection: Connection,
    customer_id: int,
    program_id: int,
    subledger: str | None,
    moment: datetime,
) -> PastRow:
    """The ledgers of one owner in a program as they were at a moment."""
    row = await connection.fetchrow(_AS_OF, customer_id, program_id, subledger, moment)
    assert row is not None, "the query always gives one row"
    return PastRow(**row)


async def entries_of_lots(
    connection: Connection, customer_id: int, program_id: int, keys: Sequence[UUID]
) -> list[LotEntry]:
    """The transactions that earned those lots, but for those that were deleted."""
    rows = await connection.fetch(_ENTRIES, customer_id, program_id, keys)
    return [LotEntry(**row) for row in rows]
