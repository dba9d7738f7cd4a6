"""Points between the database and memory: documents there, ledgers here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from habitue.loyalty.card import ProgramCard
from habitue.loyalty.ledger import (
    PLACES,
    Account,
    Hold,
    Ledger,
    LedgerDecision,
    Lot,
    Unread,
    next_change,
    spending_order,
    total,
)
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.tier import Anchors, TierState, anchors_of
from habitue.model.documents import decode_untyped, decoder_of, encode
from habitue.model.numbers import EXACT
from habitue.store.loyalty import PointsRow
from habitue.store.loyalty_loading import AccountRow, LedgerRows, PostingRow


class AccountDocument(msgspec.Struct, frozen=True):
    """An account as it is stored."""

    root_id: int
    version: int
    issued: Decimal
    open: Decimal
    held: Decimal
    spent: Decimal
    expired: Decimal
    voided: Decimal
    transferred: Decimal
    debt: Decimal
    tier: TierState | None
    moment: datetime
    active: Decimal
    next_change: datetime | None


class UnreadDocument(msgspec.Struct, frozen=True):
    """Lots that were not read: when something happens to one of them, and the last one that was
    read in the order of spending, where more may follow."""

    next_change: datetime | None
    last: UUID | None


class LedgerDocument(msgspec.Struct, frozen=True):
    """A ledger as it is stored, or a part of it."""

    accounts: list[AccountDocument]
    lots: list[Lot]
    holds: list[Hold]
    unread: UnreadDocument | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether something may have happened by itself since it was saved."""
        changes = [account.next_change for account in self.accounts]
        return any(each is not None and each <= now for each in changes)


class PointsState(msgspec.Struct, frozen=True):
    """The points of one owner in one program, as they were read; `card` is the one that has them,
    None where a customer does. `due` are the subledgers in which something may have happened.
    `is_unjoined`: a customer, who was joined with nobody."""

    customer_id: int
    customer_version: int
    root_id: int
    program: LoyaltyProgram
    now: datetime
    anchors: Anchors
    ledgers: Mapping[str, Ledger]
    postings: Sequence[PostingRow] = ()
    card: ProgramCard | None = None
    due: frozenset[str] = frozenset()
    is_unjoined: bool = False

    def ledger(self, subledger: str) -> Ledger:
        """The ledger of that subledger, an empty one where nothing was ever posted."""
        found = self.ledgers.get(subledger)
        if found is not None:
            return found
        return Ledger(self.program.id, subledger, self.root_id, self.now, anchors=self.anchors)

    def spent(self, key: UUID) -> list[tuple[UUID, Decimal]]:
        """What the transaction of that key spent, by lot."""
        return [
            (each.lot, each.amount)
            for each in self.postings
            if each.key == key and each.place == "spent" and each.lot is not None
        ]


_LEDGERS = decoder_of(dict[str, LedgerDocument])
_TIER = decoder_of(TierState)
_CARD = decoder_of(ProgramCard)


def points_state(row: PointsRow, program: LoyaltyProgram, now: datetime) -> PointsState | None:
    """What was read, as values; None where there is no such customer."""
    if row.customer_id is None or row.customer_version is None or row.root_id is None:
        return None
    attributes = decode_untyped(row.attributes or b"{}")
    anchors = anchors_of(program, attributes, row.joined)
    documents = {name: _document(rows, row.depth) for name, rows in row.ledgers.items()}
    return PointsState(
        customer_id=row.customer_id,
        customer_version=row.customer_version,
        root_id=row.root_id,
        program=program,
        now=now,
        anchors=anchors,
        ledgers={
            subledger: ledger_of(program.id, subledger, row.root_id, document, anchors)
            for subledger, document in documents.items()
        },
        postings=row.postings,
        card=None if row.card is None else read_program_card(row.card),
        due=frozenset(name for name, each in documents.items() if each.is_due(now)),
        is_unjoined=row.is_unjoined,
    )


