"""Audiences through the vendor's own client, over a real socket."""

from typing import Any

import pytest
from talon_one.exceptions import BadRequestException, ConflictException, NotFoundException
from talon_one.models import (
    CustomerProfileAudienceRequest,
    CustomerProfileIntegrationRequestV2,
    NewAudience,
    UpdateAudience,
)

from tests.integration.test_vendor_client import client, effects_of, request
from tests.serving import Shopfront, rule


def made(front: Shopfront, name: str, **fields: Any) -> Any:
    return client(front).create_audience_v2(NewAudience.from_dict({"name": name, **fields}))


def move(front: Shopfront, *moves: tuple[str, str, int]) -> None:
    data = [
        {"action": action, "profileIntegrationId": profile, "audienceId": audience}
        for action, profile, audience in moves
    ]
    body = CustomerProfileAudienceRequest.from_dict({"data": data})
    client(front).update_customer_profile_audiences(body)


def memberships(front: Shopfront, profile: str) -> list[str]:
    """The audiences that an answer about the profile shows."""
    state = update(front, profile)
    return [each.name for each in state.customer_profile.audience_memberships]


def update(front: Shopfront, profile: str, run: bool = False, **body: Any) -> Any:
    content = ["customerProfile"]
    return client(front).update_customer_profile_v2(
        profile,
        CustomerProfileIntegrationRequestV2.from_dict({"responseContent": content, **body}),
        run_rule_engine=run,
    )


def test_an_audience_is_made_renamed_and_deleted(front: Shopfront) -> None:
    audience = made(front, "Tea", description="drinkers", integration="segment", integrationId="t1")
    assert (audience.name, audience.sandbox, audience.account_id) == ("Tea", False, 1)
    assert (audience.integration, audience.integration_id) == ("segment", "t1")
    with pytest.raises(ConflictException):
        made(front, "Other", integration="segment", integrationId="t1")
    made(front, "Other", integration="braze", integrationId="t1")
    renamed = client(front).update_audience_v2(audience.id, UpdateAudience(name="Teas"))
    assert (renamed.id, renamed.name, renamed.description) == (audience.id, "Teas", "drinkers")
    move(front, ("add", "drinker", audience.id))
    assert memberships(front, "drinker") == ["Teas"]
    client(front).delete_audience_v2(audience.id)
    assert memberships(front, "drinker") == []
    with pytest.raises(NotFoundException):
        client(front).delete_audience_v2(audience.id)
    made(front, "Tea again", integration="segment", integrationId="t1")


def test_many_changes_happen_together_or_not_at_all(front: Shopfront) -> None:
    first, second = made(front, "First").id, made(front, "Second").id
    move(front, ("add", "m1", first), ("add", "m2", first), ("add", "m1", second))
    assert memberships(front, "m1") == ["First", "Second"]
    with pytest.raises(NotFoundException):
        move(front, ("delete", "m1", first), ("add", "m3", second + 1000))
    assert memberships(front, "m1") == ["First", "Second"]
    move(front, ("delete", "m1", first), ("add", "m1", first), ("delete", "m1", second))
    assert memberships(front, "m1") == ["First"]
    client(front).delete_audience_memberships_v2(first)
    assert (memberships(front, "m1"), memberships(front, "m2")) == ([], [])


def test_somebody_unknown_who_leaves_does_not_come_to_be(front: Shopfront) -> None:
    audience = made(front, "Leavers").id
    move(front, ("delete", "nobody-yet", audience))
    erased = front.call("DELETE", "/v1/customer_data/nobody-yet")
    assert erased.status == 404
    move(front, ("add", "somebody", audience))
    assert front.call("DELETE", "/v1/customer_data/somebody").status == 204


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        ({"action": "remove", "profileIntegrationId": "x", "audienceId": 1}, "/data/0/action"),
        (
            {"action": "add", "profileIntegrationId": "", "audienceId": 1},
            "/data/0/profileIntegrationId",
        ),
        ({"action": "add", "profileIntegrationId": "x"}, "/data/0/audienceId"),
        ({"action": "add", "profileIntegrationId": "x", "audienceId": 1.5}, "/data/0/audienceId"),
    ],
)
def test_a_bad_change_is_refused_with_its_place(
    front: Shopfront, item: dict[str, Any], pointer: str
) -> None:
    reply = front.call("POST", "/v2/customer_audiences", {"data": [item]})
    assert reply.status == 400
    assert [each["source"]["pointer"] for each in reply.json["errors"]] == [pointer]


