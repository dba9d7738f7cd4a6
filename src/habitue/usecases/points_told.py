"""What an answer tells of points: every ledger as it stands, and as the request would leave it.

Words: the *current* balances are those that are stored once the request is, the *tentative* ones
count what it would do, whether it is stored or not: a session that is open posts nothing
(contracts/talon_one/SEMANTICS.md section 11.4).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.customers.customer import Customer
from habitue.loyalty.ledger import Balances, Ledger, LedgerDecision, balances_of
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.projection import TierStanding, tier_standing
from habitue.promotions.points_book import Origin, PointsBook
from habitue.promotions.program import Program
from habitue.promotions.resources import Points


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


def points_told(
    program: Program,
    points: Points,
    decided: Sequence[LedgerDecision],
    customer: Customer,
    now: datetime,
    *,
    stored: bool,
) -> list[ProgramTold]:
    """The programs of the application that keep the points of profiles, with all ledgers in them.

    `stored` says that what was decided is stored with the request.
    """
    origin = Origin(program.application.id, 0)
    book = PointsBook(program.loyalty, program.loyalty_served, points, customer, origin, now)
    after = {(each.after.program_id, each.after.subledger): each.after for each in decided}
    return [_program_told(club, book, points, after, stored) for club in book.profile_programs()]


def _program_told(
    club: LoyaltyProgram,
    book: PointsBook,
    points: Points,
    after: dict[tuple[int, str], Ledger],
    stored: bool,
) -> ProgramTold:
    read = points.programs.get(club.id)
    decided = {subledger for program_id, subledger in after if program_id == club.id}
    names = {MAIN_LEDGER, *(read.ledgers if read else ()), *decided}
    ledgers, joined = {}, None
    for subledger in sorted(names):
        before = book.booking((club.id, subledger)).ledger
        tentative = after.get((club.id, subledger), before)
        current = tentative if stored else before
        joined = joined or current.anchors.joined
        ledgers[subledger] = LedgerTold(
            balances_of(current), balances_of(tentative), tier_standing(current, club)
        )
    return ProgramTold(club, joined, ledgers)
