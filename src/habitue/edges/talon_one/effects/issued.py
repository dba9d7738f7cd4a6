"""What rules make, reserve and give away, on the wire."""

from collections.abc import Mapping

from habitue.edges.talon_one.effects.codes import CodeProps
from habitue.edges.talon_one.effects.props import Out, Props
from habitue.promotions import effects as house


class CouponCreatedProps(Props, omit_defaults=False):
    value: str
    profile_id: str


class ReserveCouponProps(Props, omit_defaults=False):
    coupon_value: str
    profile_integration_id: str
    is_new_reservation: bool


class WillAwardGiveawayProps(Props, omit_defaults=False):
    pool_id: int
    pool_name: str
    recipient_integration_id: str


class AwardGiveawayProps(WillAwardGiveawayProps):
    giveaway_id: int
    code: str


OUT: Mapping[type, Out] = {
    house.CouponCreated: (
        "couponCreated",
        lambda it: CouponCreatedProps(it.value, it.profile_id),
    ),
    house.ReferralCreated: ("referralCreated", lambda it: CodeProps(it.value)),
    house.ReserveCoupon: (
        "reserveCoupon",
        lambda it: ReserveCouponProps(it.value, it.profile_id, it.is_new),
    ),
    house.AwardGiveaway: (
        "awardGiveaway",
        lambda it: AwardGiveawayProps(
            it.pool_id, it.pool_name, it.profile_id, it.giveaway_id, it.code
        ),
    ),
    house.WillAwardGiveaway: (
        "willAwardGiveaway",
        lambda it: WillAwardGiveawayProps(it.pool_id, it.pool_name, it.profile_id),
    ),
}
