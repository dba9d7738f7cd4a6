"""Webhooks over the wire: making them, seeing what left by them, sending again."""

import asyncio
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from talon_one import ManagementApi

from habitue.promotions.webhook import OutgoingRequest
from habitue.store import outbox
from habitue.usecases.deliver_messages import Courier, HttpAnswer, deliver_due
from tests.management.conftest import SHOP, Client

NOW = datetime.now(UTC)
HOOK: dict[str, Any] = {
    "title": "Tell the shop",
    "verb": "POST",
    "url": "https://shop.example/hook/${who}",
    "headers": ["X-Shop: 1", '{"Authorization": "Basic abc"}'],
    "payload": '{"who": "${who}"}',
    "params": [{"type": "string", "title": "Who", "ui": {}, "key": "who"}],
    "applicationIds": [],
    "draft": False,
    "enabled": True,
}


async def dead_message(client: Client, webhook_id: int) -> None:
    """A message that the destination does not want."""
    message = {
        "message_id": "00000000-0000-0000-0000-000000000007",
        "destination": "webhook",
        "destination_id": webhook_id,
        "document": {"who": "a/b"},
    }
    await outbox.write(client.shop.database, [message], NOW)

    async def gone(request: OutgoingRequest) -> HttpAnswer:
        return HttpAnswer(410, "gone")

    assert await deliver_due(client.shop, Courier(gone, lambda: NOW, lambda: 0)) == 1


async def test_a_webhook_is_made_read_changed_and_deleted(client: Client) -> None:
    made = await client.made("/v1/webhooks", HOOK)
    secret = made.pop("signingSecret")
    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"))) == 24
    assert made == {
        **HOOK,
        "id": made["id"],
        "created": made["created"],
        "modified": made["created"],
        "accountId": 1,
        "description": "",
        "headers": ["X-Shop: 1", "Authorization: Basic abc"],
        "params": [{**HOOK["params"][0], "description": ""}],
    }
    one = f"/v1/webhooks/{made['id']}"
    assert await client.send("GET", one) == (200, made)
    status, changed = await client.send("PUT", one, {"enabled": False})
    assert (status, changed["enabled"], changed["url"]) == (200, False, HOOK["url"])
    status, renewed = await client.send("POST", f"{one}/renew_secret")
    assert status == 200
    assert renewed["signingSecret"] != secret
    assert await client.send("DELETE", one) == (204, None)
    assert (await client.send("GET", one))[0] == 404


