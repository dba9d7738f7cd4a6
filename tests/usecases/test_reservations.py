"""Coupons that are worth an amount, and coupons that are kept for customers."""

from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import NotFound
from habitue.promotions.effects import SetDiscount
from habitue.usecases.reserve_coupon import reserve_coupon, reserved_customers
from habitue.usecases.session_state import SessionOutcome
from tests.building import Till, item, outcomes, rule
from tests.usecases.test_budgets import accepted, closes, given, rejected

GIFT = rule("couponValid()", 'setDiscount("gift card", 20)')


async def reserve(till: Till, *profile_ids: str, reserves: bool = True) -> int:
    """The counter of SALE after it is reserved for them, or for them no more."""
    application_id = till.application.id
    coupon = await reserve_coupon(
        till.shop, application_id, "SALE", profile_ids, till.now, reserves=reserves
    )
    return coupon.reservation_counter


async def holders(till: Till) -> list[str]:
    found = await reserved_customers(till.shop, till.application.id, "SALE", till.now)
    return [each.profile_id for each in found]


def worth(outcome: SessionOutcome) -> tuple[int, int]:
    """The discount, and what the coupon counts of its limit then."""
    (coupon,) = outcome.coupons_after()
    return int(given(outcome)), int(coupon.discount_counter)


async def test_a_gift_card_gives_what_it_is_worth_and_gets_it_back(till: Till) -> None:
    campaign = await till.campaign(GIFT)
    await till.coupon(campaign, usage_limit=0, discount_limit=Decimal(50))
    codes: dict[str, Any] = {"coupon_codes": ("SALE",)}
    assert worth(await closes(till, "s1", **codes)) == (20, 20)
    assert worth(await till.put("open", cart_items=[item("tea", 50)], **codes)) == (20, 20)
    assert worth(await closes(till, "s2", **codes)) == (20, 40)
    refused = await closes(till, "s3", **codes)
    assert rejected(refused) == ["EffectCouldNotBeApplied"]
    assert rejected(await till.put("open", state="closed")) == ["EffectCouldNotBeApplied"]
    cancelled = await till.put("s1", state="cancelled")
    assert [each.discount_counter for each in cancelled.coupons_after()] == [20]
    assert worth(await closes(till, "s4", **codes)) == (20, 40)
    stored = await till.shop.database.fetchrow("SELECT discount_counter FROM coupon")
    assert stored is not None
    assert stored["discount_counter"] == 40


async def test_a_reservation_that_is_mandatory_decides_who_may_use_a_coupon(till: Till) -> None:
    campaign = await till.campaign(GIFT)
    await till.coupon(campaign, usage_limit=0, is_reservation_mandatory=True)
    codes: dict[str, Any] = {"coupon_codes": ("SALE",)}
    assert await reserve(till, "maria", "maria", "paul") == 2
    assert await reserve(till, "maria") == 2
    assert await holders(till) == ["maria", "paul"]
    assert accepted(await closes(till, "s1", profile_id="maria", **codes)) == ["SALE"]
    other = await closes(till, "s2", profile_id="anna", **codes)
    assert rejected(other) == ["CouponReservationRequired"]
    assert rejected(await closes(till, "s3", **codes)) == ["ProfileRequired"]
    assert await reserve(till, "maria", "anna", reserves=False) == 1
    again = await closes(till, "s4", profile_id="maria", **codes)
    assert rejected(again) == ["CouponReservationRequired"]
    assert await holders(till) == ["paul"]


async def test_a_reservation_that_is_not_mandatory_keeps_nobody_away(till: Till) -> None:
    await till.coupon(await till.campaign(GIFT), usage_limit=0, reservation_limit=1)
    assert await reserve(till, "maria", "paul") == 2
    outcome = await closes(till, "s1", profile_id="anna", coupon_codes=("SALE",))
    assert outcomes(outcome.decision.effects)[1] == SetDiscount("gift card", Decimal(20))


async def test_a_coupon_that_is_not_there_is_reserved_for_nobody(till: Till) -> None:
    with pytest.raises(NotFound):
        await reserve(till, "maria")
    with pytest.raises(NotFound):
        await holders(till)
    assert await till.shop.database.fetchval("SELECT count(*) FROM customer") == 0
