"""The vendor's own client over a real socket: what it refuses to read would be our mistake.

Its models are strict: a required field that is missing or null, an id that is no integer or a
number in quotes is an error there.
"""

from decimal import Decimal
from typing import Any

import pytest
import talon_one
from talon_one import IntegrationApi
from talon_one.exceptions import BadRequestException, NotFoundException, UnauthorizedException
from talon_one.models import (
    CustomerProfileIntegrationRequestV2,
    IntegrationRequest,
    MultipleCustomerProfileIntegrationRequest,
)

from tests.serving import Shopfront, rule

ALL_CONTENT = [
    "customerSession",
    "customerProfile",
    "coupons",
    "triggeredCampaigns",
    "referral",
    "loyalty",
    "event",
    "awardedGiveaways",
    "ruleFailureReasons",
    "previousReturns",
]


def client(front: Shopfront, key: str | None = None) -> Any:
    """The vendor's client, configured as its documentation says."""
    configuration = talon_one.Configuration(
        host=front.base,
        api_key_prefix={"api_key_v1": "ApiKey-v1"},
        api_key={"api_key_v1": key or front.integration_key},
    )
    return IntegrationApi(talon_one.ApiClient(configuration))


def request(content: list[str] | None = None, **session: Any) -> Any:
    """A session update as an integration would build it."""
    return IntegrationRequest.from_dict(
        {"customerSession": session, "responseContent": content or []}
    )


def items(*lines: tuple[str, int, float]) -> list[dict[str, Any]]:
    """Cart items out of sku, quantity and price."""
    return [
        {"sku": sku, "name": sku, "quantity": quantity, "price": price}
        for sku, quantity, price in lines
    ]


def effects_of(state: Any) -> list[tuple[str, dict[str, Any]]]:
    """Effect types with their properties as they came."""
    found = []
    for effect in state.effects:
        props = getattr(effect.props, "actual_instance", effect.props)
        plain = props if isinstance(props, dict) else props.to_dict()
        found.append((effect.effect_type, plain))
    return found


@pytest.fixture(scope="module")
def campaigns(front: Shopfront) -> Shopfront:
    """A threshold campaign and one with a coupon."""
    front.campaign(
        rule(
            ["and", [">=", [".", "Session", "Total"], 50]],
            ["setDiscount", "10% off", ["*", [".", "Session", "Total"], ["/", 10, 100]]],
            title="Ten percent",
        ),
        name="Threshold",
    )
    coupon = front.campaign(
        rule(["and", ["couponValid"]], ["setDiscountPerItem", "one off", 1]), name="Coupon"
    )
    front.coupon(coupon, "SALE-TODAY", usageLimit=2)
    return front


def test_an_update_with_everything_asked_for(campaigns: Shopfront) -> None:
    state = client(campaigns).update_customer_session_v2(
        "everything",
        request(
            ALL_CONTENT,
            profileId="maria",
            couponCodes=["SALE-TODAY", "UNKNOWN"],
            cartItems=items(("tea", 1, 99.99), ("cup", 2, 5)),
        ),
    )
    assert effects_of(state) == [
        ("setDiscount", {"name": "10% off", "value": 10.999}),
        ("acceptCoupon", {"value": "SALE-TODAY"}),
        ("setDiscountPerItem", {"name": "one off#0", "value": 1, "position": 0, "subPosition": 0}),
        ("setDiscountPerItem", {"name": "one off#1", "value": 1, "position": 1, "subPosition": 0}),
        ("setDiscountPerItem", {"name": "one off#1", "value": 1, "position": 1, "subPosition": 1}),
        ("rejectCoupon", {"value": "UNKNOWN", "rejectionReason": "CouponNotFound"}),
    ]
    assert state.effects[-1].campaign_id == -1
    assert state.customer_session.total == 109.99
    assert state.customer_session.update_count == 1
    assert state.customer_session.first_session is True
    assert state.customer_profile.integration_id == "maria"
    assert [each.name for each in state.triggered_campaigns] == ["Threshold", "Coupon"]
    assert [(each.value, each.profile_redemption_count) for each in state.coupons] == [
        ("SALE-TODAY", 0)
    ]
    assert state.event.type == "talon_session_created"
    assert state.rule_failure_reasons == []


def test_the_life_of_a_session(campaigns: Shopfront) -> None:
    api = client(campaigns)
    opened = request(["customerSession"], profileId="paul", cartItems=items(("tea", 1, 60)))
    assert api.update_customer_session_v2("life", opened).customer_session.state == "open"
    closed = api.update_customer_session_v2(
        "life", request(["customerSession", "customerProfile"], state="closed")
    )
    assert effects_of(closed) == [("setDiscount", {"name": "10% off", "value": 6})]
    assert (closed.customer_profile.closed_sessions, closed.customer_profile.total_sales) == (1, 60)
    reopened = api.reopen_customer_session("life")
    assert effects_of(reopened) == [("rollbackDiscount", {"name": "10% off", "value": 6})]
    stored = api.get_customer_session("life")
    assert (stored.customer_session.state, stored.effects) == ("open", [])
    again = api.update_customer_session_v2("life", request(["customerProfile"], state="closed"))
    assert again.customer_profile.closed_sessions == 1
    revoked = api.update_customer_session_v2("life", request(["event"], state="cancelled"))
    assert effects_of(revoked) == [("rollbackDiscount", {"name": "10% off", "value": 6})]
    assert revoked.event.type == "talon_session_revoked"
    with pytest.raises(BadRequestException):
        api.update_customer_session_v2("life", request(state="open"))


