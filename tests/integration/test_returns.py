"""Returns through the vendor's own client, over a real socket, and what it cannot send itself."""

from typing import Any

import pytest
from talon_one.exceptions import BadRequestException, UnauthorizedException
from talon_one.models import ReturnIntegrationRequest

from tests.integration.test_vendor_client import client, effects_of, items, request
from tests.serving import Shopfront, rule

CONTENT = [
    "customerSession",
    "customerProfile",
    "coupons",
    "triggeredCampaigns",
    "referral",
    "loyalty",
    "event",
    "previousReturns",
]


@pytest.fixture(scope="module")
def campaigns(front: Shopfront) -> Shopfront:
    """One off each unit, and a tenth off the whole that is judged again when something returns."""
    front.campaign(rule(["and", True], ["setDiscountPerItem", "one off", 1]), name="Units")
    front.campaign(
        rule(
            ["and", [">=", [".", "Session", "Total"], 50]],
            ["setDiscount", "10% off", ["*", [".", "Session", "Total"], ["/", 10, 100]]],
        ),
        name="Threshold",
        reevaluateOnReturn=True,
    )
    return front


def returning(content: list[str] | None = None, *lines: dict[str, Any]) -> Any:
    """A return as an integration would build it."""
    return ReturnIntegrationRequest.from_dict(
        {"return": {"returnedCartItems": list(lines)}, "responseContent": content}
    )


def bought(front: Shopfront, session_id: str, **fields: Any) -> Any:
    """A closed session; the client."""
    api = client(front)
    named = {"profileId": f"buyer-{session_id}", "state": "closed", **fields}
    cart = items(("tea", 3, 12.5), ("pot", 1, 20))
    api.update_customer_session_v2(session_id, request(cartItems=cart, **named))
    return api


def back(line: int, unit: int) -> tuple[str, dict[str, Any]]:
    """The rollback of the discount on one unit."""
    position = {"cartItemPosition": line, "cartItemSubPosition": unit}
    return ("rollbackDiscount", {"name": f"one off#{line}", "value": 1, **position})


def test_a_return_with_everything_asked_for(campaigns: Shopfront) -> None:
    api = bought(campaigns, "r1")
    state = api.return_cart_items("r1", returning(CONTENT, {"position": 0, "quantity": 2}))
    assert effects_of(state) == [back(0, 0), back(0, 1)]
    session = state.customer_session
    assert (session.state, session.total, session.update_count) == ("partially_returned", 57.5, 2)
    assert [
        (each.quantity, each.returned_quantity, each.remaining_quantity)
        for each in session.cart_items
    ] == [(3, 2, 1), (1, 0, 1)]
    profile = state.customer_profile
    assert (profile.closed_sessions, profile.total_sales) == (1, 32.5)
    assert state.event.type == "talon_session_partially_returned"
    made = state.var_return
    assert [each.to_dict() for each in made.returned_cart_items] == [
        {"position": 0, "quantity": 2, "sku": "tea"}
    ]
    assert (made.event_id, made.session_id) == (state.event.id, session.id)
    assert (made.session_integration_id, made.profile_integration_id) == ("r1", "buyer-r1")
    assert (made.profile_id, made.application_id) == (profile.id, campaigns.application_id)
    assert (state.previous_returns, state.triggered_campaigns, state.coupons) == ([], [], [])


def test_a_second_return_knows_the_first_one(campaigns: Shopfront) -> None:
    api = bought(campaigns, "r2")
    first = api.return_cart_items("r2", returning(None, {"sku": "tea", "quantity": 1}))
    second = api.return_cart_items("r2", returning(["previousReturns"], {"sku": "tea"}))
    assert effects_of(second) == [back(0, 1), back(0, 2)]
    assert [each.id for each in second.previous_returns] == [first.var_return.id]
    assert second.var_return.id != first.var_return.id
    stored = api.get_customer_session("r2")
    assert stored.customer_session.state == "partially_returned"
    assert [each.effect_type for each in stored.effects] == ["setDiscountPerItem", "setDiscount"]
    revoked = api.update_customer_session_v2(
        "r2", request(["previousReturns", "customerProfile"], state="cancelled")
    )
    assert effects_of(revoked) == [
        back(1, 0),
        ("rollbackDiscount", {"name": "10% off", "value": 5.75}),
    ]
    assert len(revoked.previous_returns) == 2
    assert (revoked.customer_profile.closed_sessions, revoked.customer_profile.total_sales) == (
        0,
        0,
    )


