"""Reading what a decision about points needs, in one round trip: rows as they are.

A reading begins with a *head*, about the owner; then come rows for each account, lot and hold of
the owner's ledgers, and for what named transactions posted. Putting them together here costs less
than having it done by the database. Nothing is looked at that cannot matter: an account says when
something happens to it by itself and whether it holds anything.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias, get_args
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row
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


class AccountRow(msgspec.Struct, frozen=True):
    """The account of a root; `totals` are in the order of `PLACES`, and `tier` is a document."""

    root_id: int
    version: int
    totals: Sequence[Decimal]
    tier: bytes | None
    moment: datetime
    active: Decimal
    next_change: datetime | None


class LotRow(msgspec.Struct, frozen=True):
    """A lot, as `habitue.loyalty.ledger.Lot` has it."""

    key: UUID
    root_id: int
    amount: Decimal
    remaining: Decimal
    created: datetime
    start: datetime | None
    expiry: datetime | None
    validity: str
    session_id: int | None
    taken: Decimal
    expired: Decimal
    deleted: bool


class HoldRow(msgspec.Struct, frozen=True):
    """What is held from one lot under a key."""

    key: UUID
    lot: UUID
    root_id: int
    amount: Decimal
    expires: datetime | None


class PostingRow(msgspec.Struct, frozen=True):
    """One posting of a transaction that was named."""

    key: UUID
    subledger: str
    place: str
    amount: Decimal
    lot: UUID | None


class LedgerRows(msgspec.Struct):
    """One ledger. Where it was read in part, `next_change` is when something happens to a lot that
    was not read, and `spendable` are the first lots in the order of spending, as many as were
    asked for unless there are no more."""

    accounts: list[AccountRow] = []
    lots: dict[UUID, LotRow] = {}
    holds: list[HoldRow] = []
    spendable: list[LotRow] = []
    next_change: datetime | None = None


class PointsRow(msgspec.Struct, frozen=True):
    """What was read: ledgers by subledger. `receipt` answers an earlier request of the key;
    `root_id` is whom the claim names. `card` is the document of the card whose points they are,
    None where a customer has them. `depth` is how many of the lots that can be spent were asked
    for, None where all lots were read."""

    configuration_version: int
    customer_id: int | None
    customer_version: int | None
    root_id: int | None
    attributes: bytes | None
    joined: datetime | None
    card: bytes | None
    receipt: Receipt | None
    ledgers: dict[str, LedgerRows]
    postings: list[PostingRow]
    depth: int | None


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

# Arguments behind a SELECT say nothing to the planner, so that one plan serves for all of them.
_LEDGERS = """
owner AS MATERIALIZED (%(owner)s),
account AS MATERIALIZED (
    SELECT loyalty_account.* FROM owner JOIN loyalty_account
        ON loyalty_account.customer_id = owner.id AND loyalty_account.program_id = $3
        AND loyalty_account.subledger = coalesce((SELECT $4::text), subledger)
), ledger AS MATERIALIZED (
    SELECT customer_id, subledger, min(moment) AS since, greatest(max(moment), $6) AS until,
        min(next_change) AS next_change, max(held) > 0 AS holds
    FROM account GROUP BY customer_id, subledger
), hold AS (
    SELECT loyalty_hold.* FROM ledger JOIN loyalty_hold
        ON loyalty_hold.customer_id = ledger.customer_id AND loyalty_hold.program_id = $3
        AND loyalty_hold.subledger = ledger.subledger
    WHERE ledger.holds
)
"""

# What the named transactions posted.
_NAMED = """
named AS (
    SELECT posting.place, posting.amount, posting.lot, transaction.key, transaction.subledger
    FROM owner JOIN loyalty_transaction AS transaction ON transaction.customer_id = owner.id
        AND transaction.program_id = $3 AND transaction.key = ANY ($5::uuid[])
    JOIN loyalty_posting AS posting ON posting.customer_id = owner.id
        AND posting.transaction_id = transaction.id
)
"""

# Lots that are read because of what they are, as of `owned`.
_NAMED_LOTS = """
    SELECT subledger, lot AS key FROM hold
    UNION ALL SELECT subledger, lot FROM named
    UNION ALL SELECT subledger, key FROM ledger CROSS JOIN unnest($5::uuid[]) AS listed (key)
