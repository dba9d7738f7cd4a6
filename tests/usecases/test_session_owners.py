"""Whose session it is: guests, customers, and a session that changes hands while it is open."""

from typing import Any

import pytest

from habitue.model.errors import InvalidInput
from habitue.promotions.effects import AcceptCoupon, RejectCoupon
from tests.building import Till, item, outcomes, rule, stored

CART = [item("tea", 10)]


async def owners(till: Till) -> dict[str, tuple[int, int]]:
    """session_count and closed_sessions by integration id; guests under an empty name."""
    rows = await till.shop.database.fetch(
        "SELECT coalesce(value, '') AS name, session_count, closed_sessions "
        "FROM customer LEFT JOIN customer_identifier ON customer_id = customer.id"
    )
    assert len({row["name"] for row in rows}) == len(rows)
    return {row["name"]: (row["session_count"], row["closed_sessions"]) for row in rows}


async def owner_name(till: Till, session_id: str = "s1") -> str:
    session = await till.read(session_id)
    tables = await stored(till.shop.database)
    (row,) = (each for each in tables["session"] if each["integration_id"] == session_id)
    (claim,) = (each for each in tables["claim"] if each["session_id"] == session.id)
    events = [each for each in tables["session_event"] if each["session_id"] == session.id]
    assert {row["customer_id"], claim["customer_id"], session.customer_id} == {row["customer_id"]}
    assert {each["customer_id"] for each in events} == {row["customer_id"]}
    return session.profile_id


async def test_a_guest_owns_one_session_and_nothing_else(till: Till) -> None:
    for session_id in ("s1", "s2"):
        outcome = await till.put(session_id, cart_items=CART)
        assert outcome.decision.session.first_session is True
        assert outcome.decision.session.profile_id == ""
    tables = await stored(till.shop.database)
    assert [each["anonymous"] for each in tables["customer"]] == [True, True]
    assert len(tables["claim"]) == 2


async def test_a_session_goes_from_guest_to_customer_to_another_and_back(till: Till) -> None:
    await till.put(cart_items=CART)
    assert await owners(till) == {"": (1, 0)}
    await till.put(profile_id="maria")
    assert await owners(till) == {"maria": (1, 0)}
    assert await owner_name(till) == "maria"
    await till.put(profile_id="paul")
    assert await owners(till) == {"maria": (0, 0), "paul": (1, 0)}
    assert await owner_name(till) == "paul"
    await till.put(profile_id="")
    assert await owners(till) == {"maria": (0, 0), "paul": (0, 0), "": (1, 0)}
    assert await owner_name(till) == ""
    await till.put()
    assert await owners(till) == {"maria": (0, 0), "paul": (0, 0), "": (1, 0)}
    await till.put(profile_id="maria", state="closed")
    assert await owners(till) == {"maria": (1, 1), "paul": (0, 0)}
    assert await owner_name(till) == "maria"
    tables = await stored(till.shop.database)
    assert len(tables["session_event"]) == 6
    assert tables["session"][0]["document"]["cart_items"][0]["sku"] == "tea"


async def test_a_session_that_is_cancelled_while_it_changes_hands_is_counted_once(
    till: Till,
) -> None:
    await till.put(profile_id="maria", cart_items=CART)
    await till.put(profile_id="paul", state="cancelled")
    assert await owners(till) == {"maria": (0, 0), "paul": (1, 0)}
    assert await owner_name(till) == "paul"
    outcome = await till.put("s2", profile_id="paul", cart_items=CART)
    assert outcome.decision.session.first_session is False


@pytest.mark.parametrize("other", ["paul", "new", ""])
@pytest.mark.parametrize("state", ["open", "closed", "cancelled"])
async def test_a_closed_session_keeps_its_owner(till: Till, other: str, state: Any) -> None:
    await till.put("s0", profile_id="paul", cart_items=CART)
    await till.put(profile_id="maria", cart_items=CART, state="closed")
    before = await stored(till.shop.database)
    with pytest.raises(InvalidInput):
        await till.put(profile_id=other, state=state)
    assert await stored(till.shop.database) == before


async def test_a_reopened_session_may_change_hands(till: Till) -> None:
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign)
    await till.put(profile_id="maria", cart_items=CART, coupon_codes=["SALE"], state="closed")
    await till.reopen()
    await till.put(profile_id="paul", state="closed")
    assert await owners(till) == {"maria": (0, 0), "paul": (1, 1)}
    tables = await stored(till.shop.database)
    (redemption,) = tables["redemption"]
    assert redemption["customer_id"] == tables["session"][0]["customer_id"]
    assert [each["usage_counter"] for each in tables["coupon"]] == [1]


async def test_the_first_session_is_the_first_one_that_the_customer_had(till: Till) -> None:
    first = [
        (await till.put(session_id, profile_id="maria", cart_items=CART)).decision.session
        for session_id in ("s1", "s2", "s1", "s3")
    ]
    assert [each.first_session for each in first] == [True, False, True, False]
    guest = (await till.put("s4", cart_items=CART)).decision.session
    assert guest.first_session is True
    taken_over = (await till.put("s4", profile_id="maria")).decision.session
    assert taken_over.first_session is False
    detached = (await till.put("s4", profile_id="")).decision.session
    assert detached.first_session is True


async def test_a_personal_coupon_follows_the_owner(till: Till) -> None:
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign, recipient="maria")
    found = []
    for profile_id in ("", "maria", "paul", "maria", ""):
        outcome = await till.put(profile_id=profile_id, cart_items=CART, coupon_codes=["SALE"])
        found.append(outcomes(outcome.decision.effects)[0])
    refused = RejectCoupon("SALE", "CouponRecipientDoesNotMatch")
    assert found == [refused, AcceptCoupon("SALE"), refused, AcceptCoupon("SALE"), refused]


async def test_live_and_sandbox_customers_of_one_id_are_two(till: Till) -> None:
    sandbox = await Till.opened(till.shop.database, name="sandbox", sandbox=True)
    await till.shop.refresh()
    await till.put(profile_id="maria", cart_items=CART)
    outcome = await sandbox.put(profile_id="maria", cart_items=CART)
    assert outcome.decision.session.first_session is True
    tables = await stored(till.shop.database)
    assert len(tables["customer"]) == 2
    assert len(tables["session"]) == 2


async def test_applications_share_customers_and_not_sessions(till: Till) -> None:
    other = await Till.opened(till.shop.database, name="other")
    await till.shop.refresh()
    await till.put("s1", profile_id="maria", cart_items=CART)
    outcome = await other.put("s1", profile_id="maria", cart_items=CART)
    assert outcome.decision.event_type == "talon_session_created"
    assert outcome.decision.session.first_session is False
    assert await owners(till) == {"maria": (2, 0)}
