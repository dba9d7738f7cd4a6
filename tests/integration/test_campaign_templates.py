"""Campaign templates over a real socket: made by staff, used by the vendor's own client."""

import json
from typing import Any

import pytest
import talon_one
from talon_one import ManagementApi
from talon_one.exceptions import BadRequestException
from talon_one.models import Campaign, CreateTemplateCampaign

from tests.serving import MANAGEMENT_KEY, Shopfront, rule

CART = [{"sku": "tea", "quantity": 1, "price": 200}]
TYPES = {
    "percentage": ("percent", [10]),
    "least": ("number", [50]),
    "label": ("string", ["and"]),
    "always": ("boolean", [True]),
    "skus": ("(list string)", ["pot", "tea"]),
    "steps": ("(list number)", [1, 2]),
    "since": ("time", ["2026-01-01T00:00:00Z"]),
}


def vendor(front: Shopfront) -> Any:
    configuration = talon_one.Configuration(
        host=front.base,
        api_key_prefix={"api_key_v1": "ManagementKey-v1"},
        api_key={"api_key_v1": MANAGEMENT_KEY},
    )
    return ManagementApi(talon_one.ApiClient(configuration))


def template(front: Shopfront, **fields: Any) -> dict[str, Any]:
    total = [".", "Session", "Total"]
    condition = [
        "and",
        [".", "always"],
        [">=", total, [".", "least"]],
        [">", ["parseTime", "2027-01-01T00:00:00Z"], [".", "since"]],
        ["contains", [".", "skus"], "tea"],
        ["=", ["sum", [".", "steps"]], 3],
    ]
    amount = ["*", total, ["/", [".", "percentage"], 100]]
    parameters = [
        {"name": name, "type": kind, "description": f"the {name}"}
        for name, (kind, _) in TYPES.items()
    ]
    return {
        "name": "Percentage off",
        "state": "enabled",
        "description": "a part of the total",
        "instructions": "say how much",
        "applicationsIds": [front.application_id],
        "tags": ["autumn"],
        "features": ["coupons"],
        "couponSettings": {"validCharacters": ["A"], "couponPattern": "T-####"},
        "limits": [{"action": "setDiscount", "limit": 1000, "entities": []}],
        "templateParams": parameters,
        "campaignCollections": [{"name": "wanted", "description": "theirs"}],
        "campaignType": "advanced",
        "reevaluateOnReturn": True,
        "ruleset": {"rules": [rule(condition, ["setDiscount", [".", "label"], amount])]},
        **fields,
    }


def order(template_id: int, **fields: Any) -> Any:
    values = {name: value for name, (_, value) in TYPES.items()} | fields.pop("values", {})
    listed = [{"name": name, "expression": value} for name, value in values.items()]
    body = {"name": "Autumn", "templateId": template_id, "templateParamValues": listed, **fields}
    return CreateTemplateCampaign.from_dict(body)


def test_a_campaign_of_a_template_gives_what_its_parameters_say(front: Shopfront) -> None:
    made = front.manage("POST", "/v1/campaign_templates", template(front))
    api = vendor(front)
    (listed,) = api.get_campaign_templates(name="percent", state="enabled").data
    assert (listed.id, listed.campaigns_count) == (made["id"], 0)
    assert [each.name for each in listed.template_params] == list(TYPES)
    assert api.get_campaign_templates(tags="AUT").data[0].id == made["id"]
    assert api.get_campaign_templates(tags="spring", name="x").data == []
    overrides = [{"action": "setDiscount", "limit": 30, "entities": []}]
    # The client's model of rules knows no effect, so it only sends this and does not read.
    reply = api.create_campaign_from_template_without_preload_content(
        front.application_id, order(made["id"], tags=["own"], limitOverrides=overrides)
    )
    answer = json.loads(reply.data)
    campaign = Campaign.from_dict(answer["campaign"])
    assert reply.status == 201
    assert campaign is not None
    assert (campaign.state, campaign.name, campaign.tags) == ("disabled", "Autumn", ["own"])
    assert campaign.template_id == made["id"]
    assert campaign.active_ruleset_id == answer["ruleset"]["id"]
    assert (campaign.limits[0].limit, answer["campaign"]["reevaluateOnReturn"]) == (30, True)
    assert campaign.coupon_settings is not None
    assert campaign.coupon_settings.coupon_pattern == "T-####"
    assert [(each["name"], each["campaignId"]) for each in answer["collections"]] == [
        ("wanted", campaign.id)
    ]
    assert [each["name"] for each in answer["ruleset"]["bindings"]] == list(TYPES)
    assert {each["type"] for each in answer["ruleset"]["bindings"]} == {"templateParameter"}
    path = f"/v1/applications/{front.application_id}/campaigns"
    front.manage("PUT", f"{path}/{campaign.id}", {"name": "Autumn", "state": "enabled"})
    (effect,) = front.put("t1", profileId="t", cartItems=CART).json["effects"]
    assert effect["props"] == {"name": "and", "value": 20}
    assert front.put("t2", cartItems=[{**CART[0], "price": 40}]).json["effects"] == []
    found = front.manage("GET", f"{path}?templateId={made['id']}")["data"]
    assert [each["id"] for each in found] == [campaign.id]
    one = f"/v1/campaign_templates/{made['id']}"
    changed = front.manage("PUT", one, {"state": "disabled"})
    assert (changed["state"], changed["campaignsCount"]) == ("disabled", 1)
    with pytest.raises(BadRequestException):
        api.create_campaign_from_template(front.application_id, order(made["id"]))
    front.manage("DELETE", one)
    assert api.get_campaign_templates().data == []
    assert len(front.put("t3", profileId="t", cartItems=CART).json["effects"]) == 1
    front.manage("DELETE", f"{path}/{campaign.id}")


