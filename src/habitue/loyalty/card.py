"""Cards of card-based loyalty programs, and what may be done with one (SEMANTICS.md 11.11).

Words: an *identifier* names a card within its program. The *owner* of a card's points is an id that
stands in the ledger where a customer's would; when a card is *transferred* its owner, and with it
all points and their history, goes to the new card, and the old one is *blocked* for good. A card is
*linked* to profiles, which makes it registered; `by_registration` says that the link is that of the
registration door, whose card of the same number it is.

Invariants: a blocked card is inactive and names its successor; a card has no more links than its
program allows at the moment at which one is made.
"""

import re
from datetime import datetime
from typing import Literal

import msgspec

from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import CARD_IDENTIFIER_LENGTH_MAX, CARD_IDENTIFIER_LENGTH_MIN

CardState = Literal["active", "inactive"]

_IDENTIFIER = re.compile(r"[A-Za-z0-9._%+@-]+")
#: Statuses of the registration door with which a card cannot be used.
_UNUSABLE = frozenset({"SUSPENDED", "EXPIRED", "DELETED"})


class CardRefused(InvalidInput):
    """The card is in no state for what is asked of it."""

    def __init__(self, details: str, pointer: str = "") -> None:
        parameter = None if pointer else "loyaltyCardId"
        super().__init__(Fault(pointer, "Not allowed", details, parameter))


class CardLink(msgspec.Struct, frozen=True):
    """A profile that a card is linked to, and since when."""

    customer_id: int
    root_id: int
    integration_id: str
    linked: datetime
    by_registration: bool = False


class RegisteredCard(msgspec.Struct, frozen=True):
    """What the registration door says of the number."""

    status: str
    expiry: datetime | None = None


class ProgramCard(msgspec.Struct, frozen=True, kw_only=True):
    """One card of one program."""

    id: int
    owner_id: int
    program_id: int
    identifier: str
    version: int
    status: CardState
    created: datetime
    modified: datetime
    generated: bool = False
    batch_id: str = ""
    block_reason: str = ""
    old_identifier: str = ""
    new_identifier: str = ""
    links: tuple[CardLink, ...] = ()
    registered: RegisteredCard | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether another card has taken its place."""
        return bool(self.new_identifier)

    def status_at(self, now: datetime) -> CardState:
        """Whether points can be given to it and taken from it at that moment."""
        known = self.registered
        if known is not None:
            over = known.expiry is not None and known.expiry <= now
            if over or known.status in _UNUSABLE:
                return "inactive"
        return self.status

    def link_of(self, customer_id: int) -> CardLink | None:
        """The link to that customer, if there is one."""
        return next((each for each in self.links if each.customer_id == customer_id), None)


def is_identifier(text: str) -> bool:
    """Whether the text is made of the characters of identifiers."""
    return _IDENTIFIER.fullmatch(text) is not None


def identifier_faults(identifier: str, pointer: str) -> tuple[Fault, ...]:
    """What is wrong with the identifier of a card."""
    if not CARD_IDENTIFIER_LENGTH_MIN <= len(identifier) <= CARD_IDENTIFIER_LENGTH_MAX:
        bounds = f"{CARD_IDENTIFIER_LENGTH_MIN} to {CARD_IDENTIFIER_LENGTH_MAX}"
        return (Fault(pointer, "Invalid length", f"an identifier has {bounds} characters"),)
    if not is_identifier(identifier):
        details = "an identifier is made of letters, digits and ._%+@-"
        return (Fault(pointer, "Invalid identifier", details),)
    return ()


def usable(card: ProgramCard, now: datetime) -> ProgramCard:
    """The card, if points can be given to it and taken from it. Raises `CardRefused`."""
    refuse_blocked(card)
    if card.status_at(now) == "inactive":
        raise CardRefused(f"card {card.identifier} is inactive")
    return card


def refuse_blocked(card: ProgramCard) -> None:
    """Raises `CardRefused` where another card has taken its place."""
    if card.is_blocked:
        details = f"card {card.identifier} was replaced by {card.new_identifier}"
        raise CardRefused(details)


def decide_link(program: LoyaltyProgram, card: ProgramCard, customer_id: int) -> bool:
    """Whether a link has to be made; False where there is one. Raises `CardRefused`."""
    refuse_blocked(card)
    if card.link_of(customer_id) is not None:
        return False
    if program.users_per_card and len(card.links) >= program.users_per_card:
        details = f"a card of this program is linked to at most {program.users_per_card} profiles"
        raise CardRefused(details, "/integrationId")
    return True


def decide_unlink(card: ProgramCard, customer_id: int) -> bool:
    """Whether a link has to go; False where there is none. Raises `CardRefused`."""
    refuse_blocked(card)
    link = card.link_of(customer_id)
    if link is not None and link.by_registration:
        details = "the customer holds this card, which the registration API can take back"
        raise CardRefused(details, "/integrationId")
    return link is not None


def decide_status(card: ProgramCard, status: CardState) -> bool:
    """Whether the status has to change. Raises `CardRefused`."""
    refuse_blocked(card)
    return card.status != status


def decide_transfer(card: ProgramCard, new_identifier: str) -> None:
    """Raises `CardRefused` or `InvalidInput` unless a new card can take the place of this one."""
    refuse_blocked(card)
    faults = identifier_faults(new_identifier, "/newCardIdentifier")
    if faults:
        raise InvalidInput(*faults)
    if new_identifier == card.identifier:
        raise CardRefused("the new card has another identifier", "/newCardIdentifier")
