"""Catalogs through the vendor's own clients, over a real socket: synchronised, listed, used."""

from typing import Any

import pytest
import talon_one
from talon_one import ManagementApi
from talon_one.exceptions import BadRequestException, NotFoundException
from talon_one.models import BestPriorPriceRequest, CatalogSyncRequest

from tests.integration.test_vendor_client import client, request
from tests.serving import MANAGEMENT_KEY, Shopfront, rule

UUID = "68851723-e6fa-488f-ace9-112581e6c19b"


@pytest.fixture(scope="module")
def catalog(front: Shopfront) -> int:
    """An empty catalog of the application, with attributes for its items."""
    for name, type_ in (("color", "string"), ("size", "number")):
        body = {"entity": "CartItem", "name": name, "title": name, "type": type_}
        front.manage("POST", "/v1/attributes", {**body, "description": "", "suggestions": []})
    body = {"name": "shoes", "description": "all of them"}
    made = front.manage("POST", "/v1/catalogs", {**body, "subscribedApplicationsIds": [1]})
    assert (made["version"], made["subscribedApplicationsIds"]) == (1, [1])
    id_: int = made["id"]
    return id_


def management(front: Shopfront) -> ManagementApi:
    configuration = talon_one.Configuration(
        host=front.base,
        api_key_prefix={"api_key_v1": "ManagementKey-v1"},
        api_key={"api_key_v1": MANAGEMENT_KEY},
    )
    return ManagementApi(talon_one.ApiClient(configuration))


def sync(front: Shopfront, catalog: int, type_: str, *payloads: Any, **more: Any) -> Any:
    actions = [{"type": type_, "payload": each} for each in payloads]
    body = CatalogSyncRequest.from_dict({"actions": actions, **more})
    assert body is not None
    return client(front).sync_catalog(catalog, body)


def items(front: Shopfront, catalog: int, **query: Any) -> dict[str, Any]:
    """Price, product and attributes of the items, by article."""
    found = management(front).list_catalog_items(catalog, **query).data
    return {
        each.sku: (
            each.price,
            each.product.name if each.product else None,
            {attribute.name: attribute.value for attribute in each.attributes or ()},
        )
        for each in found
    }


def bought(front: Shopfront, session: str, *lines: dict[str, Any], **more: Any) -> Any:
    """The session as answered."""
    if lines:
        more["cartItems"] = [{"quantity": 1, **each} for each in lines]
    body = request(["customerSession"], **more)
    return client(front).update_customer_session_v2(session, body)


def test_a_catalog_is_synchronised_and_listed(front: Shopfront, catalog: int) -> None:
    boots = {"sku": "boots", "price": 80, "product": {"name": "Boots"}}
    answer = sync(
        front,
        catalog,
        "ADD",
        {**boots, "attributes": {"color": "brown", "size": 46}},
        {"sku": "clogs", "price": 20.5, "attributes": {"color": "red", "size": 44}},
        {"sku": "pumps", "attributes": {"color": "red", "size": 38}},
    )
    assert (answer.id, answer.name, answer.version) == (catalog, "shoes", 2)
    sync(front, catalog, "PATCH", {"sku": "boots", "attributes": {"color": "black"}})
    many = {"filters": [{"attr": "color", "op": "IN", "value": "red,blue"}], "price": 30}
    assert (
        sync(front, catalog, "PATCH_MANY", {**many, "attributes": {"color": "blue"}}).version == 4
    )
    assert items(front, catalog) == {
        "boots": (80, None, {"color": "black", "size": 46}),
        "clogs": (30, None, {"color": "blue", "size": 44}),
        "pumps": (30, None, {"color": "blue", "size": 38}),
    }
    big = {"filters": [{"attr": "size", "op": "GT", "value": "45"}]}
    sync(front, catalog, "REMOVE_MANY", big)
    sync(front, catalog, "REMOVE", {"sku": "clogs"}, {"sku": "never was"})
    page = management(front).list_catalog_items(catalog, with_total_result_size=True, sku=["pumps"])
    assert (page.total_result_size, [each.sku for each in page.data]) == (1, ["pumps"])
    assert list(items(front, catalog)) == ["pumps"]
    sync(front, catalog, "ADD", {**boots, "replaceIfExists": True})
    assert list(items(front, catalog, product_names=["Boots"])) == ["boots"]