def _document(rows: LedgerRows, depth: int | None) -> LedgerDocument:
    """A ledger as it would be told in one document."""
    unread = None
    lots = {key: Lot(*msgspec.structs.astuple(lot)) for key, lot in rows.lots.items()}
    if depth is not None:
        read = sorted((lots[each.key] for each in rows.spendable), key=spending_order)
        is_full = bool(depth) and len(read) == depth
        unread = UnreadDocument(rows.next_change, read[-1].key if is_full else None)
    return LedgerDocument(
        accounts=[_account_document(each) for each in rows.accounts],
        lots=list(lots.values()),
        holds=[Hold(*msgspec.structs.astuple(each)) for each in rows.holds],
        unread=unread,
    )


def _account_document(row: AccountRow) -> AccountDocument:
    tier = None if row.tier is None else _TIER.decode(row.tier)
    return AccountDocument(
        root_id=row.root_id,
        version=row.version,
        tier=tier,
        moment=row.moment,
        active=row.active,
        next_change=row.next_change,
        **dict(zip(PLACES, row.totals, strict=True)),
    )


def read_program_card(document: bytes) -> ProgramCard:
    """The card that a stored document holds."""
    return _CARD.decode(document)


def calm_ledgers(ledgers: bytes, now: datetime) -> dict[str, AccountDocument] | None:
    """The only account of each subledger, where nothing has happened by itself since it was saved;
    None where a ledger has to be looked at in full."""
    found = {}
    for subledger, document in _LEDGERS.decode(ledgers).items():
        if len(document.accounts) != 1:
            return None
        (account,) = document.accounts
        if account.next_change is not None and account.next_change <= now:
            return None
        found[subledger] = account
    return found


def writes_of(decisions: Sequence[LedgerDecision]) -> bytes | None:
    """What `store.loyalty.save` takes; None where nothing has happened."""
    writes = ledger_writes(decisions)
    return encode(writes) if writes else None


def ledger_writes(decisions: Sequence[LedgerDecision]) -> list[dict[str, Any]]:
    """The same before it is encoded: one entry for each ledger to which something happens."""
    return [_write(each) for each in decisions if not each.is_empty]


def ledger_of(
    program_id: int, subledger: str, root_id: int, document: LedgerDocument, anchors: Anchors
) -> Ledger:
    """A stored ledger as a value."""
    return Ledger(
        program_id=program_id,
        subledger=subledger,
        root_id=root_id,
        moment=max(each.moment for each in document.accounts),
        accounts={each.root_id: _account(each) for each in document.accounts},
        lots={lot.key: lot for lot in document.lots},
        holds=tuple(document.holds),
        anchors=anchors,
        unread=_unread(document),
    )


def _unread(document: LedgerDocument) -> Unread | None:
    """What an account had to spend at its moment, without what was read of it: all that something
    has happened to since was read."""
    if document.unread is None:
        return None
    active = {}
    for account in document.accounts:
        lots = [lot for lot in document.lots if lot.root_id == account.root_id]
        known = total(lot.remaining for lot in lots if lot.is_active(account.moment))
        active[account.root_id] = EXACT.subtract(account.active, known)
    last = next((lot for lot in document.lots if lot.key == document.unread.last), None)
    frontier = None if last is None else spending_order(last)
    return Unread(active, document.unread.next_change, frontier)


def _account(document: AccountDocument) -> Account:
    totals = {place: getattr(document, place) for place in PLACES}
    return Account(document.root_id, document.version, totals, document.tier)


def _write(decision: LedgerDecision) -> dict[str, Any]:
    before, after = decision.before, decision.after
    changed = [lot for lot in after.lots.values() if lot != before.lots.get(lot.key)]
    held = set(before.holds)
    joined = after.anchors.joined if before.anchors.joined is None else None
    return {
        "program_id": after.program_id,
        "subledger": after.subledger,
        "root_id": after.root_id,
        "accounts": [_account_write(each, after) for _, each in sorted(after.accounts.items())],
        "new_lots": [lot for lot in changed if lot.key not in before.lots],
        "lots": [lot for lot in changed if lot.key in before.lots],
        "holds": [hold for hold in after.holds if hold not in held],
        "released": [hold for hold in before.holds if hold not in set(after.holds)],
        "sets": decision.sets,
        "tier_changes": decision.tier_changes,
        "joined": joined,
    }


def _account_write(account: Account, after: Ledger) -> dict[str, Any]:
    return {
        "root_id": account.root_id,
        "version": account.version,
        "tier": account.tier,
        "moment": after.moment,
        "next_change": next_change(after),
        "active": after.active(account.root_id),
    }
