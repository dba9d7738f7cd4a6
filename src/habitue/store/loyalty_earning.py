"""Points that customers earn: the usual write, for many of them in one statement.

An *earning* is one lot on one account of a customer who was joined with nobody, and nothing else:
no tier is entered, nothing is owed. Readings for earnings, and earnings themselves, of different
customers that are under way at a time are answered by one execution each; to each its own outcome.

A ledger is *calm* where nothing is held and nothing has happened by itself since it was saved. Of
such a ledger an earning needs the account and no lots; `load_calm` reads that, and says so where a
ledger is not calm.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row
from habitue.store.failures import GuardFailed
from habitue.store.loyalty_loading import LotRow
from habitue.store.receipts import Receipt, receipt_in, valid_since
from habitue.store.statements import Arguments, Joint

#: One row for each reading, by its place. Subqueries behind an OFFSET are looked up by keys,
#: however little the planner knows of the tables, and arguments behind a SELECT tell it nothing, so
#: that one plan serves for all.
LOAD_CALM = """
SELECT wanted.place, configuration.version AS configuration_version, owner.id, owner.version,
    owner.root_id, owner.joined, owner.attributes, account.root_id AS account_root_id,
    account.version AS account_version, account.totals, account.tier, account.moment,
    account.next_change, account.held > 0 AS holds, (
        SELECT min(loyalty_membership.joined) FROM loyalty_membership
        WHERE customer_id = owner.id AND program_id = wanted.program_id
    ) AS member_since,
    CASE WHEN account.next_change > greatest(account.moment, wanted.now) THEN least((
        SELECT expiry FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = wanted.program_id
            AND subledger = wanted.subledger AND remaining > 0
            AND coalesce(expiry, 'infinity') > greatest(account.moment, wanted.now)
            AND coalesce(expiry, 'infinity') < 'infinity'
        ORDER BY coalesce(expiry, 'infinity') LIMIT 1
    ), (
        SELECT start FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = wanted.program_id
            AND subledger = wanted.subledger AND remaining > 0
            AND start > created AND start > greatest(account.moment, wanted.now)
        ORDER BY start LIMIT 1
    )) END AS lots_change,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer
FROM configuration
CROSS JOIN unnest((SELECT $1::uuid[]), (SELECT $2::bigint[]), (SELECT $3::text[]),
    (SELECT $4::timestamptz[]), (SELECT $5::boolean[]), (SELECT $6::uuid[]),
    (SELECT $7::timestamptz[]))
    WITH ORDINALITY AS wanted (claim_key, program_id, subledger, now, attributed, receipt_key,
        receipts_since, place)
LEFT JOIN LATERAL (
    SELECT holder.id, holder.version, holder.joined, coalesce(claim.root_id, holder.id) AS root_id,
        CASE WHEN wanted.attributed THEN holder.attributes END AS attributes
    FROM claim CROSS JOIN LATERAL (
        SELECT * FROM customer WHERE customer.id = claim.customer_id OFFSET 0
    ) AS holder
    WHERE claim.claim_key = wanted.claim_key OFFSET 0
) AS owner ON true
LEFT JOIN LATERAL (
    SELECT root_id, version, tier, moment, next_change, held,
        ARRAY[issued, open, held, spent, expired, voided, transferred, debt, active] AS totals
    FROM loyalty_account
    WHERE customer_id = owner.id AND program_id = wanted.program_id
        AND subledger = wanted.subledger OFFSET 0
) AS account ON true
LEFT JOIN LATERAL (
    SELECT * FROM receipt
    WHERE key_digest = wanted.receipt_key AND created > wanted.receipts_since OFFSET 0
) AS receipt ON true
"""

# A receipt is stored for those whose points are; where its key is taken, all is undone.
EARN = """
SELECT earned.place, CASE WHEN answered.key IS NOT NULL THEN save_receipt(answered.key,
    answered.request_hash, answered.status, answered.answer, answered.customer_id, answered.now)
    END AS receipt