async def test_webhooks_are_listed_by_application_title_and_visibility(client: Client) -> None:
    shop = await client.made("/v1/applications", SHOP)
    other = await client.made("/v1/applications", {**SHOP, "name": "Other"})
    await client.made("/v1/webhooks", {**HOOK, "applicationIds": [shop["id"]]})
    await client.made("/v1/webhooks", {**HOOK, "title": "Hidden", "enabled": False})

    async def titles(query: str) -> list[str]:
        status, page = await client.send("GET", f"/v1/webhooks?sort=title&{query}")
        assert (status, page["totalResultSize"]) == (200, len(page["data"]))
        return [each["title"] for each in page["data"]]

    assert await titles("") == ["Hidden", "Tell the shop"]
    assert await titles(f"applicationIds={other['id']}") == ["Hidden"]
    assert await titles(f"applicationIds={shop['id']},{other['id']}") == ["Hidden", "Tell the shop"]
    assert await titles("visibility=visible") == ["Tell the shop"]
    assert await titles("title=TELL") == ["Tell the shop"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"title": "  "}, ("/title", "Missing")),
        ({"url": "file:///etc/passwd"}, ("/url", "Invalid template")),
        ({"url": "https://${host}/"}, ("/url", "Invalid template")),
        ({"payload": "{"}, ("/payload", "Invalid template")),
        (
            {"payload": "x" * 65_537, "headers": ["Content-Type: text/plain"]},
            ("/payload", "Too long"),
        ),
        ({"headers": ["Host: evil"]}, ("/headers/0", "Not allowed")),
        ({"headers": ["webhook-signature: v1,x"]}, ("/headers/0", "Not allowed")),
        ({"headers": ["no colon"]}, ("/headers/0", "Invalid")),
        ({"headers": ["A: x\r\nB: y"]}, ("/headers/0", "Invalid value")),
        ({"applicationIds": [99]}, ("/applicationIds/0", "Unknown")),
        (
            {"params": [{**HOOK["params"][0]}, {**HOOK["params"][0]}]},
            ("/params/1/key", "Duplicate"),
        ),
        ({"verb": "TRACE"}, ("/verb", "enum")),
    ],
)
async def test_wrong_fields_are_named_and_nothing_is_kept(
    client: Client, change: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert await client.faults("POST", "/v1/webhooks", {**HOOK, **change}) == [fault]
    _, page = await client.send("GET", "/v1/webhooks")
    assert page["data"] == []


async def test_a_title_is_taken_once(client: Client) -> None:
    await client.made("/v1/webhooks", HOOK)
    status, answer = await client.send("POST", "/v1/webhooks", HOOK)
    assert (status, answer["message"]) == (409, 'A webhook titled "Tell the shop" exists')


async def test_the_log_tells_what_was_sent_and_what_came_back(client: Client) -> None:
    made = await client.made("/v1/webhooks", HOOK)
    await dead_message(client, made["id"])
    status, log = await client.send("GET", "/v1/message_logs?entityType=webhook&isSuccessful=false")
    assert status == 200
    (entry,) = log["data"]
    assert b64decode(entry["request"]["request"]) == b'{"who": "a/b"}'
    assert b64decode(entry["response"]["response"]) == b"gone"
    assert (entry["response"]["status"], entry["url"]) == (410, "https://shop.example/hook/a%2Fb")
    assert (entry["webhookId"], entry["webhookName"]) == (made["id"], "Tell the shop")
    for none in (
        "isSuccessful=true",
        "webhookIDs=99",
        "responseCode=200",
        "responseCode=9007199254740990",
        "period=15m&campaignId=1",
    ):
        _, log = await client.send("GET", f"/v1/message_logs?entityType=webhook&{none}")
        assert log == {"data": []}, none
    assert await client.faults("GET", "/v1/message_logs?entityType=webhook&cursor=%21") == [
        ("cursor", "Invalid")
    ]


async def test_dead_messages_are_listed_and_sent_again(client: Client) -> None:
    made = await client.made("/v1/webhooks", HOOK)
    await dead_message(client, made["id"])
    _, page = await client.send("GET", "/v1/messages?state=dead")
    (dead,) = page["data"]
    assert (dead["attempts"], dead["status"], dead["response"]) == (1, 410, "gone")
    status, message = await client.send("POST", f"/v1/messages/{dead['id']}/replay")
    assert (status, message["state"], message["attempts"]) == (200, "waiting", 0)
    assert (await client.send("POST", f"/v1/messages/{dead['id']}/replay"))[0] == 404
    assert await client.send("POST", "/v1/messages/replay") == (200, {"replayed": 0})


async def test_the_vendors_client_reads_webhooks_and_the_log(
    client: Client, vendor: ManagementApi
) -> None:
    made = await client.made("/v1/webhooks", HOOK)
    await dead_message(client, made["id"])
    read = await asyncio.to_thread(vendor.get_webhook, made["id"])
    assert (read.title, read.verb, read.params[0].title) == ("Tell the shop", "POST", "Who")
    listed = await asyncio.to_thread(vendor.get_webhooks)
    assert [each.id for each in listed.data] == [made["id"]]
    log = await asyncio.to_thread(vendor.get_message_logs, "webhook")
    (entry,) = log.data
    assert entry.response is not None
    assert entry.response.status == 410
