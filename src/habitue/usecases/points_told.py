"""What an answer tells of points: every ledger as it stands, and as the request would leave it.

Words: the *current* balances are those that are stored once the request is, the *tentative* ones
count what it would do, whether it is stored or not: a session that is open posts nothing
(contracts/talon_one/SEMANTICS.md section 11.4).
"""

from datetime import datetime

import msgspec

from habitue.loyalty.card import ProgramCard
from habitue.loyalty.ledger import Balances, Ledger, LedgerDecision, balances_of
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.projection import TierStanding, tier_standing
from habitue.promotions.points_book import PointsBook
from habitue.promotions.points_origin import LedgerName, Origin
from habitue.promotions.program import Program
from habitue.promotions.resources import Points
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.update_profile import ProfileOutcome


class LedgerTold(msgspec.Struct, frozen=True):
    """One ledger; the tier is the one that stands with the current balances."""

    current: Balances
    tentative: Balances
    standing: TierStanding

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to tell of it."""
        return self.current == self.tentative == Balances()


class ProgramTold(msgspec.Struct, frozen=True):
    """What a customer has in one program."""

    program: LoyaltyProgram
    joined: datetime | None
    ledgers: dict[str, LedgerTold]


class CardTold(msgspec.Struct, frozen=True):
    """A card that the request names, and what it has."""

    program: LoyaltyProgram
    card: ProgramCard
    ledgers: dict[str, LedgerTold]


class PointsTold(msgspec.Struct, frozen=True):
    """The customer's programs, and the cards of the request."""

    programs: list[ProgramTold]
    cards: list[CardTold]


def points_told(program: Program, outcome: SessionOutcome | ProfileOutcome) -> PointsTold:
    """The programs of the application, with all ledgers in them: those that keep the points of
    profiles, and those of cards that the request names."""
    resources, decision = outcome.resources, outcome.decision
    book = PointsBook(
        program.loyalty,
        program.loyalty_served,
        resources.points,
        outcome.customer_before,
        Origin(program.application.id, 0),
        outcome.now,
        resources.owners,
        outcome.cards,
    )
    after = {_name(0, each): each.after for each in decision.points}
    for owner in decision.owners:
        after |= {_name(owner.owner.id, each): each.after for each in owner.decisions}
    telling = _Telling(book, after, stored=outcome.stores_points)
    return PointsTold(
        [telling.program(each, resources.points) for each in book.profile_programs()],
        [
            CardTold(club, card, telling.ledgers(club, owner.points, owner.id))
            for club in book.card_programs()
            if (card := book.card(club)) is not None
            for owner in resources.owners
            if owner.id == card.owner_id
        ],
    )


def _name(owner_id: int, decided: LedgerDecision) -> LedgerName:
    return LedgerName(decided.after.program_id, decided.after.subledger, owner_id)


class _Telling(msgspec.Struct, frozen=True):
    """The ledgers as they were read, as the request leaves them, and whether that is stored."""

    book: PointsBook
    after: dict[LedgerName, Ledger]
    stored: bool

    def program(self, club: LoyaltyProgram, points: Points) -> ProgramTold:
        """What the customer has in that program."""
        ledgers = self.ledgers(club, points, 0)
        joined = (self._current(LedgerName(club.id, each)).anchors.joined for each in ledgers)
        return ProgramTold(club, next((each for each in joined if each), None), ledgers)

    def ledgers(self, club: LoyaltyProgram, points: Points, owner_id: int) -> dict[str, LedgerTold]:
        """What the owner has there, by subledger."""
        read = points.programs.get(club.id)
        place = (club.id, owner_id)
        decided = {
            each.subledger for each in self.after if (each.program_id, each.owner_id) == place
        }
        names = {MAIN_LEDGER, *(read.ledgers if read else ()), *decided}
        return {
            each: self._told(club, LedgerName(club.id, each, owner_id)) for each in sorted(names)
        }

    def _told(self, club: LoyaltyProgram, name: LedgerName) -> LedgerTold:
        tentative = self.after.get(name, self.book.booking(name).ledger)
        current = self._current(name)
        return LedgerTold(
            balances_of(current), balances_of(tentative), tier_standing(current, club)
        )

    def _current(self, name: LedgerName) -> Ledger:
        before = self.book.booking(name).ledger
        return self.after.get(name, before) if self.stored else before
