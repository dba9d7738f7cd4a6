"""Effects that make codes, reserve coupons and give giveaways away.

What is made is paid for by the budgets of the campaign that it is made in, at once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from habitue.model.attributes import normalised
from habitue.model.limits import AMOUNT_MAX, COUPON_USAGE_LIMIT_MAX, INTEGRATION_ID_LENGTH_MAX
from habitue.promotions.campaign import Campaign
from habitue.promotions.coupon import Coupon
from habitue.promotions.creations import Made, Paid, ReservationChange
from habitue.promotions.effects import (
    AwardGiveaway,
    CouponCreated,
    ReferralCreated,
    ReserveCoupon,
    WillAwardGiveaway,
)
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.giveaways import GiveawayPool, made_of
from habitue.promotions.host.words import plain
from habitue.promotions.referral import Referral
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import EFFECT, MAP, NUMBER, STRING, TIME

_ONE = Decimal(1)
_RECIPIENTS = ("Current", "Advocate")


def create_coupon(
    frame: Evaluation,
    campaign_id: Decimal,
    recipient_id: str,
    usage_limit: Decimal = _ONE,
    discount_limit: Decimal = Decimal(0),
    start_date: datetime | None = None,
    expiry_date: datetime | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Makes a coupon in that campaign of the application, for that profile or for nobody."""
    campaign = _campaign(frame, campaign_id)
    creations = frame.issuing_or_fail().creations
    position = creations.position(frame.cause, _coupon_id(frame))
    made = creations.made("coupon", position)
    if made is not None:
        frame.add(CouponCreated(made.code, recipient_id))
        return
    _pay(frame, campaign.id, "createCoupon")
    id_ = creations.next_id("coupon")
    coupon = Coupon(
        id=id_,
        application_id=campaign.application_id,
        campaign_id=campaign.id,
        code=creations.code(id_, campaign.coupon_settings),
        created=frame.now,
        usage_limit=_whole(usage_limit, "usage limit"),
        discount_limit=_amount(discount_limit),
        start_date=_instant(start_date),
        expiry_date=_instant(expiry_date),
        attributes=_attributes(attributes),
        recipient_integration_id=_profile_id(recipient_id),
    )
    creations.add(coupon, Paid(campaign.id, _coupon_id(frame), "createCoupon"))
    creations.note(Made("coupon", position, coupon.code))
    frame.add(CouponCreated(coupon.code, recipient_id))