def test_a_dry_return_changes_nothing(campaigns: Shopfront) -> None:
    api = bought(campaigns, "r3")
    before = api.get_customer_session("r3")
    state = api.return_cart_items("r3", returning(None, {"position": 1}), dry=True)
    assert effects_of(state) == [back(1, 0)]
    assert api.get_customer_session("r3") == before


def test_the_rules_are_run_again_where_that_is_asked_for(campaigns: Shopfront) -> None:
    """The parameter is newer than the published client."""
    bought(campaigns, "r4")
    body = {
        "return": {"returnedCartItems": [{"position": 1}]},
        "responseContent": ["triggeredCampaigns"],
    }
    path = "/v2/customer_sessions/r4/returns?runRuleEngine="
    dry = campaigns.call("POST", f"{path}true&dry=true", body).json
    state = campaigns.call("POST", f"{path}true", body).json
    assert [(each["effectType"], each["props"]["name"]) for each in state["effects"]] == [
        ("rollbackDiscount", "one off#1"),
        ("rollbackDiscount", "10% off"),
    ]
    assert dry["effects"] == state["effects"]
    assert state["triggeredCampaigns"] == []
    bought(campaigns, "r5")
    state = campaigns.call(
        "POST",
        "/v2/customer_sessions/r5/returns?runRuleEngine=false",
        {"return": {"returnedCartItems": [{"position": 1}]}},
    ).json
    assert [each["props"]["name"] for each in state["effects"]] == ["one off#1"]
    assert sorted(state) == ["createdCoupons", "createdReferrals", "effects", "return"]


def test_a_guest_has_no_profile_on_the_return(campaigns: Shopfront) -> None:
    api = bought(campaigns, "r6", profileId="")
    state = api.return_cart_items("r6", returning(["customerProfile"], {"position": 1}))
    assert state.customer_profile is None
    made = state.var_return
    assert (made.profile_id, made.profile_integration_id) == (None, None)


def test_a_key_that_comes_twice_returns_once(campaigns: Shopfront) -> None:
    api = bought(campaigns, "r7")
    body = {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}}
    replies = [
        campaigns.call(
            "POST", "/v2/customer_sessions/r7/returns", body, {"idempotency-key": "return-r7"}
        )
        for _ in range(2)
    ]
    assert [each.status for each in replies] == [200, 200]
    assert replies[0].body == replies[1].body
    assert api.get_customer_session("r7").customer_session.cart_items[0].returned_quantity == 1


@pytest.mark.parametrize(
    ("lines", "pointers"),
    [
        ([], [""]),
        ([{}], ["/0"]),
        ([{"position": 2}], ["/0/position"]),
        ([{"position": -1}], ["/0/position"]),
        ([{"position": 0, "sku": "pot"}], ["/0/sku"]),
        ([{"sku": "cup"}], ["/0/sku"]),
        ([{"position": 1}, {"position": 0, "quantity": 4}], ["/1/quantity"]),
        ([{"position": 0, "quantity": 0}], ["/0/quantity"]),
        ([{"position": 0, "quantity": 1.5}], ["/0/quantity"]),
        ([{"position": 0, "sku": ""}], ["/0/sku"]),
    ],
)
def test_what_cannot_come_back_is_a_bad_request(
    campaigns: Shopfront, lines: list[dict[str, Any]], pointers: list[str]
) -> None:
    if campaigns.call("GET", "/v2/customer_sessions/wrong").status == 404:
        bought(campaigns, "wrong")
    body = {"return": {"returnedCartItems": lines}}
    reply = campaigns.call("POST", "/v2/customer_sessions/wrong/returns", body)
    assert reply.status == 400
    assert [each["source"]["pointer"] for each in reply.json["errors"]] == [
        f"/return/returnedCartItems{pointer}" for pointer in pointers
    ]


def test_wrong_states_and_wrong_sessions(campaigns: Shopfront) -> None:
    api = bought(campaigns, "r8", state="open")
    with pytest.raises(BadRequestException) as refusal:
        api.return_cart_items("r8", returning(None, {"position": 0}))
    found: Any = refusal.value.data
    assert found.errors[0].title == "Invalid state transition"
    assert api.get_customer_session("r8").customer_session.state == "open"
    body = {"return": {"returnedCartItems": [{"position": 0}]}}
    assert campaigns.call("POST", "/v2/customer_sessions/nowhere/returns", body).status == 404
    bodies: list[Any] = [{}, {"return": None}, {"return": {}}, {**body, "responseContent": ["x"]}]
    for wrong in bodies:
        assert campaigns.call("POST", "/v2/customer_sessions/r8/returns", wrong).status == 400
    with pytest.raises(UnauthorizedException):
        client(campaigns, "nonsense").return_cart_items("r8", returning(None, {"position": 0}))
