"""Experiments over a real socket: made by staff, run on carts, read by the vendor's own client."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.test_vendor_client import client, effects_of, items, request
from tests.serving import MANAGEMENT_KEY, Shopfront, rule

CART = items(("tea", 2, 50))


def variant(name: str, percent: int, weight: int, **more: Any) -> dict[str, Any]:
    amount = ["*", [".", "Session", "Total"], percent / 100]
    rules = [rule(["and", True], ["setDiscount", name, amount], title=name)]
    return {"name": name, "weight": weight, "ruleset": {"rules": rules}, **more}


def made(front: Shopfront, campaign_id: int, **fields: Any) -> Any:
    variants = [variant("five", 5, 50, isPrimary=True), variant("ten", 10, 50)]
    body = {"campaignId": campaign_id, "variants": variants, **fields}
    return front.manage("POST", experiments(front), body)


def experiments(front: Shopfront) -> str:
    return f"/v1/applications/{front.application_id}/experiments"


def manage_status(front: Shopfront, method: str, path: str, body: Any = None) -> int:
    with pytest.raises(AssertionError) as refused:
        front.manage(method, path, body)
    return 409 if b'"StatusCode":409' in refused.value.args[0] else 400


def names_of(state: Any) -> list[str]:
    return [props["name"] for kind, props in effects_of(state) if kind == "setDiscount"]


def test_customers_get_one_variant_each_and_keep_it(front: Shopfront) -> None:
    own = rule(["and", True], ["setDiscount", "own", 1], title="own")
    campaign_id = front.campaign(own, name="tested")
    campaign = f"/v1/applications/{front.application_id}/campaigns/{campaign_id}"
    experiment = made(front, campaign_id, goalType="maximize_revenue", goalDescription="more")
    assert (experiment["state"], experiment["goalType"]) == ("disabled", "maximize_revenue")
    assert experiment["campaign"]["experimentId"] == experiment["id"]
    one = f"{experiments(front)}/{experiment['id']}"
    vendor = client(front)
    asked = request(["customerSession"], profileId="p0", cartItems=CART)
    assert effects_of(vendor.update_customer_session_v2("idle", asked)) == []
    started = front.manage("PUT", one, {"state": "enabled"})
    assert "activated" in started
    ids = {each["name"]: each["id"] for each in started["variants"]}
    rulesets = {each["name"]: each["ruleset"]["id"] for each in started["variants"]}
    seen: dict[str, list[str]] = {}
    for profile in (f"p{index}" for index in range(12)):
        for number in range(2):
            body = request(["customerSession"], profileId=profile, cartItems=CART, state="closed")
            state = vendor.update_customer_session_v2(f"{profile}-{number}", body)
            (name,) = names_of(state)
            seen.setdefault(profile, []).append(name)
            (effect,) = state.effects
            assert (effect.ruleset_id, effect.rule_index) == (rulesets[name], 0)
    assert all(first == second for first, second in seen.values())
    fives = sum(first == "five" for first, _ in seen.values())
    assert 0 < fives < 12
    raw = front.put("x", "?dry=true", profileId="p3", cartItems=CART).json
    assert [each["experimentId"] for each in raw["effects"]] == [experiment["id"]]
    assert raw["customerSession"]["experimentVariantAllocations"] == [
        {"experimentID": experiment["id"], "variantID": ids[seen["p3"][0]]}
    ]
    dry = front.put(
        "x", "?dry=true", profileId="p3", cartItems=CART, content=["campaignEligibility"]
    )
    (told,) = [x for x in dry.json["campaignEligibility"] if x["id"] == campaign_id]
    assert told["experiment"] == {"id": experiment["id"], "variantId": ids[seen["p3"][0]]}
    assert [each["title"] for each in told["rules"]] == [seen["p3"][0]]
    results = {each["name"]: each for each in front.manage("GET", f"{one}/results")["variants"]}
    expected = {"five": (fives, 5), "ten": (12 - fives, 10)}
    for name, (customers, percent) in expected.items():
        assert results[name] == {
            "variantId": ids[name],
            "name": name,
            "isPrimary": name == "five",
            "sessions": 2 * customers,
            "customers": customers,
            "orders": 2 * customers,
            "discountedOrders": 2 * customers,
            "revenue": 200 * customers,
            "units": 4 * customers,
            "discounts": 2 * customers * percent,
            "averageOrderValue": 100,
        }
    other = next(name for name in ids if name != seen["p0"][0])
    said = [{"experimentID": experiment["id"], "variantID": ids[other]}]
    body = {"profileId": "p0", "cartItems": CART, "experimentVariantAllocations": said}
    assert [each["props"]["name"] for each in front.put("said", **body).json["effects"]] == [other]
    again = request([], profileId="p0", cartItems=CART)
    assert names_of(vendor.update_customer_session_v2("said", again)) == [other]
    for wrong in ([{**said[0], "variantID": experiment["id"]}], [*said, *said]):
        assert front.put("said", experimentVariantAllocations=wrong).status == 400
    changed = [{**each, "weight": 50} for each in started["variants"]]
    sent = [{k: each[k] for k in ("id", "weight", "isPrimary")} for each in changed]
    named = front.manage("PUT", one, {"variants": [{**each, "name": "n"} for each in sent]})
    assert [each["name"] for each in named["variants"]] == ["n", "n"]
    sent[0]["weight"], sent[1]["weight"] = 40, 60
    body = {"variants": [{**each, "name": "n"} for each in sent]}
    assert manage_status(front, "PUT", one, body) == 409
    ruleset = f"{campaign}/rulesets/{rulesets['five']}"
    assert manage_status(front, "DELETE", ruleset) == 409
    copy = front.manage("POST", f"{campaign}/copy", {"applicationIds": [front.application_id]})
    (copied,) = copy["data"]
    twin = front.manage("GET", f"{experiments(front)}/{copied['experimentId']}")
    assert (twin["state"], len(twin["variants"]), "activated" in twin) == ("disabled", 2, False)
    stopped = front.manage("PUT", one, {"state": "disabled"})
    assert stopped["activated"] == started["activated"]
    assert names_of(vendor.update_customer_session_v2("said", again)) == []
    front.manage("PUT", one, {"state": "archived"})
    assert "experimentId" not in front.manage("GET", campaign)
    assert names_of(vendor.update_customer_session_v2("own", again)) == ["own"]
    assert manage_status(front, "PUT", one, {"state": "enabled"}) == 409
    front.manage("DELETE", f"/v1/applications/{front.application_id}/campaigns/{copied['id']}")
    front.manage("DELETE", campaign)
    assert front.manage("GET", experiments(front))["data"] == []


def test_external_experiments_run_for_those_who_are_allocated(front: Shopfront) -> None:
    campaign_id = front.campaign(name="outside", features=["coupons"])
    variants = [variant("coded", 5, 0, isPrimary=True), variant("plain", 10, 0)]
    variants[0]["ruleset"]["rules"][0]["condition"] = ["and", ["couponValid"]]
    fields: dict[str, Any] = {"isVariantAssignmentExternal": True, "state": "enabled"}
    experiment = made(front, campaign_id, **fields, variants=variants)
    front.coupon(campaign_id, "OUTSIDE", usageLimit=0)
    vendor = client(front)
    session: dict[str, Any] = {"profileId": "e", "cartItems": CART, "couponCodes": ["OUTSIDE"]}
    (rejected,) = effects_of(vendor.update_customer_session_v2("e1", request([], **session)))
    assert rejected[0] == "rejectCoupon"
    found = {}
    for each in experiment["variants"]:
        said = [{"experimentID": experiment["id"], "variantID": each["id"]}]
        reply = front.put(f"e-{each['name']}", **session, experimentVariantAllocations=said).json
        found[each["name"]] = [effect["effectType"] for effect in reply["effects"]]
    assert found == {
        "coded": ["acceptCoupon", "setDiscount"],
        "plain": ["setDiscount", "rejectCoupon"],
    }
    raw = front.put("e-raw", "?dry=true", couponCodes=["OUTSIDE"]).json["effects"]
    assert [each["experimentId"] for each in raw] == [experiment["id"]]
    front.manage("DELETE", f"{experiments(front)}/{experiment['id']}")
    assert effects_of(vendor.update_customer_session_v2("e-plain", request()))[0][0] == (
        "rejectCoupon"
    )


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"variants": [variant("a", 1, 100, isPrimary=True)]}, ["/variants"]),
        ({"variants": [variant("a", 1, 40), variant("b", 1, 50)]}, ["/variants", "/variants"]),
        ({"variants": [{"name": "a", "weight": 100}]}, ["/variants/0/ruleset"]),
        ({"campaignId": 1_000_000}, ["/campaignId"]),
        ({"goalDescription": "x" * 1001}, ["/goalDescription"]),
        (
            {"variants": [{"name": "a", "ruleset": {"rules": [rule(["no"], title="t")]}}]},
            ["/variants/0/ruleset/rules/0/condition"],
        ),
    ],
)
def test_what_cannot_run_is_refused_with_its_place(
    front: Shopfront, changes: dict[str, Any], pointers: list[str]
) -> None:
    campaign_id = front.campaign(name="refused")
    variants = [variant("five", 5, 50, isPrimary=True), variant("ten", 10, 50)]
    body = {"campaignId": campaign_id, "variants": variants, **changes}
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    reply = front.send("POST", experiments(front), body, headers)
    assert reply.status == 400, reply.body
    found = [each["source"]["pointer"] for each in reply.json["errors"]]
    assert [each[: len(want)] for each, want in zip(found, pointers, strict=True)] == pointers
    listed = front.manage("GET", f"{experiments(front)}?campaignId={campaign_id}")
    assert listed["data"] == []
    assert Decimal(listed["totalResultSize"]) == 0
