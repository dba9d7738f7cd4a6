"""Requests over the wire: what is made, and what is refused."""

from typing import Any

from tests.configure.shops import TEN_OFF
from tests.management.conftest import SHOP, Client, with_campaign


async def versions(client: Client) -> tuple[int, int]:
    """The version of the configuration and the number of coupons."""
    database = client.shop.database
    version = await database.fetchval("SELECT version FROM configuration")
    return version, await database.fetchval("SELECT count(*) FROM coupon")


async def test_a_whole_application(client: Client) -> None:
    await client.made(
        "/v1/attributes",
        {"entity": "Application", "name": "margin", "title": "Margin", "type": "number"},
    )
    await client.made(
        "/v1/attributes", {"entity": "Coupon", "name": "channel", "type": "string", "title": "C"}
    )
    body = {
        **SHOP,
        "description": "All of it",
        "caseSensitivity": "insensitive-uppercase",
        "attributes": {"margin": 0.1},
        "limits": [
            {"action": "redeemCoupon", "limit": 3, "period": "daily", "entities": ["Profile"]}
        ],
        "attributesSettings": {"mandatory": {"coupons": ["channel"]}},
        "sandbox": True,
        "defaultDiscountScope": "cartItems",
        "enableCascadingDiscounts": False,
        "enableFlattenedCartItems": True,
        "key": "0123456789abcdef",
    }
    made = await client.made("/v1/applications", body)
    sent = {name: body[name] for name in body if name != "key"}
    sent["attributesSettings"] = {"mandatory": {"campaigns": [], "coupons": ["channel"]}}
    assert {name: made[name] for name in sent} == sent
    assert (made["accountId"], made["loyaltyPrograms"]) == (1, [])
    path = f"/v1/applications/{made['id']}"
    assert await client.send("GET", path) == (200, made)
    status, changed = await client.send("PUT", path, {"description": None, "currency": "USD"})
    assert status == 200
    assert {**changed, "modified": ""} == {
        **made,
        "description": "",
        "currency": "USD",
        "modified": "",
    }
    campaign = await client.made(f"{path}/campaigns", {"name": "New"})
    assert campaign["limits"] == body["limits"]
    assert await client.send("DELETE", path) == (204, None)
    assert (await client.send("GET", path))[0] == 404


async def test_a_whole_campaign(client: Client) -> None:
    path = await with_campaign(client)
    body: dict[str, Any] = {
        "name": "Winter",
        "description": "Cold",
        "state": "disabled",
        "startTime": "2026-01-01T01:00:00+01:00",
        "endTime": "2027-01-01T00:00:00Z",
        "tags": ["a", "b"],
        "features": ["coupons", "loyalty"],
        "limits": [{"action": "redeemCoupon", "limit": 1, "entities": ["Profile", "Coupon"]}],
        "type": "cartItem",
        "couponSettings": {"validCharacters": ["A", "B"], "couponPattern": "W-####"},
        "reevaluateOnReturn": True,
    }
    status, changed = await client.send("PUT", path, body)
    assert status == 200
    assert {name: changed[name] for name in body} == {
        **body,
        "startTime": "2026-01-01T00:00:00Z",
    }
    status, kept = await client.send("PUT", path, {"name": "Winter", "endTime": None})
    assert status == 200
    assert "endTime" not in kept
    left = {name: kept[name] for name in kept if name != "updated"}
    assert left == {name: changed[name] for name in left}


