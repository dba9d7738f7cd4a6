"""Copies of campaigns: what they have, what they have not, and where they do not fit."""

import asyncio
from typing import Any

from talon_one import ManagementApi
from talon_one.models.campaign_copy import CampaignCopy

from tests.building import item
from tests.management.conftest import SHOP, Client
from tests.management.test_shop_lists import made, till, upload

EFFECT = ["setDiscountPerItem", "off", 5, ["itemsInCollection", "winter"]]


async def other(client: Client, name: str = "Till", **fields: Any) -> str:
    application = await client.made("/v1/applications", {**SHOP, "name": name, **fields})
    return f"/v1/applications/{application['id']}"


def number(path: str) -> int:
    return int(path.rsplit("/", 1)[1])


async def campaigns(client: Client, *paths: str) -> list[Any]:
    return [(await client.send("GET", f"{path}/campaigns"))[1]["data"] for path in paths]


async def test_a_copy_gives_what_its_original_gives(client: Client, vendor: ManagementApi) -> None:
    limits = [{"action": "setDiscount", "limit": 100, "entities": []}]
    path, campaign = await made(
        client, EFFECT, limits=limits, tags=["a"], endTime="2099-01-01T00:00:00Z"
    )
    winter = await client.made(f"{campaign}/collections", {"name": "winter"})
    assert (await upload(client, f"{campaign}/collections/{winter['id']}/import", b"item\nsled"))[
        0
    ] == 200
    await client.made(f"{campaign}/value_maps", {"name": "fees", "values": {"a": 2}})
    place = await other(client)
    ids = [number(path), number(place)]
    copies = await asyncio.to_thread(
        vendor.copy_campaign_to_applications,
        number(path),
        number(campaign),
        CampaignCopy(applicationIds=ids, description="again", tags=["b"]),
    )
    assert copies.total_result_size == 2
    assert [each.application_id for each in copies.data] == ids
    original = (await client.send("GET", campaign))[1]
    shown = [(await client.send("GET", f"{p}/campaigns/{c.id}"))[1]
             for p, c in zip((path, place), copies.data, strict=True)]  # fmt: skip
    for copy in shown:
        own = {"id", "applicationId", "created", "updated", "activeRulesetId", "limits"}
        assert copy == {
            **original,
            **{name: copy[name] for name in own},
            "name": "Copy of Autumn",
            "description": "again",
            "tags": ["b"],
            "state": "disabled",
            "frontendState": "disabled",
        }
        assert copy["limits"] == original["limits"]
        assert copy["activeRulesetId"] not in (None, original["activeRulesetId"])

    async def discounts(where: str, session_id: str) -> int:
        outcome = await till(client, where).put(session_id, cart_items=[item("sled", 9)])
        return len(outcome.decision.effects)

    assert [await discounts(path, "s1"), await discounts(place, "s1")] == [1, 0]
    for where, copy in zip((path, place), shown, strict=True):
        one = f"{where}/campaigns/{copy['id']}"
        assert (await client.send("PUT", one, {"state": "enabled"}))[0] == 200
        maps = (await client.send("GET", f"{one}/value_maps"))[1]["data"]
        assert [each["name"] for each in maps] == ["fees"]
    assert [await discounts(path, "s2"), await discounts(place, "s2")] == [2, 1]
    # The copy's lists are its own.
    assert (await client.send("DELETE", campaign))[0] == 204
    assert [await discounts(path, "s3"), await discounts(place, "s3")] == [1, 1]


