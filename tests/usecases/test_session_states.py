"""States of a session: every transition, what it gives back, and what the customer's books say."""

from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import InvalidInput, NotFound
from habitue.promotions.effects import (
    AcceptCoupon,
    AddFreeItem,
    Outcome,
    RejectCoupon,
    RejectReferral,
    RollbackCoupon,
    RollbackDiscount,
    ShowNotification,
    UpdateAttribute,
)
from habitue.promotions.evaluate import Purpose
from habitue.usecases.configure.campaigns import delete_campaign
from tests.building import Till, item, outcomes, rule, stored

CART = [item("tea", "12.50", 2)]


async def reach(till: Till, state: str) -> None:
    """Brings session s1 of maria into `state`."""
    if state == "new":
        return
    await till.put(profile_id="maria", cart_items=CART)
    if state in ("closed", "revoked", "reopened"):
        await till.put(state="closed")
    if state in ("cancelled", "revoked"):
        await till.put(state="cancelled")
    if state == "reopened":
        await till.reopen()


@pytest.mark.parametrize(
    ("current", "wanted", "event_type"),
    [
        ("new", "open", "talon_session_created"),
        ("new", "closed", "talon_session_closed"),
        ("open", "open", "talon_session_updated"),
        ("open", "closed", "talon_session_closed"),
        ("open", "cancelled", "talon_session_cancelled"),
        ("closed", "cancelled", "talon_session_revoked"),
        ("reopened", "open", "talon_session_updated"),
        ("reopened", "closed", "talon_session_closed"),
        ("reopened", "cancelled", "talon_session_cancelled"),
    ],
)
async def test_what_may_become_of_a_session(
    till: Till, current: str, wanted: Any, event_type: str
) -> None:
    await reach(till, current)
    outcome = await till.put(state=wanted)
    assert outcome.decision.event_type == event_type
    assert outcome.decision.session.state == wanted
    assert (await till.read()).state == wanted
    tables = await stored(till.shop.database)
    last = max(tables["session_event"], key=lambda event: event["id"])
    assert last["type"] == event_type
    assert [each["state"] for each in tables["session"]] == [wanted]


@pytest.mark.parametrize(
    ("current", "wanted"),
    [
        ("new", "cancelled"),
        ("closed", "open"),
        ("closed", "closed"),
        ("cancelled", "open"),
        ("cancelled", "closed"),
        ("cancelled", "cancelled"),
        ("revoked", "open"),
        ("revoked", "closed"),
        ("revoked", "cancelled"),
    ],
)
async def test_what_may_not_become_of_a_session(till: Till, current: str, wanted: Any) -> None:
    await reach(till, current)
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput) as refusal:
        await till.put(state=wanted, cart_items=[item("coffee", 1)])
    (fault,) = refusal.value.faults
    assert fault.pointer == "/customerSession/state"
    assert await stored(till.shop.database) == before


@pytest.mark.parametrize("state", ["open", "cancelled", "revoked", "reopened"])
async def test_only_a_closed_session_is_reopened(till: Till, state: str) -> None:
    await reach(till, state)
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput) as refusal:
        await till.reopen()
    assert [fault.pointer for fault in refusal.value.faults] == ["/customerSession/state"]
    assert await stored(till.shop.database) == before


async def test_a_session_that_does_not_exist_is_neither_reopened_nor_read(till: Till) -> None:
    before = await stored(till.shop.database)
    with pytest.raises(NotFound):
        await till.reopen("nowhere")
    with pytest.raises(NotFound):
        await till.read("nowhere")
    assert await stored(till.shop.database) == before


async def test_a_dry_run_asks_nothing_of_the_state_of_the_stored_session(till: Till) -> None:
    await reach(till, "closed")
    before = await stored(till.shop.database)
    outcome = await till.put(purpose=Purpose(dry=True), cart_items=CART)
    assert outcome.decision.session.state == "open"
    assert await stored(till.shop.database) == before


