"""Effects: what a customer gets and what a shop is asked to do, as values.

Words: an effect has a *cause* (campaign, ruleset, rule, and the coupon it was triggered by) and an
*outcome*, one of the classes below. A *rollback* takes an earlier effect back. The properties are
those of contracts/talon_one/SEMANTICS.md section 5.2; amounts are in the application's currency,
unrounded. Positions name a line of the cart, sub-positions a unit of that line, both from 0.
"""

from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

#: The campaign of an effect that no campaign caused, such as the rejection of an unknown code.
NO_CAMPAIGN = -1

NotificationType = Literal["Info", "Offer", "Error", "Misc"]


class AcceptCoupon(msgspec.Struct, frozen=True, tag=True):
    value: str


class RejectCoupon(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    value: str
    reason: str
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None


class RejectReferral(msgspec.Struct, frozen=True, tag=True):
    value: str
    reason: str


class SetDiscount(msgspec.Struct, frozen=True, tag=True):
    name: str
    value: Decimal


class SetDiscountPerItem(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A discount on one unit; a pro rata share names the whole in `total_discount`."""

    name: str
    value: Decimal
    position: int
    sub_position: int
    total_discount: Decimal | None = None


class SetDiscountPerAdditionalCost(msgspec.Struct, frozen=True, tag=True):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal


class AddFreeItem(msgspec.Struct, frozen=True, tag=True):
    """One free unit of an article; several units are several effects."""

    sku: str
    name: str


class ShowNotification(msgspec.Struct, frozen=True, tag=True):
    notification_type: NotificationType
    title: str
    body: str


class CustomEffect(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    effect_id: int
    name: str
    payload: dict[str, Any]
    position: int | None = None
    sub_position: int | None = None


class UpdateAttribute(msgspec.Struct, frozen=True, tag=True):
    """An attribute that was set; `path` is the entity and the attribute's name, with a dot."""

    path: str
    value: Any


class RollbackCoupon(msgspec.Struct, frozen=True, tag=True):
    value: str


class RollbackDiscount(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    name: str
    value: Decimal
    position: int | None = None
    sub_position: int | None = None
    additional_cost_id: int | None = None
    additional_cost: str | None = None


Outcome: TypeAlias = (
    AcceptCoupon
    | RejectCoupon
    | RejectReferral
    | SetDiscount
    | SetDiscountPerItem
    | SetDiscountPerAdditionalCost
    | AddFreeItem
    | ShowNotification
    | CustomEffect
    | UpdateAttribute
    | RollbackCoupon
    | RollbackDiscount
)


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """One outcome and its cause; rule indexes count from 0."""

    campaign_id: int
    ruleset_id: int
    rule_index: int
    rule_name: str
    outcome: Outcome
    coupon_id: int | None = None


def unclaimed(outcome: Outcome) -> Effect:
    """An effect that no campaign caused (contract section 5.1: campaign -1, and 0 for the rest)."""
    return Effect(NO_CAMPAIGN, 0, 0, "", outcome)
