"""What a customer is told of a coupon that is theirs (contracts/talon_one/SEMANTICS.md 6.4).

A coupon that starts later is pending, whatever else holds; one that the customer has redeemed, or
that nobody can redeem any more, is used; after its end it is expired; and where its campaign is not
there to redeem it, it is disabled. A campaign that starts later disables nothing.
"""

from datetime import datetime
from typing import Literal

from habitue.promotions.campaign import Campaign
from habitue.promotions.coupon import Coupon

CouponState = Literal["active", "used", "expired", "pending", "disabled"]


def coupon_state(
    coupon: Coupon, redemptions: int, campaign: Campaign | None, now: datetime
) -> CouponState:
    """The state for a customer of whom that many redemptions stand."""
    if coupon.start_date is not None and now < coupon.start_date:
        return "pending"
    if redemptions or 0 < coupon.usage_limit <= coupon.usage_counter:
        return "used"
    if coupon.expiry_date is not None and coupon.expiry_date <= now:
        return "expired"
    if campaign is None or campaign.state != "enabled" or campaign.has_ended(now):
        return "disabled"
    return "active"
