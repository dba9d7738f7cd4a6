"""A cart becomes effects, on a real database."""

from decimal import Decimal

import pytest

from habitue.model.errors import InvalidInput
from habitue.promotions.effects import (
    AcceptCoupon,
    RejectCoupon,
    SetDiscount,
    SetDiscountPerItem,
)
from habitue.promotions.evaluate import Purpose
from tests.building import Till, item, outcomes, rule, stored


async def test_a_discount_when_the_total_is_reached(till: Till) -> None:
    await till.campaign(rule("session.total >= 100", 'setDiscount("10% off", session.total * 0.1)'))
    outcome = await till.put(profile_id="maria", cart_items=[item("tea", "99.99", 2)])
    assert outcomes(outcome.decision.effects) == [SetDiscount("10% off", Decimal("19.998"))]
    assert outcome.decision.session.totals.total == Decimal("199.98")
    assert outcome.decision.event_type == "talon_session_created"


async def test_no_discount_below_it(till: Till) -> None:
    await till.campaign(rule("session.total >= 100", 'setDiscount("10% off", session.total * 0.1)'))
    outcome = await till.put(cart_items=[item("tea", "49.99", 2)])
    assert outcome.decision.effects == ()


async def test_one_effect_per_unit_with_its_position(till: Till) -> None:
    await till.campaign(rule("true", 'setDiscountPerItem("half", lambda item: item.price * 0.5)'))
    outcome = await till.put(cart_items=[item("a", 10), item("b", 3, 2)])
    assert outcomes(outcome.decision.effects) == [
        SetDiscountPerItem("half#0", Decimal(5), 0, 0),
        SetDiscountPerItem("half#1", Decimal("1.5"), 1, 0),
        SetDiscountPerItem("half#1", Decimal("1.5"), 1, 1),
    ]


async def test_a_coupon_is_accepted_and_redeemed_when_the_session_closes(till: Till) -> None:
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign, "SALE")
    outcome = await till.put(cart_items=[item("a", 10)], coupon_codes=["SALE"])
    assert outcomes(outcome.decision.effects) == [
        AcceptCoupon("SALE"),
        SetDiscount("5 off", Decimal(5)),
    ]
    before = await stored(till.shop.database)
    assert before["redemption"] == []
    closed = await till.put(state="closed")
    assert outcomes(closed.decision.effects) == outcomes(outcome.decision.effects)
    after = await stored(till.shop.database)
    assert [each["code"] for each in after["redemption"]] == ["SALE"]
    assert after["coupon"][0]["usage_counter"] == 1
    other = await till.put("s2", cart_items=[item("a", 10)], coupon_codes=["SALE"])
    assert outcomes(other.decision.effects) == [RejectCoupon("SALE", "CouponLimitReached")]


async def test_a_dry_run_stores_nothing(till: Till) -> None:
    await till.campaign(rule("true", 'setDiscount("1 off", 1)'))
    await till.put("s1", profile_id="maria", cart_items=[item("a", 10)])
    before = await stored(till.shop.database)
    outcome = await till.put(
        "s1", purpose=Purpose(dry=True), profile_id="new", state="closed", cart_items=[item("b", 2)]
    )
    assert outcomes(outcome.decision.effects) == [SetDiscount("1 off", Decimal(1))]
    assert await stored(till.shop.database) == before


async def test_a_closed_session_cannot_be_edited(till: Till) -> None:
    await till.put(cart_items=[item("a", 10)], state="closed")
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput) as refusal:
        await till.put(cart_items=[item("a", 1)])
    assert refusal.value.faults[0].pointer == "/customerSession/state"
    assert await stored(till.shop.database) == before


async def test_the_profile_of_a_closed_session_cannot_change(till: Till) -> None:
    await till.put(profile_id="maria", cart_items=[item("a", 10)], state="closed")
    before = await stored(till.shop.database)
    for other in ("paul", ""):
        with pytest.raises(InvalidInput) as refusal:
            await till.put(profile_id=other, state="cancelled")
        assert refusal.value.faults[0].pointer == "/customerSession/profileId"
    assert await stored(till.shop.database) == before
    outcome = await till.put(profile_id="maria", state="cancelled")
    assert outcome.decision.event_type == "talon_session_revoked"
