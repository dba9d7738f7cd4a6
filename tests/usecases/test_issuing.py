"""Referral codes, coupons that rules make, and giveaways, in sessions."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from habitue.promotions.campaign import Campaign, CodeSettings
from habitue.promotions.effects import (
    AcceptReferral,
    AwardGiveaway,
    CouponCreated,
    ReferralCreated,
    RejectCoupon,
    RejectReferral,
    ReserveCoupon,
    RollbackReferral,
    SetDiscount,
    WillAwardGiveaway,
)
from habitue.promotions.evaluate import Purpose
from habitue.promotions.giveaways import GiveawayPool
from habitue.promotions.referral import Referral
from habitue.promotions.returned import ReturnWish
from habitue.store.giveaways import NewGiveaway, insert_giveaways, read_awards
from habitue.usecases.configure.giveaways import (
    PoolFields,
    create_pool,
)
from habitue.usecases.configure.referrals import (
    ReferralFields,
    ReferralOrder,
    create_referrals,
    delete_referral,
)
from habitue.usecases.session_state import SessionOutcome
from tests.building import Draw, Till, item, outcomes, rule
from tests.usecases.test_budgets import closes, left, limited

FRIEND = rule("referralValid()", 'setDiscount("for a friend", 5)')
FIVE = SetDiscount("for a friend", Decimal(5))
ALL: Any = ("coupons", "referrals", "giveaways")


async def refer(till: Till, campaign: Campaign, advocate: str = "maria", **fields: Any) -> Referral:
    """A referral code of an advocate who is known."""
    if advocate == "maria":
        await till.put("of-maria", profile_id="maria", cart_items=[item("tea", 1)])
    order = ReferralOrder(
        campaign_id=campaign.id,
        advocate_ids=(advocate,),
        fields=ReferralFields(**fields),
        pointer="/advocate",
    )
    (made,) = await create_referrals(till.shop, till.application.id, order, Draw(), till.now)
    return made


async def submits(till: Till, session_id: str, code: str, who: str = "paul") -> list[Any]:
    """What a session gives that closes with the code."""
    outcome = await closes(till, session_id, profile_id=who, referral_code=code)
    return outcomes(outcome.decision.effects)


async def reason(till: Till, session_id: str, code: str, who: str = "paul") -> str:
    found = await submits(till, session_id, code, who)
    (refused,) = (each for each in found if isinstance(each, RejectReferral))
    return refused.reason


async def uses(till: Till) -> int:
    count: int = await till.shop.database.fetchval("SELECT sum(usage_counter) FROM referral")
    return count


async def test_a_friend_is_accepted_and_redeems_the_code_at_closing(till: Till) -> None:
    made = await refer(till, await till.campaign(FRIEND), usage_limit=1)
    cart: dict[str, Any] = {"cart_items": [item("tea", 50)], "profile_id": "paul"}
    opened = await till.put("s1", referral_code=made.code, **cart)
    assert outcomes(opened.decision.effects) == [AcceptReferral(made.code), FIVE]
    assert await uses(till) == 0
    closed = await till.put("s1", state="closed")
    assert outcomes(closed.decision.effects) == [AcceptReferral(made.code), FIVE]
    assert await uses(till) == 1
    assert await reason(till, "s2", made.code, "anna") == "ReferralLimitReached"
    taken_back = await till.put("s1", state="cancelled")
    assert RollbackReferral(made.code) in outcomes(taken_back.decision.effects)
    assert await uses(till) == 0
    assert await submits(till, "s3", made.code, "anna") == [AcceptReferral(made.code), FIVE]


async def test_why_a_referral_code_is_refused(till: Till) -> None:
    campaign = await till.campaign(FRIEND)
    made = await refer(till, campaign, usage_limit=0)
    assert await reason(till, "a", "NOWHERE") == "ReferralNotFound"
    assert await reason(till, "b", made.code, "maria") == "ReferralRecipientIdSameAsAdvocate"
    assert await reason(till, "c", made.code, "") == "ReferralRecipientDoesNotMatch"
    other = await refer(till, campaign, "nobody")
    assert await reason(till, "d", other.code) == "AdvocateNotFound"
    for_anna = await refer(till, campaign, friend_id="anna")
    assert await reason(till, "e", for_anna.code) == "ReferralRecipientDoesNotMatch"
    later = await refer(till, campaign, start_date=till.now.replace(year=2030))
    assert await reason(till, "f", later.code) == "ReferralStartDateInFuture"
    over = await refer(till, campaign, expiry_date=till.now)
    assert await reason(till, "g", over.code) == "ReferralExpired"
    assert await submits(till, "h", made.code) == [AcceptReferral(made.code), FIVE]
    assert await reason(till, "i", made.code) == "ReferralCustomerAlreadyReferred"
    await till.change_campaign(campaign, state="disabled")
    assert await reason(till, "j", made.code, "anna") == "ReferralPartOfNotRunningCampaign"
    assert await uses(till) == 1


async def test_rules_refuse_codes_by_a_condition_or_an_effect(till: Till) -> None:
    dear = rule("referralValid() and session.total > 100", 'setDiscount("off", 5)')
    made = await refer(till, await till.campaign(dear, name="dear"))
    assert await reason(till, "s1", made.code) == "ReferralRejectedByCondition"
    unread = await refer(till, await till.campaign(rule("True", 'setDiscount("off", 0)'), name="x"))
    found = await submits(till, "s2", unread.code)
    assert RejectReferral(unread.code, "ReferralRejectedByCondition") in found
    scarce = await till.campaign(FRIEND, name="scarce", limits=limited("setDiscount", 1))
    poor = await refer(till, scarce)
    assert await reason(till, "s3", poor.code) == "EffectCouldNotBeApplied"


async def test_a_budget_of_referrals(till: Till) -> None:
    campaign = await till.campaign(FRIEND, limits=limited("redeemReferral", 1))
    made = await refer(till, campaign)
    assert await submits(till, "s1", made.code) == [AcceptReferral(made.code), FIVE]
    assert await left(till.shop.database) == {"redeemReferral/": 0}
    assert await reason(till, "s2", made.code, "anna") == "CampaignLimitReached"
    await till.reopen("s1")
    assert await left(till.shop.database) == {"redeemReferral/": 1}
    assert await submits(till, "s3", made.code, "anna") == [AcceptReferral(made.code), FIVE]


async def test_a_code_that_is_not_redeemed_can_be_used_again(till: Till) -> None:
    free = rule("referralValid(False)", 'setDiscount("for a friend", 5)')
    made = await refer(till, await till.campaign(free), usage_limit=1)
    for session_id in ("s1", "s2"):
        assert await submits(till, session_id, made.code) == [AcceptReferral(made.code), FIVE]
    assert await uses(till) == 0


async def test_a_return_keeps_what_a_referral_gave(till: Till) -> None:
    tenth = rule("referralValid()", 'setDiscount("a tenth", session.total / 10)')
    campaign = await till.campaign(tenth, reevaluate_on_return=True)
    made = await refer(till, campaign, usage_limit=1)
    await closes(
        till, "s1", profile_id="paul", referral_code=made.code, cart_items=[item("tea", 50, 2)]
    )
    back = await till.give_back("s1", ReturnWish(0, quantity=1), run_rules=True)
    assert SetDiscount("a tenth", Decimal(5)) in outcomes(back.decision.session.effects)
    assert await uses(till) == 1
    await delete_referral(till.shop, till.application.id, campaign.id, made.id)
    again = await till.give_back("s1", ReturnWish(0, quantity=1), run_rules=True)
    assert SetDiscount("a tenth", Decimal(5)) in outcomes(again.decision.session.effects)


async def test_the_advocate_can_be_read_and_rewarded(till: Till) -> None:
    await till.attribute("CustomerProfile", "level", "string")
    target = await till.campaign(name="target")
    both = rule(
        'referralValid() and advocate.attributes["level"] == "gold"',
        f"createCoupon({target.id}, advocate.integration_id)",
        'setDiscount("for a friend", 5)',
    )
    made = await refer(till, await till.campaign(both))
    assert await reason(till, "s1", made.code) == "ReferralRejectedByCondition"
    await till.tell("maria", {"level": "gold"})
    accepted, created, _ = await submits(till, "s2", made.code)
    assert accepted == AcceptReferral(made.code)
    assert created.profile_id == "maria"
    found = await till.shop.database.fetch("SELECT recipient_integration_id AS who FROM coupon")
    assert [each["who"] for each in found] == ["maria"]


def created(outcome: SessionOutcome) -> list[str]:
    found = outcomes(outcome.decision.effects)
    return [each.value for each in found if isinstance(each, CouponCreated | ReferralCreated)]


async def test_a_rule_makes_its_coupon_once_in_a_session_and_for_good(till: Till) -> None:
    settings = CodeSettings(("A", "B", "C"), "NEW-####")
    target = await till.campaign(
        name="target", coupon_settings=settings, limits=limited("createCoupon", 2)
    )
    await till.campaign(rule("session.total > 0", f'createCoupon({target.id}, "maria", 3, 20)'))
    cart = [item("tea", 50)]
    (code,) = created(await till.put("s1", cart_items=cart))
    assert code.startswith("NEW-")
    assert await left(till.shop.database) == {"createCoupon/": 1}
    assert created(await till.put("s1", cart_items=cart, profile_id="paul")) == [code]
    assert created(await till.put("s1", state="closed")) == [code]
    assert created(await till.put("s1", state="cancelled")) == []
    rows = await till.shop.database.fetch("SELECT * FROM coupon")
    assert [(each["code"], each["usage_limit"], each["discount_limit"]) for each in rows] == [
        (code, 3, 20)
    ]
    assert len(created(await closes(till, "s2"))) == 1
    assert created(await closes(till, "s3")) == []
    assert await left(till.shop.database) == {"createCoupon/": 0}


async def test_codes_that_are_taken_are_drawn_again(till: Till) -> None:
    target = await till.campaign(
        name="target", coupon_settings=CodeSettings(("A", "B"), "NEW#"), features=ALL
    )
    await till.coupon(target, "NEWA")
    await till.campaign(rule("session.total > 0", f'createCoupon({target.id}, "")'))
    assert created(await closes(till, "s1")) == ["NEWB"]


async def test_a_dry_run_makes_nothing(till: Till) -> None:
    target = await till.campaign(name="target")
    await till.campaign(rule("session.total > 0", f'createCoupon({target.id}, "")'))
    outcome = await till.put("s1", cart_items=[item("tea", 1)], purpose=Purpose(dry=True))
    assert len(created(outcome)) == 1
    assert await till.shop.database.fetchval("SELECT count(*) FROM coupon") == 0


async def test_a_customer_gets_a_referral_code_and_brings_a_friend(till: Till) -> None:
    campaign = await till.campaign(FRIEND, name="friends")
    await till.campaign(rule("session.total > 0", f"createReferral({campaign.id})"))
    (code,) = created(await closes(till, "s1", profile_id="maria"))
    assert AcceptReferral(code) in await submits(till, "s2", code)
    assert created(await closes(till, "s3")) == []


async def test_a_rule_reserves_a_coupon_within_its_limit(till: Till) -> None:
    keep = rule("couponValid(False)", "reserveCoupon()")
    campaign = await till.campaign(keep, limits=limited("reserveCoupon", 5))
    await till.coupon(campaign, usage_limit=0, reservation_limit=1)
    cart: dict[str, Any] = {"cart_items": [item("tea", 1)], "coupon_codes": ("SALE",)}
    first = await till.put("s1", profile_id="maria", **cart)
    assert ReserveCoupon("SALE", "maria", is_new=True) in outcomes(first.decision.effects)
    again = await till.put("s1", profile_id="maria", **cart)
    assert ReserveCoupon("SALE", "maria", is_new=False) in outcomes(again.decision.effects)
    other = await till.put("s2", profile_id="paul", **cart)
    (refused,) = outcomes(other.decision.effects)
    assert isinstance(refused, RejectCoupon)
    assert refused.reason == "EffectCouldNotBeApplied"
    assert await till.shop.database.fetchval("SELECT count(*) FROM coupon_reservation") == 1
    assert await left(till.shop.database) == {"reserveCoupon/": 4}


async def pool(till: Till, *codes: str) -> GiveawayPool:
    made = await create_pool(till.shop, PoolFields(name="vouchers"), till.now)
    await add(till, made, *codes)
    return made


async def add(till: Till, to: GiveawayPool, *codes: str, start: datetime | None = None) -> None:
    rows = [NewGiveaway(to.id, each, start, None, "{}", 0, till.now) for each in codes]
    await insert_giveaways(till.shop.database, rows)


async def test_a_giveaway_is_told_at_closing_and_stays_given(till: Till) -> None:
    vouchers = await pool(till, "KEY-1")
    await till.campaign(
        rule("session.total > 0", f"awardGiveaway({vouchers.id})"),
        features=ALL,
        limits=limited("awardGiveaway", 5),
    )
    cart: dict[str, Any] = {"cart_items": [item("tea", 50)], "profile_id": "maria"}
    opened = await till.put("s1", **cart)
    told = outcomes(opened.decision.effects)
    assert told == [WillAwardGiveaway(vouchers.id, "vouchers", "maria")]
    closed = await till.put("s1", state="closed")
    (award,) = outcomes(closed.decision.effects)
    assert isinstance(award, AwardGiveaway)
    assert (award.code, award.profile_id) == ("KEY-1", "maria")
    assert outcomes((await closes(till, "s2", profile_id="paul")).decision.effects) == []
    await till.reopen("s1")
    assert outcomes((await till.put("s1", state="closed")).decision.effects) == [award]
    counted = "SELECT count(*), count(*) FILTER (WHERE used) FROM giveaway WHERE pool_id = $1"
    assert tuple(await till.shop.database.fetchrow(counted, vouchers.id) or ()) == (1, 1)
    assert await left(till.shop.database) == {"awardGiveaway/": 4}
    (given,) = await read_awards(till.shop.database, closed.decision.session.customer_id)
    assert (given.code, given.profile_id, given.used) == ("KEY-1", "maria", True)


async def test_codes_are_given_only_between_their_dates(till: Till) -> None:
    vouchers = await pool(till)
    tomorrow = till.now.replace(day=16)
    await add(till, vouchers, "LATER", start=tomorrow)
    await till.campaign(rule("session.total > 0", f"awardGiveaway({vouchers.id})"), features=ALL)
    assert outcomes((await closes(till, "s1", profile_id="maria")).decision.effects) == []
    till.now = tomorrow
    (award,) = outcomes((await closes(till, "s2", profile_id="maria")).decision.effects)
    assert isinstance(award, AwardGiveaway)
    assert award.code == "LATER"


async def test_an_advocate_gets_a_giveaway_for_a_friend(till: Till) -> None:
    vouchers = await pool(till, "KEY-1")
    both = rule("referralValid()", f'awardGiveaway({vouchers.id}, "Advocate")')
    made = await refer(till, await till.campaign(both, features=ALL))
    _, award = await submits(till, "s1", made.code)
    assert award.profile_id == "maria"
    maria = await till.read("of-maria")
    assert len(await read_awards(till.shop.database, maria.customer_id)) == 1
