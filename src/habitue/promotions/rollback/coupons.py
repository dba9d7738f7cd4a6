"""Taking redemptions of coupons back."""

from collections.abc import Mapping

from habitue.promotions.effects import AcceptCoupon, Effect, RollbackCoupon
from habitue.promotions.rollback.reversal import Giving, Reversal


def _redeemed(outcome: AcceptCoupon, effect: Effect, giving: Giving) -> RollbackCoupon | None:
    redeemed = effect.coupon_id in giving.redeemed_coupon_ids
    return RollbackCoupon(outcome.value) if redeemed else None


REVERSALS: Mapping[type, Reversal] = {AcceptCoupon: Reversal(_redeemed, at_returns=False)}
