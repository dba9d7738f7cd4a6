"""How often one customer may use coupons: per campaign, per coupon, and per calendar period."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from habitue.promotions.effects import AcceptCoupon, RejectCoupon
from habitue.usecases.configure.limits import LimitWish
from tests.building import Till, item, outcomes, rule, stored

FIVE_OFF = rule("couponValid()", 'setDiscount("5 off", 5)')
_CLOSED: dict[str, Any] = {"cart_items": [item("tea", 10)], "state": "closed"}


def per_profile(limit: int, period: Any = None) -> LimitWish:
    return LimitWish("redeemCoupon", Decimal(limit), ("Profile",), period)


def per_coupon(limit: int, period: Any = None) -> LimitWish:
    return LimitWish("redeemCoupon", Decimal(limit), ("Profile", "Coupon"), period)


class Shopper:
    """Sends one closed session after the other, each with codes."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._count = 0

    async def closes(self, *codes: str, profile_id: str = "maria") -> list[str]:
        """What became of the codes: the code itself, or why it was refused."""
        self._count += 1
        outcome = await self._till.put(
            f"s{self._count}", profile_id=profile_id, coupon_codes=codes, **_CLOSED
        )
        told = []
        for each in outcomes(outcome.decision.effects):
            if isinstance(each, AcceptCoupon):
                told.append(each.value)
            elif isinstance(each, RejectCoupon):
                told.append(each.reason)
        return told


async def test_a_limit_per_profile_counts_all_coupons_of_the_campaign(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF, limits=(per_profile(2),))
    for code in ("ONE", "TWO", "THREE"):
        await till.coupon(campaign, code, usage_limit=0)
    shopper = Shopper(till)
    assert await shopper.closes("ONE") == ["ONE"]
    assert await shopper.closes("TWO") == ["TWO"]
    assert await shopper.closes("THREE") == ["ProfileLimitReached"]
    assert await shopper.closes("ONE") == ["ProfileLimitReached"]
    assert await shopper.closes("ONE", profile_id="paul") == ["ONE"]
    assert len((await stored(till.shop.database))["redemption"]) == 3


async def test_a_limit_per_profile_counts_within_one_session_too(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF, limits=(per_profile(2),))
    for code in ("ONE", "TWO", "THREE"):
        await till.coupon(campaign, code)
    found = await Shopper(till).closes("THREE", "ONE", "TWO")
    assert found == ["THREE", "ONE", "ProfileLimitReached"]


async def test_a_limit_per_profile_and_coupon_counts_each_coupon(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF, limits=(per_coupon(1),))
    for code in ("ONE", "TWO"):
        await till.coupon(campaign, code, usage_limit=0)
    shopper = Shopper(till)
    assert await shopper.closes("ONE", "TWO") == ["ONE", "TWO"]
    assert await shopper.closes("ONE", "TWO") == ["ProfileLimitReached", "ProfileLimitReached"]
    assert await shopper.closes("ONE", profile_id="paul") == ["ONE"]


async def test_limits_of_a_coupon_replace_those_of_its_campaign(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF, limits=(per_profile(1),))
    await till.coupon(campaign, "OWN", usage_limit=0, limits=(per_profile(2),))
    await till.coupon(campaign, "PLAIN", usage_limit=0)
    shopper = Shopper(till)
    assert await shopper.closes("PLAIN") == ["PLAIN"]
    assert await shopper.closes("PLAIN") == ["ProfileLimitReached"]
    assert await shopper.closes("OWN") == ["OWN"]
    assert await shopper.closes("OWN") == ["OWN"]
    assert await shopper.closes("OWN") == ["ProfileLimitReached"]


async def test_campaigns_are_counted_apart(till: Till) -> None:
    for code in ("ONE", "TWO"):
        campaign = await till.campaign(FIVE_OFF, name=code, limits=(per_profile(1),))
        await till.coupon(campaign, code, usage_limit=0)
    shopper = Shopper(till)
    assert await shopper.closes("ONE", "TWO") == ["ONE", "TWO"]
    assert await shopper.closes("ONE", "TWO") == ["ProfileLimitReached", "ProfileLimitReached"]


async def test_a_limit_of_zero_refuses_everyone(till: Till) -> None:
    await till.coupon(await till.campaign(FIVE_OFF, limits=(per_profile(0),)))
    assert await Shopper(till).closes("SALE") == ["ProfileLimitReached"]


async def test_a_use_that_is_given_back_does_not_count(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF, limits=(per_profile(1),))
    await till.coupon(campaign, usage_limit=0)
    shopper = Shopper(till)
    assert await shopper.closes("SALE") == ["SALE"]
    assert await shopper.closes("SALE") == ["ProfileLimitReached"]
    await till.put("s1", state="cancelled")
    assert await shopper.closes("SALE") == ["SALE"]
    await till.reopen("s3")
    assert await shopper.closes("SALE") == ["SALE"]
    outcome = await till.put("s3", state="closed")
    assert outcomes(outcome.decision.effects) == [RejectCoupon("SALE", "ProfileLimitReached")]


