"""Taking redemptions of referral codes back."""

from collections.abc import Mapping

from habitue.promotions.effects import AcceptReferral, Effect, RollbackReferral
from habitue.promotions.rollback.reversal import Giving, Reversal


def _redeemed(outcome: AcceptReferral, _effect: Effect, giving: Giving) -> RollbackReferral | None:
    return RollbackReferral(outcome.value) if giving.referral_redeemed else None


REVERSALS: Mapping[type, Reversal] = {AcceptReferral: Reversal(_redeemed, at_returns=False)}
