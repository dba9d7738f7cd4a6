"""The points of one customer while rules run, and while what a session gave is taken back.

Words: the *origin* is the request that points are booked for; the keys of its transactions follow
from it and from what gives the points, so that an open session names the same transactions however
often it is evaluated. A session that was reopened gives new ones. A ledger is begun when it is
first asked for, which brings it to the moment (`loyalty.settling`).

Nothing is posted by a book: what it decided is saved with the request, if that is to be saved.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID, uuid5

import msgspec

from habitue.customers.customer import Customer
from habitue.loyalty import decide
from habitue.loyalty.booking import Booking, Snapshot
from habitue.loyalty.ledger import (
    Balances,
    Cause,
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
from habitue.promotions.resources import Points

#: The name of a ledger: the program and the subledger.
LedgerName: TypeAlias = tuple[int, str]

_SPACE = UUID("8a3d9f0e-5b7c-4c1e-9f56-0d6f2f8e7a11")


class Origin(msgspec.Struct, frozen=True):
    """What points are booked for: a session, or where that is None an event of a profile.

    `round` tells apart the evaluations of one session that each give points of their own.
    """

    application_id: int
    event_id: int
    session_id: int | None = None
    session_key: str = ""
    round: str = ""

    def key(self, *words: object) -> UUID:
        """The key of what those words say, the same in every evaluation of one round."""
        source = f"event {self.event_id}" if self.session_id is None else f"{self.session_id}"
        return uuid5(_SPACE, "|".join(map(str, (source, self.round, *words))))

    def cause(self, rule: tuple[int, int, int, str], name: str) -> Cause:
        """Why a rule posts."""
        campaign_id, ruleset_id, _, rule_name = rule
        return Cause(
            name=name,
            session_id=self.session_id,
            session_key=self.session_key,
            application_id=self.application_id,
            campaign_id=campaign_id,
            ruleset_id=ruleset_id,
            rule_name=rule_name,
        )


class Undone(msgspec.Struct, frozen=True):
    """How much of a transaction was taken back, and the terms of what came back to the customer."""

    amount: Decimal
    start: datetime | None = None
    expiry: datetime | None = None


class Before(msgspec.Struct, frozen=True):
    """How a request finds a ledger: the balances, and the name of the tier if there is one."""

    balances: Balances
    tier: str | None


class PointsBook:
    """All ledgers of one customer; a resource as `Tentative` has it."""

    __slots__ = (
        "_before",
        "_begun",
        "_fresh",
        "_owner",
        "_points",
        "_served",
        "_undo",
        "now",
        "origin",
        "programs",
    )

    def __init__(
        self,
        programs: Mapping[int, LoyaltyProgram],
        served: frozenset[int],
        points: Points,
        owner: Customer,
        origin: Origin,
        now: datetime,
    ) -> None:
        self.programs = programs
        self._served = served
        self.origin = origin
        self.now = now
        self._points = points
        self._owner = owner
        self._begun: dict[LedgerName, Booking] = {}
        self._before: dict[LedgerName, Before] = {}
        self._undo: list[tuple[Booking, Snapshot]] = []
        self._fresh: set[LedgerName] = set()

    def booking(self, name: LedgerName) -> Booking:
        """The ledger as it is now, with everything that was decided so far."""
        booking = self._begun.get(name)
        if booking is None:
            program = self.programs[name[0]]
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

    def before(self, name: LedgerName) -> Before:
        """How the request found the ledger."""
        self.booking(name)
        return self._before[name]

    def ledger(self, name: LedgerName) -> Ledger:
        """The ledger as it was read, an empty one where nothing was ever posted."""
        program = self.programs[name[0]]
        read = self._points.programs.get(program.id)
        joined = None if read is None else read.joined
        anchors = anchors_of(program, self._owner.attributes, joined)
        root_id = self._points.root_id or self._owner.id
        found = None if read is None else read.ledgers.get(name[1])
        if found is None:
            return Ledger(program.id, name[1], root_id, self.now, anchors=anchors)
        return msgspec.structs.replace(found, root_id=root_id, anchors=anchors)

    def add(
        self, outcome: AddLoyaltyPoints, rule: tuple[int, int, int, str]
    ) -> tuple[TierChange, ...]:
        """Gives points; the tiers that they lead to."""
        booking = self._changing((outcome.program_id, outcome.subledger))
        before = len(booking.tier_changes)
        terms = Terms(outcome.start, outcome.expiry, outcome.validity)
        cause = self.origin.cause(rule, outcome.name)
        decide.earn(booking, outcome.key, outcome.value, terms, cause)
        return booking.tier_changes[before:]

    def deduct(self, outcome: DeductLoyaltyPoints, rule: tuple[int, int, int, str]) -> None:
        """Spends points. Raises `NotEnoughPoints`."""
        booking = self._changing((outcome.program_id, outcome.subledger))
        cause = self.origin.cause(rule, outcome.name)
        decide.deduct(booking, outcome.key, outcome.value, cause)

    def key(self, name: LedgerName, *words: object) -> UUID:
        """A key for a transaction in that ledger which has none yet there."""
        booking = self.booking(name)
        number = 0
        while booking.has_booked(key := self.origin.key(*name, *words, number)):
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
        """What was decided about each ledger to which something happens."""
        decided = (booking.decision() for _, booking in sorted(self._begun.items()))
        return tuple(each for each in decided if not each.is_empty)

    def without(self, outcomes: Iterable[object], round_: str) -> "PointsBook":
        """A book of the same ledgers in which those outcomes never were, for a judgement."""
        programs = {
            id_: msgspec.structs.replace(each, return_policy="unlimited")
            for id_, each in self.programs.items()
        }
        origin = msgspec.structs.replace(self.origin, round=round_)
        book = PointsBook(programs, self._served, self._points, self._owner, origin, self.now)
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
        spent = self._points.spent.get(outcome.key, ())
        if outcome.program_id not in self.programs or not spent:
            return Undone(ZERO)
        booking = self._changing((outcome.program_id, outcome.subledger))
        back = [each for each in spent if not booking.lots[each[0]].deleted]
        cause = self._cause(outcome.name)
        decide.reimburse(booking, booking.derived(outcome.key, "reimburse"), back, cause)
        if not back:
            return Undone(ZERO)
        first = min((booking.lots[lot] for lot, _ in back), key=spending_order)
        return Undone(total(amount for _, amount in back), first.start, first.expiry)

    def _take_back(self, outcome: AddLoyaltyPoints) -> Undone:
        if outcome.program_id not in self.programs:
            return Undone(ZERO)
        booking = self._changing((outcome.program_id, outcome.subledger))
        if outcome.key not in booking.lots:
            return Undone(ZERO)
        key = booking.derived(outcome.key, f"take back {self.origin.event_id}")
        cause = self._cause(outcome.name)
        return Undone(decide.take_back(booking, key, outcome.key, outcome.value, cause))

    def _cause(self, name: str) -> Cause:
        return Cause(
            name=name,
            session_id=self.origin.session_id,
            session_key=self.origin.session_key,
            application_id=self.origin.application_id,
        )


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
    """What is told of the tiers that an addition led to."""
    return [
        ChangeLoyaltyTierLevel(
            added.program_id, added.subledger, each.new_name, each.old_name, each.expiry
        )
        for each in changes
        if each.new_name is not None
    ]
