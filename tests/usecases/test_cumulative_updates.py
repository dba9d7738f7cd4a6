"""Updates build on each other, dry runs on nothing; what is too large is refused whole."""

from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import InvalidInput
from habitue.promotions.effects import RejectReferral, SetDiscount
from habitue.promotions.evaluate import Purpose
from habitue.promotions.experiments import VariantAllocation
from tests.building import Till, item, outcomes, rule, stored, update

DRY = Purpose(dry=True)
FULL: dict[str, Any] = {
    "profile_id": "maria",
    "cart_items": (item("tea", "12.50", 2, name="Tea", attributes={"colour": "green"}),),
    "additional_costs": {"shipping": Decimal("4.90")},
    "coupon_codes": ("SALE", "MORE"),
    "referral_code": "FRIEND",
    "loyalty_cards": ("card-1",),
    "identifiers": ("terminal-7",),
    "attributes": {"channel": "web"},
    "experiment_variant_allocations": (VariantAllocation(1, 2),),
}
EMPTY: dict[str, Any] = {
    "cart_items": (),
    "additional_costs": {},
    "coupon_codes": (),
    "referral_code": "",
    "loyalty_cards": (),
    "identifiers": (),
    "experiment_variant_allocations": (),
}


async def full_session(till: Till) -> None:
    await till.cost("shipping", "both")
    await till.attribute("CustomerSession", "channel", "string")
    await till.attribute("CustomerSession", "note", "string")
    await till.attribute("CartItem", "colour", "string")
    await till.put(**FULL)


async def test_a_field_that_is_not_sent_keeps_its_value(till: Till) -> None:
    await full_session(till)
    outcome = await till.put()
    for name, value in FULL.items():
        assert getattr(outcome.decision.session, name) == value
        assert getattr(await till.read(), name) == value


@pytest.mark.parametrize("name", list(EMPTY))
async def test_an_empty_field_is_emptied_and_the_others_stay(till: Till, name: str) -> None:
    await full_session(till)
    await till.put(**{name: EMPTY[name]})
    session = await till.read()
    assert {field: getattr(session, field) for field in FULL} == {**FULL, name: EMPTY[name]}


async def test_items_are_replaced_as_a_whole(till: Till) -> None:
    await full_session(till)
    await till.put(cart_items=[item("tea", "12.50"), item("pot", 20)])
    assert (await till.read()).cart_items == (item("tea", "12.50"), item("pot", 20))


async def test_attributes_are_laid_over_one_by_one_and_null_removes(till: Till) -> None:
    await full_session(till)
    await till.put(attributes={"note": "gift"})
    assert (await till.read()).attributes == {"channel": "web", "note": "gift"}
    await till.put(attributes={"channel": None})
    assert (await till.read()).attributes == {"note": "gift"}


async def test_codes_of_an_open_session_are_judged_on_every_update(till: Till) -> None:
    await till.put(cart_items=[item("tea", 1)], referral_code="FRIEND")
    outcome = await till.put()
    assert outcomes(outcome.decision.effects) == [RejectReferral("FRIEND", "ReferralNotFound")]
    outcome = await till.put(referral_code="")
    assert outcome.decision.effects == ()


async def test_a_dry_run_sees_only_its_payload(till: Till) -> None:
    """Contract section 3.1: what is stored of the session is not considered."""
    await full_session(till)
    before = await stored(till.shop.database)
    outcome = await till.put(purpose=DRY)
    session = outcome.decision.session
    assert {field: getattr(session, field) for field in EMPTY} == EMPTY
    assert (session.profile_id, session.attributes, session.state) == ("", {}, "open")
    assert outcome.decision.effects == ()
    assert await stored(till.shop.database) == before


async def test_a_dry_run_of_something_new_leaves_no_trace(till: Till) -> None:
    before = await stored(till.shop.database)
    await till.put("s9", purpose=DRY, state="closed", **{**FULL, "attributes": {}, **EMPTY})
    assert await stored(till.shop.database) == before


async def test_a_dry_run_gives_what_the_live_request_gives(till: Till) -> None:
    """Also about the customer's first session: a dry run of it is about the same session."""
    await till.campaign(rule("session.first_session", 'setDiscount("welcome", 5)'))
    await till.put("s1", profile_id="maria", cart_items=[item("tea", 10)])
    for session_id, expected in (("s1", [SetDiscount("welcome", Decimal(5))]), ("s2", [])):
        fields: dict[str, Any] = {"profile_id": "maria", "cart_items": [item("tea", 10)]}
        dry = await till.put(session_id, purpose=DRY, **fields)
        live = await till.put(session_id, **fields)
        assert outcomes(dry.decision.effects) == expected
        assert outcomes(live.decision.effects) == expected
    again = await till.put("s1", purpose=DRY, profile_id="maria", cart_items=[item("tea", 10)])
    assert outcomes(again.decision.effects) == [SetDiscount("welcome", Decimal(5))]


async def test_a_dry_run_may_name_campaigns_that_do_not_run(till: Till) -> None:
    campaign = await till.campaign(rule("true", 'setDiscount("soon", 1)'), state="disabled")
    await till.campaign(rule("true", 'setDiscount("now", 2)'))
    purpose = Purpose(dry=True, campaign_ids=frozenset({campaign.id}))
    outcome = await till.put(purpose=purpose, cart_items=[item("tea", 10)])
    assert outcomes(outcome.decision.effects) == [SetDiscount("soon", Decimal(1))]


