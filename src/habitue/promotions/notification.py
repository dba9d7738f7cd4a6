"""Notifications: what a shop's systems are told of by itself, at an address of theirs.

Words: a notification has a *type*, which says what it tells of, and belongs to one *entity*: an
application or a loyalty program. A *scope* is where a change came from. A *trigger* is how long
before an end it is told. A *notice* is one telling; it leaves through the outbox.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec

from habitue.promotions.coupon import Coupon

ApplicationType = Literal["campaign", "coupon", "expiring_coupons"]
ProgramType = Literal[
    "loyalty_added_deducted_points",
    "pending_to_active_points",
    "expiring_points",
    "card_expiring_points",
    "tier_upgrade",
    "tier_downgrade",
]
NotificationType = Literal[ApplicationType, ProgramType]
Scope = Literal["all", "campaign_manager", "management_api", "rule_engine"]

APPLICATION_TYPES: frozenset[str] = frozenset(get_args(ApplicationType))
#: The types that tell only of changes of their scopes.
SCOPED_TYPES: frozenset[str] = frozenset(("coupon", "loyalty_added_deducted_points"))
#: The types that time brings about, of which some nothing else does.
TIMED_TYPES: frozenset[str] = frozenset(
    (
        *("campaign", "expiring_coupons", "pending_to_active_points"),
        *("expiring_points", "card_expiring_points"),
    )
)
#: The types that are told so long before, as their triggers say.
TRIGGERED_TYPES: frozenset[str] = frozenset(
    ("expiring_coupons", "expiring_points", "card_expiring_points")
)
#: The types that tell of cards, and so of card-based programs alone.
CARD_TYPES: frozenset[str] = frozenset(("card_expiring_points",))


class Trigger(msgspec.Struct, frozen=True):
    """So many days or weeks before."""

    amount: int
    period: Literal["d", "w"]

    @property
    def duration(self) -> timedelta:
        return timedelta(days=self.amount * (7 if self.period == "w" else 1))


class Notification(msgspec.Struct, frozen=True):
    """One notification. `secret` signs what is sent; `headers` are name and value."""

    id: int
    type: NotificationType
    entity_id: int
    name: str
    url: str
    secret: str
    created: datetime
    modified: datetime
    headers: tuple[tuple[str, str], ...] = ()
    enabled: bool = True
    scopes: tuple[Scope, ...] = ("all",)
    triggers: tuple[Trigger, ...] = ()

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return f"{self.type}:{self.entity_id}:{self.id}"


class ToldCard(msgspec.Struct, frozen=True):
    """A loyalty card with the profiles that it is linked to."""

    identifier: str
    profile_ids: tuple[str, ...] = ()


class Notice(msgspec.Struct, frozen=True):
    """What is told: the document as it was noted, with the coupons and the card that it names as
    they are now."""

    document: dict[str, Any]
    coupons: Sequence[Coupon] = ()
    card: ToldCard | None = None
