"""Reading what a decision about points needs, in one round trip: rows as they are.

A reading begins with a *head*, about the owner; then come rows for each account, lot and hold of
the owner's ledgers, and for what named transactions posted. Putting them together here costs less
than having it done by the database. Nothing is looked at that cannot matter: an account says when
something happens to it by itself and whether it holds anything.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row
from habitue.store.loyalty_statements import STATEMENTS, Lots
from habitue.store.receipts import Receipt, receipt_in, valid_since

#: Points that are read for a change and points that are saved share their lanes.
KIN = "points"


class PointsQuery(msgspec.Struct, frozen=True):
    """Whose points to read: a customer's by claim, those of a card by its identifier, or by the id
    of their owner where both are None. `subledger` of None means all. Lots that are empty are read
    where one of `keys` names them, or a transaction that took from them; so are the postings of
    those transactions. `fresh` is a key under which nobody should have posted yet; where somebody
    has, it is one of the `keys`."""

    profile_key: UUID | None
    customer_id: int | None
    program_id: int
    subledger: str | None = None
    keys: Sequence[UUID] = ()
    card: str | None = None
    fresh: UUID | None = None


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
    for, None where all lots were read. `is_unjoined`: a customer, who was joined with nobody."""

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
    is_unjoined: bool = False


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
    keys = query.keys if query.fresh is None else (*query.keys, query.fresh)
    rows = await connection.fetch_together(
        STATEMENTS[kind, lots, bool(keys)],
        name,
        query.customer_id if name is None else None,
        query.program_id,
        query.subledger,
        keys,
        now,
        depth,
        receipt_key,
        valid_since(now),
        begins=is_head,
        kin=KIN,
    )
    return points_in(rows, depth)


def is_head(row: Row) -> bool:
    """Whether a row is the head of a reading."""
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
        is_unjoined=head["flag"] is False and head["card"] is None,
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
        deleted=row["flag"],
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
