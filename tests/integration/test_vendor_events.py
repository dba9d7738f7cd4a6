"""Custom and advanced events through the vendor's own client, over a real socket."""

from typing import Any

import pytest
from talon_one.exceptions import BadRequestException, NotFoundException
from talon_one.models import (
    EventV3,
    IntegrationEventV2Request,
    IntegrationEventV3Request,
    IntegrationEventV3Response,
)

from tests.integration.test_vendor_client import client, effects_of, items, request
from tests.integration.test_vendor_loyalty import staff
from tests.serving import Reply, Shopfront, rule

SAYS = "showNotification"


def attribute(front: Shopfront, event_type: str, name: str, type_: str) -> None:
    body = {
        "entity": "Event",
        "eventType": event_type,
        "name": name,
        "title": f"{event_type} {name}",
        "type": type_,
        "description": "",
        "suggestions": [],
        "editable": True,
    }
    front.manage("POST", "/v1/attributes", body)


@pytest.fixture(scope="module")
def shop(front: Shopfront) -> Shopfront:
    """Two types of events, and rules that wait for them."""
    attribute(front, "review_written", "stars", "number")
    attribute(front, "review_written", "at", "time")
    attribute(front, "app_opened", "stars", "string")
    five_stars = [
        "and",
        ["=", [".", "Event", "Type"], "review_written"],
        [">=", [".", "Event", "Attributes", "stars"], 5],
    ]
    front.campaign(
        rule(five_stars, [SAYS, "Info", "five", "thank you"]),
        rule(["and", [">", [".", "Session", "Total"], 0]], ["setDiscount", "never", 1]),
        rule(
            ["and", ["=", [".", "Event", "Type"], "talon_session_closed"]],
            [SAYS, "Info", "bought", "enjoy"],
        ),
        rule(
            [
                "and",
                ["=", [".", "Event", "Type"], "app_opened"],
                ["=", [".", "Event", "Attributes", "stars"], "many"],
            ],
            ["updateAttribute", "Profile.Attributes.City", "Stars"],
        ),
        name="Reviews",
    )
    return front


def track(shop: Shopfront, silent: str = "no", dry: bool = False, **event: Any) -> Any:
    body = IntegrationEventV2Request.from_dict(event)
    return client(shop).track_event_v2(body, silent=silent, dry=dry)


def post(shop: Shopfront, query: str = "", headers: Any = None, **event: Any) -> Reply:
    return shop.call("POST", f"/v2/events{query}", event, headers)


def listed(shop: Shopfront, **wanted: Any) -> list[Any]:
    """Events of the application as staff see them."""
    page = staff(shop).get_application_events_without_total_count(shop.application_id, **wanted)
    return list(page.data)


def titles(state: Any) -> list[str]:
    return [props["title"] for type_, props in effects_of(state) if type_ == SAYS]


def test_an_event_runs_the_rules_and_is_told(shop: Shopfront) -> None:
    content = ["customerProfile", "event", "triggeredCampaigns", "ruleFailureReasons"]
    attributes = {"stars": 5, "at": "2026-01-01T00:00:00Z"}
    state = track(
        shop,
        profileId="ann",
        type="review_written",
        attributes=attributes,
        responseContent=content,
    )
    assert titles(state) == ["five"]
    assert (state.created_coupons, state.created_referrals) == ([], [])
    assert state.customer_profile.integration_id == "ann"
    assert state.customer_profile.closed_sessions == 0
    assert (state.event.type, state.event.profile_id) == ("review_written", "ann")
    assert state.event.attributes == attributes
    assert [each.name for each in state.triggered_campaigns] == ["Reviews"]
    (stored,) = listed(shop, profile="ann")
    assert (stored.id, stored.type) == (state.event.id, "review_written")
    assert (stored.attributes, stored.profile_id) == (attributes, state.customer_profile.id)
    assert [each.effect_type for each in stored.effects] == [SAYS]


def test_silence_is_the_default(shop: Shopfront) -> None:
    reply = post(shop, profileId="quiet", type="review_written", attributes={"stars": 5})
    assert (reply.status, reply.body) == (204, b"")
    reply = post(shop, "?silent=yes", profileId="quiet", type="review_written")
    assert (reply.status, reply.body) == (204, b"")
    assert [each.type for each in listed(shop, profile="quiet")] == ["review_written"] * 2
    assert post(shop, "?silent=no", profileId="quiet", type="app_opened").status == 200


def test_a_dry_event_leaves_nothing(shop: Shopfront) -> None:
    state = track(shop, dry=True, profileId="dry", type="review_written", attributes={"stars": 5})
    assert titles(state) == ["five"]
    assert listed(shop, profile="dry") == []
    assert shop.call("DELETE", "/v1/customer_data/dry").status == 404
    forced = "?silent=no&dry=true&forceCompleteEvaluation=true"
    assert post(shop, forced, profileId="dry", type="app_opened").status == 200


