"""The account in figures, and customers of an application, through the vendor's own client."""

import asyncio
from typing import Any

import pytest
from talon_one import ManagementApi
from talon_one.exceptions import NotFoundException

from tests.management.conftest import SHOP, Client, with_campaign

RULE = {
    "title": "friends",
    "condition": ["and", ["referralValid"]],
    "effects": [["setDiscount", "brought", 5]],
}
PAST = {"startDate": "2019-01-01T00:00:00Z", "expiryDate": "2020-01-01T00:00:00Z"}


async def told(vendor: ManagementApi, account: int = 1) -> dict[str, Any]:
    found = await asyncio.to_thread(vendor.get_account_analytics, account)
    figures: dict[str, Any] = found.to_dict()
    return figures


async def test_the_account_in_figures(client: Client, vendor: ManagementApi) -> None:
    before = await told(vendor)
    assert sum(each for each in before.values() if isinstance(each, int)) == 0
    campaign = await with_campaign(client)
    await client.made("/v1/applications", {**SHOP, "name": "Sandbox", "sandbox": True})
    status, _ = await client.send("PUT", campaign, {"name": "C", "state": "enabled"})
    assert status == 200
    rules = {"rules": [RULE, {**RULE, "title": "again"}], "bindings": [], "activate": True}
    await client.made(f"{campaign}/rulesets", rules)
    kind = {"entity": "Coupon", "name": "kind", "title": "Kind", "type": "string"}
    await client.made("/v1/attributes", {**kind, "description": "", "editable": True})
    coupons = f"{campaign}/coupons"
    for count, fields in ((3, {}), (2, PAST), (1, {"startDate": "2098-01-01T00:00:00Z"})):
        order = {"numberOfCoupons": count, "usageLimit": 1, **fields}
        assert (await client.send("POST", coupons, order))[0] in (200, 204)
    figures = await told(vendor)
    assert figures.pop("lastUpdatedAt") > before.pop("lastUpdatedAt")
    assert {name: each for name, each in figures.items() if each != before[name]} == {
        "applications": 2,
        "liveApplications": 1,
        "sandboxApplications": 1,
        "campaigns": 1,
        "activeCampaigns": 1,
        "liveActiveCampaigns": 1,
        "coupons": 6,
        "activeCoupons": 3,
        "expiredCoupons": 2,
        "activeRules": 2,
        "customAttributes": 1,
    }
    with pytest.raises(NotFoundException):
        await told(vendor, 2)
