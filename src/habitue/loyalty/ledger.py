"""The ledger of points as values: accounts, lots, holds, and what is posted to them.

Words. An *owner* of points is a customer or a card. Its *ledger* is what it has in one program and
subledger. A customer who was joined of several cards has an account per card: per *root*. Points
are earned in *lots*, each with a start and an expiry; a lot is *pending* until its start, which is
unknown while it awaits an action, *active* from then on, and gone at its expiry.

A *posting* is a signed amount on one of the named places of an account:

    issued        where all points come from; never above zero
    open          what lots still have; says which lot
    held          what is kept for a checkout that pays; says which lot it came out of
    spent         what was paid with
    expired       what ended before it was used
    voided        what was taken back
    transferred   what went to another owner or root (or came from there, below zero)
    debt          what was taken back beyond what was there; never above zero

A *posting set* is what happens to one account at once. Invariant: its postings sum to zero, so an
account as a whole always does: issued = spent + expired + voided + transferred + held + open + debt
once the sign of issued is turned.

Time never runs backwards in a ledger: `moment` is how far it has come.

A ledger may be read in part, so that what it costs does not grow with its lots: then `unread` says
what is known of the lots that were left out. Whoever needs one of them raises `LotsUnread`, and is
asked again with more; so a decision upon a part is the one upon the whole.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, get_args
from uuid import UUID

import msgspec

from habitue.loyalty.tier import Anchors, TierChange, TierState
from habitue.model.numbers import EXACT, ZERO

Place = Literal["issued", "open", "held", "spent", "expired", "voided", "transferred", "debt"]
PLACES: tuple[Place, ...] = get_args(Place)
NOTHING: Mapping[Place, Decimal] = MappingProxyType(dict.fromkeys(PLACES, ZERO))
Kind = Literal[
    "earn",
    "spend",
    "expire",
    "activate",
    "hold",
    "post_hold",
    "release_hold",
    "take_back",
    "reimburse",
    "fill_debt",
    "transfer",
    "change_expiry",
    "delete",
]


class Posting(msgspec.Struct, frozen=True):
    """One amount; open and held ones name their lot by its key."""

    place: Place
    amount: Decimal
    lot: UUID | None = None


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was posted: a session with the rule, a person, an import; empty for time.

    `name` is the reason in words, and nothing else here may hold words of people: it is what goes
    when a person is erased.
    """

    name: str = ""
    actor: str = ""
    session_id: int | None = None
    session_key: str = ""
    application_id: int | None = None
    campaign_id: int | None = None
    ruleset_id: int | None = None
    rule_name: str = ""
    import_id: int | None = None


class PostingSet(msgspec.Struct, frozen=True):
    """What happened to one account at one moment, under a key that no other set has there.

    `start`, `expiry` and `validity` repeat the terms of the lot that a set made or changed.
    `negative` says that it left a debt. Activations have no postings: nothing moves.
    """

    key: UUID
    root_id: int
    kind: Kind
    at: datetime
    postings: tuple[Posting, ...]
    cause: Cause = Cause()
    start: datetime | None = None
    expiry: datetime | None = None
    validity: str = ""
    awaits: bool = False
    negative: bool = False


class Lot(msgspec.Struct, frozen=True):
    """Points that were earned at once, under the key of the set that made them.

    `start` is None while they await an action, `expiry` None where they never expire; `validity`
    is how long they last once they are activated. `taken` of the amount was taken back already,
    from here or from elsewhere; `expired` ended unused. Nothing comes back to a deleted lot.
    """

    key: UUID
    root_id: int
    amount: Decimal
    remaining: Decimal
    created: datetime
    start: datetime | None
    expiry: datetime | None = None
    validity: str = ""
    session_id: int | None = None
    taken: Decimal = ZERO
    expired: Decimal = ZERO
    deleted: bool = False

    def is_active(self, moment: datetime) -> bool:
        """Whether its points can be spent."""
        return self.start is not None and self.start <= moment and not self.is_over(moment)

    def is_over(self, moment: datetime) -> bool:
        """Whether its time is over."""
        return self.expiry is not None and self.expiry <= moment


class Hold(msgspec.Struct, frozen=True):
    """Points of one lot that are kept under a key until `expires`, if that is set."""

    key: UUID
    lot: UUID
    root_id: int
    amount: Decimal
    expires: datetime | None = None


