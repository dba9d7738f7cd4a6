"""The log of changes: what staff changed, before and after; and how often they may ask."""

import asyncio
from typing import Any

import msgspec
from talon_one import ManagementApi

from tests.management.conftest import SHOP, Client


async def changes(client: Client, query: str = "") -> list[Any]:
    status, page = await client.send("GET", f"/v1/changes?{query}")
    assert status == 200, page
    return list(page["data"])


async def test_every_change_is_told_before_and_after(client: Client) -> None:
    application = await client.made("/v1/applications", SHOP)
    path = f"/v1/applications/{application['id']}"
    campaign = await client.made(f"{path}/campaigns", {"name": "Autumn", "features": []})
    one = f"{path}/campaigns/{campaign['id']}"
    await client.send("PUT", one, {"name": "Winter", "features": []})
    await client.send("DELETE", one)
    told = await changes(client, f"applicationId={application['id']}&entityPath=CAMPAIGNS")
    names = [(each.get("old", {}).get("name"), each.get("new", {}).get("name")) for each in told]
    assert names == [("Winter", None), ("Autumn", "Winter"), (None, "Autumn")]
    (key_id,) = {each["managementKeyId"] for each in told}
    assert {each["entity"] for each in told} == {one}
    assert {each["userId"] for each in told} == {1}
    assert await changes(client, f"managementKeyId={key_id + 1}") == []
    assert await changes(client, "userId=2") == []
    assert len(await changes(client, f"applicationId={application['id']}")) == 4
    without = await changes(client, "includeOld=false&pageSize=1")
    assert "old" not in without[0]


async def test_pages_of_changes(client: Client) -> None:
    for name in ("A", "B", "C"):
        await client.made("/v1/applications", {**SHOP, "name": name})
    everything = await changes(client, "entityPath=/applications/&sort=created")
    assert [each["new"]["name"] for each in everything] == ["A", "B", "C"]
    query = "entityPath=/applications/&pageSize=2"
    _, page = await client.send("GET", f"/v1/changes?{query}")
    assert ([each["new"]["name"] for each in page["data"]], page["hasMore"]) == (["C", "B"], True)
    _, page = await client.send("GET", f"/v1/changes?{query}&skip=2&withTotalResultSize=true")
    assert ([each["new"]["name"] for each in page["data"]], page["totalResultSize"]) == (["A"], 3)
    since = everything[1]["created"]
    assert len(await changes(client, f"entityPath=/applications/&createdAfter={since}")) == 1
    assert len(await changes(client, f"entityPath=/applications/&createdBefore={since}")) == 1
    assert await client.faults("GET", "/v1/changes?sort=name") == [("sort", "Unknown")]


async def test_a_refused_change_is_not_told(client: Client) -> None:
    before = await changes(client)
    await client.faults("POST", "/v1/applications", {**SHOP, "timezone": "Mars/Olympus"})
    assert await changes(client) == before


async def test_secrets_are_not_told(client: Client) -> None:
    hook = {
        "title": "Tell",
        "verb": "GET",
        "url": "https://shop.example/",
        "headers": [],
        "params": [],
        "draft": False,
        "enabled": True,
        "applicationIds": [],
    }
    made = await client.made("/v1/webhooks", hook)
    (told, *_) = await changes(client, "entityPath=webhook")
    assert told["new"]["title"] == "Tell"
    assert made["signingSecret"] not in msgspec.json.encode(await changes(client)).decode()
    assert "secret" not in told["new"]


async def test_the_vendors_client_reads_changes(client: Client, vendor: ManagementApi) -> None:
    await client.made("/v1/applications", SHOP)
    told = await asyncio.to_thread(vendor.get_changes)
    assert told.data[0].entity.startswith("/v1/applications/")


async def test_management_keys_may_be_limited(client: Client) -> None:
    client.shop.settings = msgspec.structs.replace(
        client.shop.settings, management_requests_per_second=3
    )
    statuses = [(await client.send("GET", "/v1/applications"))[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert (await client.send("GET", "/v1/attributes"))[0] == 200
    await asyncio.sleep(1)
    assert (await client.send("GET", "/v1/applications"))[0] == 200
