"""Taking effects back when a closed session is cancelled or reopened.

Discounts and coupon redemptions are rolled back, one rollback effect for each; free items, custom
effects, notifications and attribute updates stay as they are (contracts/talon_one/SEMANTICS.md
sections 3.5 and 3.6).
"""

from collections.abc import Iterable

import msgspec

from habitue.promotions.effects import (
    AcceptCoupon,
    Effect,
    Outcome,
    RollbackCoupon,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerItem,
)


def rollbacks_of(
    effects: Iterable[Effect], redeemed_coupon_ids: frozenset[int]
) -> tuple[Effect, ...]:
    """The rollback effects for what a closed session gave, among it the coupons it redeemed."""
    return tuple(
        msgspec.structs.replace(effect, outcome=rollback)
        for effect in effects
        if (rollback := _rollback(effect, redeemed_coupon_ids)) is not None
    )


def standing(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """The effects that stay when a closed session is cancelled or reopened."""
    return tuple(
        effect
        for effect in effects
        if not isinstance(
            effect.outcome,
            (AcceptCoupon, SetDiscount, SetDiscountPerItem, SetDiscountPerAdditionalCost),
        )
    )


def _rollback(effect: Effect, redeemed_coupon_ids: frozenset[int]) -> Outcome | None:
    match effect.outcome:
        case AcceptCoupon(value=code) if effect.coupon_id in redeemed_coupon_ids:
            return RollbackCoupon(code)
        case SetDiscount(name=name, value=value):
            return RollbackDiscount(name, value)
        case SetDiscountPerItem(name=name, value=value, position=line, sub_position=unit):
            return RollbackDiscount(name, value, line, unit)
        case SetDiscountPerAdditionalCost(
            name=name, value=value, additional_cost_id=cost_id, additional_cost=cost
        ):
            return RollbackDiscount(name, value, additional_cost_id=cost_id, additional_cost=cost)
    return None