def test_values_and_templates_that_cannot_be_are_refused(front: Shopfront) -> None:
    made = front.manage("POST", "/v1/campaign_templates", template(front, name="strict"))
    path = f"/v1/applications/{front.application_id}/create_campaign_from_template"
    for values, fault in (
        ({"percentage": [101]}, ("/templateParamValues/0/expression", "Wrong type")),
        ({"least": ["50"]}, ("/templateParamValues/1/expression", "Wrong type")),
        ({"label": [["createCoupon"]]}, ("/templateParamValues/2/expression", "Wrong type")),
        ({"always": [1]}, ("/templateParamValues/3/expression", "Wrong type")),
        ({"skus": ["a", 1]}, ("/templateParamValues/4/expression", "Wrong type")),
        ({"steps": [True]}, ("/templateParamValues/5/expression", "Wrong type")),
        ({"since": ["yesterday"]}, ("/templateParamValues/6/expression", "Wrong type")),
        ({"other": [1]}, ("/templateParamValues/7/name", "Unknown")),
    ):
        body = order(made["id"], values=values).to_dict()
        assert refusal(front, path, body) == [fault]
    doubled = order(made["id"]).to_dict()
    doubled["templateParamValues"] += doubled["templateParamValues"][:1]
    last = len(doubled["templateParamValues"]) - 1
    assert refusal(front, path, doubled) == [(f"/templateParamValues/{last}/name", "Duplicate")]
    lacking = {"name": "A", "templateId": made["id"], "templateParamValues": []}
    assert refusal(front, path, lacking) == [("/templateParamValues", "Missing")] * len(TYPES)
    assert refusal(front, path, {**lacking, "templateId": 1}) == [("/templateId", "Unknown")]
    bad = {**order(made["id"]).to_dict(), "campaignAttributesOverrides": {"nothing": 1}}
    assert [each[0] for each in refusal(front, path, bad)] == [
        "/campaignAttributesOverrides/nothing"
    ]
    many = "/v1/campaign_templates"
    twice = template(front)["templateParams"][:1] * 2
    unknown = {"ruleset": {"rules": [rule(["and", [".", "missing"]], ["noop"])]}}
    for fields, pointer in (
        ({"name": " "}, "/name"),
        ({"applicationsIds": [1_000_000]}, "/applicationsIds/0"),
        ({"templateParams": twice}, "/templateParams/1/name"),
        (unknown, "/applicationsIds/0"),
        ({"ruleset": {"rules": [{}]}}, "/ruleset/rules/0/title"),
        ({"couponReservationSettings": {"isReservationMandatory": True}},
         "/couponReservationSettings"),
    ):  # fmt: skip
        assert refusal(front, many, template(front, **fields))[0][0] == pointer
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    assert front.send("POST", many, template(front, name="strict"), headers).status == 409
    assert len(front.manage("GET", many)["data"]) == 1


def refusal(front: Shopfront, path: str, body: Any) -> list[tuple[str, str]]:
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    reply = front.send("POST", path, body, headers)
    assert reply.status == 400, reply.body
    return [(each["source"]["pointer"], each["title"]) for each in reply.json["errors"]]