async def test_a_coupon_without_redemption_uses_up_no_limit(till: Till) -> None:
    free = rule("couponValid(false)", 'setDiscount("5 off", 5)')
    await till.coupon(await till.campaign(free, limits=(per_profile(1),)))
    shopper = Shopper(till)
    for _ in range(3):
        assert await shopper.closes("SALE") == ["SALE"]


async def test_a_lowered_limit_holds_at_once(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF, limits=(per_profile(5),))
    await till.coupon(campaign, usage_limit=0)
    shopper = Shopper(till)
    assert await shopper.closes("SALE") == ["SALE"]
    await till.change_campaign(campaign, limits=(per_profile(1),))
    assert await shopper.closes("SALE") == ["ProfileLimitReached"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "period", "used", "still", "again"),
    [
        # an ordinary day
        ("Europe/Berlin", "daily", "2026-06-15T00:00:00+02:00", "2026-06-15T23:59:59.999999+02:00",
         "2026-06-16T00:00:00+02:00"),
        # 29 March 2026 has 23 hours in Berlin, 25 October has 25
        ("Europe/Berlin", "daily", "2026-03-29T00:00:00+01:00", "2026-03-29T23:59:59+02:00",
         "2026-03-30T00:00:00+02:00"),
        ("Europe/Berlin", "daily", "2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00",
         "2026-10-26T00:00:00+01:00"),
        # 8 March 2026 and 1 November 2026 in New York
        ("America/New_York", "daily", "2026-03-08T00:00:00-05:00", "2026-03-08T23:59:59-04:00",
         "2026-03-09T00:00:00-04:00"),
        ("America/New_York", "daily", "2026-11-01T00:00:00-04:00", "2026-11-01T23:59:59-05:00",
         "2026-11-02T00:00:00-05:00"),
        # Santiago springs forward at midnight: 6 September 2026 begins at 01:00
        ("America/Santiago", "daily", "2026-09-06T01:00:00-03:00", "2026-09-06T23:59:59-03:00",
         "2026-09-07T00:00:00-03:00"),
        ("America/Santiago", "daily", "2026-09-05T00:00:00-04:00", "2026-09-05T23:59:59-04:00",
         "2026-09-06T01:00:00-03:00"),
        # weeks begin on Monday
        ("Europe/Berlin", "weekly", "2026-10-19T00:00:00+02:00", "2026-10-25T23:59:59+01:00",
         "2026-10-26T00:00:00+01:00"),
        ("Asia/Kolkata", "weekly", "2026-06-15T00:00:00+05:30", "2026-06-21T23:59:59+05:30",
         "2026-06-22T00:00:00+05:30"),
        ("Europe/Berlin", "monthly", "2026-03-01T00:00:00+01:00", "2026-03-31T23:59:59+02:00",
         "2026-04-01T00:00:00+02:00"),
        ("Pacific/Auckland", "monthly", "2028-02-01T00:00:00+13:00", "2028-02-29T23:59:59+13:00",
         "2028-03-01T00:00:00+13:00"),
        ("America/New_York", "yearly", "2026-01-01T00:00:00-05:00", "2026-12-31T23:59:59-05:00",
         "2027-01-01T00:00:00-05:00"),
    ],
)  # fmt: skip
async def test_a_period_begins_with_the_calendar_of_the_application(
    till: Till, zone: str, period: str, used: str, still: str, again: str
) -> None:
    other = await Till.opened(till.shop.database, name="other", timezone=zone)
    campaign = await other.campaign(FIVE_OFF, limits=(per_profile(1, period),))
    await other.coupon(campaign, usage_limit=0)
    shopper = Shopper(other)
    found = []
    for moment in (used, still, again):
        other.now = at(moment)
        found.append(await shopper.closes("SALE"))
    assert found == [["SALE"], ["ProfileLimitReached"], ["SALE"]]


async def test_several_limits_hold_together(till: Till) -> None:
    limits = (per_profile(3), per_profile(2, "daily"), per_coupon(1, "daily"))
    campaign = await till.campaign(FIVE_OFF, limits=limits)
    for code in ("ONE", "TWO", "THREE"):
        await till.coupon(campaign, code, usage_limit=0)
    shopper = Shopper(till)
    assert await shopper.closes("ONE") == ["ONE"]
    assert await shopper.closes("ONE") == ["ProfileLimitReached"]
    assert await shopper.closes("TWO") == ["TWO"]
    assert await shopper.closes("THREE") == ["ProfileLimitReached"]
    till.wait(days=1)
    assert await shopper.closes("ONE") == ["ONE"]
    till.wait(days=1)
    assert await shopper.closes("ONE") == ["ProfileLimitReached"]
