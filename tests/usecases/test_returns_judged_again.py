"""Returns after which the rules are run again over what the customer keeps."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from habitue.promotions.effects import (
    AcceptCoupon,
    AddFreeItem,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerItem,
    ShowNotification,
)
from habitue.promotions.returned import ReturnWish
from habitue.usecases.configure.limits import LimitWish
from tests.building import Till, item, outcomes, rule, stored
from tests.usecases.test_returns import TOTAL, books, buy


async def judging(till: Till, *rules: dict[str, Any], **fields: Any) -> Any:
    """A campaign that is evaluated again when something returns."""
    return await till.campaign(*rules, reevaluate_on_return=True, **fields)


async def test_the_rules_are_run_again_over_what_is_left(till: Till) -> None:
    await judging(
        till,
        rule("session.total >= 50", 'setDiscount("tenth", session.total * 0.1)'),
        rule("session.cart_total >= 60", 'setDiscount("large", 2)', 'addFreeItem("cup", "cup")'),
        rule("true", 'setDiscountPerItem("one off", 1)'),
    )
    await till.campaign(rule("session.total >= 60", 'setDiscount("as bought", 3)'))
    await buy(till)
    outcome = await till.give_back("s1", ReturnWish(0, None, 1), run_rules=True)
    assert outcomes(outcome.decision.effects) == [
        RollbackDiscount("one off#0", Decimal(1), 0, 0),
        RollbackDiscount("tenth", Decimal("6.75")),
        RollbackDiscount("large", Decimal(2)),
        SetDiscount("tenth", Decimal("5.5")),
    ]
    standing = outcomes((await till.read()).effects)
    assert AddFreeItem("cup", "cup") in standing
    assert SetDiscount("as bought", Decimal(3)) in standing
    assert len([each for each in standing if isinstance(each, SetDiscountPerItem)]) == 5
    outcome = await till.give_back("s1", ReturnWish(1), run_rules=True)
    assert outcomes(outcome.decision.effects) == [
        RollbackDiscount("one off#1", Decimal(1), 1, 0),
        RollbackDiscount("tenth", Decimal("5.5")),
    ]
    assert await books(till) == [(1, 1, Decimal(35))]


async def test_shares_are_split_anew_among_what_is_left(till: Till) -> None:
    await judging(till, rule("true", 'setDiscountPerItemProRata("shared", 6)'))
    await buy(till, cart_items=[item("tea", 10, 3)])
    outcome = await till.give_back("s1", ReturnWish(0, None, 1), run_rules=True)
    assert outcomes(outcome.decision.effects) == [
        RollbackDiscount("shared#0", Decimal(2), 0, 0),
        RollbackDiscount("shared#0", Decimal(2), 0, 1),
        RollbackDiscount("shared#0", Decimal(2), 0, 2),
        SetDiscountPerItem("shared#0", Decimal(3), 0, 1, Decimal(6)),
        SetDiscountPerItem("shared#0", Decimal(3), 0, 2, Decimal(6)),
    ]


async def test_a_coupon_is_judged_as_when_it_was_accepted(till: Till) -> None:
    """Used up, expired since, and its personal limit reached since: it was good at closing."""
    wish = LimitWish("redeemCoupon", Decimal(1), ("Profile",), "daily")
    campaign = await judging(
        till,
        rule("couponValid()", 'setDiscount("tenth", session.total * 0.1)'),
        limits=(wish,),
    )
    expiry = till.now + timedelta(hours=30)
    await till.coupon(campaign, usage_limit=2, expiry_date=expiry)
    await buy(till, coupon_codes=["SALE"])
    till.wait(days=1)
    await buy(till, "s2", coupon_codes=["SALE"])
    till.wait(days=9)
    outcome = await till.give_back("s1", ReturnWish(1), run_rules=True)
    assert outcomes(outcome.decision.effects) == [
        RollbackDiscount("tenth", Decimal("6.75")),
        SetDiscount("tenth", Decimal("4.75")),
    ]
    assert outcomes((await till.read()).effects) == [
        AcceptCoupon("SALE"),
        SetDiscount("tenth", Decimal("4.75")),
    ]
    assert [each["usage_counter"] for each in (await stored(till.shop.database))["coupon"]] == [2]
    assert await books(till) == [(2, 2, Decimal("47.50") + TOTAL)]


async def test_a_coupon_whose_rule_holds_no_more_stays_redeemed(till: Till) -> None:
    campaign = await judging(
        till, rule("session.total >= 60 and couponValid()", 'setDiscount("five", 5)')
    )
    await till.coupon(campaign)
    await buy(till, coupon_codes=["SALE"])
    outcome = await till.give_back("s1", ReturnWish(1), run_rules=True)
    assert outcomes(outcome.decision.effects) == [RollbackDiscount("five", Decimal(5))]
    assert outcomes((await till.read()).effects) == [AcceptCoupon("SALE")]
    assert len((await stored(till.shop.database))["redemption"]) == 1
    assert await books(till) == [(1, 1, Decimal("47.50"))]


async def test_nobody_loses_a_discount_because_a_coupon_was_deleted(till: Till) -> None:
    campaign = await judging(till, rule("couponValid()", 'setDiscount("five", 5)'))
    coupon = await till.coupon(campaign)
    await buy(till, coupon_codes=["SALE"])
    await till.withdraw(coupon)
    outcome = await till.give_back("s1", ReturnWish(1), run_rules=True)
    assert outcome.decision.effects == ()


@pytest.mark.parametrize("change", ["ended", "disabled", "not evaluated again"])
async def test_which_campaigns_are_evaluated_again(till: Till, change: str) -> None:
    """One that ran when the session closed, that still may, and that asks for it."""
    end = till.now + timedelta(days=1)
    campaign = await till.campaign(
        rule("true", 'setDiscount("tenth", session.total * 0.1)'),
        reevaluate_on_return=change != "not evaluated again",
        end_time=end,
    )
    await buy(till)
    till.wait(days=2)
    if change == "disabled":
        await till.change_campaign(campaign, state="disabled")
    outcome = await till.give_back("s1", ReturnWish(1), run_rules=True)
    changes = [
        RollbackDiscount("tenth", Decimal("6.75")),
        SetDiscount("tenth", Decimal("4.75")),
    ]
    assert outcomes(outcome.decision.effects) == (changes if change == "ended" else [])


async def test_the_first_purchase_is_still_the_first_one(till: Till) -> None:
    """The session itself does not count for what its own rules read of the customer."""
    await judging(
        till,
        rule("profile.closed_sessions == 0 and profile.total_sales == 0", 'setDiscount("new", 5)'),
        rule("true", 'showNotification("Info", "hello", "you")'),
    )
    await buy(till)
    for wish in (ReturnWish(0, None, 1), ReturnWish(1)):
        outcome = await till.give_back("s1", wish, run_rules=True)
        assert outcome.decision.effects == ()
    assert outcomes((await till.read()).effects) == [
        SetDiscount("new", Decimal(5)),
        ShowNotification("Info", "hello", "you"),
    ]
