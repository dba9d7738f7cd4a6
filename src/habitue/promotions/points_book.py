"""The points of one request while rules run, and while what a session gave is taken back.

Beside the customer's own ledgers there are those of the cards that the session names, and of others
whom rules reward (`PointsOwner`). A ledger is begun when it is first asked for, which brings it to
the moment (`loyalty.settling`).

Nothing is posted by a book: what it decided is saved with the request, if that is to be saved.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.customers.customer import Customer
from habitue.loyalty import decide
from habitue.loyalty.booking import Booking, Snapshot
from habitue.loyalty.card import ProgramCard
from habitue.loyalty.ledger import (
    Balances,
    Ledger,
    LedgerDecision,
    Lot,
    spending_order,
    total,
)
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.refusals import NotEnoughPoints
from habitue.loyalty.settling import begin, current_tier
from habitue.loyalty.terms import Terms
from habitue.loyalty.tier import TierChange, anchors_of
from habitue.model.numbers import ZERO
from habitue.promotions.effects import (
    AddLoyaltyPoints,
    ChangeLoyaltyTierLevel,
    DeductLoyaltyPoints,
    Effect,
    ExpiryChange,
    ExtendPointsExpiry,
    SetPointsExpiry,
)
from habitue.promotions.points_origin import LedgerName, Origin, Undone
from habitue.promotions.resources import OwnerDecision, Points, PointsOwner, ProgramPoints

NOTHING_READ = ProgramPoints(None, {})


class Before(msgspec.Struct, frozen=True):
    """How a request finds a ledger: the balances, and the name of the tier if there is one."""

    balances: Balances
    tier: str | None


class PointsBook:
    """All ledgers that a request is about; a resource as `Tentative` has it.

    `owners` are those who have points besides the customer, `cards` the identifiers of the cards
    that the request names.
    """

    __slots__ = (
        "_before",
        "_begun",
        "_by_root",
        "_customer",
        "_fresh",
        "_owners",
        "_points",
        "_served",
        "_undo",
        "cards",
        "now",
        "origin",
        "programs",
    )

    def __init__(
        self,
        programs: Mapping[int, LoyaltyProgram],
        served: frozenset[int],
        points: Points,
        customer: Customer,
        origin: Origin,
        now: datetime,
        owners: Sequence[PointsOwner] = (),
        cards: Sequence[str] = (),
    ) -> None:
        self.programs = programs
        self._served = served
        self.origin = origin
        self.now = now
        self._points = points
        self._customer = customer
        self.cards = cards
        self._owners = {each.id: each for each in owners}
        self._by_root = {root: each.id for each in owners for root in each.roots}
        self._begun: dict[LedgerName, Booking] = {}
        self._before: dict[LedgerName, Before] = {}
        self._undo: list[tuple[Booking, Snapshot]] = []
        self._fresh: set[LedgerName] = set()

    def booking(self, name: LedgerName) -> Booking:
        """The ledger as it is now, with everything that was decided so far."""
        booking = self._begun.get(name)
        if booking is None:
            program = self.programs[name.program_id]
            booking = begin(self.ledger(name), program, self.now)
            self._begun[name] = booking
            tier, _ = current_tier(booking)
            self._before[name] = Before(booking.balances, None if tier is None else tier.name)
        return booking

    def served(self, program_id: Decimal) -> LoyaltyProgram | None:
        """The program of that id, if rules of the application may use it."""
        found = program_id in self._served and program_id == program_id.to_integral_value()
        return self.programs.get(int(program_id)) if found else None

    def profile_programs(self) -> Iterator[LoyaltyProgram]:
        """The programs that rules may use and that keep the points of profiles."""
        for id_ in sorted(self._served & self.programs.keys()):
            if not self.programs[id_].card_based:
                yield self.programs[id_]

    def card_programs(self) -> Iterator[LoyaltyProgram]:
        """The programs that rules may use and that keep the points of cards."""
        for id_ in sorted(self._served & self.programs.keys()):
            if self.programs[id_].card_based:
                yield self.programs[id_]

    def before(self, name: LedgerName) -> Before:
        """How the request found the ledger."""
        self.booking(name)
        return self._before[name]

    def ledger(self, name: LedgerName) -> Ledger:
        """The ledger as it was read, an empty one where nothing was ever posted."""
        program = self.programs[name.program_id]
        owner = self._owners.get(name.owner_id)
        points, attributes = self._points, self._customer.attributes
        root_id = points.root_id or self._customer.id
        if owner is not None:
            points, attributes = owner.points, owner.attributes
            root_id = points.root_id or owner.id
        read = points.programs.get(program.id, NOTHING_READ)
        anchors = anchors_of(program, attributes, read.joined)
        found = read.ledgers.get(name.subledger)
        if found is None:
            return Ledger(program.id, name.subledger, root_id, self.now, anchors=anchors)
        return msgspec.structs.replace(found, root_id=root_id, anchors=anchors)

    def card(self, program: LoyaltyProgram) -> ProgramCard | None:
        """The card of that program which the request names, if there is one."""
        for owner in self._owners.values():
            card = owner.card
            if card and card.program_id == program.id and card.identifier in self.cards:
                return card
        return None

    def others(self, customer_id: int) -> PointsOwner | None:
        """The points of that other customer, if they were read."""
        return self._owners.get(customer_id)

    def name_of(self, outcome: AddLoyaltyPoints | DeductLoyaltyPoints) -> LedgerName:
        """The ledger that an outcome is about. Whoever was joined with the customer since then has
        the points in the customer's own ledger."""
        owner_id = self._by_root.get(outcome.owner, 0)
        return LedgerName(outcome.program_id, outcome.subledger, owner_id)

    def add(
        self, outcome: AddLoyaltyPoints, rule: tuple[int, int, int, str]
    ) -> tuple[TierChange, ...]:
        """Gives points; the tiers that they lead to."""
        booking = self._changing(self.name_of(outcome))
        before = len(booking.tier_changes)
        terms = Terms(outcome.start, outcome.expiry, outcome.validity)
        cause = self.origin.cause(rule, outcome.name)
        decide.earn(booking, outcome.key, outcome.value, terms, cause)
        return booking.tier_changes[before:]

    def deduct(self, outcome: DeductLoyaltyPoints, rule: tuple[int, int, int, str]) -> None:
        """Spends points. Raises `NotEnoughPoints`."""
        booking = self._changing(self.name_of(outcome))
        cause = self.origin.cause(rule, outcome.name)
        decide.deduct(booking, outcome.key, outcome.value, cause)

    def key(self, name: LedgerName, *words: object) -> UUID:
        """A key for a transaction in that ledger which has none yet there."""
        booking = self.booking(name)
        number = 0
        while booking.has_booked(key := self.origin.key(*name.words, *words, number)):
            number += 1
        return key

    def move_expiry(
        self,
        name: LedgerName,
        wanted: Callable[[Lot], datetime | None],
        rule: tuple[int, int, int, str],
    ) -> tuple[ExpiryChange, ...]:
        """Gives every lot with unused points the end that `wanted` tells, None as it is."""
        booking = self._changing(name)
        changes = []
        for lot in sorted(booking.lots.values(), key=lambda each: (each.created, each.key)):
            expiry = wanted(lot) if lot.remaining else None
            if expiry is None or expiry == lot.expiry:
                continue
            key = self.key(name, "expiry", *rule[:3], lot.key)
            decide.change_expiry(booking, key, lot, expiry, self.origin.cause(rule, ""))
            changes.append(ExpiryChange(lot.key, lot.expiry, expiry))
        return tuple(changes)

    def undo(self, outcomes: Iterable[object]) -> dict[UUID, Undone]:
        """Takes back what a session gave, by key: what was spent comes back before anything goes.

        What a program that is gone has given is left alone.
        """
        listed = list(outcomes)
        spent = [each for each in listed if isinstance(each, DeductLoyaltyPoints)]
        given = [each for each in listed if isinstance(each, AddLoyaltyPoints)]
        undone = {each.key: self._reimburse(each) for each in spent}
        undone.update((each.key, self._take_back(each)) for each in given)
        return undone

    def decisions(self) -> tuple[LedgerDecision, ...]:
        """What was decided about each ledger of the customer to which something happens."""
        return self._decided(0)

    def owner_decisions(self) -> tuple[OwnerDecision, ...]:
        """What was decided about those of all others."""
        decided = ((owner, self._decided(id_)) for id_, owner in sorted(self._owners.items()))
        return tuple(OwnerDecision(owner, each) for owner, each in decided if each)

    def _decided(self, owner_id: int) -> tuple[LedgerDecision, ...]:
        begun = sorted(each for each in self._begun.items() if each[0].owner_id == owner_id)
        decided = (booking.decision() for _, booking in begun)
        return tuple(each for each in decided if not each.is_empty)

    def without(self, outcomes: Iterable[object], round_: str) -> "PointsBook":
        """A book of the same ledgers in which those outcomes never were, for a judgement."""
        programs = {
            id_: msgspec.structs.replace(each, return_policy="unlimited")
            for id_, each in self.programs.items()
        }
        origin = msgspec.structs.replace(self.origin, round=round_)
        owners = tuple(self._owners.values())
        book = PointsBook(
            programs,
            self._served,
            self._points,
            self._customer,
            origin,
            self.now,
            owners,
            self.cards,
        )
        book.undo(outcomes)
        return book

    def mark(self) -> int:
        self._fresh.clear()
        return len(self._undo)

    def roll_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            booking, snapshot = self._undo.pop()
            booking.restore(snapshot)
        self._fresh.clear()

    def _changing(self, name: LedgerName) -> Booking:
        """The ledger, about to change: how it stood at the last mark is kept."""
        booking = self.booking(name)
        if name not in self._fresh:
            self._fresh.add(name)
            self._undo.append((booking, booking.snapshot()))
        return booking

    def _reimburse(self, outcome: DeductLoyaltyPoints) -> Undone:
        owner = self._owners.get(self.name_of(outcome).owner_id)
        spent = (owner.points if owner else self._points).spent.get(outcome.key, ())
        if self._is_gone(outcome) or not spent:
            return Undone(ZERO)
        booking = self._changing(self.name_of(outcome))
        back = [each for each in spent if not booking.lots[each[0]].deleted]
        cause = self.origin.cause_of_undoing(outcome.name)
        decide.reimburse(booking, booking.derived(outcome.key, "reimburse"), back, cause)
        if not back:
            return Undone(ZERO)
        first = min((booking.lots[lot] for lot, _ in back), key=spending_order)
        return Undone(total(amount for _, amount in back), first.start, first.expiry)

    def _is_gone(self, outcome: AddLoyaltyPoints | DeductLoyaltyPoints) -> bool:
        """Whether there is no ledger of it any more: a program that was deleted has none."""
        program = self.programs.get(outcome.program_id)
        return program is None or (program.card_based and not self.name_of(outcome).owner_id)

    def _take_back(self, outcome: AddLoyaltyPoints) -> Undone:
        if self._is_gone(outcome):
            return Undone(ZERO)
        booking = self._changing(self.name_of(outcome))
        if outcome.key not in booking.lots:
            return Undone(ZERO)
        key = booking.derived(outcome.key, f"take back {self.origin.event_id}")
        cause = self.origin.cause_of_undoing(outcome.name)
        return Undone(decide.take_back(booking, key, outcome.key, outcome.value, cause))