WRONG_APPLICATIONS: list[tuple[Any, list[Any]]] = [
        ({}, [("/name", "Missing"), ("/timezone", "Invalid time zone"),
              ("/currency", "Invalid currency")]),
        ({**SHOP, "name": " "}, [("/name", "Missing")]),
        ({**SHOP, "name": "x" * 256}, [("/name", "Too long")]),
        ({**SHOP, "name": None}, [("/name", "Invalid type")]),
        ({**SHOP, "timezone": "Europe"}, [("/timezone", "Invalid time zone")]),
        ({**SHOP, "currency": "Euro"}, [("/currency", "Invalid currency")]),
        ({**SHOP, "caseSensitivity": "none"}, [("/caseSensitivity", "enum")]),
        ({**SHOP, "attributes": {"x": 1}}, [("/attributes/x", "Unknown")]),
        ({**SHOP, "enableFlattenedCartItems": False},
         [("/enableFlattenedCartItems", "Not supported")]),
        ({**SHOP, "defaultCartItemFilterId": 5}, [("/defaultCartItemFilterId", "Unknown")]),
        ({**SHOP, "attributesSettings": {"mandatory": {"campaigns": ["x"]}}},
         [("/attributesSettings/mandatory/campaigns/0", "Unknown")]),
        ({**SHOP, "limits": [{"action": "giveAway", "limit": 1, "entities": ["Profile"]},
                             {"action": "redeemCoupon", "limit": 1, "entities": ["Till"]},
                             {"action": "redeemCoupon", "limit": -1, "entities": ["Profile"]}]},
         [("/limits/0/action", "Not supported"), ("/limits/1/entities/0", "Not supported"),
          ("/limits/2/limit", "Out of range")]),
    ]  # fmt: skip


async def test_wrong_applications(client: Client) -> None:
    before = await versions(client)
    for body, faults in WRONG_APPLICATIONS:
        found = await client.faults("POST", "/v1/applications", body)
        assert sorted(found) == sorted(faults)
    assert await versions(client) == before


WRONG_CAMPAIGNS: list[tuple[Any, list[Any]]] = [
        ({"name": ""}, [("/name", "Missing")]),
        ({"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00Z"},
         [("/endTime", "Invalid period")]),
        ({"startTime": "9999-12-31T23:00:00-02:00"}, [("/startTime", "Out of range")]),
        ({"startTime": "2026-01-01T00:00:00"}, [("/startTime", "Invalid type")]),
        ({"tags": ["", "x" * 51]}, [("/tags/0", "Invalid length"), ("/tags/1", "Invalid length")]),
        ({"tags": ["x"] * 51}, [("/tags", "Too many")]),
        ({"features": ["coupons", "coupons"]}, [("/features", "Duplicate")]),
        ({"features": ["points"]}, [("/features/0", "enum")]),
        ({"state": "running"}, [("/state", "enum")]),
        ({"linkedStoreIds": [1]}, [("/linkedStoreIds/0", "Unknown")]),
        ({"campaignGroups": [1]}, [("/campaignGroups", "Not supported")]),
        ({"couponSettings": {"validCharacters": [], "couponPattern": "a b"}},
         [("/couponSettings/couponPattern", "Invalid pattern"),
          ("/couponSettings/validCharacters", "Missing")]),
        ({"activeRulesetId": 7}, [("/activeRulesetId", "Unknown")]),
        ({"attributes": {"x": 1}, "couponAttributes": {"y": 1}},
         [("/attributes/x", "Unknown"), ("/couponAttributes/y", "Unknown")]),
    ]  # fmt: skip


async def test_wrong_campaigns(client: Client) -> None:
    path = await with_campaign(client)
    many = path.rpartition("/")[0]
    before = await versions(client)
    for body, faults in WRONG_CAMPAIGNS:
        assert sorted(await client.faults("PUT", path, body)) == sorted(faults)
        found = await client.faults("POST", many, {"name": "Other", **body})
        assert sorted(found) == sorted(faults)
    assert await versions(client) == before


