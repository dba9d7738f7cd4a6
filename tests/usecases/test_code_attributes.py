"""Attributes of coupons and referral codes that rules set."""

from decimal import Decimal
from typing import Any

import msgspec

from habitue.promotions.effects import SetDiscount, UpdateAttribute
from habitue.promotions.evaluate import Purpose
from habitue.usecases.configure.coupon_checks import CouponFields
from habitue.usecases.configure.coupons import update_coupon
from tests.building import Till, item, outcomes, rule
from tests.usecases.test_budgets import closes
from tests.usecases.test_issuing import refer


async def stored(till: Till, table: str) -> dict[str, Any]:
    """The attributes of each code."""
    rows = await till.shop.database.fetch(f"SELECT code, attributes FROM {table}")
    return {each["code"]: msgspec.json.decode(each["attributes"]) for each in rows}


async def test_a_rule_sets_attributes_of_the_coupon_that_it_is_tried_for(till: Till) -> None:
    await till.attribute("Coupon", "seen", "number")
    await till.attribute("Coupon", "last", "time")
    await till.attribute("Coupon", "note", "string")
    campaign = await till.campaign(
        rule(
            "couponValid()",
            'updateAttribute("Coupon.Attributes.seen", 1, "increaseBy")',
            'updateAttribute("Coupon.Attributes.seen", 2, "multiplyBy")',
            'updateAttribute("Coupon.Attributes.last", now)',
        ),
        rule(
            'couponValid() and coupon.attributes["seen"] >= 2',
            'setDiscount("again", coupon.attributes["seen"])',
        ),
        rule("couponValid()", 'updateAttribute("Coupon.Attributes.seen", "many")'),
    )
    for code in ("ONE", "TWO"):
        await till.coupon(campaign, code, usage_limit=0)
    cart: dict[str, Any] = {"cart_items": [item("tea", 50)]}
    dry = await till.put("s0", purpose=Purpose(dry=True), coupon_codes=["ONE"], **cart)
    first = await till.put("s1", coupon_codes=["ONE"], **cart)
    for outcome in (dry, first):
        updates = [e for e in outcomes(outcome.decision.effects) if isinstance(e, UpdateAttribute)]
        assert updates == [
            UpdateAttribute("Coupon.Attributes.seen", Decimal(1)),
            UpdateAttribute("Coupon.Attributes.seen", Decimal(2)),
            UpdateAttribute("Coupon.Attributes.last", "2026-06-15T12:00:00Z"),
        ]
    last = {"last": "2026-06-15T12:00:00Z"}
    assert await stored(till, "coupon") == {"ONE": {"seen": 2, **last}, "TWO": {}}
    assert [each.attributes for each in first.coupons_after()] == [{"seen": Decimal(2), **last}]

    # each update of an open session sets them, each code has its own, and the rest reads them
    both = await closes(till, "s1", coupon_codes=["TWO", "ONE"])
    assert await stored(till, "coupon") == {"ONE": {"seen": 6, **last}, "TWO": {"seen": 2, **last}}
    given = [e for e in outcomes(both.decision.effects) if isinstance(e, SetDiscount)]
    assert given == [SetDiscount("again", Decimal(2))]

    # they stay when the session is taken back, and beside what staff write
    await till.put("s1", state="cancelled")
    assert (await stored(till, "coupon"))["ONE"] == {"seen": 6, **last}
    coupon = next(each for each in both.coupons_after() if each.code == "TWO")
    fields = CouponFields(attributes={"note": "by hand"})
    place = till.application.id, campaign.id, coupon.id
    await update_coupon(till.shop, *place, fields, till.now)
    await closes(till, "s2", coupon_codes=["TWO"])
    assert (await stored(till, "coupon"))["TWO"] == {"note": "by hand", "seen": 2, **last}


async def test_a_rule_that_fails_sets_nothing_and_neither_does_one_without_a_code(
    till: Till,
) -> None:
    await till.attribute("Coupon", "seen", "number")
    campaign = await till.campaign(
        rule(
            "couponValid()", 'updateAttribute("Coupon.Attributes.seen", 1)', "setDiscount('x', 1/0)"
        ),
        rule("true", 'updateAttribute("Coupon.Attributes.seen", 2)'),
        rule("true", 'updateAttribute("Referral.Attributes.seen", 2)'),
        rule("couponValid()", 'updateAttribute("Coupon.Attributes.unknown", 2)'),
        rule("couponValid()", 'updateAttribute("Advocate.Attributes.seen", 2)'),
    )
    await till.coupon(campaign, "ONE")
    outcome = await closes(till, "s1", coupon_codes=["ONE"])
    found = outcomes(outcome.decision.effects)
    assert [each for each in found if isinstance(each, UpdateAttribute)] == []
    assert await stored(till, "coupon") == {"ONE": {}}


async def test_a_rule_sets_and_reads_attributes_of_the_referral_code(till: Till) -> None:
    await till.attribute("Referral", "friends", "number")
    campaign = await till.campaign(
        rule(
            "referralValid()",
            'updateAttribute("Referral.Attributes.friends", 1, "increaseBy")',
        ),
        rule('referralValid() and referral.attributes["friends"] >= 1', 'setDiscount("more", 3)'),
    )
    made = await refer(till, campaign)
    more = SetDiscount("more", Decimal(3))
    found = [
        more
        in outcomes(
            (await closes(till, each, profile_id=each, referral_code=made.code)).decision.effects
        )
        for each in ("paul", "anna")
    ]
    assert found == [False, True]
    assert await stored(till, "referral") == {made.code: {"friends": 2}}