def test_what_is_wrong_changes_nothing(front: Shopfront, catalog: int) -> None:
    before, version = items(front, catalog), front.manage("GET", f"/v1/catalogs/{catalog}")
    for type_, payload, more in (
        ("ADD", {"sku": "boots"}, {}),
        ("PATCH", {"sku": "sandals"}, {}),
        ("ADD", {"sku": "new"}, {"version": 1}),
        ("ADD_PRICE_ADJUSTMENT", adjustment("boots", "vip", 1), {}),
    ):
        with pytest.raises(BadRequestException):
            sync(front, catalog, type_, {"sku": "fine", **payload}, **more)
    with pytest.raises(BadRequestException):
        sync(front, catalog, "REMOVE", {"sku": "boots"}, {"sku": "boots"})
    mixed = [
        {"type": "REMOVE", "payload": {"sku": "boots"}},
        {"type": "ADD", "payload": {"sku": "a"}},
    ]
    refused = front.call("PUT", f"/v1/catalogs/{catalog}/sync", {"actions": mixed})
    pointers = [each["source"]["pointer"] for each in refused.json["errors"]]
    assert (refused.status, pointers) == (400, ["/actions/1/type"])
    other = front.manage(
        "POST", "/v1/applications", {"name": "B", "timezone": "UTC", "currency": "EUR"}
    )
    body = {"name": "theirs", "subscribedApplicationsIds": [other["id"]]}
    theirs = front.manage("POST", "/v1/catalogs", body)
    with pytest.raises(NotFoundException):
        sync(front, theirs["id"], "REMOVE", {"sku": "boots"})
    assert items(front, catalog) == before
    assert front.manage("GET", f"/v1/catalogs/{catalog}") == version


def adjustment(sku: str, type_: str, price: float | None, **more: Any) -> dict[str, Any]:
    body = {"priceType": type_, "referenceId": UUID, "price": price, **more}
    return {"sku": sku, "adjustments": [body]}


def test_carts_fall_back_on_the_catalog(front: Shopfront, catalog: int) -> None:
    tea = {"sku": "tea", "price": 12.5, "product": {"name": "Tea"}, "replaceIfExists": True}
    sync(front, catalog, "ADD", {**tea, "attributes": {"color": "green", "size": 3}})
    front.campaign(
        rule(
            ["exists", [".", "Session", "CartItems"],
             [["Item"], ["catch", False, ["=", [".", "Item", "Attributes", "color"], "green"]]]],
            ["setDiscount", "green", ["*", [".", "Session", "Total"], 0.1]],
        )
    )  # fmt: skip
    state = bought(front, "fallback", {"sku": "tea", "quantity": 2}, {"sku": "tea", "price": 10})
    first, second = state.customer_session.cart_items
    assert (first.price, first.product.name, first.attributes) == (
        12.5, "Tea", {"color": "green", "size": 3}
    )  # fmt: skip
    assert first.catalog_item_id == second.catalog_item_id
    assert (second.price, state.customer_session.total) == (10, 35)
    assert [each.props["value"] for each in effects(state)] == [3.5]
    sync(front, catalog, "PATCH", {"sku": "tea", "price": 20, "attributes": {"color": "black"}})
    again = bought(front, "fallback", state="closed")
    assert again.customer_session.total == 50, "an open cart follows the catalog"
    assert effects(again) == []
    sync(front, catalog, "PATCH", {"sku": "tea", "price": 99})
    stored = client(front).get_customer_session("fallback").customer_session
    assert [each.price for each in stored.cart_items] == [20, 10]
    with pytest.raises(BadRequestException):
        bought(front, "unpriced", {"sku": "nowhere"})


def effects(state: Any) -> list[Any]:
    return [each for each in state.effects if each.effect_type == "setDiscount"]


def test_members_get_their_price(front: Shopfront, catalog: int) -> None:
    audience = front.call("POST", "/v2/audiences", {"name": "Members"}).json["id"]
    body = {"name": "member", "title": "Members", "targetedAudiencesIds": [audience]}
    front.manage("POST", "/v1/price_types", body)
    sync(front, catalog, "ADD", {"sku": "cup", "price": 10, "replaceIfExists": True})
    ends = "2099-01-01T00:00:00Z"
    sync(
        front, catalog, "ADD_PRICE_ADJUSTMENT",
        adjustment("cup", "member", 7, effectiveUntil=ends, contextId="summer"),
    )  # fmt: skip
    front.campaign(
        rule(["=", [".", "Session", "Total"], 7], ["setDiscountPerItem", "member cup", 1])
    )
    join = {"data": [{"action": "add", "profileIntegrationId": "mia", "audienceId": audience}]}
    assert front.call("POST", "/v2/customer_audiences", join).status == 204
    guest = bought(front, "guest", {"sku": "cup"}).customer_session.cart_items[0]
    state = bought(front, "mia's", {"sku": "cup"}, profileId="mia")
    member = state.customer_session.cart_items[0]
    stored = client(front).get_customer_session("mia's")
    for effect in (state.effects[-1], stored.effects[-1]):
        assert (effect.effect_type, effect.selected_price_type) == ("setDiscountPerItem", "member")
        assert (effect.selected_price, str(effect.adjustment_reference_id)) == (7, UUID)
    assert (guest.price, guest.selected_price_type) == (10, "base")
    assert (member.price, member.selected_price_type) == (7, "member")
    assert str(member.adjustment_reference_id) == UUID
    assert member.prices["member"].adjustment_context_id == "summer"
    sync(front, catalog, "ADD_PRICE_ADJUSTMENT", adjustment("cup", "member", None))
    later = bought(front, "mia's", {"sku": "cup"}, profileId="mia").customer_session.cart_items[0]
    assert later.price == 10


