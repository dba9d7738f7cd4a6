"""What becomes of coupon codes and referral codes, on the wire."""

from collections.abc import Mapping

from habitue.edges.talon_one.effects.props import Out, Props
from habitue.promotions import effects as house


class CouponProps(Props):
    value: str


class RejectCouponProps(Props):
    value: str
    rejection_reason: str
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None
    campaign_exclusion_reason: str | None = None


class RejectReferralProps(Props):
    value: str
    rejection_reason: str


def _reject_coupon(outcome: house.RejectCoupon) -> Props:
    return RejectCouponProps(
        outcome.value,
        outcome.reason,
        outcome.condition_index,
        outcome.effect_index,
        outcome.details,
        outcome.exclusion_reason,
    )


OUT: Mapping[type, Out] = {
    house.AcceptCoupon: ("acceptCoupon", lambda it: CouponProps(it.value)),
    house.RejectCoupon: ("rejectCoupon", _reject_coupon),
    house.RejectReferral: (
        "rejectReferral",
        lambda it: RejectReferralProps(it.value, it.reason),
    ),
    house.RollbackCoupon: ("rollbackCoupon", lambda it: CouponProps(it.value)),
}