"""
_HELD_LOTS = "SELECT subledger, lot AS key FROM hold"

# All lots that have something left.
_ALL_LOTS = """
lot AS (
    SELECT lot.* FROM ledger JOIN loyalty_lot AS lot
        ON lot.customer_id = ledger.customer_id AND lot.program_id = $3
        AND lot.subledger = ledger.subledger AND lot.remaining > 0 AND $7::integer IS NULL
    UNION ALL %(owned)s
)
"""

# The first of those that are active throughout. However many lots there are, few entries of an
# index are looked at, here and below: each subquery names the one that it needs by its order, or
# stays by itself behind an OFFSET.
_SPENDABLE = """
spendable AS MATERIALIZED (
    SELECT active.* FROM ledger CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = ledger.customer_id AND program_id = $3
            AND subledger = ledger.subledger AND remaining > 0 AND start <= ledger.until
            AND coalesce(expiry, 'infinity') > ledger.until
        ORDER BY coalesce(expiry, 'infinity'), created, key LIMIT (SELECT $7::integer)
    ) AS active
)
"""
_NONE_SPENDABLE = "depth AS (SELECT $7::integer)"

# Those that something happens to.
_DUE_LOTS = """
lot AS MATERIALIZED (
    SELECT due.* FROM ledger CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = ledger.customer_id AND program_id = $3
            AND subledger = ledger.subledger AND remaining > 0
            AND coalesce(expiry, 'infinity') <= ledger.until
        ORDER BY coalesce(expiry, 'infinity') OFFSET 0
    ) AS due
    WHERE ledger.next_change <= ledger.until
    UNION ALL
    SELECT due.* FROM ledger CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = ledger.customer_id AND program_id = $3
            AND subledger = ledger.subledger AND remaining > 0
            AND start > ledger.since AND start <= ledger.until
        ORDER BY start OFFSET 0
    ) AS due
    WHERE ledger.next_change <= ledger.until
    UNION ALL %(owned)s
), seen AS (
    SELECT subledger, key FROM lot %(spendable)s
)
"""

_OWNED_LOTS = """
    SELECT owned.* FROM (%(wanted)s) AS wanted CROSS JOIN owner CROSS JOIN LATERAL (
        SELECT * FROM loyalty_lot
        WHERE customer_id = owner.id AND program_id = $3 AND subledger = wanted.subledger
            AND key = wanted.key OFFSET 0
    ) AS owned
"""

_HEAD = """
SELECT 'owner' AS part, NULL::text AS subledger, owner.id, owner.version, owner.root AS root_id,
    NULL::uuid AS key, NULL::uuid AS lot, NULL::numeric[] AS amounts, (
        SELECT min(joined) FROM loyalty_membership
        WHERE loyalty_membership.customer_id = owner.id AND program_id = $3
    ) AS moment, NULL::timestamptz AS start, NULL::timestamptz AS expiry, NULL::text AS word,
    NULL::boolean AS deleted, owner.attributes AS document, owner.card,
    configuration.version AS configuration_version,
    receipt.request_hash, receipt.status AS receipt_status, receipt.answer AS receipt_answer
FROM configuration LEFT JOIN owner ON true
LEFT JOIN receipt ON receipt.key_digest = $8::uuid AND receipt.created > $9::timestamptz
"""
_OTHERS = """
UNION ALL
SELECT 'account', subledger, NULL, version, root_id, NULL, NULL,
    ARRAY[issued, open, held, spent, expired, voided, transferred, debt, active],
    moment, next_change, NULL, NULL, NULL, tier, NULL, NULL, NULL, NULL, NULL
FROM account
UNION ALL
SELECT 'hold', subledger, NULL, NULL, root_id, key, lot, ARRAY[amount],
    NULL, NULL, expires, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM hold
UNION ALL
"""
_LOTS_OF = """
SELECT '%s', subledger, session_id, NULL, root_id, key, NULL,
    ARRAY[amount, remaining, taken, expired], created, start, expiry, validity, deleted, NULL, NULL,
    NULL, NULL, NULL, NULL
FROM %s
"""
_POSTINGS = """
UNION ALL
SELECT 'posting', subledger, NULL, NULL, NULL, key, lot, ARRAY[amount], NULL, NULL, NULL, place,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM named
"""

# When something happens to a lot that was not read.
_UNREAD = """
UNION ALL
SELECT 'unread', ledger.subledger, NULL, NULL, NULL, NULL, NULL, NULL, least((
        SELECT other.expiry FROM loyalty_lot AS other
        WHERE other.customer_id = ledger.customer_id AND other.program_id = $3
            AND other.subledger = ledger.subledger AND other.remaining > 0
            AND coalesce(other.expiry, 'infinity') > ledger.until
            AND coalesce(other.expiry, 'infinity') < 'infinity'
            AND NOT EXISTS (SELECT FROM seen
                WHERE seen.key = other.key AND seen.subledger = other.subledger)
        ORDER BY coalesce(other.expiry, 'infinity') LIMIT 1
    ), (
        SELECT other.start FROM loyalty_lot AS other
        WHERE other.customer_id = ledger.customer_id AND other.program_id = $3
            AND other.subledger = ledger.subledger AND other.remaining > 0
            AND other.start > ledger.until
            AND NOT EXISTS (SELECT FROM seen
                WHERE seen.key = other.key AND seen.subledger = other.subledger)
        ORDER BY other.start LIMIT 1
    )), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM ledger WHERE ledger.next_change IS NOT NULL