async def test_the_books_of_the_customer_through_every_state(till: Till) -> None:
    """closedSessions and totalSales (contract sections 3.4 to 3.6)."""

    async def books() -> tuple[int, Decimal, int]:
        row = await till.shop.database.fetchrow(
            "SELECT closed_sessions, total_sales, session_count FROM customer"
        )
        assert row is not None
        return row["closed_sessions"], row["total_sales"], row["session_count"]

    await till.put("s1", profile_id="maria", cart_items=[item("tea", "12.345", 2)])
    assert await books() == (0, Decimal(0), 1)
    outcome = await till.put("s1", state="closed")
    assert await books() == (1, Decimal("24.69"), 1)
    assert outcome.owner_after.total_sales == Decimal("24.69")
    await till.put("s2", profile_id="maria", cart_items=[item("tea", 10)], state="closed")
    assert await books() == (2, Decimal("34.69"), 2)
    outcome = await till.reopen("s1")
    assert outcome.owner_after.closed_sessions == 1
    assert await books() == (1, Decimal(10), 2)
    await till.put("s1", cart_items=[item("tea", 1)])
    assert await books() == (1, Decimal(10), 2)
    await till.put("s1", state="closed")
    assert await books() == (2, Decimal(11), 2)
    await till.put("s2", state="cancelled")
    assert await books() == (1, Decimal(1), 2)
    await till.put("s1", state="cancelled")
    assert await books() == (0, Decimal(0), 2)
    await till.put("s3", profile_id="maria", cart_items=CART)
    await till.put("s3", state="cancelled")
    assert await books() == (0, Decimal(0), 3)


async def test_every_accepted_request_counts_as_an_update_and_no_refused_one(till: Till) -> None:
    counts = [(await till.put(profile_id="maria", cart_items=CART)).decision.session.update_count]
    counts.append((await till.put()).decision.session.update_count)
    counts.append((await till.put(state="closed")).decision.session.update_count)
    with pytest.raises(InvalidInput):
        await till.put()
    counts.append((await till.reopen()).decision.session.update_count)
    counts.append((await till.put(state="closed")).decision.session.update_count)
    counts.append((await till.put(state="cancelled")).decision.session.update_count)
    assert counts == [1, 2, 3, 4, 5, 6]
    assert (await till.read()).update_count == 6


async def generous(till: Till) -> None:
    """A campaign that gives everything there is, and a closed session that got it."""
    await till.cost("shipping")
    await till.attribute("CustomerProfile", "vip", "boolean")
    campaign = await till.campaign(
        rule(
            "couponValid()",
            'setDiscount("whole", 5)',
            'setDiscountPerItem("each", 1)',
            'setDiscountPerItemProRata("shared", 3)',
            'setDiscountPerAdditionalCost("free shipping", "shipping", 4)',
            'addFreeItem("cup", "a cup", 1)',
            'showNotification("Info", "hello", "you")',
            'updateAttribute("Profile.Attributes.vip", true)',
        )
    )
    await till.coupon(campaign, "SALE")
    await till.put(
        profile_id="maria",
        cart_items=[item("tea", 10), item("pot", 20)],
        additional_costs={"shipping": Decimal(4)},
        coupon_codes=["SALE", "NONE"],
        referral_code="FRIEND",
        state="closed",
    )


ROLLED_BACK: list[Outcome] = [
    RollbackCoupon("SALE"),
    RollbackDiscount("whole", Decimal(5)),
    RollbackDiscount("each#0", Decimal(1), 0, 0),
    RollbackDiscount("each#1", Decimal(1), 1, 0),
    RollbackDiscount("shared#0", Decimal(1), 0, 0),
    RollbackDiscount("shared#1", Decimal(2), 1, 0),
]
SHIPPING_BACK = RollbackDiscount(
    "free shipping", Decimal(4), additional_cost_id=1, additional_cost="shipping"
)