def test_what_rules_set_is_there_at_once(shop: Shopfront) -> None:
    state = track(
        shop,
        profileId="setter",
        type="app_opened",
        attributes={"stars": "many"},
        responseContent=["customerProfile"],
    )
    assert state.customer_profile.attributes == {"City": "Stars"}
    reply = shop.call(
        "PUT", "/v2/customer_profiles/setter", {"responseContent": ["customerProfile"]}
    )
    assert reply.json["customerProfile"]["attributes"] == {"City": "Stars"}


@pytest.mark.parametrize(
    ("query", "event", "place"),
    [
        ("", {"profileId": "x", "type": "unheard_of"}, {"pointer": "/type"}),
        ("", {"profileId": "x", "type": "talon_session_closed"}, {"pointer": "/type"}),
        ("", {"profileId": "x"}, {"pointer": "/type"}),
        ("", {"type": "review_written"}, {"pointer": "/profileId"}),
        (
            "",
            {"profileId": "x", "type": "review_written", "attributes": {"stars": "5"}},
            {"pointer": "/attributes/stars"},
        ),
        (
            "",
            {"profileId": "x", "type": "app_opened", "attributes": {"at": "2026-01-01T00:00:00Z"}},
            {"pointer": "/attributes/at"},
        ),
        (
            "",
            {"profileId": "x", "type": "app_opened", "loyaltyCards": ["a", "b"]},
            {"pointer": "/loyaltyCards"},
        ),
        (
            "",
            {"profileId": "x", "type": "app_opened", "evaluableCampaignIds": [1]},
            {"pointer": "/evaluableCampaignIds"},
        ),
        (
            "?forceCompleteEvaluation=true",
            {"profileId": "x", "type": "app_opened"},
            {"parameter": "forceCompleteEvaluation"},
        ),
    ],
)
def test_bad_events_are_refused(
    shop: Shopfront, query: str, event: dict[str, Any], place: dict[str, str]
) -> None:
    reply = post(shop, query, **event)
    assert reply.status == 400
    assert [each["source"] for each in reply.json["errors"]] == [place]
    assert listed(shop, profile="x") == []


def test_the_same_key_gives_the_same_answer(shop: Shopfront) -> None:
    headers = {"idempotency-key": "event-1"}
    event = {"profileId": "once", "type": "review_written", "attributes": {"stars": 5}}
    first = post(shop, "?silent=no", headers, **event)
    second = post(shop, "?silent=no", headers, **event)
    assert (first.status, first.body) == (second.status, second.body)
    assert len(listed(shop, profile="once")) == 1
    assert post(shop, "?silent=no", headers, **{**event, "attributes": {}}).status == 409


def test_what_sessions_and_profiles_are_is_listed(shop: Shopfront) -> None:
    sdk = client(shop)
    sdk.update_customer_session_v2(
        "listed", request(profileId="lister", cartItems=items(("tea", 1, 10)))
    )
    sdk.update_customer_session_v2("listed", request(state="closed"))
    sdk.reopen_customer_session("listed")
    shop.call("PUT", "/v2/customer_profiles/lister?runRuleEngine=true", {})
    shop.call("PUT", "/v2/customer_profiles/lister", {})
    shop.call("PUT", "/v2/customer_profiles/lister?runRuleEngine=true&dry=true", {})
    events = listed(shop, profile="lister")
    told = [(each.type, [effect.effect_type for effect in each.effects]) for each in events]
    assert told == [
        ("talon_session_created", ["setDiscount"]),
        ("talon_session_closed", ["setDiscount", SAYS]),
        ("talon_session_reopened", ["rollbackDiscount"]),
        ("talon_profile_updated", []),
    ]
    newest = listed(shop, profile="lister", sort="-created", page_size=1)
    assert [each.type for each in newest] == ["talon_profile_updated"]
    by_session = listed(shop, session="listed")
    assert [each.id for each in by_session] == [each.id for each in events[:3]]
    assert len({each.session_id for each in by_session}) == 1
    assert events[3].session_id is None
    rollbacks = listed(shop, profile="lister", effect_type="rollbackDiscount")
    assert [each.type for each in rollbacks] == ["talon_session_reopened"]
    assert listed(shop, profile="lister", effect_type="acceptCoupon") == []
    assert len(listed(shop, profile="lister", campaign_query="revi")) == 3
    assert listed(shop, profile="lister", campaign_query="other") == []
    types = staff(shop).get_application_event_types(shop.application_id)
    assert {"talon_session_reopened", "review_written"} <= set(types.data)
    assert types.total_result_size == len(types.data)


def test_the_application_of_a_list_must_exist(shop: Shopfront) -> None:
    with pytest.raises(NotFoundException):
        staff(shop).get_application_events_without_total_count(987654)
    with pytest.raises(BadRequestException):
        staff(shop).get_application_events_without_total_count(shop.application_id, sort="type")


