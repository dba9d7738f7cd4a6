"""Resources: what a decision takes besides the customer, the session and its coupons.

Words: a *resource* is one kind of thing that rules read, take or give, such as points, budgets or
audiences. `Resources` holds what was read of each, `ResourceChanges` what a decision changes of it;
both have one field per resource, named as in the database (migration 0011), whose default stands
for a shop that does not use it. A *tentative* is a resource while rules run: it can be marked
before a rule is tried and rolled back where the rule fails.

Invariant: a decision changes a resource by what it says here and in no other way.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from habitue.loyalty.achievement import Iteration
from habitue.loyalty.card import ProgramCard
from habitue.loyalty.ledger import Ledger, LedgerDecision
from habitue.model.attributes import Attributes
from habitue.pricing.cart import CartItem
from habitue.promotions.budgets import BudgetChanges, Budgets
from habitue.promotions.catalog import NO_STOCK, Stock
from habitue.promotions.code_attributes import CodeAttribute
from habitue.promotions.creations import CreationChanges, CreationReading, ReservationChange
from habitue.promotions.effects import Effect
from habitue.promotions.giveaways import Award, Giveaway
from habitue.promotions.referral import NO_REFERRAL, ReferralChanges, ReferralReading
from habitue.promotions.session import Session


class Tentative(Protocol):
    """A resource while rules are tried on it."""

    def mark(self) -> Any:
        """Where it stands now."""

    def roll_back(self, mark: Any) -> None:
        """Forgets everything since `mark` was given."""


class AudienceChanges(msgspec.Struct, frozen=True):
    """The audiences that a customer joins and leaves, by id."""

    joins: tuple[int, ...]
    leaves: tuple[int, ...]


class Message(msgspec.Struct, frozen=True):
    """Something that leaves for another system, through the outbox; values are as they are."""

    message_id: UUID
    destination: Literal["webhook", "notification"]
    destination_id: int
    document: Any
    application_id: int | None = None
    campaign_id: int | None = None


class EventReading(msgspec.Struct, frozen=True):
    """Whether an advanced event has happened already, and the session that it is about."""

    exists: bool = False
    session: Session | None = None


class EventChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event with the effects that it caused.

    Only the effects are told of an event that took a session back: the rest stands there.
    """

    id: int
    effects: tuple[Effect, ...] = ()
    application_id: int = 0
    type: str = ""
    attributes: Attributes = {}
    store_integration_id: str = ""
    integration_id: str = ""
    key: str | None = None
    connected_session: str = ""


NO_EVENT = EventReading()


class ProgramPoints(msgspec.Struct, frozen=True):
    """What a customer has in one program: since when as a member, and the ledgers by subledger."""

    joined: datetime | None
    ledgers: Mapping[str, Ledger]


class Points(msgspec.Struct, frozen=True):
    """Points by program. `root_id` is whom the request names, None where that customer comes to be.

    `spent` is what transactions of the session took out of which lots, by the key of each.
    """

    root_id: int | None = None
    programs: Mapping[int, ProgramPoints] = {}
    spent: Mapping[UUID, tuple[tuple[UUID, Decimal], ...]] = {}


NO_POINTS = Points()


class PointsOwner(msgspec.Struct, frozen=True):
    """Whoever else has points that the request is about: a card of a card-based program, or another
    customer. `id` is the owner in the ledger, at that `version`, and `roots` are the names under
    which outcomes know it."""

    id: int
    version: int
    roots: tuple[int, ...]
    points: Points
    card: ProgramCard | None = None
    attributes: Attributes = {}


class OwnerDecision(msgspec.Struct, frozen=True):
    """What happens to the ledgers of such an owner."""

    owner: PointsOwner
    decisions: tuple[LedgerDecision, ...]


class Progress(msgspec.Struct, frozen=True):
    """Iterations of achievements: the last of each, and those that the session has worked at.
    `root_id` is whom the request names, None where that customer comes to be."""

    root_id: int | None = None
    iterations: tuple[Iteration, ...] = ()


NO_PROGRESS = Progress()


class Resources(msgspec.Struct, frozen=True):
    """What was read of each resource; `audiences` are the ids of those the customer is in,
    `catalog` the items of the cart's articles."""

    audiences: frozenset[int] = frozenset()
    budgets: Budgets = Budgets()
    referrals: ReferralReading = NO_REFERRAL
    creations: CreationReading = CreationReading()
    giveaways: tuple[Giveaway, ...] = ()
    event: EventReading = NO_EVENT
    points: Points = NO_POINTS
    owners: tuple[PointsOwner, ...] = ()
    achievements: Progress = NO_PROGRESS
    catalog: Stock = NO_STOCK


class ResourceChanges(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a decision changes of each resource; `names` are the profile ids of others in it."""

    audiences: AudienceChanges | None = None
    outbox: tuple[Message, ...] = ()
    budgets: BudgetChanges | None = None
    referrals: ReferralChanges | None = None
    creations: CreationChanges | None = None
    reservations: tuple[ReservationChange, ...] = ()
    giveaways: tuple[Award, ...] = ()
    event: EventChange | None = None
    points: tuple[LedgerDecision, ...] = ()
    owners: tuple[OwnerDecision, ...] = ()
    achievements: tuple[Iteration, ...] = ()
    codes: tuple[CodeAttribute, ...] = ()
    names: tuple[str, ...] = ()


class Asking(msgspec.Struct, frozen=True):
    """What a request may need of resources.

    `now` is the moment as of which it is decided. `gives_back` says that it cancels, reopens or
    returns: then what was given earlier is needed too, whatever the running campaigns use.
    `campaign_ids` restricts a dry run. What is None is as the stored session has it.
    With `evaluates_cart` it is about a cart: that of `cart_items`, or the session's where the
    request brings none. `tells` names the resources that the answer shall tell, whether rules use
    them or not.
    """

    now: datetime
    gives_back: bool = False
    dry: bool = False
    campaign_ids: frozenset[int] | None = None
    profile_id: str | None = None
    coupon_codes: tuple[str, ...] | None = None
    referral_code: str | None = None
    loyalty_cards: tuple[str, ...] | None = None
    identifiers: tuple[str, ...] | None = None
    store_integration_id: str | None = None
    event_id: str | None = None
    connected_session_id: str | None = None
    cart_items: tuple[CartItem, ...] | None = None
    evaluates_cart: bool = False
    tells: frozenset[str] = frozenset()
