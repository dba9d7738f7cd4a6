"""What happens between reading and writing is seen: the decision is made again, on what is true.

Each test lets a second process of the shop be faster, exactly between load and save.
"""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import InvalidInput, SessionBusy
from habitue.promotions.decide_profile import ProfileCommand
from habitue.promotions.effects import AcceptCoupon, RejectCoupon, SetDiscount
from habitue.store.database import Database
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.shop import Shop, ShopSettings
from habitue.usecases.update_profile import update_profiles
from habitue.usecases.writing import Reply
from tests.building import Till, item, outcomes, rule, stored
from tests.harness.interleaving import Event, interleaved, once
from tests.usecases.test_coupon_limits import per_profile
from tests.usecases.test_idempotent_updates import key

CART = [item("tea", 10)]
FIVE_OFF = rule("couponValid()", 'setDiscount("5 off", 5)')
CLOSING: dict[str, Any] = {"cart_items": CART, "coupon_codes": ["SALE"], "state": "closed"}


async def overtaken(till: Till, event: Event, settings: ShopSettings | None = None) -> Till:
    """The same till in another process, which is overtaken by the event."""
    shop = Shop(interleaved(till.shop.database, event), settings)
    await shop.refresh()
    return Till(shop, till.application)


async def test_a_coupon_deleted_meanwhile_is_unknown(till: Till) -> None:
    coupon = await till.coupon(await till.campaign(FIVE_OFF))
    slow = await overtaken(till, once(lambda: till.withdraw(coupon)))
    outcome = await slow.put(**CLOSING)
    assert outcomes(outcome.decision.effects) == [RejectCoupon("SALE", "CouponNotFound")]
    tables = await stored(till.shop.database)
    assert (tables["redemption"], tables["coupon"]) == ([], [])
    assert [each["state"] for each in tables["session"]] == ["closed"]
    assert (await till.read()).effects == outcome.decision.effects


async def test_a_coupon_used_up_meanwhile_has_reached_its_limit(till: Till) -> None:
    await till.coupon(await till.campaign(FIVE_OFF))
    slow = await overtaken(till, once(lambda: till.put("fast", **CLOSING)))
    outcome = await slow.put("slow", **CLOSING)
    assert outcomes(outcome.decision.effects) == [RejectCoupon("SALE", "CouponLimitReached")]
    tables = await stored(till.shop.database)
    assert [each["usage_counter"] for each in tables["coupon"]] == [1]
    assert len(tables["redemption"]) == 1
    assert [each["state"] for each in tables["session"]] == ["closed", "closed"]


async def test_a_code_that_meanwhile_belongs_to_another_campaign_is_judged_there(
    till: Till,
) -> None:
    old = await till.coupon(await till.campaign(FIVE_OFF))
    other = await till.campaign(rule("couponValid()", 'setDiscount("other", 1)'), name="other")

    async def made_anew() -> None:
        await till.withdraw(old)
        await till.coupon(other)

    slow = await overtaken(till, once(made_anew))
    outcome = await slow.put(**CLOSING)
    assert outcomes(outcome.decision.effects) == [
        AcceptCoupon("SALE"),
        SetDiscount("other", Decimal(1)),
    ]
    (redemption,) = (await stored(till.shop.database))["redemption"]
    assert redemption["campaign_id"] == other.id


async def test_the_personal_limit_reached_meanwhile_holds(till: Till) -> None:
    campaign = await till.campaign(FIVE_OFF, limits=(per_profile(1),))
    await till.coupon(campaign, usage_limit=0)
    slow = await overtaken(till, once(lambda: till.put("fast", profile_id="maria", **CLOSING)))
    outcome = await slow.put("slow", profile_id="maria", **CLOSING)
    assert outcomes(outcome.decision.effects) == [RejectCoupon("SALE", "ProfileLimitReached")]
    assert len((await stored(till.shop.database))["redemption"]) == 1


async def test_an_update_that_was_overtaken_builds_on_the_other(till: Till) -> None:
    await till.put(cart_items=CART)
    slow = await overtaken(till, once(lambda: till.put(referral_code="FRIEND")))
    await slow.put(identifiers=["terminal-7"])
    session = await till.read()
    assert (session.update_count, session.referral_code) == (3, "FRIEND")
    assert session.identifiers == ("terminal-7",)


async def test_a_session_closed_meanwhile_is_not_edited(till: Till) -> None:
    await till.put(cart_items=CART)
    before: list[Any] = []

    async def closed() -> None:
        await till.put(state="closed")
        before.append(await stored(till.shop.database))

    slow = await overtaken(till, once(closed))
    with pytest.raises(InvalidInput):
        await slow.put(cart_items=[item("pot", 1)])
    assert [await stored(till.shop.database)] == before


async def test_a_session_created_meanwhile_is_updated(till: Till) -> None:
    slow = await overtaken(till, once(lambda: till.put("s1", cart_items=CART)))
    outcome = await slow.put("s1", referral_code="FRIEND")
    assert outcome.decision.event_type == "talon_session_updated"
    session = await till.read()
    assert (session.update_count, session.cart_items) == (2, tuple(CART))
    tables = await stored(till.shop.database)
    assert len(tables["customer"]) == len(tables["claim"]) == len(tables["session"]) == 1


