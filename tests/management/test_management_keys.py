"""Management keys that are limited: to endpoints, and to applications."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.management.conftest import SHOP, Client, with_campaign
from tests.management.test_coupon_files import upload

KEYS = "/v1/api_keys"
FAR = "2099-01-01T00:00:00Z"


async def key(client: Client, **fields: Any) -> tuple[int, Client]:
    """A new key, and a client that shows it."""
    made = await client.made(KEYS, {"name": "Limited", "expiryDate": FAR, **fields})
    other = Client(client.session, client.url, client.shop)
    other.headers = {"authorization": f"ManagementKey-v1 {made['key']}"}
    return made["id"], other


async def statuses(client: Client, *asked: tuple[str, str] | tuple[str, str, Any]) -> list[int]:
    return [(await client.send(*each))[0] for each in asked]


async def documents(client: Client) -> list[Any]:
    """Everything that is configured, but for the version."""
    await client.shop.refresh()
    found = client.shop.configuration
    return [found.applications, found.campaigns, found.attributes, found.keys, found.stores]


async def test_a_key_of_one_application_neither_reads_nor_writes_another(client: Client) -> None:
    mine = await with_campaign(client)
    second = await client.made("/v1/applications", {**SHOP, "name": "Other"})
    many = f"/v1/applications/{second['id']}/campaigns"
    other = f"{many}/{(await client.made(many, {'name': 'Secret'}))['id']}"
    ids = [int(each.split("/")[3]) for each in (mine, other)]
    id_, limited = await key(client, allowedApplicationIds=ids[:1])
    before = await documents(client)
    campaign = {"name": "Spring", "features": ["coupons"]}
    foreign = f"/v1/applications/{ids[1]}"
    assert (
        await statuses(
            limited,
            ("GET", foreign),
            ("PUT", foreign, {"name": "Mine now"}),
            ("DELETE", foreign),
            ("GET", f"{foreign}/campaigns"),
            ("POST", f"{foreign}/campaigns", campaign),
            ("GET", other),
            ("PUT", other, {"name": "Mine now"}),
            ("DELETE", other),
            ("GET", f"{other}/coupons/no_total"),
            ("GET", f"{foreign}/export_coupons"),
            ("GET", f"{foreign}/sessions"),
            ("GET", f"{foreign}/apikeys"),
            ("GET", f"/v1/applications/0{ids[0]}"),
            # what is of no application is of others as well
            ("POST", "/v1/applications", SHOP),
            ("GET", "/v1/changes"),
            ("GET", "/v1/imports"),
            ("GET", "/v1/loyalty_programs"),
            ("POST", "/v1/attributes", {"entity": "Coupon", "name": "a", "type": "string"}),
            ("GET", "/v1/webhooks"),
            ("GET", "/v1/customers/no_total"),
            ("GET", KEYS),
            ("POST", KEYS, {"name": "All", "expiryDate": FAR}),
            ("DELETE", f"{KEYS}/{id_}"),
        )
        == [403] * 23
    )
    file = await upload(limited, f"{other}/import_coupons", "value\nMINE-1\n")
    assert file[0] == 403
    swapped = f"/v1/applications/{ids[0]}/campaigns/{other.split('/')[5]}"
    assert await statuses(limited, ("GET", swapped), ("DELETE", swapped)) == [404, 404]
    assert await documents(client) == before
    assert await client.shop.database.fetchval("SELECT count(*) FROM coupon") == 0

    seen = (await limited.send("GET", "/v1/applications"))[1]
    assert (seen["totalResultSize"], [each["id"] for each in seen["data"]]) == (1, ids[:1])
    assert (await client.send("GET", "/v1/applications"))[1]["totalResultSize"] == 2
    made = await limited.made(f"/v1/applications/{ids[0]}/campaigns", campaign)
    assert made["applicationId"] == ids[0]
    assert await statuses(
        limited, ("GET", "/v1/attributes"), ("PUT", mine, {"name": "Summer"}), ("DELETE", mine)
    ) == [200, 200, 204]


async def test_a_key_of_some_endpoints_uses_no_others(client: Client) -> None:
    path = await with_campaign(client)
    many = path.rsplit("/", 1)[0]
    endpoints = [{"method": "get", "path": "/v1/applications/{id}/campaigns/{campaign}"}]
    id_, limited = await key(client, endpoints=endpoints)
    assert await statuses(
        limited,
        ("GET", path),
        ("GET", many),
        ("PUT", path, {"name": "Mine now"}),
        ("DELETE", path),
        ("GET", "/v1/applications"),
        # nobody gives more than they have
        ("POST", KEYS, {"name": "All", "expiryDate": FAR}),
    ) == [200, 403, 403, 403, 403, 403]
    refused = (await limited.send("GET", many))[1]
    assert (refused["StatusCode"], refused["message"]) == (
        403,
        "This key may not use this endpoint",
    )
    listed = (await client.send("GET", f"{KEYS}?sort=-id"))[1]
    assert (listed["totalResultSize"], listed["data"][0]["id"]) == (2, id_)
    shown = listed["data"][0]
    assert "key" not in shown
    assert shown["endpoints"][0] == {**endpoints[0], "method": "GET"}
    assert (shown["allowedApplicationIds"], shown["disabled"]) == ([], False)
    assert await statuses(client, ("DELETE", f"{KEYS}/{id_}"), ("DELETE", f"{KEYS}/{id_}")) == [
        204,
        404,
    ]
    assert await statuses(limited, ("GET", path)) == [401]
    own = listed["data"][1]["id"]
    assert await statuses(client, ("DELETE", f"{KEYS}/{own}"), ("GET", path)) == [409, 200]


async def test_a_key_that_is_asked_for_wrongly_is_not_made(client: Client) -> None:
    wrong = {
        "name": "Limited",
        "expiryDate": FAR,
        "endpoints": [
            {"method": "GET", "path": "/v1/applications"},
            {"method": "GET", "path": "/"},
        ],
    }
    assert await client.faults("POST", KEYS, wrong) == [("/endpoints/1", "Unknown")]
    assert await client.faults("POST", KEYS, {**wrong, "endpoints": []}) == [
        ("/endpoints", "Missing")
    ]
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    body = {"name": " ", "expiryDate": past, "allowedApplicationIds": [7]}
    assert await client.faults("POST", KEYS, body) == [
        ("/name", "Missing"),
        ("/allowedApplicationIds/0", "Unknown"),
        ("/expiryDate", "Out of range"),
    ]
    assert len((await client.send("GET", KEYS))[1]["data"]) == 1
    # a field that is null is as one that is left out
    _, free = await key(client, endpoints=None, allowedApplicationIds=None)
    assert await statuses(free, ("GET", KEYS), ("POST", "/v1/applications", SHOP)) == [200, 201]
    rows = await client.shop.database.fetch("SELECT document FROM api_key")
    assert all("key" not in msgspec.json.decode(each["document"]) for each in rows)
