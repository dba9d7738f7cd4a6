"""Coupons: what a code is worth at a moment, for a person.

Words: a coupon is *redeemed* when a session that accepted it closes, and *released* when that
session is cancelled or reopened. `usage_counter` counts redemptions that stand; a `usage_limit` of
0 means no limit. A coupon with a recipient is *personal*.

The reasons of refusal and their order are those of contracts/talon_one/SEMANTICS.md section 5.3.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.numbers import ZERO
from habitue.promotions.campaign import Limit

CouponRefusal = Literal[
    "CouponNotFound",
    "CouponPartOfNotRunningCampaign",
    "CouponStartDateInFuture",
    "CouponExpired",
    "CouponLimitReached",
    "CouponRecipientDoesNotMatch",
    "CouponReservationRequired",
    "ProfileRequired",
    "CampaignLimitReached",
    "ProfileLimitReached",
    "CouponRejectedByCondition",
    "EffectCouldNotBeApplied",
    "CouponPartOfNotTriggeredCampaign",
]
#: Why a campaign that would have accepted a coupon did not apply.
ExclusionReason = Literal[
    "CampaignGaveLowerDiscount", "CampaignIsNotFirst", "CampaignNotInEvaluationSet"
]


class Coupon(msgspec.Struct, frozen=True):
    """One code of one campaign. `start_date` is included and `expiry_date` is not.

    `discount_limit` caps the sum of the discounts that rules give for the coupon, 0 for no cap;
    `discount_counter` is what closed sessions had of it. `reservation_limit` bounds how often rules
    reserve it, 0 for no bound; a mandatory reservation is needed to use the coupon. An
    implicit one is everybody's. `is_reserved` says that the customer at hand has a reservation.
    """

    id: int
    application_id: int
    campaign_id: int
    code: str
    created: datetime
    usage_limit: int = 1
    usage_counter: int = 0
    start_date: datetime | None = None
    expiry_date: datetime | None = None
    limits: tuple[Limit, ...] = ()
    attributes: Attributes = {}
    recipient_integration_id: str = ""
    batch_id: str = ""
    discount_limit: Decimal = ZERO
    discount_counter: Decimal = ZERO
    reservation_limit: int = 0
    reservation_counter: int = 0
    is_reservation_mandatory: bool = False
    implicitly_reserved: bool = False
    import_id: int = 0
    is_reserved: bool = False


class Redemption(msgspec.Struct, frozen=True):
    """One redemption of the customer that still stands, for counting personal limits."""

    coupon_id: int
    campaign_id: int
    session_id: int
    redeemed_at: datetime


def state_refusal(coupon: Coupon, now: datetime, profile_id: str) -> CouponRefusal | None:
    """Why the coupon itself, apart from its campaign and limits, cannot be used; None if it can."""
    if coupon.start_date is not None and now < coupon.start_date:
        return "CouponStartDateInFuture"
    if coupon.expiry_date is not None and now >= coupon.expiry_date:
        return "CouponExpired"
    if coupon.usage_limit and coupon.usage_counter >= coupon.usage_limit:
        return "CouponLimitReached"
    if coupon.recipient_integration_id and coupon.recipient_integration_id != profile_id:
        return "CouponRecipientDoesNotMatch"
    if coupon.is_reservation_mandatory and not coupon.is_reserved:
        return "CouponReservationRequired" if profile_id else "ProfileRequired"
    return None


def effective_limits(coupon: Coupon, campaign_limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """The personal limits that hold for the coupon: its own where it has any, else the campaign's.

    Limits of a coupon override those of its campaign (contract section 6.2).
    """
    return coupon.limits or tuple(each for each in campaign_limits if each.is_personal)


def counted(limit: Limit, coupon: Coupon, redemptions: list[Redemption], since: datetime) -> int:
    """How many of the customer's standing redemptions since that instant use up `limit`.

    A limit that a coupon carries itself counts that coupon only, like one per profile and coupon.
    """
    only_this = "Coupon" in limit.entities or limit in coupon.limits
    return sum(
        1
        for each in redemptions
        if each.campaign_id == coupon.campaign_id
        and each.redeemed_at >= since
        and (each.coupon_id == coupon.id or not only_this)
    )