async def test_a_dry_run_of_a_campaign_that_does_not_exist_is_refused(till: Till) -> None:
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput) as refusal:
        await till.put(purpose=Purpose(dry=True, campaign_ids=frozenset({4711})))
    pointer = "/customerSession/evaluableCampaignIds"
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]
    assert await stored(till.shop.database) == before


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"cart_items": [item("a", 1)] * 1001}, "/cartItems"),
        ({"cart_items": [item("a", 1, 5000), item("b", 1, 5001)]}, "/cartItems"),
        ({"cart_items": [item("a", 1), item("b", -1)]}, "/cartItems/1/price"),
        ({"cart_items": [item("a", "1E+15"), item("b", "1000000000000001")]}, "/cartItems/1/price"),
        ({"cart_items": [item("a", "0.0000000000001")]}, "/cartItems/0/price"),
        ({"cart_items": [item("a", "NaN")]}, "/cartItems/0/price"),
        ({"coupon_codes": ["x" * 101]}, "/couponCodes/0"),
        ({"coupon_codes": [str(n) for n in range(101)]}, "/couponCodes"),
        ({"referral_code": "x" * 101}, "/referralCode"),
        ({"loyalty_cards": ["a", "b"]}, "/loyaltyCards"),
        ({"identifiers": list("abcdef")}, "/identifiers"),
        ({"profile_id": "x" * 1001}, "/profileId"),
        ({"store_integration_id": "mall"}, "/storeIntegrationId"),
        ({"additional_costs": {"gift": Decimal(1)}}, "/additionalCosts/gift"),
        ({"attributes": {"size": "XL"}}, "/attributes/size"),
    ],
)
async def test_what_is_out_of_bounds_is_refused_with_its_place(
    till: Till, fields: dict[str, Any], pointer: str
) -> None:
    await till.put(cart_items=[item("tea", 10)])
    before = await stored(till.shop.database)
    for purpose in (None, DRY):
        with pytest.raises(InvalidInput) as refusal:
            await till.put(purpose=purpose, **fields)
        pointers = [fault.pointer for fault in refusal.value.faults]
        assert pointers == [f"/customerSession{pointer}"]
    assert await stored(till.shop.database) == before


async def test_several_faults_are_told_at_once(till: Till) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await till.put(cart_items=[item("a", -1), item("b", -1)], referral_code="x" * 101)
    assert [fault.pointer for fault in refusal.value.faults] == [
        "/customerSession/referralCode",
        "/customerSession/cartItems/0/price",
        "/customerSession/cartItems/1/price",
    ]


async def test_the_largest_cart_is_accepted(till: Till) -> None:
    await till.campaign(rule("true", 'setDiscount("1 %", session.total / 100)'))
    items = [item(f"sku-{n}", "0.01", 10) for n in range(1000)]
    outcome = await till.put(cart_items=items, state="closed")
    assert outcomes(outcome.decision.effects) == [SetDiscount("1 %", Decimal(1))]
    assert (await till.read()).totals.total == 100


async def test_one_line_of_ten_thousand_units_is_ten_thousand_effects(till: Till) -> None:
    await till.campaign(rule("true", 'setDiscountPerItem("cent", 0.01)'))
    outcome = await till.put(cart_items=[item("tea", 1, 10_000)])
    assert len(outcome.decision.effects) == 10_000
    assert outcome.decision.session.totals.total == 10_000


async def test_limits_hold_at_their_border(till: Till) -> None:
    await till.put(
        profile_id="x" * 1000,
        coupon_codes=["y" * 100, *(str(n) for n in range(99))],
        referral_code="z" * 100,
        identifiers=list("abcde"),
        cart_items=[item("a", "1E+15"), item("b", "0.000000000001")],
    )
    session = await till.read()
    assert len(session.coupon_codes) == 100
    assert session.totals.total == Decimal("1000000000000000.000000000001")


async def test_totals_of_goods_and_both_kinds_of_costs(till: Till) -> None:
    """Contract section 3.8: costs of an item count once per unit."""
    await till.cost("shipping")
    await till.cost("wrapping", "item")
    outcome = await till.put(
        cart_items=[
            item("tea", "12.345", 3, additional_costs={"wrapping": Decimal("0.5")}),
            item("pot", 20),
        ],
        additional_costs={"shipping": Decimal("4.9")},
        state="closed",
    )
    totals = outcome.decision.session.totals
    assert totals.cart_items == Decimal("57.035")
    assert totals.item_additional_costs == Decimal("1.5")
    assert totals.session_additional_costs == Decimal("4.9")
    assert totals.total == Decimal("63.435")
    assert outcome.decision.total_sales_change == Decimal("63.435")


async def test_no_digit_of_the_largest_total_is_lost(till: Till) -> None:
    """31 digits, in the session, in the books, and back again when the session is cancelled."""
    whole = Decimal("9999000000000000000.000000000001")
    items = [item("palace", "1E+15", 9999), item("crumb", "0.000000000001")]
    outcome = await till.put(profile_id="maria", cart_items=items, state="closed")
    assert outcome.decision.session.totals.total == whole
    assert outcome.owner_after.total_sales == whole
    select = "SELECT total_sales FROM customer"
    assert await till.shop.database.fetchval(select) == whole
    outcome = await till.put(state="cancelled")
    assert outcome.owner_after.total_sales == 0
    assert await till.shop.database.fetchval(select) == 0


async def test_what_is_read_back_is_what_was_sent_to_the_last_digit(till: Till) -> None:
    price = Decimal("123456789012345.123456789012")
    sent = update(
        cart_items=[item("tea", str(price), 3, weight=Decimal("0.1"), product={"name": "Tea"})],
        state="closed",
    )
    await till.put(cart_items=sent.cart_items, state="closed")
    session = await till.read()
    assert session.cart_items == sent.cart_items
    assert session.totals.total == Decimal("370370367037035.370370367036")
    assert (session.created, session.updated, session.closed_at) == (till.now,) * 3
