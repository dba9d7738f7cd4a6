"""What becomes of coupon codes and referral codes, on the wire."""

from collections.abc import Mapping

from habitue.edges.talon_one.effects.props import Out, Props
from habitue.promotions import effects as house


class CodeProps(Props):
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
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None
    campaign_exclusion_reason: str | None = None


def _reject_coupon(outcome: house.RejectCoupon) -> Props:
    return RejectCouponProps(
        outcome.value,
        outcome.reason,
        outcome.condition_index,
        outcome.effect_index,
        outcome.details,
        outcome.exclusion_reason,
    )


def _reject_referral(outcome: house.RejectReferral) -> Props:
    return RejectReferralProps(
        outcome.value,
        outcome.reason,
        outcome.condition_index,
        outcome.effect_index,
        outcome.details,
        outcome.exclusion_reason,
    )


OUT: Mapping[type, Out] = {
    house.AcceptCoupon: ("acceptCoupon", lambda it: CodeProps(it.value)),
    house.RejectCoupon: ("rejectCoupon", _reject_coupon),
    house.AcceptReferral: ("acceptReferral", lambda it: CodeProps(it.value)),
    house.RejectReferral: ("rejectReferral", _reject_referral),
    house.RollbackReferral: ("rollbackReferral", lambda it: CodeProps(it.value)),
    house.RollbackCoupon: ("rollbackCoupon", lambda it: CodeProps(it.value)),
}
