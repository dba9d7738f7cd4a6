"""Staged campaigns, and the key that tries them, over a real socket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from talon_one.exceptions import UnauthorizedException
from talon_one.models import Campaign

from tests.integration.test_vendor_client import client, items, request
from tests.serving import MANAGEMENT_KEY, Reply, Shopfront, rule

HEADERS = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
ALWAYS = ["and", True]


def manage(front: Shopfront, method: str, path: str, body: Any) -> Reply:
    return front.send(method, path, body, HEADERS)


def discounts(state: Any) -> list[str]:
    return sorted(each.props["name"] for each in state.effects if each.effect_type == "setDiscount")


@pytest.fixture(scope="module")
def staging_key(front: Shopfront) -> str:
    """The staging key of the application, which can stage campaigns from then on."""
    path = f"/v1/applications/{front.application_id}"
    key = {"title": "staging", "expires": "2099-01-01T00:00:00Z", "type": "staging"}
    campaign = {"name": "early", "state": "staged", "tags": [], "features": [], "limits": []}
    for refused, body in ((f"{path}/apikeys", key), (f"{path}/campaigns", campaign)):
        assert manage(front, "POST", refused, body).status == 400
    on, off = ({"enableCampaignStateManagement": each} for each in (True, False))
    assert front.manage("PUT", path, on)["enableCampaignStateManagement"] is True
    assert manage(front, "PUT", path, off).status == 400
    made = front.manage("POST", f"{path}/apikeys", key)
    assert made["type"] == "staging"
    assert manage(front, "POST", f"{path}/apikeys", key).status == 409
    secret: str = made["key"]
    return secret


def test_a_staging_key_tries_what_is_staged_and_changes_nothing(
    front: Shopfront, staging_key: str
) -> None:
    front.campaign(rule(ALWAYS, ["setDiscount", "running", 1]))
    front.campaign(rule(ALWAYS, ["setDiscount", "off", 1]), state="disabled")
    later = {"startTime": "2098-01-01T00:00:00Z"}
    front.campaign(rule(ALWAYS, ["setDiscount", "later", 1]), state="staged", **later)
    coded = rule(["and", ["couponValid"]], ["setDiscount", "staged", 2])
    staged = front.campaign(coded, state="staged")
    front.coupon(staged, "STAGED")
    path = f"/v1/applications/{front.application_id}/campaigns/{staged}"
    shown = front.manage("GET", path)
    assert (shown["state"], shown["frontendState"]) == ("disabled", "staged")
    assert Campaign.from_dict(shown) is not None
    cart = request(cartItems=items(("tea", 1, 50)), couponCodes=["STAGED"], profileId="sam")
    tried = client(front, staging_key).update_customer_session_v2("tried", cart)
    assert discounts(tried) == ["running", "staged"]
    assert front.call("GET", "/v2/customer_sessions/tried").status == 404
    live = client(front).update_customer_session_v2("live", cart)
    assert discounts(live) == ["running"]
    picked = request(evaluableCampaignIds=[staged], cartItems=items(("tea", 1, 50)))
    assert discounts(client(front, staging_key).update_customer_session_v2("t2", picked)) == []
    front.manage("PUT", path, {"state": "enabled"})
    assert front.manage("GET", path)["frontendState"] == "running"
    assert discounts(client(front).update_customer_session_v2("live", cart)) == [
        "running",
        "staged",
    ]


def test_profiles_and_events_are_tried_with_it_and_nothing_else_is(
    front: Shopfront, staging_key: str
) -> None:
    told = ["showNotification", "Info", "hello", "staged"]
    definition = {"entity": "Event", "eventType": "looked", "name": "page", "title": "page"}
    front.manage("POST", "/v1/attributes", {**definition, "type": "string", "description": ""})
    front.campaign(rule(ALWAYS, told), state="staged")

    def notifications(reply: Reply) -> list[str]:
        assert reply.status == 200, reply.body
        effects = reply.json["effects"]
        return [e["props"]["body"] for e in effects if e["effectType"] == "showNotification"]

    def staged(method: str, path: str, body: Any = None) -> Reply:
        return front.send(method, path, body, {"authorization": f"ApiKey-v1 {staging_key}"})

    profile = "/v2/customer_profiles/stan"
    assert notifications(staged("PUT", profile, {"attributes": {"Name": "Stan"}})) == ["staged"]
    event = {"profileId": "stan", "type": "looked", "attributes": {"page": "tea"}}
    assert notifications(staged("POST", "/v2/events?silent=no", event)) == ["staged"]
    assert notifications(front.call("POST", "/v2/events?silent=no", event)) == []
    known = front.call(
        "PUT", f"{profile}?runRuleEngine=false", {"responseContent": ["customerProfile"]}
    )
    assert known.json["customerProfile"]["attributes"] == {}, "a dry run stores nothing"
    for method, path in (
        ("GET", "/v2/customer_sessions/live"),
        ("GET", f"{profile.replace('v2', 'v1')}/inventory"),
        ("POST", "/v3/events"),
        ("DELETE", "/v1/customer_data/stan"),
        ("GET", "/v1/integration/campaigns"),
    ):
        assert staged(method, path, None if method == "GET" else event).status == 401
    with pytest.raises(UnauthorizedException):
        client(front, staging_key).get_customer_session("live")


def test_a_key_with_a_time_offset_decides_as_of_then(front: Shopfront) -> None:
    start = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    front.campaign(rule(ALWAYS, ["setDiscount", "soon", 1]), startTime=start)
    path, given = f"/v1/applications/{front.application_id}/apikeys", {}
    for days in (0, 3, -3):
        key = {"title": "k", "expires": "2099-01-01T00:00:00Z", "timeOffset": days * 86_400 * 10**9}
        moved = client(front, front.manage("POST", path, key)["key"])
        sent = request(cartItems=items(("a", 1, 9)))
        given[days] = "soon" in discounts(moved.update_customer_session_v2(f"of{days}", sent))
        created = moved.get_customer_session(f"of{days}").customer_session.created
        assert round((created - datetime.now(UTC)) / timedelta(days=1)) == days
    assert given == {0: False, 3: True, -3: False}
