"""Rules that ask for a coupon in other ways than needing it."""

from decimal import Decimal

from habitue.promotions.effects import AcceptCoupon, RejectCoupon, SetDiscount
from tests.building import Till, item, outcomes, rule

CART = [item("tea", 10)]
ONE = SetDiscount("one", Decimal(1))


async def test_a_rule_for_carts_without_a_coupon(till: Till) -> None:
    """`not couponValid()` must not hold where a coupon that can be used was submitted."""
    campaign = await till.campaign(rule("not couponValid()", 'setDiscount("one", 1)'))
    await till.coupon(campaign, "SALE")
    without = await till.put("without", cart_items=CART)
    assert outcomes(without.decision.effects) == [ONE]
    unknown = await till.put("unknown", cart_items=CART, coupon_codes=["NOPE"])
    assert outcomes(unknown.decision.effects) == [ONE, RejectCoupon("NOPE", "CouponNotFound")]
    submitted = await till.put("with", cart_items=CART, coupon_codes=["SALE"])
    (effect,) = outcomes(submitted.decision.effects)
    assert effect == RejectCoupon("SALE", "CouponRejectedByCondition", 0)


async def test_the_first_spelling_of_a_code_is_answered(till: Till) -> None:
    till = await Till.opened(
        till.shop.database, name="other", case_sensitivity="insensitive-uppercase"
    )
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("one", 1)'))
    await till.coupon(campaign, "SALE")
    outcome = await till.put(cart_items=CART, coupon_codes=["Sale", "SALE", "sale"])
    assert outcomes(outcome.decision.effects) == [AcceptCoupon("Sale"), ONE]