def test_more_than_a_thousand_changes_are_refused(front: Shopfront) -> None:
    item = {"action": "add", "profileIntegrationId": "x", "audienceId": 1}
    reply = front.call("POST", "/v2/customer_audiences", {"data": [item] * 1001})
    assert (reply.status, reply.json["errors"][0]["source"]) == (400, {"pointer": "/data"})
    assert front.call("POST", "/v2/customer_audiences", {}).status == 204


def test_bad_audiences_are_refused(front: Shopfront) -> None:
    for body, pointer in (
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x", "integrationId": ""}, "/integrationId"),
        ({"name": "x", "subscribedApplicationsIds": [987654]}, "/subscribedApplicationsIds/0"),
        (
            {"name": "x", "sandbox": True, "subscribedApplicationsIds": [front.application_id]},
            "/subscribedApplicationsIds/0",
        ),
    ):
        reply = front.call("POST", "/v2/audiences", body)
        assert reply.status == 400, body
        assert reply.json["errors"][0]["source"] == {"pointer": pointer}
    assert front.call("PUT", "/v2/audiences/987654", {"name": "x"}).status == 404
    assert front.call("DELETE", "/v2/audiences/987654/memberships").status == 404
    assert front.call("PUT", "/v2/audience_customers/987654/attributes", {}).status == 404


def test_everybody_in_an_audience_gets_attributes(front: Shopfront) -> None:
    audience = made(front, "Berliners").id
    move(front, ("add", "b1", audience), ("add", "b2", audience))
    update(front, "b2", attributes={"City": "Bonn", "Country": "DE"})
    path = f"/v2/audience_customers/{audience}/attributes"
    refused = front.call("PUT", path, {"City": 5, "Nonsense": 1})
    assert [each["source"]["pointer"] for each in refused.json["errors"]] == ["/City", "/Nonsense"]
    client(front).update_audience_customers_attributes(audience, {"City": "Berlin"})
    assert update(front, "b1").customer_profile.attributes == {"City": "Berlin"}
    assert update(front, "b2").customer_profile.attributes == {"City": "Berlin", "Country": "DE"}
    assert front.call("PUT", path, {"Country": None}).status == 204
    assert update(front, "b2").customer_profile.attributes == {"City": "Berlin"}


def test_audiences_of_an_application_and_of_the_other_environment(front: Shopfront) -> None:
    other = front.manage(
        "POST", "/v1/applications", {"name": "Other", "timezone": "UTC", "currency": "EUR"}
    )
    named = {"name": "Elsewhere", "subscribedApplicationsIds": [other["id"]]}
    elsewhere = front.call("POST", "/v2/audiences", named).json["id"]
    move(front, ("add", "apart", elsewhere))
    assert memberships(front, "apart") == []
    subscribed = {"name": "Here", "subscribedApplicationsIds": [front.application_id]}
    assert front.call("PUT", f"/v2/audiences/{elsewhere}", subscribed).status == 200
    assert memberships(front, "apart") == ["Here"]
    sandbox = made(front, "Sandbox", sandbox=True).id
    with pytest.raises(NotFoundException):
        move(front, ("add", "apart", sandbox))


