"""Lists and searches over the wire, keys, and what workers see of each other."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from habitue.usecases.configure.applications import ApplicationFields, create_application
from habitue.usecases.shop import Shop
from tests.configure.shops import NOW, TEN_OFF
from tests.management.conftest import SHOP, Client, with_campaign


async def test_limits_of_discounts_and_reservations_are_kept(client: Client) -> None:
    path = await with_campaign(client)
    body = {"numberOfCoupons": 1, "couponPattern": "HELLO", "discountLimit": 10.5}
    body |= {"reservationLimit": 2, "isReservationMandatory": True, "implicitlyReserved": True}
    assert (await client.send("POST", f"{path}/coupons", body))[0] == 204
    _, found = await client.send("GET", f"{path}/coupons/no_total")
    (coupon,) = found["data"]
    told = {name: coupon[name] for name in ("discountLimit", "discountCounter", "reservationLimit")}
    assert told == {"discountLimit": 10.5, "discountCounter": 0, "reservationLimit": 2}
    assert coupon["discountRemainder"] == 10.5
    assert coupon["reservationCounter"] == 0
    assert coupon["isReservationMandatory"] is coupon["implicitlyReserved"] is True
    wrong = {**body, "discountLimit": -1, "reservationLimit": -1}
    assert await client.faults("POST", f"{path}/coupons", wrong) == [
        ("/discountLimit", "Out of range"),
        ("/reservationLimit", "Out of range"),
    ]


async def test_coupons_are_found_by_their_attributes(client: Client) -> None:
    path = await with_campaign(client)
    for name in ("channel", "level"):
        kind = "string" if name == "channel" else "number"
        body = {"entity": "Coupon", "name": name, "title": name, "type": kind}
        await client.made("/v1/attributes", body)
    for code, attributes in (
        ("AAA", {"channel": "mail", "level": 1.5}),
        ("BBB", {"channel": "mail"}),
        ("CCC", {}),
    ):
        order = {"numberOfCoupons": 1, "couponPattern": code, "attributes": attributes}
        assert (await client.send("POST", f"{path}/coupons", order))[0] == 204

    async def found(wanted: dict[str, Any], place: str) -> list[str]:
        _, answer = await client.send("POST", f"{place}/coupons_search_advanced/no_total", wanted)
        return [coupon["value"] for coupon in answer["data"]]

    application = path.partition("/campaigns")[0]
    for place in (path, application):
        assert await found({}, place) == ["AAA", "BBB", "CCC"]
        assert await found({"channel": "mail"}, place) == ["AAA", "BBB"]
        assert await found({"channel": "mail", "level": 1.5}, place) == ["AAA"]
        assert await found({"channel": "post"}, place) == []
    assert await found({}, f"{application}/x"[:-2]) == ["AAA", "BBB", "CCC"]
    _, answer = await client.send(
        "POST", f"{application}/coupons_search_advanced/no_total?campaignState=disabled", {}
    )
    assert answer == {"hasMore": False, "data": []}


async def test_lists_are_filtered_and_sorted(client: Client) -> None:
    path = (await with_campaign(client, tags=["Old"])).rpartition("/")[0]
    for name, fields in (
        ("Next", {"startTime": "2090-01-01T00:00:00Z"}),
        ("Last", {"endTime": "2020-01-01T00:00:00Z"}),
        ("Off", {"state": "disabled"}),
        ("Gone", {"state": "archived"}),
    ):
        await client.made(path, {"name": name, **fields})

    async def names(query: str) -> list[str]:
        status, answer = await client.send("GET", f"{path}?{query}")
        assert status == 200
        return [campaign["name"] for campaign in answer["data"]]

    assert await names("") == ["Autumn", "Next", "Last", "Off", "Gone"]
    assert await names("campaignState=enabled") == ["Autumn", "Next", "Last"]
    assert await names("campaignState=running") == ["Autumn"]
    assert await names("campaignState=scheduled") == ["Next"]
    assert await names("campaignState=expired") == ["Last"]
    assert await names("campaignState=archived") == ["Gone"]
    assert await names("campaignState=staged") == []
    assert await names("sort=-name&pageSize=2") == ["Off", "Next"]
    assert await names("skip=3") == ["Off", "Gone"]
    assert await names("startAfter=2030-01-01T00:00:00Z") == ["Next"]
    assert await names("tags=old&name=AUT") == ["Autumn"]
    assert await names("storeId=1") == []
    assert await names("createdBefore=2020-01-01T00:00:00Z") == []
    _, answer = await client.send("GET", f"{path}?pageSize=1")
    assert (answer["totalResultSize"], len(answer["data"])) == (5, 1)


async def test_campaigns_are_searched_by_attributes(client: Client) -> None:
    path = (await with_campaign(client)).rpartition("/")[0]
    body = {"entity": "Campaign", "name": "margin", "title": "Margin", "type": "number"}
    await client.made("/v1/attributes", body)
    made = await client.made(path, {"name": "Rich", "attributes": {"margin": 0.30}})
    search = f"{path}_search"
    for wanted, ids in (({"margin": 0.3}, [made["id"]]), ({"margin": 0.31}, [])):
        _, answer = await client.send("POST", search, {"attributes": wanted})
        assert [each["id"] for each in answer["data"]] == ids
    assert await client.faults("POST", search, {}) == [("/attributes", "required")]


async def test_every_worker_sees_what_another_wrote(client: Client) -> None:
    elsewhere = Shop(client.shop.database)
    fields = ApplicationFields(name="Elsewhere", timezone="UTC", currency="EUR")
    made = await create_application(elsewhere, fields, NOW)
    assert (await client.send("GET", f"/v1/applications/{made.id}"))[0] == 200


async def test_parallel_creations_of_one_name_make_it_once(client: Client) -> None:
    answers = await asyncio.gather(
        *(client.send("POST", "/v1/applications", SHOP) for _ in range(8))
    )
    assert sorted(status for status, _ in answers) == [201, *[409] * 7]
    assert (await client.send("GET", "/v1/applications"))[1]["totalResultSize"] == 1


async def test_integration_keys(client: Client) -> None:
    path = (await with_campaign(client, name="Autumn")).partition("/campaigns")[0]
    body = {"title": "Web", "expires": "2099-01-01T00:00:00Z", "platform": "shopify"}
    made = await client.made(f"{path}/apikeys", body)
    secret = made.pop("key")
    assert (made["title"], made["platform"], made["accountID"]) == ("Web", "shopify", 1)
    _, listed = await client.send("GET", f"{path}/apikeys")
    assert listed == {"totalResultSize": 1, "data": [made]}
    header = {"authorization": f"ApiKey-v1 {secret}"}
    assert (await client.send("GET", "/v1/integration/campaigns", headers=header))[0] == 200
    assert (await client.send("GET", "/v1/applications", headers=header))[0] == 401
    assert await client.send("DELETE", f"{path}/apikeys/{made['id']}") == (204, None)
    assert (await client.send("DELETE", f"{path}/apikeys/{made['id']}"))[0] == 404
    assert (await client.send("GET", "/v1/integration/campaigns", headers=header))[0] == 401
    assert await client.faults("POST", f"{path}/apikeys", {**body, "type": "staging"}) == [
        ("/type", "Not allowed")
    ]
    past = {**body, "expires": "2001-01-01T00:00:00Z"}
    assert await client.faults("POST", f"{path}/apikeys", past) == [("/expires", "Out of range")]


async def test_running_campaigns_as_an_integration_reads_them(client: Client) -> None:
    path = await with_campaign(client, tags=["a"])
    many = path.rpartition("/")[0]
    await client.made(f"{path}/rulesets", {**TEN_OFF, "activate": True})
    await client.made(many, {"name": "Off", "state": "disabled"})
    later = await client.made(many, {"name": "Also", "endTime": "2090-01-01T00:00:00Z"})
    application = many.rpartition("/")[0]
    body = {"title": "Web", "expires": "2099-01-01T00:00:00Z"}
    key = (await client.made(f"{application}/apikeys", body))["key"]
    header = {"authorization": f"ApiKey-v1 {key}"}

    async def read(query: str) -> tuple[bool, list[str]]:
        place = f"/v1/integration/campaigns?{query}"
        status, answer = await client.send("GET", place, headers=header)
        assert status == 200
        return answer["hasMore"], [campaign["name"] for campaign in answer["data"]]

    assert await read("") == (False, ["Autumn", "Also"])
    assert await read("pageSize=1") == (True, ["Autumn"])
    assert await read("pageSize=1&skip=1") == (False, ["Also"])
    assert await read(f"campaignIds={later['id']},99") == (False, ["Also"])
    assert await read("endBefore=2091-01-01T00:00:00Z") == (False, ["Also"])
    assert await read("storeId=1") == (False, [])
    _, answer = await client.send("GET", "/v1/integration/campaigns", headers=header)
    assert answer["data"][0]["rules"] == [{"title": "Ten off"}]
    assert answer["data"][0]["state"] == "enabled"


async def test_a_revoked_management_key_is_refused_at_once(client: Client) -> None:
    elsewhere = Shop(client.shop.database)
    await elsewhere.refresh()
    await client.shop.database.execute(
        "UPDATE api_key SET deleted = true, changed_version = changed_version + 1"
    )
    await client.shop.database.execute("UPDATE configuration SET version = version + 1")
    status, answer = await client.send("POST", "/v1/applications", SHOP)
    assert (status, answer["message"]) == (401, "This key was revoked")
    assert await client.shop.database.fetchval("SELECT count(*) FROM application") == 0


async def test_a_key_with_a_time_offset_asks_as_of_another_moment(client: Client) -> None:
    start = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    path = await with_campaign(client, startTime=start)
    await client.made(f"{path}/rulesets", {**TEN_OFF, "activate": True})
    keys = f"{path.partition('/campaigns')[0]}/apikeys"
    body, day = {"title": "Web", "expires": "2099-01-01T00:00:00Z"}, 86_400 * 10**9
    running = {}
    for offset in (0, 3 * day, -3 * day):
        made = await client.made(keys, {**body, "timeOffset": offset})
        header = {"authorization": f"ApiKey-v1 {made['key']}"}
        _, answer = await client.send("GET", "/v1/integration/campaigns", headers=header)
        running[offset] = len(answer["data"])
    assert running == {0: 0, 3 * day: 1, -3 * day: 0}
    listed = (await client.send("GET", keys))[1]["data"]
    assert [each.get("timeOffset") for each in listed] == [None, 3 * day, -3 * day]
    far = {**body, "timeOffset": 105 * day}
    assert await client.faults("POST", keys, far) == [("/timeOffset", "maximum")]
