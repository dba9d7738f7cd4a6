"""What the vendor's own client reads of our answers: it refuses what is not as published."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from talon_one import ManagementApi
from talon_one.exceptions import BadRequestException, ConflictException, NotFoundException
from talon_one.models.new_additional_cost import NewAdditionalCost
from talon_one.models.new_attribute import NewAttribute
from talon_one.models.new_coupons import NewCoupons
from talon_one.models.new_coupons_for_multiple_recipients import NewCouponsForMultipleRecipients
from talon_one.models.update_campaign import UpdateCampaign
from talon_one.models.update_coupon import UpdateCoupon
from talon_one.models.update_coupon_batch import UpdateCouponBatch

from tests.management.conftest import Client, with_campaign

# This release of the vendor's client reads effects as objects although its own description, and
# every newer release, has them as lists; so it is shown rules without effects.
RULES: dict[str, Any] = {
    "rules": [{"title": "Nothing", "condition": ["and", ["couponValid"]], "effects": []}],
    "bindings": [{"name": "half", "expression": ["/", [".", "Session", "Total"], 2]}],
}


async def _with_campaign(client: Client) -> tuple[int, int]:
    parts = (await with_campaign(client, state="disabled", tags=["a"], limits=[])).split("/")
    return int(parts[3]), int(parts[5])


async def test_applications_and_campaigns(client: Client, vendor: ManagementApi) -> None:
    application_id, campaign_id = await _with_campaign(client)
    applications = await asyncio.to_thread(vendor.get_applications)
    assert (applications.total_result_size, applications.data[0].id) == (1, application_id)
    application = await asyncio.to_thread(vendor.get_application, application_id)
    assert (application.name, application.currency, application.account_id) == ("Web", "EUR", 1)
    assert application.loyalty_programs == []
    campaign = await asyncio.to_thread(vendor.get_campaign, application_id, campaign_id)
    assert (campaign.state, campaign.frontend_state, campaign.user_id) == (
        "disabled",
        "disabled",
        1,
    )
    changes = UpdateCampaign(
        name="Winter",
        tags=["b"],
        features=["coupons"],
        limits=[],
        startTime=datetime(2026, 1, 1, tzinfo=UTC),
    )
    updated = await asyncio.to_thread(vendor.update_campaign, application_id, campaign_id, changes)
    assert (updated.name, updated.tags, updated.state) == ("Winter", ["b"], "enabled")
    assert updated.start_time == datetime(2026, 1, 1, tzinfo=UTC)
    listed = await asyncio.to_thread(
        vendor.get_campaigns, application_id, name="winT", tags="B", campaign_state="running"
    )
    assert [each.id for each in listed.data] == [campaign_id]
    await asyncio.to_thread(vendor.delete_campaign, application_id, campaign_id)
    with pytest.raises(NotFoundException):
        await asyncio.to_thread(vendor.get_campaign, application_id, campaign_id)


async def test_rulesets(client: Client, vendor: ManagementApi) -> None:
    application_id, campaign_id = await _with_campaign(client)
    path = f"/v1/applications/{application_id}/campaigns/{campaign_id}/rulesets"
    first = await client.made(path, RULES)
    second = await client.made(path, {**RULES, "activate": True})
    campaign = await asyncio.to_thread(vendor.get_campaign, application_id, campaign_id)
    assert campaign.active_ruleset_id == second["id"]
    ruleset = await asyncio.to_thread(vendor.get_ruleset, application_id, campaign_id, first["id"])
    assert [rule.title for rule in ruleset.rules] == ["Nothing"]
    assert ruleset.rules[0].condition == ["and", ["couponValid"]]
    assert ruleset.bindings[0].expression == ["/", [".", "Session", "Total"], 2]
    assert ruleset.activated_at is None
    page = await asyncio.to_thread(
        vendor.get_rulesets, application_id, campaign_id, page_size=1, sort="-id"
    )
    assert (page.total_result_size, page.data[0].id) == (2, second["id"])
    assert page.data[0].activated_at is not None


async def test_attributes_and_additional_costs(client: Client, vendor: ManagementApi) -> None:
    made = await asyncio.to_thread(
        vendor.create_attribute,
        NewAttribute(
            entity="CartItem",
            name="color",
            title="Color",
            type="string",
            description="Of the goods",
            suggestions=["red"],
            editable=True,
        ),
    )
    assert (made.name, made.entity, made.account_id) == ("color", "CartItem", 1)
    listed = await asyncio.to_thread(vendor.get_attributes, entity="CartItem")
    assert [each.id for each in listed.data] == [made.id]
    builtin = await asyncio.to_thread(vendor.get_attributes, kind="builtin", page_size=3)
    assert builtin.total_result_size == 12
    assert [each.name for each in builtin.data] == ["Name", "Email", "Phone"]
    read = await asyncio.to_thread(vendor.get_attribute, made.id)
    assert read == made
    cost = await asyncio.to_thread(
        vendor.create_additional_cost,
        NewAdditionalCost(name="shipping", title="Shipping", description="", type="session"),
    )
    costs = await asyncio.to_thread(vendor.get_additional_costs)
    assert costs.data == [cost]
    changed = await asyncio.to_thread(
        vendor.update_additional_cost,
        cost.id,
        NewAdditionalCost(name="shipping", title="Freight", description="x", type="both"),
    )
    assert (changed.title, changed.type) == ("Freight", "both")
    assert await asyncio.to_thread(vendor.get_additional_cost, cost.id) == changed


async def test_coupons(client: Client, vendor: ManagementApi) -> None:
    ids = await _with_campaign(client)
    made = await asyncio.to_thread(
        vendor.create_coupons,
        *ids,
        NewCoupons(numberOfCoupons=3, couponPattern="WIN-####", usageLimit=2),
        silent="no",
    )
    assert made.total_result_size == 3
    assert {coupon.usage_limit for coupon in made.data} == {2}
    assert all(str(coupon.value).startswith("WIN-") for coupon in made.data)
    personal = await asyncio.to_thread(
        vendor.create_coupons_for_multiple_recipients,
        *ids,
        NewCouponsForMultipleRecipients(
            recipientsIntegrationIds=["ann", "bob"], couponPattern="FOR-####"
        ),
        silent="no",
    )
    assert [coupon.recipient_integration_id for coupon in personal.data] == ["ann", "bob"]
    found = await asyncio.to_thread(
        vendor.get_coupons_without_total_count, *ids, value="for", page_size=1, sort="-id"
    )
    assert (found.has_more, found.data[0].recipient_integration_id) == (True, "bob")
    searched = await asyncio.to_thread(
        vendor.search_coupons_advanced_application_wide_without_total_count, ids[0], {}
    )
    assert len(searched.data) == 5
    changed = await asyncio.to_thread(
        vendor.update_coupon, *ids, str(made.data[0].id), UpdateCoupon(usageLimit=9)
    )
    assert changed.usage_limit == 9
    batch = UpdateCouponBatch(batchID=personal.data[0].batch_id, usageLimit=5)
    await asyncio.to_thread(vendor.update_coupon_batch, *ids, batch)
    found = await asyncio.to_thread(vendor.get_coupons_without_total_count, *ids, value="FOR")
    assert [coupon.usage_limit for coupon in found.data] == [5, 5]
    await asyncio.to_thread(vendor.delete_coupon, *ids, str(made.data[0].id))
    await asyncio.to_thread(vendor.delete_coupons, *ids, value="FOR")
    found = await asyncio.to_thread(vendor.get_coupons_without_total_count, *ids)
    assert len(found.data) == 2


async def test_a_silent_creation_answers_nothing(client: Client, vendor: ManagementApi) -> None:
    ids = await _with_campaign(client)
    order = NewCoupons(numberOfCoupons=1, couponPattern="HELLO")
    assert await asyncio.to_thread(vendor.create_coupons, *ids, order) is None
    with pytest.raises(ConflictException) as caught:
        await asyncio.to_thread(vendor.create_coupons, *ids, order)
    assert caught.value.status == 409
    with pytest.raises(BadRequestException):
        await asyncio.to_thread(
            vendor.create_coupons, *ids, NewCoupons(numberOfCoupons=0, couponPattern="ABC")
        )