def give_again(book: PointsBook, effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """Books the points among effects that were found without booking them; the effects that stand.

    Points that are not there are not spent. Tiers are told as they are reached now, and the ends of
    points are moved when a session is closed, and not again.
    """
    given: list[Effect] = []
    for effect in effects:
        rule = (effect.campaign_id, effect.ruleset_id, effect.rule_index, effect.rule_name)
        match effect.outcome:
            case AddLoyaltyPoints() as outcome:
                reached = tier_outcomes(outcome, book.add(outcome, rule))
                given.append(effect)
                given += [msgspec.structs.replace(effect, outcome=each) for each in reached]
            case DeductLoyaltyPoints() as outcome:
                with suppress(NotEnoughPoints):
                    book.deduct(outcome, rule)
                    given.append(effect)
            case ChangeLoyaltyTierLevel() | ExtendPointsExpiry() | SetPointsExpiry():
                pass
            case _:
                given.append(effect)
    return tuple(given)


def tier_outcomes(
    added: AddLoyaltyPoints, changes: Iterable[TierChange]
) -> list[ChangeLoyaltyTierLevel]:
    """What is told of the tiers that an addition led to; those of others are not the customer's."""
    if added.owner and not added.card:
        return []
    return [
        ChangeLoyaltyTierLevel(
            added.program_id, added.subledger, each.new_name, each.old_name, each.expiry
        )
        for each in changes
        if each.new_name is not None
    ]
