"""What becomes of coupon codes."""

from typing import TypeAlias

import msgspec


class AcceptCoupon(msgspec.Struct, frozen=True, tag=True):
    value: str


class RejectCoupon(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    value: str
    reason: str
    condition_index: int | None = None
    effect_index: int | None = None
    details: str | None = None
    exclusion_reason: str | None = None


class RollbackCoupon(msgspec.Struct, frozen=True, tag=True):
    value: str


CouponOutcome: TypeAlias = AcceptCoupon | RejectCoupon | RollbackCoupon
