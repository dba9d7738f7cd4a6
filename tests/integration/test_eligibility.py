"""For what a customer is eligible, as dry runs tell it over a real socket."""

from typing import Any

from tests.serving import Shopfront, rule

TOTAL = [".", "Session", "Total"]
OFF = ["setDiscount", "off", 5]
CART = [{"sku": "tea", "quantity": 1, "price": 50}]


def told(front: Shopfront, query: str = "?dry=true", **session: Any) -> dict[str, Any]:
    """The eligibility by the name of the campaign."""
    content = ["campaignEligibility"]
    reply = front.put("e1", query, content=content, **{"cartItems": CART, **session})
    assert reply.status == 200, reply.body
    return {each["name"]: each for each in reply.json["campaignEligibility"]}


def test_every_campaign_says_whether_it_applies_and_why_not(front: Shopfront) -> None:
    shown = {"displayName": "5 off!", "displayDescription": "now", "relatedData": "img-1"}
    passing = {**rule([">", TOTAL, 10], OFF, title="over ten"), **shown}
    failing = rule(["and", [">", TOTAL, 1], [">", TOTAL, 100]], OFF, title="over a hundred")
    broken = rule(
        ["and", True], ["setDiscount", "x", ["/", 1, ["-", TOTAL, TOTAL]]], title="broken"
    )
    front.campaign(passing, failing, broken, name="mixed", tags=["summer"])
    front.campaign(failing, name="none")
    coupon = front.campaign(rule(["and", ["couponValid"]], OFF, title="with code"), name="coupons")
    front.coupon(coupon, "ELIGIBLE")
    front.campaign(passing, name="off", state="disabled")
    found = told(front)
    assert sorted(found) == ["coupons", "mixed", "none"]
    mixed = found["mixed"]
    assert (mixed["state"], mixed["tags"]) == ("enabled", ["summer"])
    assert mixed["eligibility"] == [{"passed": True}]
    assert mixed["rules"][0] == {"title": "over ten", **shown, "eligibility": [{"passed": True}]}
    verdicts = [each["eligibility"][0] for each in mixed["rules"]]
    codes = [each.get("details", {}).get("failureCode") for each in verdicts]
    assert codes == [None, "CONDITION_NOT_MET", "EFFECT_FAILED"]
    assert verdicts[1]["details"]["conditionIndex"] == 1
    assert verdicts[2]["details"]["effectIndex"] == 0
    assert "displayName" not in mixed["rules"][1]
    failed = {"passed": False, "details": {"failureCode": "ALL_RULES_FAILED"}}
    assert found["none"]["eligibility"] == [failed]
    assert found["coupons"]["eligibility"] == [failed]
    with_code = told(front, couponCodes=["ELIGIBLE"])["coupons"]
    assert with_code["eligibility"] == [{"passed": True, "couponCode": "ELIGIBLE"}]
    assert with_code["rules"][0]["eligibility"] == [{"passed": True, "couponCode": "ELIGIBLE"}]
    running = front.call("GET", "/v1/integration/campaigns").json["data"]
    (listed,) = [each for each in running if each["name"] == "mixed"]
    assert listed["rules"][0] == {"title": "over ten", **shown}


def test_picked_campaigns_are_told_whatever_their_state(front: Shopfront) -> None:
    campaign = front.campaign(rule(["and", True], OFF), name="picked", state="disabled")
    found = told(front, evaluableCampaignIds=[campaign])
    assert list(found) == ["picked"]
    assert found["picked"]["eligibility"] == [{"passed": True}]


def test_a_campaign_that_loses_in_its_group_was_skipped(front: Shopfront) -> None:
    application = front.application_id
    made = front.manage(
        "POST", "/v1/applications", {"name": "Groups", "timezone": "UTC", "currency": "EUR"}
    )
    key = {"title": "k", "expires": "2099-01-01T00:00:00Z"}
    path = f"/v1/applications/{made['id']}"
    before = front.integration_key
    front.application_id = made["id"]
    front.integration_key = front.manage("POST", f"{path}/apikeys", key)["key"]
    try:
        front.campaign(rule(["and", True], ["setDiscount", "small", 1]), name="small")
        front.campaign(rule(["and", True], ["setDiscount", "big", 9]), name="big")
        front.campaign(rule([">", TOTAL, 999], ["setDiscount", "huge", 99]), name="huge")
        campaign_set = front.manage("GET", f"{path}/campaign_set")
        campaign_set["set"]["evaluationMode"] = "highestDiscount"
        front.manage("PUT", f"{path}/campaign_set", campaign_set)
        found = told(front)
    finally:
        front.application_id, front.integration_key = application, before
    skipped = {"passed": False, "details": {"failureCode": "SKIPPED"}}
    assert {name: each["eligibility"] for name, each in found.items()} == {
        "small": [skipped],
        "big": [{"passed": True}],
        "huge": [{"passed": False, "details": {"failureCode": "ALL_RULES_FAILED"}}],
    }


def test_only_a_dry_run_tells_it(front: Shopfront) -> None:
    content = ["customerSession", "campaignEligibility"]
    refused = front.put("e2", content=content, cartItems=CART)
    (error,) = refused.json["errors"]
    assert (refused.status, error["source"]["pointer"]) == (400, "/responseContent/1")
    assert front.call("GET", "/v2/customer_sessions/e2").status == 404
    profile = "/v2/customer_profiles/eve"
    body = {"responseContent": ["campaignEligibility"]}
    assert front.call("PUT", f"{profile}?runRuleEngine=true", body).status == 400
    dry = front.call("PUT", f"{profile}?runRuleEngine=true&dry=true", body)
    assert dry.status == 200
    assert {each["eligibility"][0]["passed"] for each in dry.json["campaignEligibility"]} == {False}
