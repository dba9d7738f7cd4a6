"""Reading what the ledger tells: pages of points and of transactions.

Everything about one owner in one program; entries that were deleted are not told any more. Who is
asked for stands in a `PointsQuery`, of which claim, customer and program count here.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from habitue.store.database import Connection

PointsStatus = Literal["active", "pending", "expired"]
PointsOrder = Literal["start", "-start", "expiry", "-expiry"]


class PointsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which lots: of one status at `now`, of some subledgers, sessions or transactions."""

    customer_id: int
    program_id: int
    status: PointsStatus
    now: datetime
    subledgers: Sequence[str] | None = None
    session_keys: Sequence[str] | None = None
    keys: Sequence[UUID] | None = None
    order: PointsOrder = "start"
    skip: int = 0
    limit: int = 50


class TransactionsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which additions and subtractions, newest first; those of kinds that move nothing between a
    customer and the shop are never told. `origin` of None means all."""

    customer_id: int
    program_id: int
    now: datetime
    subledgers: Sequence[str] | None = None
    session_keys: Sequence[str] | None = None
    keys: Sequence[UUID] | None = None
    origin: Literal["manual", "session", "import"] | None = None
    since: datetime | None = None
    until: datetime | None = None
    awaiting: bool = False
    kinds: Sequence[str] | None = None
    skip: int = 0
    limit: int = 50


class LotRow(msgspec.Struct, frozen=True):
    """Unused points of one lot, with the transaction that earned them."""

    id: int
    key: UUID
    created: datetime
    session_key: str
    name: str
    start: datetime | None
    expiry: datetime | None
    subledger: str
    amount: Decimal
    validity: str


class TransactionRow(msgspec.Struct, frozen=True):
    """One entry of the log; `amount` is what the customer's points changed by."""

    id: int
    key: UUID
    kind: str
    created: datetime
    subledger: str
    amount: Decimal
    start: datetime | None
    expiry: datetime | None
    validity: str
    awaits: bool
    negative: bool
    cause: bytes


# Entries that were not deleted.
VISIBLE = """
    JOIN loyalty_account AS account ON account.customer_id = entry.customer_id
        AND account.program_id = entry.program_id AND account.subledger = entry.subledger
        AND account.root_id = entry.root_id AND entry.sequence > account.deleted_through
"""

_ORDERS: dict[PointsOrder, str] = {
    "start": "lot.start NULLS LAST, entry.id",
    "-start": "lot.start DESC NULLS FIRST, entry.id DESC",
    "expiry": "lot.expiry NULLS LAST, entry.id",
    "-expiry": "lot.expiry DESC NULLS FIRST, entry.id DESC",
}

# Of expired lots what ended unused, of others what is left.
_POINTS = f"""
SELECT entry.id, lot.key, lot.created, coalesce(entry.cause ->> 'session_key', '') AS session_key,
    coalesce(entry.cause ->> 'name', '') AS name, lot.start, lot.expiry, lot.subledger,
    CASE WHEN $3 = 'expired' THEN lot.remaining + lot.expired ELSE lot.remaining END AS amount,
    lot.validity
FROM loyalty_lot AS lot
JOIN loyalty_transaction AS entry ON entry.customer_id = lot.customer_id
    AND entry.program_id = lot.program_id AND entry.subledger = lot.subledger
    AND entry.root_id = lot.root_id AND entry.key = lot.key
{VISIBLE}
WHERE lot.customer_id = $1 AND lot.program_id = $2 AND CASE $3
        WHEN 'active' THEN lot.remaining > 0 AND lot.start <= $4::timestamptz
            AND (lot.expiry IS NULL OR lot.expiry > $4)
        WHEN 'pending' THEN lot.remaining > 0 AND (lot.start IS NULL OR lot.start > $4)
            AND (lot.expiry IS NULL OR lot.expiry > $4)
        ELSE lot.expiry <= $4 AND lot.remaining + lot.expired > 0
    END
    AND ($5::text[] IS NULL OR lot.subledger = ANY ($5))
    AND ($6::text[] IS NULL OR entry.cause ->> 'session_key' = ANY ($6))
    AND ($7::uuid[] IS NULL OR lot.key = ANY ($7))
ORDER BY {{order}} OFFSET $8 LIMIT $9
"""