async def assert_taken_back(till: Till, session_state: str) -> None:
    """The customer has nothing of the session any more, but what the contract lets stand."""
    session = await till.read()
    assert session.state == session_state
    assert outcomes(session.effects) == [
        AddFreeItem("cup", "a cup"),
        ShowNotification("Info", "hello", "you"),
        UpdateAttribute("Profile.Attributes.vip", True),
        RejectCoupon("NONE", "CouponNotFound"),
        RejectReferral("FRIEND", "ReferralNotFound"),
    ]
    tables = await stored(till.shop.database)
    assert tables["redemption"] == []
    assert [each["usage_counter"] for each in tables["coupon"]] == [0]
    assert [each["attributes"] for each in tables["customer"]] == [{"vip": True}]
    assert [each["total_sales"] for each in tables["customer"]] == [0]


@pytest.mark.parametrize("codes", [None, [], ["OTHER"]])
async def test_cancelling_takes_back_what_closing_gave(till: Till, codes: Any) -> None:
    """Whatever codes the request sends: a closed session keeps those that it redeemed."""
    await generous(till)
    outcome = await till.put(state="cancelled", coupon_codes=codes)
    assert outcomes(outcome.decision.effects) == [*ROLLED_BACK, SHIPPING_BACK]
    await assert_taken_back(till, "cancelled")
    assert (await till.read()).coupon_codes == ("SALE", "NONE")


async def test_reopening_takes_back_what_closing_gave(till: Till) -> None:
    await generous(till)
    outcome = await till.reopen()
    assert outcomes(outcome.decision.effects) == [*ROLLED_BACK, SHIPPING_BACK]
    await assert_taken_back(till, "open")


async def test_a_reopened_session_is_evaluated_afresh_when_it_closes_again(till: Till) -> None:
    await generous(till)
    first = (await till.read()).effects
    await till.reopen()
    outcome = await till.put(state="closed")
    assert outcome.decision.effects == first
    tables = await stored(till.shop.database)
    assert [each["code"] for each in tables["redemption"]] == ["SALE"]
    assert [each["usage_counter"] for each in tables["coupon"]] == [1]
    outcome = await till.put(state="cancelled")
    assert outcomes(outcome.decision.effects) == [*ROLLED_BACK, SHIPPING_BACK]


async def test_cancelling_an_open_session_gives_nothing_back(till: Till) -> None:
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign)
    await till.put(cart_items=CART, coupon_codes=["SALE"])
    outcome = await till.put(state="cancelled")
    assert outcome.decision.effects == ()
    assert (await till.read()).effects == ()
    assert [each["usage_counter"] for each in (await stored(till.shop.database))["coupon"]] == [0]


async def test_a_coupon_that_was_not_redeemed_is_not_rolled_back(till: Till) -> None:
    campaign = await till.campaign(rule("couponValid(false)", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign)
    outcome = await till.put(cart_items=CART, coupon_codes=["SALE"], state="closed")
    assert outcomes(outcome.decision.effects)[0] == AcceptCoupon("SALE")
    outcome = await till.put(state="cancelled")
    assert outcomes(outcome.decision.effects) == [RollbackDiscount("5 off", Decimal(5))]


async def test_rollbacks_name_the_campaign_that_gave(till: Till) -> None:
    campaign = await till.campaign(
        rule("couponValid()", 'setDiscount("5 off", 5)', title="five off")
    )
    coupon = await till.coupon(campaign)
    given = await till.put(cart_items=CART, coupon_codes=["SALE"], state="closed")
    taken = await till.put(state="cancelled")
    for effects in (given.decision.effects, taken.decision.effects):
        assert {
            (each.campaign_id, each.ruleset_id, each.rule_index, each.rule_name, each.coupon_id)
            for each in effects
        } == {(campaign.id, campaign.active_ruleset_id, 0, "five off", coupon.id)}


async def test_the_campaign_of_a_closed_session_may_be_gone_when_it_is_cancelled(
    till: Till,
) -> None:
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign)
    await till.put(cart_items=CART, coupon_codes=["SALE"], state="closed")
    await delete_campaign(till.shop, till.application.id, campaign.id)
    outcome = await till.put(state="cancelled")
    assert outcomes(outcome.decision.effects) == [
        RollbackCoupon("SALE"),
        RollbackDiscount("5 off", Decimal(5)),
    ]
    assert (await stored(till.shop.database))["redemption"] == []