async def test_a_copy_stands_in_the_group_that_was_asked_for(client: Client) -> None:
    path, campaign = await made(client)
    group = {"type": "SET", "name": "one", "evaluationMode": "listOrder", "elements": []}
    root = {"type": "SET", "name": "Base group", "elements": [group]}
    changed = (await client.send("PUT", f"{path}/campaign_set", {"set": root}))[1]
    group_id = changed["set"]["elements"][0]["groupId"]
    body = {"applicationIds": [number(path)], "evaluationGroupId": group_id}
    status, copies = await client.send("POST", f"{campaign}/copy", body)
    assert (status, len(copies["data"])) == (200, 1)
    now = (await client.send("GET", f"{path}/campaign_set"))[1]
    (leaf,) = now["set"]["elements"][0]["elements"]
    assert leaf["campaignId"] == copies["data"][0]["id"]
    assert now["version"] == changed["version"] + 1
    body["evaluationGroupId"] = 999_999
    assert await client.faults("POST", f"{campaign}/copy", body) == [
        ("/evaluationGroupId", "Unknown")
    ]


async def test_what_does_not_fit_copies_nothing(client: Client) -> None:
    path, campaign = await made(client, EFFECT)
    store = await client.made(f"{path}/stores", {"name": "Berlin", "integrationId": "BER"})
    await client.send("PUT", campaign, {"linkedStoreIds": [store["id"]]})
    with_store, without = await other(client), await other(client, "Else")
    theirs = await client.made(f"{with_store}/stores", {"name": "B", "integrationId": "BER"})
    before = await campaigns(client, path, with_store, without)

    async def refused(*ids: int, **more: Any) -> list[tuple[str, str]]:
        body = {"applicationIds": list(ids), **more}
        return await client.faults("POST", f"{campaign}/copy", body)

    mine = number(path)
    assert await refused() == [("/applicationIds", "Missing")]
    assert await refused(mine, mine) == [("/applicationIds", "Duplicate")]
    assert await refused(mine, 999_999) == [("/applicationIds/1", "Unknown")]
    assert await refused(mine, number(without)) == [("/applicationIds/1", "Not fitting")]
    assert await refused(mine, name=" ") == [("/name", "Missing")]
    assert await refused(mine, tags=["x" * 51]) == [("/tags/0", "Invalid length")]
    period = {"startTime": "2030-01-02T00:00:00Z", "endTime": "2030-01-01T00:00:00Z"}
    assert await refused(mine, **period) == [("/endTime", "Invalid period")]
    assert await campaigns(client, path, with_store, without) == before
    body = {"applicationIds": [number(with_store)]}
    copies = (await client.send("POST", f"{campaign}/copy", body))[1]["data"]
    assert copies[0]["linkedStoreIds"] == [theirs["id"]]
    assert (await client.send("POST", f"{path}/campaigns/999999/copy", body))[0] == 404

    achievement = {
        "name": "tenth",
        "title": "Tenth",
        "description": "d",
        "target": 10,
        "period": "1M",
    }
    await client.made(f"{campaign}/achievements", achievement)
    assert await refused(number(with_store)) == [("/applicationIds/0", "Not fitting")]
    assert (await client.send("POST", f"{campaign}/copy", {"applicationIds": [mine]}))[0] == 200


async def test_rules_must_be_known_in_the_other_application(client: Client) -> None:
    path, place = await other(client, "One"), await other(client, "Two")
    attribute = {
        "entity": "CustomerSession",
        "name": "gift",
        "title": "Gift",
        "type": "boolean",
        "description": "",
        "suggestions": [],
        "editable": True,
        "subscribedApplicationsIds": [number(path)],
    }
    await client.made("/v1/attributes", attribute)
    made_ = await client.made(f"{path}/campaigns", {"name": "Gifts"})
    campaign = f"{path}/campaigns/{made_['id']}"
    rules = [
        {
            "title": "it",
            "condition": ["and", [".", "Session", "Attributes", "gift"]],
            "effects": [["setDiscount", "off", 5]],
        }
    ]
    await client.made(f"{campaign}/rulesets", {"rules": rules, "bindings": [], "activate": True})
    body = {"applicationIds": [number(path), number(place)]}
    assert await client.faults("POST", f"{campaign}/copy", body) == [
        ("/applicationIds/1", "Not fitting")
    ]
    assert [len(each) for each in await campaigns(client, path, place)] == [1, 0]