"""


#: Which lots to read: all, those that something happens to, or also the first that can be spent.
Lots: TypeAlias = Literal["all", "due", "spendable"]


def load_statement(owner: str, lots: Lots, *, named: bool) -> str:
    """The statement that reads the points of one owner, whom `owner` selects.

    `named` says that there are keys of transactions and lots to look up.
    """
    owned = _OWNED_LOTS % {"wanted": _NAMED_LOTS if named else _HELD_LOTS}
    parts = [_LEDGERS % {"owner": owner}]
    parts += [_NAMED] if named else ["keys AS (SELECT $5::uuid[])"]
    selects = [_HEAD, _OTHERS, _LOTS_OF % ("lot", "lot")]
    if lots == "all":
        parts += [_ALL_LOTS % {"owned": owned}]
    else:
        is_spent = lots == "spendable"
        also = "UNION ALL SELECT subledger, key FROM spendable" if is_spent else ""
        parts += [_SPENDABLE if is_spent else _NONE_SPENDABLE]
        parts += [_DUE_LOTS % {"owned": owned, "spendable": also}]
        selects += [f"UNION ALL {_LOTS_OF % ('spendable', 'spendable')}"] if is_spent else []
        selects += [_UNREAD]
    selects += [_POSTINGS] if named else []
    return f"WITH {', '.join(parts)} {''.join(selects)}"


_OWNERS = {"id": _BY_ID, "claim": BY_CLAIM, "card": BY_IDENTIFIER}
_STATEMENTS = {
    (kind, lots, named): load_statement(owner, lots, named=named)
    for kind, owner in _OWNERS.items()
    for lots in get_args(Lots)
    for named in (False, True)
}


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
    kind: str = "id"
    name: object = None
    if query.card is not None:
        kind, name = "card", query.card
    elif query.profile_key is not None:
        kind, name = "claim", query.profile_key
    lots: Lots = "all" if depth is None else "spendable" if depth else "due"
    rows = await connection.fetch_together(
        _STATEMENTS[kind, lots, bool(query.keys)],
        name,
        query.customer_id if name is None else None,
        query.program_id,
        query.subledger,
        query.keys,
        now,
        depth,
        receipt_key,
        valid_since(now),
        begins=_is_head,
    )
    return points_in(rows, depth)


def _is_head(row: Row) -> bool:
    return bool(row["part"] == "owner")


def points_in(rows: Iterable[Row], depth: int | None) -> PointsRow:
    """The reading that those rows are, one of which is a head."""
    ledgers: dict[str, LedgerRows] = {}
    postings: list[PostingRow] = []
    head: Row | None = None
    for row in rows:
        part = row["part"]
        if part == "owner":
            head = row
        elif part == "posting":
            postings.append(_posting(row))
        else:
            ledger = ledgers.get(row["subledger"])
            if ledger is None:
                ledger = ledgers[row["subledger"]] = LedgerRows()
            _PARTS[part](ledger, row)
    assert head is not None, "a reading has a head"
    return PointsRow(
        configuration_version=head["configuration_version"],
        customer_id=head["id"],
        customer_version=head["version"],
        root_id=head["root_id"],
        attributes=head["document"],
        joined=head["moment"],
        card=head["card"],
        receipt=receipt_in(head),
        ledgers=ledgers,
        postings=postings,
        depth=depth,
    )


def _add_account(ledger: LedgerRows, row: Row) -> None:
    *totals, active = row["amounts"]
    ledger.accounts.append(
        AccountRow(
            row["root_id"],
            row["version"],
            totals,
            row["document"],
            row["moment"],
            active,
            row["start"],
        )
    )


def _add_lot(ledger: LedgerRows, row: Row) -> None:
    amount, remaining, taken, expired = row["amounts"]
    lot = LotRow(
        key=row["key"],
        root_id=row["root_id"],
        amount=amount,
        remaining=remaining,
        created=row["moment"],
        start=row["start"],
        expiry=row["expiry"],
        validity=row["word"],
        session_id=row["id"],
        taken=taken,
        expired=expired,
        deleted=row["deleted"],
    )
    ledger.lots[lot.key] = lot
    if row["part"] == "spendable":
        ledger.spendable.append(lot)


def _add_hold(ledger: LedgerRows, row: Row) -> None:
    (amount,) = row["amounts"]
    ledger.holds.append(HoldRow(row["key"], row["lot"], row["root_id"], amount, row["expiry"]))


def _add_unread(ledger: LedgerRows, row: Row) -> None:
    ledger.next_change = row["moment"]


def _posting(row: Row) -> PostingRow:
    (amount,) = row["amounts"]
    return PostingRow(row["key"], row["subledger"], row["word"], amount, row["lot"])


_PARTS = {
    "account": _add_account,
    "lot": _add_lot,
    "spendable": _add_lot,
    "hold": _add_hold,
    "unread": _add_unread,
}