FROM earn_points($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    AS earned (place)
JOIN unnest($1::bigint[], $4::timestamptz[], $18::uuid[], $19::bytea[], $20::smallint[],
    $21::bytea[]) WITH ORDINALITY
    AS answered (customer_id, now, key, request_hash, status, answer, place)
    ON answered.place = earned.place
"""


class CalmRow(msgspec.Struct, frozen=True):
    """What an earning needs of a ledger that is calm. The account's columns are None where nothing
    was ever posted; `totals` are in the order of `PLACES`, and what is active; `lots_change` is
    when something happens to a lot, but for those of `lots`, which an earning does not read.
    Documents are bytes, `attributes` only if asked for."""

    configuration_version: int
    customer_id: int
    customer_version: int
    root_id: int
    attributes: bytes | None
    member_since: datetime | None
    account_root_id: int | None
    account_version: int | None
    totals: Sequence[Decimal] | None
    tier: bytes | None
    moment: datetime | None
    next_change: datetime | None
    lots_change: datetime | None
    receipt: Receipt | None
    lots: Sequence[LotRow] = ()


class Earning(msgspec.Struct, frozen=True):
    """A lot that a customer earns; the account as it was decided upon, at `version`, 0 where it
    comes to be. `booked` is when it is saved, `moment` when it was earned; `tier` and `cause` are
    documents."""

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
    start: datetime | None
    expiry: datetime | None
    validity: str
    cause: bytes


async def load_calm(
    connection: Connection,
    claim_key: UUID,
    program_id: int,
    subledger: str,
    now: datetime,
    *,
    attributed: bool,
    receipt_key: UUID | None = None,
) -> CalmRow | None:
    """The ledger of whoever holds the claim, at one moment, with the answer to an earlier request
    of the key; None where it is not calm, where there is nobody, and where the customer was joined
    of several."""
    rows = await connection.fetch_together(
        LOAD_CALM,
        *([claim_key], [program_id], [subledger], [now], [attributed]),
        *([receipt_key], [valid_since(now)]),
        joint=TOGETHER,
        kin=KIN,
    )
    return calm_row(rows, now)


def calm_row(rows: Sequence[Row], now: datetime) -> CalmRow | None:
    """What those rows say of the ledger, but for its lots; None where `load_calm` tells None."""
    (row, *others) = rows
    if others or row["id"] is None or row["joined"] or row["holds"]:
        return None
    change = row["next_change"]
    if change is not None and change <= max(now, row["moment"]):
        return None
    return CalmRow(
        configuration_version=row["configuration_version"],
        customer_id=row["id"],
        customer_version=row["version"],
        root_id=row["root_id"],
        attributes=row["attributes"],
        member_since=row["member_since"],
        account_root_id=row["account_root_id"],
        account_version=row["account_version"],
        totals=row["totals"],
        tier=row["tier"],
        moment=row["moment"],
        next_change=change,
        lots_change=row["lots_change"],
        receipt=receipt_in(row),
    )


async def earn(
    connection: Connection,
    earning: Earning,
    receipt_key: UUID | None = None,
    receipt: Receipt | None = None,
) -> None:
    """Books an earning, with the answer to the request where that has a key. Raises `GuardFailed`
    where the customer or the account has moved or the request's key is taken, and `AlreadyExists`
    where the earning's key is."""
    answered = (None, None, None) if receipt is None else msgspec.structs.astuple(receipt)
    values = (*msgspec.structs.astuple(earning), receipt_key, *answered)
    arguments = [[value] for value in values]
    rows = await connection.fetch_together(
        EARN, *arguments, joint=TOGETHER, kin=KIN, order=earning.customer_id
    )
    if not rows:
        raise GuardFailed("points")


def _join(asked: Sequence[Arguments]) -> Arguments:
    """Everybody's arguments are lists of one; those of all are lists with a place for each."""
    return [[value for (value,) in column] for column in zip(*asked, strict=True)]


def _part(rows: list[Row], asked: Sequence[Arguments]) -> list[list[Row]]:
    answers: list[list[Row]] = [[] for _ in asked]
    for row in rows:
        answers[row["place"] - 1].append(row)
    return answers


#: For statements whose arguments are lists, and whose rows say their places in them.
TOGETHER = Joint(_join, _part)
KIN = "earnings"
