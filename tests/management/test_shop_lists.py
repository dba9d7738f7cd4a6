"""Stores, collections and value maps over the wire, and what rules make of them."""

from decimal import Decimal
from time import perf_counter
from typing import Any

import msgspec
import pytest

from habitue.model.errors import InvalidInput
from habitue.promotions.effects import SetDiscount, SetDiscountPerItem
from habitue.promotions.shop_lists import Collection
from tests.building import NOW, Till, item, rule
from tests.management.conftest import Client
from tests.promotions.shop_window import Window


async def made(client: Client, *effects: list[Any], **campaign: Any) -> tuple[str, str]:
    """The paths of a new application and of a campaign in it with a rule of those effects."""
    shop = {"name": "Web", "timezone": "Europe/Berlin", "currency": "EUR"}
    path = f"/v1/applications/{(await client.made('/v1/applications', shop))['id']}"
    fields = {"name": "Autumn", **campaign}
    one = f"{path}/campaigns/{(await client.made(f'{path}/campaigns', fields))['id']}"
    if effects:
        rules = [{"title": "it", "condition": ["and", True], "effects": list(effects)}]
        await client.made(f"{one}/rulesets", {"rules": rules, "bindings": [], "activate": True})
    return path, one


def till(client: Client, path: str) -> Till:
    configuration = client.shop.configuration
    return Till(client.shop, configuration.application(int(path.rsplit("/", 1)[1])))


async def upload(client: Client, path: str, content: bytes) -> tuple[int, Any]:
    """What comes of a file that is sent."""
    head = b'--frontier\r\nContent-Disposition: form-data; name="upFile"; filename="a.csv"\r\n'
    sent = head + b"Content-Type: text/csv\r\n\r\n" + content + b"\r\n--frontier--\r\n"
    headers = {**client.headers, "content-type": "multipart/form-data; boundary=frontier"}
    async with client.session.post(f"{client.url}{path}", data=sent, headers=headers) as response:
        return response.status, msgspec.json.decode(await response.read())


async def test_stores_are_made_changed_listed_and_deleted(client: Client) -> None:
    path, _ = await made(client)
    berlin = {"name": "Berlin", "description": "old", "integrationId": "BER"}
    store = await client.made(f"{path}/stores", berlin)
    assert {name: store[name] for name in berlin} == berlin
    assert (await client.send("POST", f"{path}/stores", berlin))[0] == 409
    one = f"{path}/stores/{store['id']}"
    changed = (await client.send("PUT", one, {"description": "new"}))[1]
    assert changed == {**store, "description": "new", "updated": changed["updated"]}
    assert await client.faults("PUT", one, {"integrationId": "X"}) == [("/integrationId", "Fixed")]
    status, refused = await client.send("POST", f"{path}/stores", {"name": ""})
    places = [each["source"]["pointer"] for each in refused["errors"]]
    assert (status, places) == (400, ["/name", "/integrationId"])
    await client.made(f"{path}/stores", {**berlin, "name": "Bonn", "integrationId": "BN"})
    found = (await client.send("GET", f"{path}/stores?query=ber"))[1]
    assert (found["totalResultSize"], found["data"]) == (1, [changed])
    assert await client.send("DELETE", one) == (204, None)
    assert (await client.send("GET", one))[0] == 404


async def test_a_campaign_that_is_linked_to_stores_runs_only_there(client: Client) -> None:
    path, campaign = await made(client, ["setDiscount", "off", 5])
    stores = [
        (await client.made(f"{path}/stores", {"name": each, "integrationId": each}))["id"]
        for each in ("BER", "BN")
    ]
    linked = (await client.send("PUT", campaign, {"linkedStoreIds": stores[:1]}))[1]
    assert linked["linkedStoreIds"] == stores[:1]
    sent: dict[str, Any] = {"cart_items": [item("tea", 10)]}
    at = till(client, path)
    assert len((await at.put("s1", store_integration_id="BER", **sent)).decision.effects) == 1
    assert (await at.put("s2", store_integration_id="BN", **sent)).decision.effects == ()
    assert (await at.put("s3", **sent)).decision.effects == ()
    with pytest.raises(InvalidInput) as refused:
        await at.put("s4", store_integration_id="nowhere", **sent)
    assert [each.pointer for each in refused.value.faults] == [
        "/customerSession/storeIntegrationId"
    ]
    assert (await client.send("DELETE", f"{path}/stores/{stores[0]}"))[0] == 409
    faults = await client.faults("PUT", campaign, {"linkedStoreIds": [*stores, 999]})
    assert faults == [("/linkedStoreIds/2", "Unknown")]
    both = await client.send("PUT", campaign, {"linkedStoreIds": stores})
    assert both[1]["linkedStoreIds"] == stores
    assert (await client.send("DELETE", f"{path}/stores/{stores[0]}"))[0] == 204
    assert (await client.send("GET", campaign))[1]["linkedStoreIds"] == stores[1:]
    store = (await client.send("GET", f"{path}/stores/{stores[1]}"))[1]
    assert store["linkedCampaignIds"] == [linked["id"]]