def test_a_deleted_catalog_is_gone_with_its_items(front: Shopfront) -> None:
    body = {"name": "short", "subscribedApplicationsIds": [1]}
    made = front.manage("POST", "/v1/catalogs", body)
    sync(front, made["id"], "ADD", {"sku": "only-here", "price": 1})
    assert bought(front, "s", {"sku": "only-here"}).customer_session.total == 1
    renamed = front.manage("PUT", f"/v1/catalogs/{made['id']}", {"description": "over soon"})
    assert (renamed["description"], renamed["version"]) == ("over soon", 2)
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    assert front.send("POST", "/v1/catalogs", body, headers).status == 409
    assert front.send("DELETE", f"/v1/catalogs/{made['id']}", None, headers).status == 204
    assert front.send("GET", f"/v1/catalogs/{made['id']}", None, headers).status == 404
    with pytest.raises(BadRequestException):
        bought(front, "s2", {"sku": "only-here"})
    assert bought(front, "s", profileId="").customer_session.total == 1


def prior(front: Shopfront, *skus: str, **more: Any) -> Any:
    """The best prior prices, as of long after."""
    body = {"skus": list(skus), "timeframe": "30", "timeframeEndDate": "2098-01-01T00:00:00Z"}
    kind = {"timeframeEndDateType": "sale", **more}
    return front.call("POST", "/v1/best_prior_price", {**body, **kind})


def test_prices_are_seen_whatever_changes_them(front: Shopfront, catalog: int) -> None:
    application = f"/v1/applications/{front.application_id}"
    assert prior(front, "pot").status == 400, "prices are recorded where the shop wants it"
    settings = {"bestPriorPriceSettings": {"enableBestPriorPrice": True}}
    shown = front.manage("PUT", application, settings)
    assert shown["bestPriorPriceSettings"] == {"enableBestPriorPrice": True}
    for price in (100, 80, 95):
        sync(front, catalog, "ADD", {"sku": "pot", "price": price, "replaceIfExists": True})
    lowering = rule([">", [".", "Session", "Total"], 50], ["setDiscountPerItem", "off", 15])
    campaign = front.campaign(features=["strikethrough"])
    ruleset = {"rules": [], "strikethroughRules": [lowering], "activate": True}
    front.manage("POST", f"{application}/campaigns/{campaign}/rulesets", ruleset)
    (best,) = prior(front, "pot", "unheard of").json
    assert (best["sku"], best["price"], best["contextIds"]) == ("pot", 80, [])
    period = {"sku": "pot", "startDate": "2020-01-01T00:00:00Z", "endDate": "2098-01-01T00:00:00Z"}
    history = front.manage("POST", f"{application}/price_history", period)["history"]
    assert [each["price"] for each in history] == [100, 80, 95, 80]
    lowered = history[-1]
    (influence,) = lowered["metadata"]["influencingCampaignDetails"]
    assert influence["discountValue"] == 15
    assert lowered["contextIds"] == [f"campaign-{influence['campaignId']}"]
    assert lowered["target"] == {"type": "NONE"}
    excluded = {"ids": [best["id"]], "reason": "a typing error"}
    exclusions = f"{application}/price_history/exclusions"
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    assert front.send("POST", exclusions, excluded, headers).status == 200
    assert front.send("POST", exclusions, excluded, headers).status == 400
    assert [each["price"] for each in prior(front, "pot").json] == [95]
    history = front.manage("POST", f"{application}/price_history", period)["history"]
    assert history[1]["exclusionReason"] == "a typing error"
    old = BestPriorPriceRequest.from_dict(
        {
            "skus": ["pot"],
            "timeframe": "30",
            "timeframeEndDate": "2098-01-01T00:00:00Z",
            "strictEndDate": True,
        }
    )
    assert old is not None
    (now,) = client(front).best_prior_price(old)
    assert (now.sku, now.price, now.metadata.influencing_campaign_ids) == (
        "pot", 80, [influence["campaignId"]]
    )  # fmt: skip
    for wrong in ({"timeframe": "0"}, {"timeframe": "x"}, {"target": {"targetType": "AUDIENCE"}}):
        assert prior(front, "pot", **wrong).status == 400
    unknown = {"targetType": "AUDIENCE", "audienceID": 987654}
    assert prior(front, "pot", target=unknown).status == 404
