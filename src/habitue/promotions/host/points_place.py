"""Whose points a rule means: the customer's, or in a card-based program those of a card.

Points can be given to the advocate of the session's referral code as well, and never taken.
A card that there is not, or that is inactive, has no points for rules: asking for them fails the
rule, as does giving some. `card_is_valid` and `card_is_registered` ask about it without failing.
"""

from decimal import Decimal
from typing import NamedTuple

from habitue.loyalty.card import CardRefused, ProgramCard, usable
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.model.limits import SUBLEDGER_LENGTH_MAX
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.points_book import PointsBook
from habitue.promotions.points_origin import LedgerName
from habitue.rules.frame import RuleFailed

#: Whom points can be for.
CURRENT, ADVOCATE = "Current", "Advocate"


class PointsPlace(NamedTuple):
    """A ledger that a rule acts on; `owner` is the root that is noted in outcomes, and `card` the
    identifier of the card whose points they are."""

    book: PointsBook
    program: LoyaltyProgram
    name: LedgerName
    recipient: str = ""
    owner: int = 0
    card: str = ""


def place_of(
    frame: Evaluation, program_id: Decimal, subledger: str, profile: str = CURRENT
) -> PointsPlace:
    """The ledger of that program and subledger. Raises `RuleFailed`."""
    book, program = _program(frame, program_id)
    if subledger != MAIN_LEDGER and not program.allow_subledger:
        raise RuleFailed(f"{program.name} has no subledgers")
    if len(subledger) > SUBLEDGER_LENGTH_MAX:
        raise RuleFailed("the name of a subledger is too long")
    if profile != CURRENT:
        return _place_of_advocate(frame, book, program, subledger, profile)
    if program.card_based:
        return _place_of_card(frame, book, program, subledger)
    if frame.profile is None:
        raise RuleFailed("there is no profile that could have points")
    name = LedgerName(program.id, subledger)
    return PointsPlace(book, program, name, frame.profile.integration_id)


def card_is_valid(frame: Evaluation, program_id: Decimal) -> bool:
    """Whether the session names a card of that program which can be used."""
    book, program = _card_program(frame, program_id)
    card = book.card(program)
    return card is not None and not card.is_blocked and card.status_at(frame.now) == "active"


def card_is_registered(frame: Evaluation, program_id: Decimal) -> bool:
    """Whether the session names a card of that program which is linked to somebody."""
    book, program = _card_program(frame, program_id)
    card = book.card(program)
    return card is not None and bool(card.links)


def _program(frame: Evaluation, program_id: Decimal) -> tuple[PointsBook, LoyaltyProgram]:
    book = frame.points
    program = None if book is None else book.served(program_id)
    if book is None or program is None:
        raise RuleFailed(f"loyalty program {program_id} does not serve this application")
    return book, program


def _card_program(frame: Evaluation, program_id: Decimal) -> tuple[PointsBook, LoyaltyProgram]:
    book, program = _program(frame, program_id)
    if not program.card_based:
        raise RuleFailed(f"{program.name} has no cards")
    return book, program


def _place_of_card(
    frame: Evaluation, book: PointsBook, program: LoyaltyProgram, subledger: str
) -> PointsPlace:
    card = _usable(frame, book.card(program), program)
    name = LedgerName(program.id, subledger, card.owner_id)
    recipient = frame.profile.integration_id if frame.profile else ""
    return PointsPlace(book, program, name, recipient, card.owner_id, card.identifier)


def _place_of_advocate(
    frame: Evaluation, book: PointsBook, program: LoyaltyProgram, subledger: str, profile: str
) -> PointsPlace:
    """The ledger of whoever brought the customer, by a code of the campaign at hand."""
    if profile != ADVOCATE:
        raise RuleFailed(f"{profile!r} is nobody; points are for {CURRENT} or {ADVOCATE}")
    if program.card_based:
        raise RuleFailed(f"the points of {program.name} are on cards, and an advocate shows none")
    advocate = frame.advocate
    owner = None if advocate is None else book.others(advocate.customer_id)
    if advocate is None or owner is None:
        raise RuleFailed("there is no advocate")
    name = LedgerName(program.id, subledger, owner.id)
    return PointsPlace(book, program, name, advocate.integration_id, owner.roots[0])


def _usable(frame: Evaluation, card: ProgramCard | None, program: LoyaltyProgram) -> ProgramCard:
    if card is None:
        raise RuleFailed(f"there is no card of {program.name} here, and its points are on cards")
    try:
        return usable(card, frame.now)
    except CardRefused as refusal:
        raise RuleFailed(refusal.faults[0].details) from None