def test_ids_with_every_awkward_character(campaigns: Shopfront) -> None:
    api = client(campaigns)
    for session_id in ("a/b", "100%", "a%2Fb", "ünï ✓", "a?b#c", "$&+,;=@"):
        state = api.update_customer_session_v2(
            session_id, request(["customerSession"], cartItems=items(("x", 1, 1)))
        )
        assert state.customer_session.integration_id == session_id
        assert api.get_customer_session(session_id).customer_session.id == state.customer_session.id


def test_an_anonymous_session(campaigns: Shopfront) -> None:
    state = client(campaigns).update_customer_session_v2(
        "guest", request(ALL_CONTENT, cartItems=items(("tea", 1, 10)))
    )
    session = state.customer_session
    assert (session.profile_id, session.referral_code, session.attributes) == ("", "", {})
    assert session.first_session is True
    assert [each.details for each in state.rule_failure_reasons] == [
        "session.total >= 50 did not hold: session.total is 10",
        "couponValid() did not hold",
    ]


def test_a_dry_run_leaves_no_trace(campaigns: Shopfront) -> None:
    api = client(campaigns)
    state = api.update_customer_session_v2(
        "dry", request(profileId="nobody-yet", cartItems=items(("tea", 1, 70))), dry=True
    )
    assert effects_of(state) == [("setDiscount", {"name": "10% off", "value": 7})]
    with pytest.raises(NotFoundException):
        api.get_customer_session("dry")


def test_profiles(campaigns: Shopfront) -> None:
    api = client(campaigns)
    state = api.update_customer_profile_v2(
        "lena",
        CustomerProfileIntegrationRequestV2.from_dict(
            {"attributes": {"Name": "Lena"}, "responseContent": ["customerProfile"]}
        ),
    )
    assert state.customer_profile.attributes == {"Name": "Lena"}
    assert state.effects == []
    many = MultipleCustomerProfileIntegrationRequest.from_dict(
        {"customerProfiles": [{"integrationId": f"p{n}", "attributes": {}} for n in range(3)]}
    )
    assert not api.update_customer_profiles_v2(many)
    told = api.update_customer_profiles_v2(many, silent="no")
    assert len(told.integration_states) == 3
    api.delete_customer_data("lena")
    after = api.update_customer_profile_v2(
        "lena",
        CustomerProfileIntegrationRequestV2.from_dict({"responseContent": ["customerProfile"]}),
    )
    assert after.customer_profile.attributes == {}
    with pytest.raises(NotFoundException):
        api.delete_customer_data("was-never-here")


def test_a_coupon_is_used_up_and_freed_again(campaigns: Shopfront) -> None:
    api = client(campaigns)
    cart: dict[str, Any] = {"couponCodes": ["SALE-TODAY"], "cartItems": items(("tea", 1, 10))}

    def close(session_id: str) -> list[tuple[str, dict[str, Any]]]:
        return effects_of(
            api.update_customer_session_v2(session_id, request(state="closed", **cart))
        )

    accepted = [
        ("acceptCoupon", {"value": "SALE-TODAY"}),
        ("setDiscountPerItem", {"name": "one off#0", "value": 1, "position": 0, "subPosition": 0}),
    ]
    refused = [("rejectCoupon", {"value": "SALE-TODAY", "rejectionReason": "CouponLimitReached"})]
    assert [close("c1"), close("c2"), close("c3")] == [accepted, accepted, refused]
    cancelled = api.update_customer_session_v2("c1", request(state="cancelled"))
    assert ("rollbackCoupon", {"value": "SALE-TODAY"}) in effects_of(cancelled)
    assert close("c4") == accepted


def test_running_campaigns(campaigns: Shopfront) -> None:
    page = campaigns.call("GET", "/v1/integration/campaigns").json
    assert [each["name"] for each in page["data"]] == ["Threshold", "Coupon"]
    assert [each["rules"] for each in page["data"]] == [
        [{"title": "Ten percent"}],
        [{"title": "the rule"}],
    ]
    assert page["hasMore"] is False


def test_a_wrong_key_is_unauthorized(campaigns: Shopfront) -> None:
    with pytest.raises(UnauthorizedException) as refusal:
        client(campaigns, "nonsense").get_customer_session("life")
    found: Any = refusal.value.data
    assert found.status_code == 401


def test_the_clients_error_model_reads_our_errors(campaigns: Shopfront) -> None:
    with pytest.raises(BadRequestException) as refusal:
        client(campaigns).update_customer_session_v2(
            "wrong", request(cartItems=items(("x", 1, 1)), attributes={"Nope": 1})
        )
    found: Any = refusal.value.data
    (error,) = found.errors
    assert error.title == "Unknown"
    assert error.source.pointer == "/customerSession/attributes/Nope"


def test_numbers_stay_exact(campaigns: Shopfront) -> None:
    reply = campaigns.put("exact", cartItems=[{"sku": "x", "quantity": 3, "price": 33.33}])
    assert b'"total":99.99' in reply.body
    assert b'"value":9.999' in reply.body
    assert Decimal("99.99") * Decimal("0.1") == Decimal("9.999")