def create_referral(
    frame: Evaluation,
    campaign_id: Decimal,
    friend_id: str = "",
    usage_limit: Decimal = _ONE,
    start_date: datetime | None = None,
    expiry_date: datetime | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Makes a referral code of the customer in that campaign, for that friend or for any."""
    campaign = _campaign(frame, campaign_id)
    advocate_id = _current(frame)
    creations = frame.issuing_or_fail().creations
    position = creations.position(frame.cause, _coupon_id(frame))
    made = creations.made("referral", position)
    if made is not None:
        frame.add(ReferralCreated(made.code))
        return
    _pay(frame, campaign.id, "createReferral")
    id_ = creations.next_id("referral")
    referral = Referral(
        id=id_,
        application_id=campaign.application_id,
        campaign_id=campaign.id,
        code=creations.code(id_, campaign.referral_settings),
        created=frame.now,
        advocate_id=advocate_id,
        advocate_key=frame.issuing_or_fail().claim_of(advocate_id),
        friend_id=_profile_id(friend_id),
        usage_limit=_whole(usage_limit, "usage limit"),
        start_date=_instant(start_date),
        expiry_date=_instant(expiry_date),
        attributes=_attributes(attributes),
    )
    creations.add(referral, Paid(campaign.id, _coupon_id(frame), "createReferral"))
    creations.note(Made("referral", position, referral.code))
    frame.add(ReferralCreated(referral.code))


def reserve_coupon(frame: Evaluation) -> None:
    """Reserves the coupon that the rule is tried for, for the customer, within its limit."""
    profile_id, coupon = _current(frame), frame.coupon
    if coupon is None:
        raise RuleFailed("the rule is not tried for a coupon")
    creations = frame.issuing_or_fail().creations
    if coupon.is_reserved or creations.reserves(coupon.id):
        frame.add(ReserveCoupon(coupon.code, profile_id, is_new=False))
        return
    if coupon.reservation_limit and coupon.reservation_counter >= coupon.reservation_limit:
        raise RuleFailed("the coupon is reserved as often as it can be")
    _pay(frame, coupon.campaign_id, "reserveCoupon")
    change = ReservationChange(
        coupon.application_id, coupon.code, coupon.id, coupon.campaign_id, profile_id
    )
    creations.add(change, Paid(coupon.campaign_id, coupon.id, "reserveCoupon"))
    frame.add(ReserveCoupon(coupon.code, profile_id, is_new=True))


def award_giveaway(frame: Evaluation, pool_id: Decimal, profile: str = "Current") -> None:
    """Gives a code of the pool to the customer, or to the advocate of the session's code."""
    pool = _pool(frame, pool_id)
    profile_id, claim_key = _recipient(frame, profile)
    issuing = frame.issuing_or_fail()
    creations, giveaways = issuing.creations, issuing.giveaways
    position = creations.position(frame.cause, _coupon_id(frame))
    made = creations.made("giveaway", position)
    if made is not None:
        frame.add(AwardGiveaway(pool.id, pool.name, profile_id, made.id, made.code))
        return
    campaign_id = frame.cause[0]
    _pay(frame, campaign_id, "awardGiveaway")
    giveaway = giveaways.take(pool, profile_id, claim_key)
    if not giveaways.closes:
        frame.add(WillAwardGiveaway(pool.id, pool.name, profile_id))
        return
    creations.pay(Paid(campaign_id, _coupon_id(frame), "awardGiveaway"))
    creations.note(made_of(giveaway, position))
    frame.add(AwardGiveaway(pool.id, pool.name, profile_id, giveaway.id, giveaway.code))


def _pay(frame: Evaluation, campaign_id: int, action: str) -> None:
    if frame.tally is not None:
        frame.tally.take(campaign_id, _coupon_id(frame), action, _ONE)


def _coupon_id(frame: Evaluation) -> int:
    return frame.coupon.id if frame.coupon else 0


def _campaign(frame: Evaluation, campaign_id: Decimal) -> Campaign:
    campaign = frame.issuing_or_fail().campaigns.get(_whole(campaign_id, "id of a campaign", 2**53))
    if campaign is None:
        raise RuleFailed(f"campaign {campaign_id} does not exist in this application")
    return campaign


def _pool(frame: Evaluation, pool_id: Decimal) -> GiveawayPool:
    pool = frame.issuing_or_fail().pools.get(_whole(pool_id, "id of a pool", 2**53))
    if pool is None:
        raise RuleFailed(f"giveaway pool {pool_id} does not serve this application")
    return pool


def _current(frame: Evaluation) -> str:
    if frame.profile is None:
        raise RuleFailed("there is no profile")
    return frame.profile.integration_id


def _recipient(frame: Evaluation, profile: str) -> tuple[str, str | None]:
    if profile not in _RECIPIENTS:
        raise RuleFailed(f"{profile!r} is nobody; a giveaway is for {' or '.join(_RECIPIENTS)}")
    if profile == "Current":
        return _current(frame), None
    issuing = frame.issuing_or_fail()
    if issuing.advocate is None:
        raise RuleFailed("there is no advocate")
    advocate_id = issuing.advocate.integration_id
    return advocate_id, issuing.claim_of(advocate_id)


def _whole(number: Decimal, what: str, most: int = COUPON_USAGE_LIMIT_MAX) -> int:
    if number != number.to_integral_value() or not 0 <= number <= most:
        raise RuleFailed(f"{number} cannot be the {what}")
    return int(number)


def _amount(number: Decimal) -> Decimal:
    if not number.is_finite() or not 0 <= number <= AMOUNT_MAX:
        raise RuleFailed(f"{number} cannot be a discount limit")
    return number


def _instant(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _profile_id(profile_id: str) -> str:
    if len(profile_id) > INTEGRATION_ID_LENGTH_MAX or "\0" in profile_id:
        raise RuleFailed("this cannot be the id of a profile")
    return profile_id


def _attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return normalised({key: plain(value) for key, value in (attributes or {}).items()})


_DATES = (("startDate", TIME), ("expiryDate", TIME), ("attributes", MAP))
FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "createCoupon",
        (
            ("campaignId", NUMBER),
            ("recipientIntegrationId", STRING),
            ("usageLimit", NUMBER),
            ("discountLimit", NUMBER),
            *_DATES,
        ),
        EFFECT,
        create_coupon,
        optional=5,
        description="Makes a coupon in a campaign, for a profile or, with no id, for anybody.",
    ),
    HostFunction(
        "createReferral",
        (
            ("campaignId", NUMBER),
            ("friendIntegrationId", STRING),
            ("usageLimit", NUMBER),
            *_DATES,
        ),
        EFFECT,
        create_referral,
        optional=5,
        description="Makes a referral code of the customer in a campaign.",
    ),
    HostFunction(
        "reserveCoupon",
        (),
        EFFECT,
        reserve_coupon,
        feature="coupons",
        description="Reserves the coupon at hand for the customer.",
    ),
    HostFunction(
        "awardGiveaway",
        (("poolId", NUMBER), ("profile", STRING)),
        EFFECT,
        award_giveaway,
        optional=1,
        feature="giveaways",
        description="Gives a code of a pool away, to Current or to Advocate.",
    ),
)