async def test_rules_are_refused_with_their_place(client: Client) -> None:
    path = await with_campaign(client)
    before = await versions(client)
    rule = {"title": "x", "condition": ["and", [">", [".", "Session", "Totl"], 1]], "effects": []}
    faults = await client.faults("POST", f"{path}/rulesets", {"rules": [rule], "bindings": []})
    assert [place for place, _ in faults] == ["/rules/0/condition/1/1"]
    wrong = {"title": "", "condition": True, "effects": "x"}
    faults = await client.faults("POST", f"{path}/rulesets", {"rules": [wrong]})
    assert [place for place, _ in faults] == ["/rules/0/title", "/rules/0/effects"]
    assert await client.faults("POST", f"{path}/rulesets", {}) == [("/rules", "required")]
    assert await versions(client) == before


async def test_rules_that_look_like_mistakes_come_with_warnings(client: Client) -> None:
    path = await with_campaign(client, features=[])
    rule = {
        "title": "x",
        "condition": ["and", ["couponValid"]],
        "effects": [["setDiscount", "a", 1]],
    }
    made = await client.made(f"{path}/rulesets", {"rules": [rule], "bindings": []})
    assert [warning["pointer"] for warning in made["warnings"]][:1] == ["/rules/0/condition/1"]
    assert await client.send("GET", f"{path}/rulesets/{made['id']}") == (200, made)


async def test_a_ruleset_lives_and_dies(client: Client) -> None:
    path = await with_campaign(client)
    many = f"{path}/rulesets"
    first = await client.made(many, TEN_OFF)
    one = f"{many}/{first['id']}"
    status, changed = await client.send("PUT", one, {"rules": [], "bindings": []})
    assert (status, changed["rules"], changed["created"]) == (200, [], first["created"])
    status, campaign = await client.send("PUT", path, {"activeRulesetId": first["id"]})
    assert (status, campaign["activeRulesetId"]) == (200, first["id"])
    for method, body in (("PUT", TEN_OFF), ("DELETE", None)):
        status, answer = await client.send(method, one, body)
        assert (status, answer["StatusCode"]) == (409, 409)
    second = await client.made(many, {**TEN_OFF, "activate": True})
    assert (await client.send("GET", path))[1]["activeRulesetId"] == second["id"]
    assert await client.send("DELETE", one) == (204, None)
    assert (await client.send("GET", one))[0] == 404
    status, page = await client.send("GET", many)
    assert (page["totalResultSize"], [each["id"] for each in page["data"]]) == (1, [second["id"]])
    status, campaign = await client.send("PUT", path, {"activeRulesetId": None})
    assert "activeRulesetId" not in campaign
    assert await client.faults("PUT", path, {"activeRulesetId": first["id"]}) == [
        ("/activeRulesetId", "Unknown")
    ]


async def test_effects_are_answered_as_lists(client: Client) -> None:
    path = await with_campaign(client)
    wrapped = ["catch", ["noop"], ["setDiscount", "a", ["*", [".", "Session", "Total"], 0.10]]]
    rule = {"title": "x", "condition": True, "effects": wrapped}
    made = await client.made(f"{path}/rulesets", {"rules": [rule], "bindings": []})
    assert made["rules"][0]["effects"] == [wrapped]
    assert made["rules"][0]["condition"] == ["and", True]


WRONG_PLACES = [
    ("/v1/applications/99", 404),
    ("/v1/applications/99/campaigns", 404),
    ("/v1/applications/{a}/campaigns/99", 404),
    ("/v1/applications/99/campaigns/{c}", 404),
    ("/v1/applications/{a}/campaigns/99/rulesets", 404),
    ("/v1/applications/{a}/campaigns/{c}/rulesets/99", 404),
    ("/v1/applications/{a}/campaigns/99/coupons/no_total", 404),
    ("/v1/applications/99/apikeys", 404),
    ("/v1/attributes/9999", 404),
    ("/v1/additional_costs/99", 404),
    ("/v1/applications/x", 400),
    ("/v1/applications?pageSize=0", 400),
    ("/v1/applications?pageSize=1001", 400),
    ("/v1/applications?skip=-1", 400),
    ("/v1/applications?sort=colour", 400),
    ("/v1/applications/{a}/campaigns?campaignState=asleep", 400),
    ("/v1/applications/{a}/campaigns?endAfter=0001-01-01T00:00:00%2B02:00", 400),
    (
        "/v1/applications/{a}/campaigns/{c}/coupons/no_total?startsAfter=0001-01-01T00:00:00%2B02:00",
        400,
    ),
    ("/v1/applications/{a}/campaigns/{c}/coupons/no_total?valid=x", 400),
]