def test_rules_see_members_and_who_has_just_joined(front: Shopfront) -> None:
    audience = made(front, "Insiders").id
    says = "showNotification"
    front.campaign(
        rule(
            ["contains", [".", "Profile", "Audiences"], "Insiders"],
            [says, "Info", "in", "a member"],
        ),
        rule(
            ["contains", [".", "Profile", "JoinedAudiences"], "Insiders"],
            [says, "Info", "joined", "just joined"],
        ),
        rule(
            ["contains", [".", "Profile", "LeftAudiences"], "Insiders"],
            [says, "Info", "left", "just left"],
        ),
        name="Insiders",
    )

    def said(state: Any) -> list[str]:
        return [
            props["title"]
            for type_, props in effects_of(state)
            if type_ == says and props["title"] in ("in", "joined", "left")
        ]

    assert said(update(front, "i1", run=True)) == []
    assert said(update(front, "i1", run=True, audiencesChanges={"adds": [audience]})) == [
        "in",
        "joined",
    ]
    assert said(update(front, "i1", run=True, audiencesChanges={"adds": [audience]})) == ["in"]
    session = client(front).update_customer_session_v2("i1", request(profileId="i1"))
    assert said(session) == ["in"]
    state = update(front, "i1", run=True, audiencesChanges={"deletes": [audience]})
    assert said(state) == ["left"]
    assert state.customer_profile.audience_memberships == []
    move(front, ("add", "i1", audience))
    assert said(update(front, "i1", run=True)) == ["in"]


def test_rules_add_to_audiences_and_remove_from_them(front: Shopfront) -> None:
    first, second = made(front, "Openers").id, made(front, "Closers").id
    front.campaign(
        rule(
            ["and", ["=", [".", "Session", "State"], "open"], ["=", [".", "Session", "Total"], 77]],
            ["addToAudience", "Openers"],
        ),
        rule(
            [
                "and",
                ["=", [".", "Session", "State"], "closed"],
                ["=", [".", "Session", "Total"], 77],
            ],
            ["addToAudience", "Closers"],
            ["removeFromAudience", "Openers"],
        ),
        name="Moves",
    )
    cart = [{"sku": "tea", "quantity": 1, "price": 77}]
    dry = client(front).update_customer_session_v2(
        "moves", request(["customerProfile"], profileId="mover", cartItems=cart), dry=True
    )
    assert [each.name for each in dry.customer_profile.audience_memberships] == ["Openers"]
    assert memberships(front, "mover") == []
    opened = client(front).update_customer_session_v2(
        "moves", request(["customerProfile"], profileId="mover", cartItems=cart)
    )
    profile = opened.customer_profile
    assert effects_of(opened) == [
        (
            "addToAudience",
            {
                "audienceId": first,
                "audienceName": "Openers",
                "profileIntegrationId": "mover",
                "profileId": profile.id,
            },
        )
    ]
    assert memberships(front, "mover") == ["Openers"]
    closed = client(front).update_customer_session_v2(
        "moves", request(["customerProfile"], state="closed")
    )
    assert [(type_, props["audienceId"]) for type_, props in effects_of(closed)] == [
        ("addToAudience", second),
        ("removeFromAudience", first),
    ]
    assert [each.name for each in closed.customer_profile.audience_memberships] == ["Closers"]
    assert memberships(front, "mover") == ["Closers"]
    assert (
        effects_of(
            client(front).update_customer_session_v2(
                "nobody", request(profileId="", cartItems=cart)
            )
        )
        == []
    )


def test_unknown_audiences_of_a_profile_are_refused(front: Shopfront) -> None:
    with pytest.raises(BadRequestException) as refused:
        update(front, "u1", audiencesChanges={"adds": [123456], "deletes": [654321]})
    answer: Any = refused.value.data
    assert [each.source.pointer for each in answer.errors] == [
        "/audiencesChanges/adds/0",
        "/audiencesChanges/deletes/0",
    ]
    assert front.call("DELETE", "/v1/customer_data/u1").status == 404
