"""Coupons: accepted, or refused with exactly one reason; used up by closing, given back after."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from habitue.promotions.campaign import CaseSensitivity
from habitue.promotions.effects import NO_CAMPAIGN, AcceptCoupon, RejectCoupon, SetDiscount
from habitue.promotions.evaluate import Purpose
from habitue.usecases.configure.campaigns import CampaignFields, create_campaign
from habitue.usecases.configure.limits import LimitWish
from tests.building import NOW, Till, item, outcomes, rule, stored

CART = [item("tea", 10)]
FIVE_OFF = rule("couponValid()", 'setDiscount("5 off", 5)')
PER_PROFILE = LimitWish("redeemCoupon", Decimal(1), ("Profile",))
DISCOUNT = SetDiscount("5 off", Decimal(5))
HOUR = timedelta(hours=1)


async def submitted(till: Till, *codes: str, **fields: Any) -> list[Any]:
    """What becomes of the codes in a new open session."""
    outcome = await till.put("probe", **{"cart_items": CART, "coupon_codes": codes, **fields})
    return outcomes(outcome.decision.effects)


async def counters(till: Till) -> dict[str, int]:
    """Usage counters by code, after checking that they equal the redemptions that stand."""
    tables = await stored(till.shop.database)
    for coupon in tables["coupon"]:
        standing = [each for each in tables["redemption"] if each["coupon_id"] == coupon["id"]]
        assert coupon["usage_counter"] == len(standing)
    return {coupon["code"]: coupon["usage_counter"] for coupon in tables["coupon"]}


async def test_an_unknown_code_belongs_to_no_campaign(till: Till) -> None:
    outcome = await till.put(cart_items=CART, coupon_codes=["NONE"])
    (effect,) = outcome.decision.effects
    assert effect.campaign_id == NO_CAMPAIGN
    assert (effect.ruleset_id, effect.rule_index, effect.rule_name) == (0, 0, "")
    assert effect.coupon_id is None
    assert effect.outcome == RejectCoupon("NONE", "CouponNotFound")


async def test_a_code_of_another_application_is_unknown(till: Till) -> None:
    other = await Till.opened(till.shop.database, name="other")
    await other.coupon(await other.campaign(FIVE_OFF))
    await till.shop.refresh()
    assert await submitted(till, "SALE") == [RejectCoupon("SALE", "CouponNotFound")]


@pytest.mark.parametrize(
    ("fields", "accepted"),
    [
        ({"state": "disabled"}, False),
        ({"state": "archived"}, False),
        ({"start_time": NOW + HOUR}, False),
        ({"start_time": NOW}, True),
        ({"end_time": NOW}, False),
        ({"end_time": NOW + timedelta(microseconds=1)}, True),
        ({"active_ruleset_id": None}, False),
    ],
)
async def test_a_code_of_a_campaign_that_does_not_run(
    till: Till, fields: dict[str, Any], accepted: bool
) -> None:
    campaign = await till.campaign(FIVE_OFF)
    coupon = await till.coupon(campaign)
    changed = await till.change_campaign(campaign, **fields)
    outcome = await till.put(cart_items=CART, coupon_codes=["SALE"])
    first = outcome.decision.effects[0]
    assert (first.campaign_id, first.coupon_id) == (campaign.id, coupon.id)
    assert first.ruleset_id == (changed.active_ruleset_id or 0)
    refused = RejectCoupon("SALE", "CouponPartOfNotRunningCampaign")
    assert first.outcome == (AcceptCoupon("SALE") if accepted else refused)


async def test_a_code_of_a_campaign_that_never_had_rules(till: Till) -> None:
    fields = CampaignFields(name="bare", features=("coupons",))
    campaign = await create_campaign(till.shop, till.application.id, fields, NOW)
    await till.coupon(campaign)
    refused = RejectCoupon("SALE", "CouponPartOfNotRunningCampaign")
    assert await submitted(till, "SALE") == [refused]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"start_date": NOW + timedelta(microseconds=1)}, "CouponStartDateInFuture"),
        ({"start_date": NOW}, None),
        ({"expiry_date": NOW}, "CouponExpired"),
        ({"expiry_date": NOW + timedelta(microseconds=1)}, None),
        ({"recipient": "paul"}, "CouponRecipientDoesNotMatch"),
        ({"recipient": "maria"}, None),
        ({"start_date": NOW + HOUR, "recipient": "paul"}, "CouponStartDateInFuture"),
        ({"expiry_date": NOW, "recipient": "paul"}, "CouponExpired"),
    ],
)
async def test_what_the_coupon_itself_says(
    till: Till, fields: dict[str, Any], reason: str | None
) -> None:
    await till.coupon(await till.campaign(FIVE_OFF), **fields)
    found = await submitted(till, "SALE", profile_id="maria")
    accepted = [AcceptCoupon("SALE"), DISCOUNT]
    assert found == ([RejectCoupon("SALE", reason)] if reason else accepted)


async def test_a_dry_run_may_look_ahead(till: Till) -> None:
    await till.coupon(await till.campaign(FIVE_OFF), start_date=NOW + HOUR)
    till.wait(hours=1)
    found = await submitted(till, "SALE", purpose=Purpose(dry=True))
    assert found == [AcceptCoupon("SALE"), DISCOUNT]


async def test_a_personal_coupon_is_not_for_guests(till: Till) -> None:
    await till.coupon(await till.campaign(FIVE_OFF), recipient="maria")
    refused = RejectCoupon("SALE", "CouponRecipientDoesNotMatch")
    assert await submitted(till, "SALE") == [refused]


async def test_a_coupon_limited_per_profile_needs_one(till: Till) -> None:
    await till.coupon(await till.campaign(FIVE_OFF, limits=(PER_PROFILE,)))
    assert await submitted(till, "SALE") == [RejectCoupon("SALE", "ProfileRequired")]
    accepted = [AcceptCoupon("SALE"), DISCOUNT]
    assert await submitted(till, "SALE", profile_id="maria") == accepted


async def test_the_last_use_goes_to_the_first_session_that_closes(till: Till) -> None:
    """Contract section 17, case 5; and the freed use can be taken again (case 6)."""
    await till.coupon(await till.campaign(FIVE_OFF))
    for session_id in ("s1", "s2"):
        outcome = await till.put(session_id, cart_items=CART, coupon_codes=["SALE"])
        assert outcomes(outcome.decision.effects) == [AcceptCoupon("SALE"), DISCOUNT]
    await till.put("s2", state="closed")
    outcome = await till.put("s1", state="closed")
    assert outcomes(outcome.decision.effects) == [RejectCoupon("SALE", "CouponLimitReached")]
    assert await counters(till) == {"SALE": 1}
    await till.put("s2", state="cancelled")
    assert await counters(till) == {"SALE": 0}
    outcome = await till.put("s3", cart_items=CART, coupon_codes=["SALE"], state="closed")
    assert outcomes(outcome.decision.effects) == [AcceptCoupon("SALE"), DISCOUNT]
    await till.reopen("s3")
    assert await counters(till) == {"SALE": 0}
    await till.put("s3", state="closed")
    assert await counters(till) == {"SALE": 1}


async def test_a_limit_of_zero_is_no_limit(till: Till) -> None:
    await till.coupon(await till.campaign(FIVE_OFF), usage_limit=0)
    for number in range(4):
        fields: dict[str, Any] = {"cart_items": CART, "coupon_codes": ["SALE"]}
        outcome = await till.put(f"s{number}", state="closed", **fields)
        assert outcomes(outcome.decision.effects) == [AcceptCoupon("SALE"), DISCOUNT]
    assert await counters(till) == {"SALE": 4}
    await till.put("s2", state="cancelled")
    assert await counters(till) == {"SALE": 3}


async def test_every_code_of_a_campaign_is_tried(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF)
    first = await till.coupon(campaign, "FIRST")
    second = await till.coupon(campaign, "SECOND")
    pauls = await till.coupon(campaign, "PAULS", recipient="paul")
    fields: dict[str, Any] = {"coupon_codes": ["SECOND", "NONE", "PAULS", "FIRST"]}
    outcome = await till.put(cart_items=CART, state="closed", **fields)
    assert [(each.coupon_id, each.outcome) for each in outcome.decision.effects] == [
        (second.id, AcceptCoupon("SECOND")),
        (second.id, DISCOUNT),
        (first.id, AcceptCoupon("FIRST")),
        (first.id, DISCOUNT),
        (None, RejectCoupon("NONE", "CouponNotFound")),
        (pauls.id, RejectCoupon("PAULS", "CouponRecipientDoesNotMatch")),
    ]
    assert await counters(till) == {"FIRST": 1, "PAULS": 0, "SECOND": 1}
    assert [each.code for each in outcome.coupons_after()] == ["SECOND", "PAULS", "FIRST"]
    assert [each.usage_counter for each in outcome.coupons_after()] == [1, 0, 1]
    assert [outcome.redemption_count(each) for each in outcome.coupons_after()] == [1, 0, 1]


async def test_the_same_code_twice_is_one_code(till: Till) -> None:
    await till.coupon(await till.campaign(FIVE_OFF), usage_limit=5)
    outcome = await till.put(cart_items=CART, coupon_codes=["SALE", "SALE"], state="closed")
    assert outcomes(outcome.decision.effects) == [AcceptCoupon("SALE"), DISCOUNT]
    assert await counters(till) == {"SALE": 1}


@pytest.mark.parametrize(
    ("mode", "stored_code", "sent", "expected"),
    [
        ("sensitive", "Sale", ["SALE"], [RejectCoupon("SALE", "CouponNotFound")]),
        ("sensitive", "Sale", ["Sale"], [AcceptCoupon("Sale"), DISCOUNT]),
        ("insensitive-uppercase", "SALE", ["sAle"], [AcceptCoupon("sAle"), DISCOUNT]),
        ("insensitive-lowercase", "sale", ["sAle"], [AcceptCoupon("sAle"), DISCOUNT]),
    ],
)
async def test_case_of_codes(
    till: Till, mode: CaseSensitivity, stored_code: str, sent: list[str], expected: list[Any]
) -> None:
    other = await Till.opened(till.shop.database, name="other", case_sensitivity=mode)
    await other.coupon(await other.campaign(FIVE_OFF), "Sale")
    outcome = await other.put(cart_items=CART, coupon_codes=sent, state="closed")
    assert outcomes(outcome.decision.effects) == expected
    accepted = isinstance(expected[0], AcceptCoupon)
    assert await counters(other) == {stored_code: int(accepted)}
    assert (await other.read()).coupon_codes == tuple(sent)


async def test_spellings_of_one_code_are_one_code_where_case_does_not_matter(till: Till) -> None:
    other = await Till.opened(
        till.shop.database, name="other", case_sensitivity="insensitive-uppercase"
    )
    await other.coupon(await other.campaign(FIVE_OFF), usage_limit=9)
    outcome = await other.put(cart_items=CART, coupon_codes=["sale", "SALE"], state="closed")
    found = outcomes(outcome.decision.effects)
    assert [type(each) for each in found] == [AcceptCoupon, SetDiscount]
    assert await counters(other) == {"SALE": 1}
    outcome = await other.put(state="cancelled")
    assert await counters(other) == {"SALE": 0}


async def test_spellings_are_two_codes_where_case_matters(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF)
    await till.coupon(campaign, "SALE")
    await till.coupon(campaign, "sale")
    await till.put(cart_items=CART, coupon_codes=["sale", "SALE"], state="closed")
    assert await counters(till) == {"SALE": 1, "sale": 1}


async def test_a_coupon_without_redemption_stays_unused(till: Till) -> None:
    campaign = await till.campaign(rule("couponValid(false)", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign)
    for session_id in ("s1", "s2"):
        outcome = await till.put(session_id, cart_items=CART, coupon_codes=["SALE"], state="closed")
        assert outcomes(outcome.decision.effects) == [AcceptCoupon("SALE"), DISCOUNT]
        assert outcome.decision.redeemed == ()
    assert await counters(till) == {"SALE": 0}


async def test_a_coupon_that_one_of_two_rules_redeems_is_redeemed_once(till: Till) -> None:
    campaign = await till.campaign(
        rule("couponValid(false)", 'setDiscount("a", 1)'),
        rule("couponValid(true)", 'setDiscount("b", 2)'),
        rule("couponValid() and session.total > 1000", 'setDiscount("c", 3)'),
    )
    await till.coupon(campaign)
    outcome = await till.put(cart_items=CART, coupon_codes=["SALE"], state="closed")
    assert outcomes(outcome.decision.effects) == [
        AcceptCoupon("SALE"),
        SetDiscount("a", Decimal(1)),
        SetDiscount("b", Decimal(2)),
    ]
    assert await counters(till) == {"SALE": 1}


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("session.total > 100 and couponValid()", 0),
        ("couponValid() and session.total > 100", 1),
        ("couponValid() and session.total > 1 and profile.closed_sessions > 5", 2),
        ('session.total > 1 and session.attributes["points"] == 1 and couponValid()', 1),
    ],
)
async def test_a_condition_that_does_not_hold_is_named(
    till: Till, condition: str, index: int
) -> None:
    await till.attribute("CustomerSession", "points", "number")
    campaign = await till.campaign(
        rule("session.total > 1000", 'setDiscount("a", 1)', title="unrelated"),
        rule(condition, 'setDiscount("5 off", 5)', title="the one"),
    )
    coupon = await till.coupon(campaign)
    outcome = await till.put(cart_items=CART, coupon_codes=["SALE"], profile_id="maria")
    (effect,) = outcome.decision.effects
    assert isinstance(effect.outcome, RejectCoupon)
    assert effect.outcome.value == "SALE"
    assert effect.outcome.reason == "CouponRejectedByCondition"
    assert effect.outcome.condition_index == index
    assert effect.outcome.effect_index is None
    assert (effect.campaign_id, effect.rule_index, effect.rule_name, effect.coupon_id) == (
        campaign.id,
        1,
        "the one",
        coupon.id,
    )


async def test_a_code_that_no_rule_asks_for_is_refused(till: Till) -> None:
    await till.coupon(await till.campaign(rule("true", 'setDiscount("5 off", 5)')))
    assert await submitted(till, "SALE") == [
        DISCOUNT,
        RejectCoupon("SALE", "CouponRejectedByCondition"),
    ]


async def test_an_effect_that_cannot_be_applied_is_named_and_nothing_is_given(till: Till) -> None:
    campaign = await till.campaign(
        rule(
            "couponValid()",
            'setDiscount("5 off", 5)',
            'setDiscount("share", 5 / (session.total - 10))',
        )
    )
    await till.coupon(campaign)
    outcome = await till.put(cart_items=CART, coupon_codes=["SALE"], state="closed")
    (effect,) = outcome.decision.effects
    assert isinstance(effect.outcome, RejectCoupon)
    assert effect.outcome.reason == "EffectCouldNotBeApplied"
    assert effect.outcome.effect_index == 1
    assert effect.outcome.condition_index is None
    assert effect.outcome.details
    assert await counters(till) == {"SALE": 0}


async def test_a_code_that_a_later_rule_accepts_is_accepted(till: Till) -> None:
    campaign = await till.campaign(
        rule("couponValid() and session.total > 100", 'setDiscount("big", 50)'), FIVE_OFF
    )
    await till.coupon(campaign)
    assert await submitted(till, "SALE") == [AcceptCoupon("SALE"), DISCOUNT]


EITHER = "couponValid() or session.total >= 100"
OTHERWISE = "session.total >= 100 or couponValid()"


@pytest.mark.parametrize("condition", [EITHER, OTHERWISE])
async def test_a_rule_with_another_way_in_gives_its_effects_once_without_a_coupon(
    till: Till, condition: str
) -> None:
    await till.coupon(await till.campaign(rule(condition, 'setDiscount("5 off", 5)')))
    assert await submitted(till, cart_items=[item("tea", 100)]) == [DISCOUNT]
    assert await submitted(till, cart_items=[item("tea", 99)]) == []
    assert await submitted(till, "SALE") == [AcceptCoupon("SALE"), DISCOUNT]
    assert await submitted(till, "NONE", cart_items=[item("tea", 100)]) == [
        DISCOUNT,
        RejectCoupon("NONE", "CouponNotFound"),
    ]


async def test_a_rule_that_did_not_ask_for_the_codes_gives_its_effects_once(till: Till) -> None:
    """Both codes could be used and neither was: nothing was triggered by a coupon."""
    campaign = await till.campaign(rule(OTHERWISE, 'setDiscount("5 off", 5)'))
    await till.coupon(campaign, "ONE")
    await till.coupon(campaign, "TWO")
    outcome = await till.put(
        cart_items=[item("tea", 100)], coupon_codes=["ONE", "TWO"], state="closed"
    )
    assert outcomes(outcome.decision.effects) == [
        DISCOUNT,
        RejectCoupon("ONE", "CouponRejectedByCondition"),
        RejectCoupon("TWO", "CouponRejectedByCondition"),
    ]
    assert outcome.decision.effects[0].coupon_id is None
    assert await counters(till) == {"ONE": 0, "TWO": 0}


async def test_a_coupon_deleted_while_it_is_in_a_session_is_unknown(till: Till) -> None:
    coupon = await till.coupon(await till.campaign(FIVE_OFF))
    await till.put(cart_items=CART, coupon_codes=["SALE"])
    await till.withdraw(coupon)
    outcome = await till.put(state="closed")
    assert outcomes(outcome.decision.effects) == [RejectCoupon("SALE", "CouponNotFound")]


async def test_a_code_that_was_made_anew_does_not_inherit_the_old_ones_uses(till: Till) -> None:
    """The first session's cancellation gives back a use of the coupon that it used."""
    campaign = await till.campaign(FIVE_OFF)
    old = await till.coupon(campaign)
    fields: dict[str, Any] = {"cart_items": CART, "coupon_codes": ["SALE"], "state": "closed"}
    await till.put("s1", **fields)
    await till.withdraw(old)
    await till.coupon(campaign)
    await till.put("s2", **fields)
    assert await counters(till) == {"SALE": 1}
    outcome = await till.put("s1", state="cancelled")
    assert [type(each).__name__ for each in outcomes(outcome.decision.effects)] == [
        "RollbackCoupon",
        "RollbackDiscount",
    ]
    assert await counters(till) == {"SALE": 1}
    outcome = await till.put("s3", **fields)
    assert outcomes(outcome.decision.effects) == [RejectCoupon("SALE", "CouponLimitReached")]
