"""Campaign sets over the wire: read, replaced, refused; and what they do to a cart."""

from typing import Any

from habitue.promotions.campaign import Application
from habitue.promotions.effects import SetDiscount
from tests.building import Till, item
from tests.management.conftest import SHOP, Client


async def shop_with(client: Client, campaigns: int) -> tuple[str, list[int]]:
    """A new application's path, and campaigns that give 3, 7, 11, ... off."""
    application = await client.made("/v1/applications", SHOP)
    path = f"/v1/applications/{application['id']}"
    ids = []
    for number in range(campaigns):
        campaign = await client.made(f"{path}/campaigns", {"name": f"C{number}"})
        effects = [["setDiscount", "off", 3 + 4 * number]]
        off = {"title": "off", "condition": ["and", True], "effects": effects}
        body = {"rules": [off], "bindings": [], "activate": True}
        await client.made(f"{path}/campaigns/{campaign['id']}/rulesets", body)
        ids.append(campaign["id"])
    return path, ids


def leaves(*ids: int) -> list[dict[str, Any]]:
    return [{"type": "CAMPAIGN", "campaignId": id_} for id_ in ids]


async def given(client: Client, path: str) -> list[Any]:
    application: Application = client.shop.configuration.application(int(path.rsplit("/", 1)[1]))
    outcome = await Till(client.shop, application).put(cart_items=[item("tea", 100)])
    return [
        each.outcome.value
        for each in outcome.decision.effects
        if isinstance(each.outcome, SetDiscount)
    ]


async def test_a_set_is_read_and_replaced(client: Client) -> None:
    path, ids = await shop_with(client, 3)
    status, before = await client.send("GET", f"{path}/campaign_set")
    assert (status, before["version"]) == (200, 0)
    assert before["set"]["elements"] == leaves(*ids)
    assert before["set"]["groupId"] == before["defaultEvaluationGroupId"]
    assert await given(client, path) == [3, 7, 11]

    best = {
        "type": "SET",
        "name": "best",
        "evaluationMode": "highestDiscount",
        "elements": leaves(*ids[:2]),
    }
    base = {**before["set"], "elements": [*leaves(ids[2]), best]}
    status, after = await client.send("PUT", f"{path}/campaign_set", {"set": base, "version": 0})
    assert (status, after["version"]) == (200, 1)
    group = after["set"]["elements"][1]
    assert (group["evaluationMode"], group["operator"]) == ("highestDiscount", "ALL")
    assert await client.send("GET", f"{path}/campaign_set") == (200, after)
    assert await given(client, path) == [11, 7]

    status, groups = await client.send("GET", f"{path}/evaluation_groups")
    assert [(each["id"], each["parentId"]) for each in groups["data"]] == [
        (after["set"]["groupId"], 0),
        (group["groupId"], after["set"]["groupId"]),
    ]

    changed = {"defaultEvaluationGroupId": group["groupId"]}
    status, application = await client.send("PUT", path, changed)
    assert (status, application["defaultEvaluationGroupId"]) == (200, group["groupId"])
    new = await client.made(f"{path}/campaigns", {"name": "later"})
    _, now = await client.send("GET", f"{path}/campaign_set")
    assert now["set"]["elements"][1]["elements"] == leaves(*ids[:2], new["id"])


async def test_the_operators_of_early_clients(client: Client) -> None:
    path, ids = await shop_with(client, 2)
    first = {"type": "SET", "name": "All", "operator": "FIRST", "elements": leaves(*reversed(ids))}
    status, answer = await client.send("PUT", f"{path}/campaign_set", {"set": first})
    assert (status, answer["set"]["evaluationMode"]) == (200, "listOrder")
    assert await given(client, path) == [7]


async def test_a_set_that_cannot_be_is_refused_and_nothing_changes(client: Client) -> None:
    path, ids = await shop_with(client, 2)
    _, before = await client.send("GET", f"{path}/campaign_set")

    def nested(depth: int) -> dict[str, Any]:
        inner = [nested(depth - 1)] if depth else []
        return {"type": "SET", "name": f"level {depth}", "elements": inner}

    refused: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        (nested(3), [("/set", "Too deep")]),
        (
            {"type": "SET", "name": "", "elements": leaves(ids[0], ids[0], 999)},
            [
                ("/set", "Duplicate"),
                ("/set/name", "Missing"),
                ("/set/elements/2/campaignId", "Unknown"),
            ],
        ),
    ]
    for body, faults in refused:
        assert await client.faults("PUT", f"{path}/campaign_set", {"set": body}) == faults
    base = {"set": before["set"], "version": 5}
    status, _ = await client.send("PUT", f"{path}/campaign_set", base)
    assert status == 409
    faults = await client.faults("PUT", path, {"defaultEvaluationGroupId": 999})
    assert faults == [("/defaultEvaluationGroupId", "Unknown")]
    assert await client.send("GET", f"{path}/campaign_set") == (200, before)


async def test_cascading_and_partial_discounts_are_switched_on(client: Client) -> None:
    on = {"enableCascadingDiscounts": True, "enablePartialDiscounts": True}
    made = await client.made("/v1/applications", {**SHOP, **on})
    assert {name: made[name] for name in on} == on
    status, changed = await client.send(
        "PUT", f"/v1/applications/{made['id']}", {"enableCascadingDiscounts": False}
    )
    assert (status, changed["enableCascadingDiscounts"]) == (200, False)
    assert changed["enablePartialDiscounts"]
