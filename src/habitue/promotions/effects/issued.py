"""What comes to be by a rule, is reserved or given away; ids are those of the house."""

from typing import TypeAlias

import msgspec


class CouponCreated(msgspec.Struct, frozen=True, tag=True):
    value: str
    profile_id: str


class ReferralCreated(msgspec.Struct, frozen=True, tag=True):
    value: str


class ReserveCoupon(msgspec.Struct, frozen=True, tag=True):
    value: str
    profile_id: str
    is_new: bool


class AwardGiveaway(msgspec.Struct, frozen=True, tag=True):
    pool_id: int
    pool_name: str
    profile_id: str
    giveaway_id: int
    code: str


class WillAwardGiveaway(msgspec.Struct, frozen=True, tag=True):
    pool_id: int
    pool_name: str
    profile_id: str


IssuedOutcome: TypeAlias = (
    CouponCreated | ReferralCreated | ReserveCoupon | AwardGiveaway | WillAwardGiveaway
)
