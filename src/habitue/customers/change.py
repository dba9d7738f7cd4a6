"""A change of one card, as decided and before it is saved.

Words: a *wish* is a claim to be taken, a *released* claim is given up. `holders` are identifiers
that this card carries although another one holds them. The change belongs to one root, and so do
all claims that it takes.
"""

from uuid import UUID

import msgspec

from habitue.customers.card import Actor, Card, Part
from habitue.customers.history import Change
from habitue.customers.merge import MergeReason
from habitue.customers.notices import Notice
from habitue.model.attributes import Attributes


class ClaimWish(msgspec.Struct, frozen=True):
    """A claim to be taken: its key, and what it is a claim on, for whoever asks why."""

    key: UUID
    kind: str
    value: str
    root_id: int
    source: str
    account_id: str


class CardChange(msgspec.Struct, frozen=True, kw_only=True):
    """One card as it shall be. `version` is the one that was decided upon, 0 where the customer
    comes to be; `parts` are those that change; `names` of None leaves those that are there.
    `changes` are of the card without its attributes, which are recorded by themselves.
    """

    customer_id: int
    version: int
    root_id: int
    kind: str
    actor: Actor
    parts: tuple[Part, ...]
    attributes: Attributes | None = None
    claims: tuple[ClaimWish, ...] = ()
    released: tuple[UUID, ...] = ()
    holders: tuple[UUID, ...] = ()
    names: tuple[tuple[int, str], ...] | None = None
    changes: tuple[Change, ...] = ()


class CardDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of a request about a card: `change` is saved and makes it `card`.

    `victims` are cards that are joined into it first; the change is decided upon the card that
    comes of that. `reason` says why they are one person's.
    """

    change: CardChange
    card: Card
    victims: tuple[int, ...] = ()
    reason: MergeReason | None = None
    notices: tuple[Notice, ...] = ()


def names_of(card: Card) -> tuple[tuple[int, str], ...]:
    """The names that the card is found by, in lower case, each once per root."""
    names: dict[tuple[int, str], None] = {}
    for part, profile in card.profiles():
        for field in ("first_name", "last_name"):
            told = profile.told.get(field)
            if told is not None and told.value:
                names[(part.root_id, str(told.value).lower())] = None
    return tuple(names)


def with_attributes(card: Card, attributes: Attributes | None) -> Card:
    """The card with these attributes; None leaves those it has."""
    if attributes is None:
        return card
    customer = msgspec.structs.replace(card.customer, attributes=attributes)
    return msgspec.structs.replace(card, customer=customer)
