"""Notifications over the wire: how they are set, and what an import keeps quiet about."""

from base64 import b64decode
from typing import Any

import msgspec
from talon_one.models.base_notification import BaseNotification

from habitue.edges.outbound.notifications import told
from habitue.promotions.webhook import OutgoingRequest
from habitue.usecases.deliver_messages import Courier, HttpAnswer, deliver_due
from tests.management.conftest import SHOP, Client
from tests.management.test_shop_lists import upload

NEW: dict[str, Any] = {
    "type": "coupon",
    "policy": {"name": "Codes", "scopes": ["rule_engine"]},
    "webhook": {"url": "https://shop.example/told", "headers": ["X-Shop: 1"]},
}


async def test_a_notification_is_made_read_changed_and_deleted(client: Client) -> None:
    shop = await client.made("/v1/applications", SHOP)
    made = await client.made("/v1/notifications", {**NEW, "entityId": shop["id"]})
    secret = made.pop("signingSecret")
    assert len(b64decode(secret.removeprefix("whsec_"))) == 24
    assert made == {
        "id": made["id"],
        "type": "coupon",
        "entityId": shop["id"],
        "enabled": True,
        "policy": {"name": "Codes", "scopes": ["rule_engine"], "batchingEnabled": False},
        "webhook": {
            "id": made["id"],
            "created": made["webhook"]["created"],
            "modified": made["webhook"]["created"],
            "url": "https://shop.example/told",
            "headers": ["X-Shop: 1"],
            "enabled": True,
        },
    }
    assert BaseNotification.from_dict(made) is not None
    one = f"/v1/notifications/{made['id']}"
    assert await client.send("GET", one) == (200, made)
    changed = (await client.send("PUT", one, {"enabled": False}))[1]
    assert (changed["enabled"], changed["policy"]) == (False, made["policy"])
    renewed = (await client.send("POST", f"{one}/renew_secret"))[1]
    assert renewed["signingSecret"] != secret
    expiring = {
        **NEW,
        "type": "expiring_coupons",
        "entityId": shop["id"],
        "policy": {"name": "Soon", "triggers": [{"amount": 2, "period": "w"}]},
    }
    second = await client.made("/v1/notifications", expiring)
    assert second["policy"] == {**expiring["policy"], "batchingEnabled": False}

    async def ids(query: str) -> list[int]:
        listed = (await client.send("GET", f"/v1/notifications?{query}"))[1]
        return [each["id"] for each in listed["data"]]

    assert await ids("") == [made["id"], second["id"]]
    assert await ids(f"applicationId={shop['id']}&type=coupon") == [made["id"]]
    assert await ids(f"loyaltyProgramId={shop['id']}") == []
    changes = (await client.send("GET", "/v1/changes"))[1]["data"]
    assert all("secret" not in each.get("new", {}) for each in changes)
    assert await client.send("DELETE", one) == (204, None)
    assert (await client.send("GET", one))[0] == 404
    assert await ids("") == [second["id"]]


