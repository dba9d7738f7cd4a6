"""The customer card: everything that sources have told about one person.

Words: a *source* is where something was told (the till, the app, a marketplace), some sources hold
several *accounts*; a *profile* is what one (source, account) told, kept apart from what the others
did. What belongs to one card, however many cards it has been joined with since, is a *part*: its
*root* is the id that the card had when it came to be. A *card* is one customer with all parts that
are joined in it, its own first, then the others by their roots.

Invariants: a part is changed only by what names it (its own id, or an identifier whose claim has
that root), so that taking two cards apart again gives each its own part back, with all that arrived
since. A (source, account) may stand in two parts of one card, never twice in one part.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from habitue.customers.customer import Customer

LoyaltyType = Literal["loyalty", "non_loyalty"]
CustomerStatus = Literal[
    "ACTIVE",
    "SUSPENDED",
    "DELETED",
    "FRAUD_SUSPECTED",
    "FRAUD_CONFIRMED",
    "INTERNAL",
    "PENDING_DELETION",
]


class Told(msgspec.Struct, frozen=True):
    """A value, and when it was told; the source is that of the profile in which it stands."""

    value: Any
    at: datetime


class Actor(msgspec.Struct, frozen=True):
    """Who did something: a till, a staff member, a program; `kind` is in capitals as on the wire
    of tills. `context` is what the caller says of itself, for the history."""

    kind: str = "TILL"
    id: int = 0
    code: str = ""
    context: str = ""


class HeldIdentifier(msgspec.Struct, frozen=True):
    """An identifier as a source told it.

    `normal_form` is what it is compared by. Only an `identity` identifier leads to the card: one
    that is not (a placeholder address, one that another card holds, one that too many cards share)
    is kept as a detail, and `remark` says why. For a phone `opinion` is what a numbering-plan
    library thinks of it.
    """

    kind: str
    value: str
    normal_form: str
    since: datetime
    identity: bool = True
    remark: str = ""
    opinion: str = ""


class Channel(msgspec.Struct, frozen=True):
    """A way to reach the person; `subscribed` of None means that nothing was said of it."""

    type: str
    value: str
    primary: bool = False
    verified: bool = False
    subscribed: bool | None = None
    meta: dict[str, Any] = {}
    attributes: dict[str, Any] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What one source account told. `told` holds the fields of the person by name
    (`customers.traits`), `fields` the shop's custom fields."""

    source: str
    account_id: str = ""
    told: dict[str, Told] = {}
    fields: dict[str, Told] = {}
    identifiers: tuple[HeldIdentifier, ...] = ()
    channels: tuple[Channel, ...] = ()
    created: datetime
    created_by: Actor = Actor()
    modified: datetime
    modified_by: Actor = Actor()

    @property
    def place(self) -> tuple[str, str]:
        """Where this was told: source and account."""
        return self.source, self.account_id


class Enrollment(msgspec.Struct, frozen=True):
    """The wish to be in a loyalty program, with what comes with it, as it was told."""

    program_id: int
    enrolled: datetime
    tier_number: int | None = None
    points: Decimal | None = None
    tier_expiry: datetime | None = None
    points_expiry: datetime | None = None


class StatusChange(msgspec.Struct, frozen=True):
    """The customer's status from that moment on, under one of the shop's own labels.

    `at` is when it began, as the caller says, `told` when it was said, None for the same moment;
    `covers` names the other roots of the card for which it counts too (`customers.status`).
    """

    status: CustomerStatus
    label: str
    reason: str
    at: datetime
    by: Actor = Actor()
    told: datetime | None = None
    covers: tuple[int, ...] = ()


class ConsentEntry(msgspec.Struct, frozen=True):
    """What a person said about being written to on one channel for one purpose, and where.

    The states and what follows from them are those of `customers.consent`, and so are the `basis`
    of a grant and the roots that it `covers`.
    """

    channel: str
    purpose: str
    state: Literal["granted", "denied", "withdrawn"]
    at: datetime
    source: str
    account_id: str = ""
    wording: str = ""
    by: Actor = Actor()
    basis: Literal["assumed", "stated", "opted"] = "opted"
    covers: tuple[int, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to one root; `consents` is the whole history, oldest first, and so is
    `statuses`. `registered` is the date of enrolment, which may lie before the card came to be;
    `referral_code` is the code by which somebody sent the person here, the first that was told."""

    root_id: int
    registered: datetime
    created_by: Actor = Actor()
    created_from: str = ""
    loyalty_type: LoyaltyType = "non_loyalty"
    associated_with: str = ""
    profiles: tuple[Profile, ...] = ()
    extended_fields: dict[str, Told] = {}
    enrollments: tuple[Enrollment, ...] = ()
    endpoints: tuple[str, ...] = ()
    referral_code: str = ""
    statuses: tuple[StatusChange, ...] = ()
    consents: tuple[ConsentEntry, ...] = ()

    def profile(self, source: str, account_id: str) -> Profile | None:
        """The profile of that source account, if there is one."""
        return next((each for each in self.profiles if each.place == (source, account_id)), None)


class Card(msgspec.Struct, frozen=True):
    """A customer with all parts. `merged_into` is set where the card was joined into another one
    and holds nothing of its own now; `erased` where the person's details were removed."""

    customer: Customer
    parts: tuple[Part, ...] = ()
    merged_into: int | None = None
    erased: datetime | None = None

    @property
    def id(self) -> int:
        return self.customer.id

    def part(self, root_id: int) -> Part | None:
        """The part of that root, if it is here."""
        return next((each for each in self.parts if each.root_id == root_id), None)

    def profiles(self) -> Iterator[tuple[Part, Profile]]:
        """Every profile with its part, the customer's own part first."""
        for part in self.parts:
            for profile in part.profiles:
                yield part, profile


def ordered(parts: Iterable[Part], customer_id: int) -> tuple[Part, ...]:
    """Parts as a card has them: the customer's own first, the others by their roots."""
    return tuple(sorted(parts, key=lambda part: (part.root_id != customer_id, part.root_id)))


def with_part(card: Card, part: Part) -> Card:
    """The card with that part in place of the one of its root, or beside the others."""
    others = (each for each in card.parts if each.root_id != part.root_id)
    return msgspec.structs.replace(card, parts=ordered((*others, part), card.id))