async def test_collections_are_filled_by_files_that_replace(client: Client) -> None:
    path, campaign = await made(
        client, ["setDiscountPerItem", "off", 5, ["itemsInCollection", "winter"]]
    )
    account = await client.made("/v1/collections", {"name": "winter", "description": "cold"})
    one = f"/v1/collections/{account['id']}"
    assert (await client.send("POST", "/v1/collections", {"name": "winter"}))[0] == 409
    assert await client.faults("POST", "/v1/collections", {"name": " x"}) == [
        ("/name", "Invalid name")
    ]
    status, import_ = await upload(client, f"{one}/import", b"item\nsled\nskis\nsled\n")
    assert (status, import_["amount"], import_["entity"]) == (200, 3, "Collection")
    items = (await client.send("GET", f"{one}/items"))[1]
    assert items == {"hasMore": False, "data": [{"item": "skis"}, {"item": "sled"}]}
    assert (await client.send("GET", one))[1]["payload"] == ["skis", "sled"]

    async def discounted() -> list[int]:
        outcome = await till(client, path).put(cart_items=[item("sled", 9), item("ball", 9)])
        effects = [each.outcome for each in outcome.decision.effects]
        return [each.position for each in effects if isinstance(each, SetDiscountPerItem)]

    assert await discounted() == [0]
    own = await client.made(f"{campaign}/collections", {"name": "winter"})
    assert (await upload(client, f"{campaign}/collections/{own['id']}/import", b"item\nball"))[
        0
    ] == 200
    assert await discounted() == [1], "a campaign's own list hides the account's"
    listed = (await client.send("GET", f"{path}/collections"))[1]["data"]
    assert [each["id"] for each in listed] == [account["id"], own["id"]]
    assert (await client.send("DELETE", f"{campaign}/collections/{own['id']}"))[0] == 204
    assert (await upload(client, f"{one}/import", b"item\nball"))[0] == 200
    assert await discounted() == [1], "a file replaces what there was"
    for text in (b"item\nsled", b"item\nball"):
        assert (await upload(client, f"{one}/import", text))[0] == 200
    assert await discounted() == [1], "the same file may be sent again after another one"
    assert (await client.send("DELETE", one))[0] == 204
    assert await discounted() == []


async def test_value_maps(client: Client) -> None:
    fee = ["valueInMap", "fees", "SKU-1"]
    path, campaign = await made(client, ["setDiscount", "fee", fee])
    body = {"name": "fees", "values": {"SKU-1": 2.5}}
    fees = await client.made(f"{campaign}/value_maps", body)
    assert fees["size"] == 1

    async def given() -> list[Any]:
        outcome = await till(client, path).put(cart_items=[item("tea", 100)])
        return [each.outcome for each in outcome.decision.effects]

    assert await given() == [SetDiscount("fee", Decimal("2.5"))]
    one = f"{campaign}/value_maps/{fees['id']}"
    assert (await upload(client, f"{one}/import", b"item,value\nSKU-1,7\nSKU-2,8"))[0] == 200
    assert await given() == [SetDiscount("fee", Decimal(7))]
    status, faults = await upload(client, f"{one}/import", b"item,value\nSKU-1,seven")
    assert (status, len(faults["errors"])) == (400, 1)
    assert await given() == [SetDiscount("fee", Decimal(7))]
    assert (await client.send("DELETE", one))[0] == 204
    assert await given() == []


def test_half_a_million_items_cost_a_session_nothing() -> None:
    items = frozenset(f"SKU-{number}" for number in range(500_000))
    rules = [rule('inCollection("SKU-499999", "all")', 'setDiscount("x", 1)')]

    def seconds(held: frozenset[str]) -> float:
        collection = Collection(1, "all", NOW, NOW, items=held)
        window = Window(rules, configuration={"collections": {1: collection}})
        assert len(window.given(item("tea", 1))) == (1 if held else 0)
        begun = perf_counter()
        for _ in range(200):
            window.given(item("tea", 1))
        return perf_counter() - begun

    assert seconds(items) < 20 * seconds(frozenset())


@pytest.mark.parametrize(
    ("taken", "positions"),
    [
        ("takeMany(session.cart_items, 2)", [0, 1]),
        ('takeMany(session.cart_items, 2, "end")', [2, 1]),
        ("takeBetween(session.cart_items, 1, 3)", [1, 2]),
        ("takeOne(session.cart_items, 2)", [2]),
        ("takeOne(session.cart_items, 3)", []),
        ("reverse(session.cart_items)", [2, 1, 0]),
    ],
)
def test_selecting_units_by_position(taken: str, positions: list[int]) -> None:
    window = Window([rule("true", f'setDiscountPerItem("x", 1, {taken})')])
    given = window.given(item("a", 1), item("b", 2), item("c", 3))
    assert [each.position for each in given] == positions
