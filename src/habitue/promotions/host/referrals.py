"""Conditions about the session's referral code."""

from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import HostFunction
from habitue.rules.types import BOOLEAN


def referral_valid(frame: Evaluation) -> bool:
    """Whether the session's referral code can be used. No code is ever issued so far: it cannot."""
    frame.session_or_fail()
    return False


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "referralValid",
        (),
        BOOLEAN,
        referral_valid,
        feature="referrals",
        description="Whether the submitted referral code of this campaign can be used.",
    ),
)