async def test_a_session_that_meanwhile_has_another_owner_follows(till: Till) -> None:
    await till.put("s1", profile_id="maria", cart_items=CART)
    slow = await overtaken(till, once(lambda: till.put("s1", profile_id="paul")))
    await slow.put("s1", state="closed")
    session = await till.read()
    assert (session.profile_id, session.state) == ("paul", "closed")
    tables = await stored(till.shop.database)
    assert sorted(each["closed_sessions"] for each in tables["customer"]) == [0, 1]


async def test_a_customer_created_meanwhile_is_the_same_customer(till: Till) -> None:
    slow = await overtaken(till, once(lambda: till.put("s1", profile_id="maria", cart_items=CART)))
    outcome = await slow.put("s2", profile_id="maria", cart_items=CART)
    assert outcome.decision.session.first_session is False
    tables = await stored(till.shop.database)
    assert [each["session_count"] for each in tables["customer"]] == [2]


async def test_rules_see_what_became_of_the_profile_meanwhile(till: Till) -> None:
    await till.campaign(rule('profile.attributes["Name"] == "Maria"', 'setDiscount("hello", 1)'))
    await till.put("s0", profile_id="maria", cart_items=CART)

    async def named() -> None:
        command = ProfileCommand("maria", {"Name": "Maria"})
        await update_profiles(
            till.shop, till.application.id, [command], till.now, lambda *_: Reply(200, b"{}")
        )

    slow = await overtaken(till, once(named))
    outcome = await slow.put("s0", state="closed")
    assert outcomes(outcome.decision.effects) == [SetDiscount("hello", Decimal(1))]


async def test_what_was_erased_meanwhile_does_not_come_back(till: Till) -> None:
    await till.attribute("CustomerSession", "note", "string")
    await till.put(profile_id="maria", cart_items=CART, attributes={"note": "secret"})
    erased = once(lambda: erase_customer(till.shop, till.application.id, "maria", till.now))
    slow = await overtaken(till, erased)
    await slow.put(state="closed")
    assert "secret" not in str(await stored(till.shop.database))


async def test_a_key_used_meanwhile_answers(till: Till) -> None:
    async def used() -> None:
        await till.send("s1", key("k"), b"fast", cart_items=CART)

    slow = await overtaken(till, once(used))
    reply = await slow.send("s1", key("k"), b"slow", cart_items=CART)
    assert reply.body == b"fast"
    assert (await till.read()).update_count == 1


async def test_whoever_is_overtaken_every_time_is_told_that_the_session_is_busy(
    till: Till,
) -> None:
    """The eight tries that hold the rows can be overtaken by coupons only."""
    campaign = await till.campaign(FIVE_OFF)
    coupons = [await till.coupon(campaign)]

    async def made_anew() -> None:
        await till.withdraw(coupons.pop())
        coupons.append(await till.coupon(campaign))

    slow = await overtaken(till, made_anew)
    with pytest.raises(SessionBusy):
        await slow.put(**CLOSING)
    tables = await stored(till.shop.database)
    assert tables["session"] == tables["customer"] == tables["claim"] == []
    assert [each["usage_counter"] for each in tables["coupon"]] == [0]


async def test_the_wait_for_a_row_that_is_held_is_bounded(till: Till) -> None:
    await till.put(profile_id="maria", cart_items=CART)
    impatient = Till(
        Shop(till.shop.database, ShopSettings(lock_wait_seconds=0.3)), till.application
    )
    await impatient.shop.refresh()
    before = await stored(till.shop.database)
    async with till.shop.database.transaction() as holder:
        await holder.execute("SELECT id FROM customer FOR UPDATE")
        began = time.monotonic()
        with pytest.raises(SessionBusy):
            await impatient.put(state="closed")
        with pytest.raises(SessionBusy):
            await impatient.put("s2", profile_id="maria", cart_items=CART)
        waited = time.monotonic() - began
    assert waited >= 0.6
    assert await stored(till.shop.database) == before
    await impatient.put(state="closed")
    assert (await till.read()).state == "closed"


async def test_a_row_that_is_let_go_in_time_is_waited_for(till: Till) -> None:
    await till.put(cart_items=CART)
    async with till.shop.database.transaction() as holder:
        await holder.execute("SELECT id FROM customer FOR UPDATE")
        waiting = asyncio.create_task(till.put(state="closed"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert (await waiting).decision.session.state == "closed"


async def test_coupons_are_released_in_the_order_in_which_they_are_redeemed(
    till: Till, database: Database
) -> None:
    """By code: who takes A before B everywhere never waits in a circle."""
    campaign = await till.campaign(FIVE_OFF)
    for code in ("CODE-B", "CODE-A"):
        await till.coupon(campaign, code)
    codes = ["CODE-B", "CODE-A"]
    await till.put(cart_items=CART, coupon_codes=codes, state="closed")
    async with database.transaction() as first:
        await first.execute("SELECT id FROM coupon WHERE code = 'CODE-A' FOR UPDATE")
        cancelling = asyncio.create_task(till.put(state="cancelled"))
        await asyncio.sleep(0.2)
        async with database.transaction() as second:
            await second.execute("SELECT id FROM coupon WHERE code = 'CODE-B' FOR UPDATE NOWAIT")
        assert not cancelling.done()
    await cancelling
    assert [each["usage_counter"] for each in (await stored(database))["coupon"]] == [0, 0]