#: Where a lot stands in the order of spending; see `spending_order`.
SpendingPosition = tuple[bool, datetime, datetime, UUID]


class LotsUnread(Exception):
    """The decision needs lots that were not read."""


class Unread(msgspec.Struct, frozen=True):
    """What is known of lots that were not read. None of them starts or ends by the ledger's moment
    or before `next_change`; `active` is what they have to spend, by root. The active lots up to
    `frontier` were all read; None where none was."""

    active: Mapping[int, Decimal] = {}
    next_change: datetime | None = None
    frontier: SpendingPosition | None = None

    @property
    def total(self) -> Decimal:
        """What they have to spend."""
        return total(self.active.values())


class Account(msgspec.Struct, frozen=True):
    """The places of one root, and its tier. Version 0 means that it comes to be."""

    root_id: int
    version: int = 0
    totals: Mapping[Place, Decimal] = NOTHING
    tier: TierState | None = None


class Ledger(msgspec.Struct, frozen=True):
    """What one owner has in one program and subledger. `root_id` is whom the request named."""

    program_id: int
    subledger: str
    root_id: int
    moment: datetime
    accounts: Mapping[int, Account] = {}
    lots: Mapping[UUID, Lot] = {}
    holds: tuple[Hold, ...] = ()
    anchors: Anchors = Anchors()
    unread: Unread | None = None

    def total(self, place: Place) -> Decimal:
        """The sum of one place over all accounts."""
        return total(account.totals[place] for account in self.accounts.values())

    def active(self, root_id: int | None = None) -> Decimal:
        """The points that can be spent, of one root or of all."""
        known = {} if self.unread is None else self.unread.active
        return total(
            [
                *(lot.remaining for lot in self.active_lots() if root_id in (None, lot.root_id)),
                *(part for root, part in known.items() if root_id in (None, root)),
            ]
        )

    def active_lots(self) -> list[Lot]:
        """The lots that were read and can be spent, in the order in which they are: what expires
        first, what never does last, and older awards before newer ones (SEMANTICS.md 11.3)."""
        lots = self.lots.values()
        active = [lot for lot in lots if lot.remaining and lot.is_active(self.moment)]
        return sorted(active, key=spending_order)


def spending_order(lot: Lot) -> SpendingPosition:
    """Earliest expiry first, never-expiring last, then the oldest award."""
    return (lot.expiry is None, lot.expiry or lot.created, lot.created, lot.key)


class Balances(msgspec.Struct, frozen=True):
    """What a ledger comes to at its moment. `negative` above zero means that nothing is active."""

    active: Decimal = ZERO
    pending: Decimal = ZERO
    held: Decimal = ZERO
    spent: Decimal = ZERO
    expired: Decimal = ZERO
    negative: Decimal = ZERO


class LedgerDecision(msgspec.Struct, frozen=True):
    """What happens: the ledger before and after, and what is posted, in order. `brought` says that
    how far the ledger has come is to be saved even where nothing has happened."""

    before: Ledger
    after: Ledger
    sets: tuple[PostingSet, ...] = ()
    tier_changes: tuple[TierChange, ...] = ()
    brought: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to save."""
        same = self.before == msgspec.structs.replace(self.after, moment=self.before.moment)
        return same and not self.brought


def balances_of(ledger: Ledger) -> Balances:
    """The balances of a ledger that has come to its moment."""
    active = ledger.active()
    return Balances(
        active=active,
        pending=EXACT.subtract(ledger.total("open"), active),
        held=ledger.total("held"),
        spent=ledger.total("spent"),
        expired=ledger.total("expired"),
        negative=-ledger.total("debt"),
    )


def next_change(ledger: Ledger) -> datetime | None:
    """When something happens to the ledger by itself, if ever."""
    moments = [hold.expires for hold in ledger.holds]
    for lot in ledger.lots.values():
        if lot.remaining:
            moments += [lot.start, lot.expiry]
    moments += [each.tier.expiry for each in ledger.accounts.values() if each.tier]
    moments += [ledger.unread.next_change] if ledger.unread else []
    later = [each for each in moments if each is not None and each > ledger.moment]
    return min(later, default=None)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    found = ZERO
    for amount in amounts:
        found = EXACT.add(found, amount)
    return found