def test_types_of_events(shop: Shopfront) -> None:
    types = staff(shop).get_event_types()
    assert {"review_written", "app_opened"} <= {each.name for each in types.data}
    made = shop.manage("POST", "/v1/event_types", {"name": "visited", "title": "A visit"})
    assert (made["name"], made["title"], made["description"]) == ("visited", "A visit", "")
    assert post(shop, profileId="v1", type="visited").status == 204
    path = f"/v1/event_types/{made['id']}"
    changed = shop.manage("PUT", path, {"description": "in the shop"})
    assert changed == {**made, "description": "in the shop"}
    assert shop.manage("GET", path) == changed
    (found,) = staff(shop).get_event_types(name="visited").data
    assert found.id == made["id"]
    shop.manage("DELETE", path)
    assert post(shop, profileId="v1", type="visited").status == 400
    key = {"authorization": "ManagementKey-v1 a-management-key-of-the-tests"}
    for method, body, status in (
        ("POST", {"name": "review_written"}, 409),
        ("POST", {"name": "talon_mine"}, 400),
        ("POST", {"name": " "}, 400),
        ("POST", {}, 400),
    ):
        assert shop.send(method, "/v1/event_types", body, key).status == status, body
    assert shop.send("GET", path, None, key).status == 404


def post_advanced(shop: Shopfront, query: str = "?silent=no", **event: Any) -> Reply:
    """The released client has models of advanced events, and no call for them yet."""
    return shop.call("POST", f"/v3/events{query}", {"profileId": "adv", **event})


def test_an_advanced_event_happens_once_and_can_be_read(shop: Shopfront) -> None:
    event: Any = {"integrationId": "e%1", "type": "review_written", "attributes": {"stars": 5}}
    IntegrationEventV3Request.from_dict({"profileId": "adv", **event})
    reply = post_advanced(shop, **event, responseContent=["event"])
    state: Any = IntegrationEventV3Response.from_json(reply.body.decode())
    assert (reply.status, titles(state)) == (200, [])  # no campaign has advanced events
    assert reply.json["advancedEvent"]["integrationId"] == "e%1"
    assert post_advanced(shop, **event).status == 409
    assert post_advanced(shop, "?silent=no&dry=true", **event).status == 409
    found = shop.call("GET", "/v3/events/e%251")
    read: Any = EventV3.from_json(found.body.decode())
    assert (read.profile_id, read.integration_id, read.type) == ("adv", "e%1", "review_written")
    assert (found.json, read.attributes) == (reply.json["advancedEvent"], {"stars": 5})
    assert len(listed(shop, profile="adv")) == 1
    assert shop.call("GET", "/v3/events/e2").status == 404
    silent = post_advanced(shop, "", type="app_opened", integrationId="e3")
    assert (silent.status, silent.body) == (204, b"")
    missing = post_advanced(shop, type="app_opened")
    assert missing.json["errors"][0]["source"] == {"pointer": "/integrationId"}


def test_an_advanced_event_is_about_a_closed_session_of_the_profile(shop: Shopfront) -> None:
    shop.campaign(
        rule(
            ["and", ["=", [".", "Session", "Total"], 42]],
            [SAYS, "Info", "answer", "well bought"],
        ),
        rule(["and", ["=", [".", "Session", "Total"], 42]], ["setDiscount", "too late", 1]),
        name="Advanced",
        features=["advancedEvents"],
    )
    for session, profile, state in (
        ("done", "adv", "closed"),
        ("undone", "adv", "open"),
        ("foreign", "somebody-else", "closed"),
    ):
        client(shop).update_customer_session_v2(
            session, request(profileId=profile, cartItems=items(("tea", 1, 42)), state=state)
        )
    told = post_advanced(
        shop,
        type="app_opened",
        integrationId="c1",
        connectedSessionId="done",
        responseContent=["event"],
    )
    assert [each["effectType"] for each in told.json["effects"]] == [SAYS]
    assert told.json["advancedEvent"]["connectedSessionId"] == "done"
    older = post_advanced(shop, type="app_opened", integrationId="c2", connectedSessionID="done")
    assert [each["props"]["title"] for each in older.json["effects"]] == ["answer"]
    for session in ("undone", "foreign", "unknown"):
        reply = post_advanced(
            shop, type="app_opened", integrationId="c3", connectedSessionId=session
        )
        assert reply.status == 400
        assert reply.json["errors"][0]["source"] == {"pointer": "/connectedSessionId"}
    assert shop.call("GET", "/v3/events/c3").status == 404
    assert shop.call("GET", "/v3/events/c1").json["connectedSessionId"] == "done"


def test_a_forced_event_asks_every_campaign_whatever_the_group_says(shop: Shopfront) -> None:
    for name in ("One", "Two"):
        shop.campaign(
            rule(["and", ["=", [".", "Event", "Type"], "app_opened"]], [SAYS, "Info", name, name]),
            name=name,
        )
    path = f"/v1/applications/{shop.application_id}/campaign_set"
    before = shop.manage("GET", path)
    first = {**before["set"], "evaluationMode": "listOrder"}
    now = shop.manage("PUT", path, {"set": first, "version": before["version"]})
    event = {"profileId": "forced", "type": "app_opened"}
    plain = post(shop, "?silent=no&dry=true", **event).json["effects"]
    assert [each["props"]["title"] for each in plain] == ["One"]
    forced = post(shop, "?silent=no&dry=true&forceCompleteEvaluation=True", **event).json["effects"]
    assert [each["props"]["title"] for each in forced] == ["One", "Two"]
    shop.manage("PUT", path, {"set": before["set"], "version": now["version"]})
