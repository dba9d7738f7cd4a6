"""Conditions about the coupon that a rule is tried for."""

from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import HostFunction
from habitue.rules.types import BOOLEAN


def coupon_valid(frame: Evaluation, redeem: bool = True) -> bool:
    """Whether the rule is tried for a coupon that can be used; with `redeem` closing uses it up."""
    if frame.coupon is None:
        return False
    frame.coupon_read = True
    frame.redeem = frame.redeem or redeem
    return True


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "couponValid",
        (("redeem", BOOLEAN),),
        BOOLEAN,
        coupon_valid,
        optional=1,
        feature="coupons",
        description="Whether the submitted coupon of this campaign can be used.",
    ),
)
