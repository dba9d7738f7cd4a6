"""Returns of items: states, books and coupons, as they are stored and as they are answered."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import InvalidInput, KeyReused, NotFound, SessionBusy
from habitue.promotions.decide_return import ReturnCommand
from habitue.promotions.effects import (
    RollbackCoupon,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerItem,
)
from habitue.promotions.returned import ReturnWish
from habitue.usecases.return_items import return_items
from habitue.usecases.writing import Reply
from tests.building import Till, item, outcomes, rule, stored
from tests.harness.card_jobs import merge, unmerge
from tests.harness.judge import violations
from tests.usecases.test_idempotent_updates import key

CART = [item("tea", "12.50", 3), item("pot", 20), item("tea", 5, 2)]
TOTAL = Decimal("67.50")


async def buy(till: Till, session_id: str = "s1", **fields: Any) -> None:
    """A closed session of maria."""
    named = {"profile_id": "maria", "cart_items": CART, "state": "closed", **fields}
    await till.put(session_id, **named)


async def books(till: Till) -> list[tuple[int, int, Decimal]]:
    """Sessions, closed sessions and sales of each customer, and nothing is wrong."""
    assert await violations(till.shop.database) == []
    rows = await till.shop.database.fetch(
        "SELECT session_count, closed_sessions, total_sales FROM customer ORDER BY id"
    )
    return [(row["session_count"], row["closed_sessions"], row["total_sales"]) for row in rows]


async def test_some_units_come_back(till: Till) -> None:
    await till.campaign(rule("true", 'setDiscountPerItem("one off", 1)', 'setDiscount("whole", 5)'))
    await buy(till)
    outcome = await till.give_back("s1", ReturnWish(0, None, 2), ReturnWish(1))
    assert outcomes(outcome.decision.effects) == [
        RollbackDiscount("one off#0", Decimal(1), 0, 0),
        RollbackDiscount("one off#0", Decimal(1), 0, 1),
        RollbackDiscount("one off#1", Decimal(1), 1, 0),
    ]
    assert outcome.decision.event_type == "talon_session_partially_returned"
    assert outcome.owner_after.total_sales == Decimal("22.50")
    session = await till.read()
    assert session.state == "partially_returned"
    assert [(each.quantity, each.returned_quantity) for each in session.cart_items] == [
        (3, 2),
        (1, 1),
        (2, 0),
    ]
    assert session.totals.total == TOTAL
    assert outcomes(session.effects) == [
        SetDiscountPerItem("one off#0", Decimal(1), 0, 2),
        SetDiscountPerItem("one off#2", Decimal(1), 2, 0),
        SetDiscountPerItem("one off#2", Decimal(1), 2, 1),
        SetDiscount("whole", Decimal(5)),
    ]
    assert await books(till) == [(1, 1, Decimal("22.50"))]
    events = (await stored(till.shop.database))["session_event"]
    assert [each["type"] for each in sorted(events, key=lambda each: each["id"])] == [
        "talon_session_closed",
        "talon_session_partially_returned",
    ]


async def test_what_is_left_comes_back_later(till: Till) -> None:
    await till.campaign(rule("true", 'setDiscountPerItem("one off", 1)'))
    await buy(till)
    await till.give_back("s1", ReturnWish(sku="tea", quantity=4))
    assert await books(till) == [(1, 1, Decimal(25))]
    outcome = await till.give_back("s1", ReturnWish(sku="tea"))
    assert outcomes(outcome.decision.effects) == [RollbackDiscount("one off#2", Decimal(1), 2, 1)]
    outcome = await till.give_back("s1", ReturnWish(1))
    assert outcomes(outcome.decision.effects) == [RollbackDiscount("one off#1", Decimal(1), 1, 0)]
    session = await till.read()
    assert (session.state, session.effects) == ("partially_returned", ())
    assert await books(till) == [(1, 1, Decimal(0))]


async def test_costs_of_units_come_back_and_costs_of_the_session_do_not(till: Till) -> None:
    await till.cost("engraving", "item")
    await till.cost("shipping")
    await till.campaign(
        rule("true", 'setDiscountPerAdditionalCost("half shipping", "shipping", 2)')
    )
    cart = [item("ring", 100, 2, additional_costs={"engraving": Decimal("7.5")})]
    await buy(till, cart_items=cart, additional_costs={"shipping": Decimal(4)})
    assert await books(till) == [(1, 1, Decimal(219))]
    outcome = await till.give_back("s1", ReturnWish(0, None, 1))
    assert outcome.decision.effects == ()
    assert await books(till) == [(1, 1, Decimal("111.5"))]
    await till.give_back("s1", ReturnWish(0))
    assert await books(till) == [(1, 1, Decimal(4))]


async def test_a_coupon_stays_redeemed_until_the_session_is_cancelled(till: Till) -> None:
    campaign = await till.campaign(
        rule("couponValid()", 'setDiscountPerItem("one off", 1)', 'setDiscount("whole", 5)')
    )
    await till.coupon(campaign)
    await buy(till, coupon_codes=["SALE"])
    outcome = await till.give_back("s1", ReturnWish(0), ReturnWish(1))
    assert RollbackCoupon("SALE") not in outcomes(outcome.decision.effects)
    tables = await stored(till.shop.database)
    assert [each["code"] for each in tables["redemption"]] == ["SALE"]
    assert [each.usage_counter for each in outcome.coupons_after()] == [1]
    revoked = await till.put(state="cancelled")
    assert outcomes(revoked.decision.effects) == [
        RollbackCoupon("SALE"),
        RollbackDiscount("one off#2", Decimal(1), 2, 0),
        RollbackDiscount("one off#2", Decimal(1), 2, 1),
        RollbackDiscount("whole", Decimal(5)),
    ]
    assert revoked.decision.event_type == "talon_session_revoked"
    assert (await till.read()).state == "cancelled"
    assert await books(till) == [(1, 0, Decimal(0))]
    assert [each["usage_counter"] for each in (await stored(till.shop.database))["coupon"]] == [0]


@pytest.mark.parametrize("state", ["open", "cancelled", "revoked", "reopened"])
async def test_only_a_closed_session_returns_items(till: Till, state: str) -> None:
    await till.put(profile_id="maria", cart_items=CART)
    if state in ("revoked", "reopened"):
        await till.put(state="closed")
    if state == "reopened":
        await till.reopen()
    if state in ("cancelled", "revoked"):
        await till.put(state="cancelled")
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput) as refusal:
        await till.give_back("s1", ReturnWish(0))
    assert [each.pointer for each in refusal.value.faults] == ["/customerSession/state"]
    assert await stored(till.shop.database) == before


@pytest.mark.parametrize(
    ("wishes", "pointers"),
    [
        ([ReturnWish(0, None, 3)], ["/0/quantity"]),
        ([ReturnWish(0, None, 1), ReturnWish(3)], ["/1/position"]),
        ([ReturnWish(1), ReturnWish(2, "pot", 1)], ["/1/sku"]),
        ([ReturnWish(sku="cup"), ReturnWish()], ["/0/sku", "/1"]),
        ([], [""]),
    ],
)
async def test_what_cannot_come_back_changes_nothing(
    till: Till, wishes: list[ReturnWish], pointers: list[str]
) -> None:
    await buy(till)
    await till.give_back("s1", ReturnWish(0, None, 1))
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput) as refusal:
        await till.give_back("s1", *wishes)
    assert [each.pointer for each in refusal.value.faults] == [
        f"/return/returnedCartItems{pointer}" for pointer in pointers
    ]
    assert await stored(till.shop.database) == before


async def test_a_session_that_does_not_exist_returns_nothing(till: Till) -> None:
    before = await stored(till.shop.database)
    for dry in (False, True):
        with pytest.raises(NotFound):
            await till.give_back("nowhere", ReturnWish(0), dry=dry)
    assert await stored(till.shop.database) == before


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_what_was_returned_from_can_only_be_cancelled(till: Till, state: str) -> None:
    await buy(till)
    await till.give_back("s1", ReturnWish(0))
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput):
        await till.put(state=state)
    with pytest.raises(InvalidInput):
        await till.reopen()
    assert await stored(till.shop.database) == before


async def test_a_dry_return_says_what_would_be(till: Till) -> None:
    await till.campaign(rule("true", 'setDiscountPerItem("one off", 1)'))
    await buy(till)
    before = await stored(till.shop.database)
    dry = await till.give_back("s1", ReturnWish(1), dry=True)
    assert await stored(till.shop.database) == before
    true = await till.give_back("s1", ReturnWish(1))
    assert dry.decision.effects == true.decision.effects
    assert dry.decision.session.state == "partially_returned"
    assert dry.owner_after.total_sales == true.owner_after.total_sales == Decimal("47.50")


async def test_a_key_that_comes_twice_returns_once(till: Till) -> None:
    await buy(till)
    command = ReturnCommand(till.application.id, "s1", (ReturnWish(0, None, 1),))

    async def send(answer: bytes, body: str = "body") -> Reply:
        return await return_items(
            till.shop,
            command,
            till.now,
            lambda outcome, program: Reply(200, answer),
            idempotency=key("k", body),
        )

    assert await send(b"first") == Reply(200, b"first")
    before = await stored(till.shop.database)
    assert await send(b"other") == Reply(200, b"first")
    with pytest.raises(KeyReused):
        await send(b"other", "another body")
    assert await stored(till.shop.database) == before
    assert await books(till) == [(1, 1, Decimal(55))]


async def test_returns_at_the_same_time_never_return_a_unit_twice(till: Till) -> None:
    await buy(till, cart_items=[item("tea", 10, 5)])

    async def one() -> bool:
        try:
            await till.give_back("s1", ReturnWish(0, None, 1))
        except (InvalidInput, SessionBusy):
            return False
        return True

    returned = sum(await asyncio.gather(*(one() for _ in range(8))))
    assert 1 <= returned <= 5
    assert (await till.read()).cart_items[0].returned_quantity == returned
    assert await books(till) == [(1, 1, Decimal(50 - 10 * returned))]


async def test_a_guest_returns_items_too(till: Till) -> None:
    await till.put(cart_items=CART, state="closed")
    await till.give_back("s1", ReturnWish(1))
    assert await books(till) == [(1, 1, Decimal("47.50"))]


async def test_sales_are_counted_without_what_was_returned_when_customers_part(
    till: Till,
) -> None:
    await buy(till, "s1")
    await buy(till, "s2", profile_id="paul")
    await till.give_back("s1", ReturnWish(1))
    maria, paul = await _ids(till, "maria", "paul")
    await merge(till, maria, paul)
    await till.give_back("s2", ReturnWish(0, None, 2))
    sales = await till.shop.database.fetchrow(
        "SELECT closed_sessions, total_sales FROM customer WHERE id = $1", maria
    )
    assert tuple(sales or ()) == (2, Decimal("90.00"))
    await unmerge(till, paul)
    assert await books(till) == [(1, 1, Decimal("47.50")), (1, 1, Decimal("42.50"))]
    await till.put("s2", state="cancelled")
    assert await books(till) == [(1, 1, Decimal("47.50")), (1, 0, Decimal(0))]


async def _ids(till: Till, *names: str) -> list[int]:
    rows = await till.shop.database.fetch("SELECT value, customer_id FROM customer_identifier")
    ids = {row["value"]: row["customer_id"] for row in rows}
    return [ids[name] for name in names]
