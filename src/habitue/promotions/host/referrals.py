"""Conditions about the session's referral code."""

from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import HostFunction
from habitue.rules.types import BOOLEAN


def referral_valid(frame: Evaluation, redeem: bool = True) -> bool:
    """Whether the session's referral code is one of this campaign that can be used; with `redeem`
    closing uses it up."""
    frame.session_or_fail()
    book = frame.issuing.referral if frame.issuing else None
    if book is None or book.usable(frame.cause) is None:
        return False
    frame.referral_read = True
    frame.referral_redeem = frame.referral_redeem or redeem
    return True


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "referralValid",
        (("redeem", BOOLEAN),),
        BOOLEAN,
        referral_valid,
        optional=1,
        feature="referrals",
        description="Whether the submitted referral code of this campaign can be used.",
    ),
)