# Which entries a page of a log is of; $3 is now, $4 to $10 as in a `TransactionsPage`.
WANTED = """
    entry.kind IN ('earn', 'spend', 'post_hold', 'take_back', 'reimburse', 'transfer')
    AND entry.amount <> 0
    AND ($4::text[] IS NULL OR entry.subledger = ANY ($4))
    AND ($5::text[] IS NULL OR entry.cause ->> 'session_key' = ANY ($5))
    AND ($6::uuid[] IS NULL OR entry.key = ANY ($6))
    AND ($7::text IS NULL OR $7 = CASE
        WHEN entry.cause ->> 'session_id' IS NOT NULL THEN 'session'
        WHEN entry.cause ->> 'import_id' IS NOT NULL THEN 'import' ELSE 'manual' END)
    AND ($8::timestamptz IS NULL OR entry.at >= $8)
    AND ($9::timestamptz IS NULL OR entry.at <= $9)
    AND (NOT $10::boolean OR EXISTS (
        SELECT FROM loyalty_lot AS lot WHERE lot.customer_id = entry.customer_id
            AND lot.program_id = entry.program_id AND lot.subledger = entry.subledger
            AND lot.key = entry.key AND lot.start IS NULL AND lot.remaining > 0
            AND (lot.expiry IS NULL OR lot.expiry > $3::timestamptz)))
"""

_CHOSEN = f"""
FROM loyalty_transaction AS entry
{VISIBLE}
WHERE entry.customer_id = $1 AND entry.program_id = $2 AND {WANTED}
    AND ($11::text[] IS NULL OR entry.kind = ANY ($11))
"""

_TRANSACTIONS = f"""
SELECT entry.id, entry.key, entry.kind, entry.at AS created, entry.subledger, entry.amount,
    entry.start, entry.expiry, entry.validity, entry.awaits, entry.negative, entry.cause
{_CHOSEN}
ORDER BY entry.id DESC OFFSET $12 LIMIT $13
"""

_COUNT_TRANSACTIONS = f"SELECT count(*) {_CHOSEN}"


async def customer_of(connection: Connection, profile_key: UUID) -> int | None:
    """Whose claim that is, if anybody's."""
    found: int | None = await connection.fetchval(
        "SELECT customer_id FROM claim WHERE claim_key = $1", profile_key
    )
    return found


async def points_page(connection: Connection, page: PointsPage) -> list[LotRow]:
    """The lots of the page, and one more where there are more."""
    rows = await connection.fetch(
        _POINTS.format(order=_ORDERS[page.order]),
        page.customer_id,
        page.program_id,
        page.status,
        page.now,
        page.subledgers,
        page.session_keys,
        page.keys,
        page.skip,
        page.limit + 1,
    )
    return [LotRow(**row) for row in rows]


async def transactions_page(connection: Connection, page: TransactionsPage) -> list[TransactionRow]:
    """The entries of the page, and one more where there are more."""
    rows = await connection.fetch(_TRANSACTIONS, *_chosen(page), page.skip, page.limit + 1)
    return [TransactionRow(**row) for row in rows]


async def count_transactions(connection: Connection, page: TransactionsPage) -> int:
    """How many entries there are on all pages."""
    count: int = await connection.fetchval(_COUNT_TRANSACTIONS, *_chosen(page))
    return count


def _chosen(page: TransactionsPage) -> tuple[object, ...]:
    return (
        page.customer_id,
        page.program_id,
        page.now,
        page.subledgers,
        page.session_keys,
        page.keys,
        page.origin,
        page.since,
        page.until,
        page.awaiting,
        page.kinds,
    )
