"""Building one decision about one ledger: everything that is posted goes through here.

A `Booking` is begun at a moment, to which the ledger is brought first (`settling`), takes any
number of decisions, one after the other, and ends in one `LedgerDecision`. So the effects of one
cart, with their rollbacks, are decided upon and saved together.

Invariants: a posting set that does not sum to zero, a key that was used before and a lot or hold
below zero are mistakes of the caller, and raise `Unbalanced` before anything is told.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import msgspec

from habitue.loyalty.ledger import (
    Account,
    Balances,
    Cause,
    Hold,
    Kind,
    Ledger,
    LedgerDecision,
    Lot,
    LotsUnread,
    Place,
    Posting,
    PostingSet,
    balances_of,
    spending_order,
    total,
)
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.tier import Anchors, TierCause, TierChange, TierState
from habitue.model.numbers import EXACT, ZERO


class Unbalanced(AssertionError):
    """A posting set that must not be: the house has made a mistake, not the caller of its API."""


class Entry(msgspec.Struct, frozen=True):
    """A posting to be, and the account that it is for."""

    root_id: int
    place: Place
    amount: Decimal
    lot: UUID | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """How a booking stood at a time: copies of what changes, and how much was posted by then."""

    moment: datetime
    anchors: Anchors
    accounts: Mapping[int, Account]
    lots: Mapping[UUID, Lot]
    holds: Mapping[tuple[UUID, UUID], Hold]
    sets: int
    changes: int


class Booking:
    """One ledger while it is decided upon; nothing of it is shared."""

    def __init__(self, ledger: Ledger, program: LoyaltyProgram) -> None:
        self.before = ledger
        self.program = program
        self.moment = ledger.moment
        self.anchors = ledger.anchors
        self.accounts = dict(ledger.accounts)
        self.lots = dict(ledger.lots)
        self.holds = {(hold.key, hold.lot): hold for hold in ledger.holds}
        self._sets: list[PostingSet] = []
        self._keys: set[tuple[UUID, int]] = set()
        self._changes: list[TierChange] = []
        self._active: Decimal | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger as it is now."""
        return msgspec.structs.replace(
            self.before,
            moment=self.moment,
            accounts=dict(self.accounts),
            lots=dict(self.lots),
            holds=tuple(self.holds.values()),
            anchors=self.anchors,
        )

    @property
    def active(self) -> Decimal:
        """The points that can be spent now."""
        if self._active is None:
            self._active = total(map(self._spendable, self.lots.values()))
        unread = self.before.unread
        return self._active if unread is None else EXACT.add(self._active, unread.total)

    @property
    def tier_changes(self) -> tuple[TierChange, ...]:
        """The tiers that were entered and left so far."""
        return tuple(self._changes)

    @property
    def balances(self) -> Balances:
        """The balances as they are now: what an open session shows as tentative."""
        return balances_of(self.ledger)

    @property
    def debt(self) -> Decimal:
        """What was taken back beyond what was there, above zero."""
        return -total(account.totals["debt"] for account in self.accounts.values())

    def spendable(
        self, wanted: Decimal, besides: UUID | None = None
    ) -> Iterator[tuple[Lot, Decimal]]:
        """What each of the active lots gives, in the order of spending, until it is enough or all
        are empty, without the lot `besides`. Raises `LotsUnread`."""
        unread = self.before.unread
        partial = unread is not None and unread.total > 0
        frontier = None if unread is None else unread.frontier
        for lot in self.ledger.active_lots():
            if not wanted:
                return
            if partial and (frontier is None or spending_order(lot) > frontier):
                raise LotsUnread
            if lot.key != besides:
                amount = min(lot.remaining, wanted)
                wanted = EXACT.subtract(wanted, amount)
                yield lot, amount
        if wanted and partial:
            raise LotsUnread

    def decision(self) -> LedgerDecision:
        """What was decided so far."""
        return LedgerDecision(self.before, self.ledger, tuple(self._sets), tuple(self._changes))

    def snapshot(self) -> Snapshot:
        """How everything stands now, for `restore`."""
        return Snapshot(
            self.moment,
            self.anchors,
            dict(self.accounts),
            dict(self.lots),
            dict(self.holds),
            len(self._sets),
            len(self._changes),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Forgets everything that was decided since."""
        self.moment, self.anchors = snapshot.moment, snapshot.anchors
        self.accounts = dict(snapshot.accounts)
        self.lots = dict(snapshot.lots)
        self.holds = dict(snapshot.holds)
        self._keys -= {(each.key, each.root_id) for each in self._sets[snapshot.sets :]}
        del self._sets[snapshot.sets :]
        del self._changes[snapshot.changes :]
        self._active = None

    def has_booked(self, key: UUID) -> bool:
        """Whether something was posted under that key, for the root that the request names."""
        return (key, self.before.root_id) in self._keys

    def advance(self, moment: datetime) -> None:
        """Time goes on; it never goes back."""
        if moment > self.moment:
            self.moment = moment
            self._active = None

    def account(self, root_id: int) -> Account:
        """The account of a root, which comes to be where it is new."""
        if root_id not in self.accounts:
            self.accounts[root_id] = Account(root_id)
        return self.accounts[root_id]

    def book(
        self, key: UUID, kind: Kind, entries: Sequence[Entry], cause: Cause, **terms: Any
    ) -> None:
        """Posts the entries, one set for each root among them; `terms` are told with each."""
        by_root: defaultdict[int, list[Posting]] = defaultdict(list)
        for entry in entries:
            if entry.amount:
                posting = Posting(entry.place, entry.amount, entry.lot)
                by_root[entry.root_id].append(posting)
        for root_id, postings in sorted(by_root.items()):
            posted = PostingSet(key, root_id, kind, self.moment, tuple(postings), cause)
            self.book_set(msgspec.structs.replace(posted, **terms))

    def book_set(self, posted: PostingSet) -> None:
        """Posts one set. Raises `Unbalanced`."""
        if total(posting.amount for posting in posted.postings):
            raise Unbalanced(f"{posted.kind} does not sum to zero")
        if (posted.key, posted.root_id) in self._keys:
            raise Unbalanced(f"{posted.kind} takes a key that is taken")
        account = self.account(posted.root_id)
        totals = dict(account.totals)
        for posting in posted.postings:
            totals[posting.place] = EXACT.add(totals[posting.place], posting.amount)
            if posting.place == "open":
                self._move(posting)
        self.accounts[posted.root_id] = msgspec.structs.replace(account, totals=totals)
        self._keys.add((posted.key, posted.root_id))
        self._sets.append(posted)

    def put_lot(self, lot: Lot) -> None:
        """A lot comes to be, or its terms change; what remains of it is changed by postings."""
        if self._active is not None:
            old = self.lots.get(lot.key)
            before = ZERO if old is None else self._spendable(old)
            change = EXACT.subtract(self._spendable(lot), before)
            self._active = EXACT.add(self._active, change)
        self.lots[lot.key] = lot

    def put_hold(self, hold: Hold) -> None:
        """A hold comes to be."""
        self.holds[hold.key, hold.lot] = hold

    def drop_hold(self, hold: Hold) -> None:
        """A hold ends."""
        del self.holds[hold.key, hold.lot]

    def set_tier(self, root_id: int, state: TierState | None, cause: TierCause) -> None:
        """An account enters a tier, leaves it, or has it prolonged; only the first two are told."""
        account = self.account(root_id)
        self.accounts[root_id] = msgspec.structs.replace(account, tier=state)
        old, new = self._tier_name(account.tier), self._tier_name(state)
        if old != new:
            expiry = None if state is None else state.expiry
            self._changes.append(TierChange(root_id, self.moment, cause, old, new, expiry))

    def derived(self, key: UUID, word: str) -> UUID:
        """The key of a set that follows from another: the same, however often it is worked out."""
        return uuid5(key, word)

    def _tier_name(self, state: TierState | None) -> str | None:
        tier = None if state is None else self.program.tier_of(state.tier_id)
        return None if tier is None else tier.name

    def _move(self, posting: Posting) -> None:
        lot = None if posting.lot is None else self.lots.get(posting.lot)
        if lot is None:
            raise Unbalanced("an open posting names no lot that there is")
        remaining = EXACT.add(lot.remaining, posting.amount)
        if not ZERO <= remaining <= lot.amount:
            raise Unbalanced(f"a lot of {lot.amount} would have {remaining}")
        self.put_lot(msgspec.structs.replace(lot, remaining=remaining))

    def _spendable(self, lot: Lot) -> Decimal:
        return lot.remaining if lot.is_active(self.moment) else ZERO
