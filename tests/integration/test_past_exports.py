"""The list of exports, read by the vendor's own client after it has exported."""

from typing import Any

from tests.integration.test_campaign_templates import vendor
from tests.serving import MANAGEMENT_KEY, Shopfront


def listed(api: Any, **asked: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(each.entity, each.filter) for each in api.get_exports(**asked).data]


def test_what_was_exported_is_listed_without_naming_anybody(front: Shopfront) -> None:
    api, own = vendor(front), front.application_id
    campaign = front.campaign(name="Exported")
    front.coupon(campaign, "EXPORTED-1")
    card = {
        "title": "Exported", "name": "exported", "cardBased": False, "timezone": "UTC",
        "defaultValidity": "unlimited", "defaultPending": "immediate",
        "allowSubledger": False,
    }  # fmt: skip
    club = front.manage("POST", "/v1/loyalty_programs", card)["id"]
    collection = front.manage("POST", "/v1/collections", {"name": "exported"})["id"]
    audience = front.call("POST", "/v2/audiences", {"name": "exported"}).json["id"]
    before = api.get_exports().total_result_size

    api.export_coupons(own, campaign_id=campaign, value="EXPORTED-1", valid="validNow")
    api.export_customer_sessions(own, profile_integration_id="maria")
    api.export_effects(own, created_after="2026-01-01T00:00:00Z")
    api.export_referrals(own)
    api.export_loyalty_balances(str(club))
    api.export_account_collection_items(collection)
    api.export_audiences_memberships(audience)
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    for path in (
        f"applications/{own}/export_effects?dateFormat=x",
        "applications/0/export_coupons",
    ):
        assert front.send("GET", f"/v1/{path}", None, headers).status in (400, 404)

    application = {"applicationId": own}
    told: list[tuple[str, dict[str, Any]]] = [
        ("Collection", {"collectionId": collection}),
        ("LoyaltyLedger", {"loyaltyProgramId": club}),
        ("Referral", application),
        ("Effect", {**application, "createdAfter": "2026-01-01T00:00:00Z"}),
        ("CustomerSession", application),
        ("Coupon", {**application, "campaignId": campaign, "valid": "validNow"}),
    ]
    page = api.get_exports(page_size=6)
    assert (page.total_result_size, page.data[0].account_id) == (before + 6, 1)
    assert listed(api, page_size=6) == told
    assert listed(api, page_size=2, skip=1) == told[1:3]
    assert listed(api, application_id=own, page_size=4) == told[2:]
    assert listed(api, campaign_id=campaign) == told[5:]
    assert listed(api, entity="Referral", page_size=1) == told[2:3]
    members = front.manage("GET", "/v1/exports?entity=AudienceMembership&pageSize=1")
    assert members["data"][0]["filter"] == {"audienceId": audience}
    assert front.send("GET", "/v1/exports?entity=Store", None, headers).status == 400