async def test_what_cannot_be_told_is_refused(client: Client) -> None:
    shop = await client.made("/v1/applications", SHOP)
    good = {**NEW, "entityId": shop["id"]}
    policy: Any = NEW["policy"]
    webhook: Any = NEW["webhook"]
    cases: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"entityId": 999_999}, ("/entityId", "Unknown")),
        ({"type": "tier_upgrade", "policy": {"name": "x"}}, ("/entityId", "Unknown")),
        ({"policy": {**policy, "name": " "}}, ("/policy/name", "Missing")),
        ({"policy": {**policy, "scopes": []}}, ("/policy/scopes", "Invalid")),
        (
            {"policy": {**policy, "triggers": [{"amount": 1, "period": "d"}]}},
            ("/policy/triggers", "Not allowed"),
        ),
        (
            {"policy": {**policy, "batchingEnabled": True}},
            ("/policy/batchingEnabled", "Not supported"),
        ),
        ({"type": "campaign"}, ("/policy/scopes", "Not allowed")),
        (
            {"type": "expiring_coupons", "policy": {"name": "x"}},
            ("/policy/triggers", "Invalid"),
        ),
        (
            {
                "type": "expiring_coupons",
                "policy": {"name": "x", "triggers": [{"amount": 1001, "period": "d"}]},
            },
            ("/policy/triggers/0/amount", "Out of range"),
        ),
        ({"webhook": {**webhook, "url": "ftp://x"}}, ("/webhook/url", "Invalid")),
        ({"webhook": {**webhook, "headers": ["none"]}}, ("/webhook/headers/0", "Invalid")),
        ({"webhook": {**webhook, "headers": ["Host: x"]}}, ("/webhook/headers/0", "Not allowed")),
    ]
    for change, fault in cases:
        assert await client.faults("POST", "/v1/notifications", {**good, **change}) == [fault]
    assert await client.faults("POST", "/v1/notifications", {"enabled": True}) == [
        (f"/{name}", "Missing") for name in ("type", "entityId", "policy", "webhook")
    ]
    assert (await client.send("GET", "/v1/notifications"))[1]["data"] == []
    made = await client.made("/v1/notifications", good)
    one = f"/v1/notifications/{made['id']}"
    assert await client.faults("PUT", one, {"type": "campaign"}) == [("/type", "Fixed")]
    card = {"name": "cards", "title": "Cards", "cardBased": True, "usersPerCardLimit": 1}
    program = await client.made("/v1/loyalty_programs", {**PROGRAM, **card})
    points = {"type": "tier_upgrade", "entityId": program["id"], "policy": {"name": "x"}}
    assert await client.faults("POST", "/v1/notifications", {**good, **points}) == [
        ("/entityId", "Not supported")
    ]


PROGRAM: dict[str, Any] = {
    "name": "club",
    "title": "Club",
    "timezone": "UTC",
    "defaultValidity": "unlimited",
    "defaultPending": "immediate",
    "allowSubledger": False,
}


async def test_an_import_tells_or_keeps_quiet(client: Client) -> None:
    program = await client.made("/v1/loyalty_programs", PROGRAM)
    points = {
        **NEW,
        "type": "loyalty_added_deducted_points",
        "entityId": program["id"],
        "policy": {"name": "Points", "scopes": ["management_api"]},
    }
    await client.made("/v1/notifications", points)
    path = f"/v1/loyalty_programs/{program['id']}/import_points"
    header = "customerprofileid,amount,startdate,expirydate,subledgerid,reason\n"
    quiet = f"{header}ann,5,,,,quiet\n".encode()
    assert (await upload(client, f"{path}?notificationsEnabled=false", quiet))[0] == 200
    loud = f"{header}ann,7,,,,loud\nbob,8,,,,loud\n".encode()
    assert (await upload(client, path, loud))[0] == 200
    add = f"/v1/loyalty_programs/{program['id']}/profile/ann/add_points"
    assert (await client.send("PUT", add, {"points": 9, "name": "by hand"}))[0] in (200, 204)
    came: list[Any] = []

    async def send(request: OutgoingRequest) -> HttpAnswer:
        came.append(msgspec.json.decode(request.body))
        return HttpAnswer(200, "")

    later = client.shop.configuration.loyalty_programs[program["id"]].created.replace(year=2099)
    await deliver_due(client.shop, Courier(send, lambda: later, lambda: 0, told))
    await deliver_due(client.shop, Courier(send, lambda: later.replace(year=2100), lambda: 0, told))
    told_ = [(each["ProfileIntegrationID"], each["Amount"], each["Reason"]) for each in came]
    assert sorted(told_) == [("ann", 7, "loud"), ("ann", 9, "by hand"), ("bob", 8, "loud")]
    assert told_.index(("ann", 7, "loud")) < told_.index(("ann", 9, "by hand"))
    assert {each["TypeOfChange"] for each in came} == {"management_api"}
    log = (await client.send("GET", "/v1/message_logs?entityType=loyalty_program"))[1]["data"]
    assert [each["response"]["status"] for each in log] == [200, 200, 200]
    others = (await client.send("GET", "/v1/message_logs?entityType=application"))[1]["data"]
    assert others == []