async def test_unknown_ids_and_wrong_parameters(client: Client) -> None:
    parts = (await with_campaign(client)).split("/")
    for path, status in WRONG_PLACES:
        place = path.replace("{a}", parts[3]).replace("{c}", parts[5])
        answered, answer = await client.send("GET", place)
        assert (place, answered, answer["StatusCode"]) == (place, status, status)
        assert len(answer["errors"]) == 1


async def test_taken_names_are_conflicts(client: Client) -> None:
    await client.made("/v1/applications", SHOP)
    attribute = {"entity": "Coupon", "name": "a", "title": "A", "type": "string"}
    await client.made("/v1/attributes", attribute)
    cost = {"name": "shipping", "title": "Shipping"}
    await client.made("/v1/additional_costs", cost)
    before = await versions(client)
    for path, body in (
        ("/v1/applications", SHOP),
        ("/v1/attributes", attribute),
        ("/v1/attributes", {**attribute, "name": "b"}),
        ("/v1/additional_costs", cost),
        ("/v1/additional_costs", {**cost, "name": "other"}),
    ):
        status, answer = await client.send("POST", path, body)
        assert (status, answer["errors"], answer["StatusCode"]) == (409, [], 409)
    assert await versions(client) == before


async def test_what_rests_on_an_attribute_cannot_be_changed(client: Client) -> None:
    made = await client.made(
        "/v1/attributes", {"entity": "Coupon", "name": "a", "title": "A", "type": "string"}
    )
    path = f"/v1/attributes/{made['id']}"
    body = {"entity": "CartItem", "name": "b", "type": "number", "subscribedApplicationsIds": [1]}
    assert await client.faults("PUT", path, body) == [
        ("/entity", "Fixed"),
        ("/name", "Fixed"),
        ("/type", "Fixed"),
        ("/subscribedApplicationsIds", "Fixed"),
    ]
    assert await client.faults("PUT", "/v1/attributes/1", {"description": "x"}) == [
        ("", "Built in")
    ]
    status, changed = await client.send(
        "PUT", path, {"suggestions": ["x"], "restrictedBySuggestions": True}
    )
    assert (status, changed["suggestions"], changed["title"]) == (200, ["x"], "A")


WRONG_ATTRIBUTES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["/entity", "/name", "/type"]),
    ({"name": "1a", "title": "A"}, ["/name"]),
    ({"title": "1"}, ["/title"]),
    ({"type": "money"}, ["/type"]),
    ({"entity": "Event"}, ["/eventType"]),
    ({"eventType": "x"}, ["/eventType"]),
    ({"suggestions": [""]}, ["/suggestions/0"]),
    ({"restrictedBySuggestions": True}, ["/restrictedBySuggestions"]),
    ({"hasAllowedList": True, "type": "time"}, ["/hasAllowedList"]),
    ({"subscribedApplicationsIds": [7]}, ["/subscribedApplicationsIds/0"]),
    ({"subscribedCatalogsIds": [7]}, ["/subscribedCatalogsIds"]),
]


async def test_wrong_attributes(client: Client) -> None:
    right = {"entity": "Coupon", "name": "a", "type": "string"}
    before = await versions(client)
    for body, places in WRONG_ATTRIBUTES:
        sent = {**right, **body} if body else {}
        found = await client.faults("POST", "/v1/attributes", sent)
        assert [place for place, _ in found] == places
    assert await versions(client) == before
