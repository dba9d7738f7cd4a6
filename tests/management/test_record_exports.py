"""Files of effects, sessions, referral codes and progress: every row once, whatever the parts."""

import asyncio
import csv
import tracemalloc
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from talon_one import ManagementApi

from habitue.usecases import export_records
from tests.building import NOW, Till, item, rule
from tests.management.conftest import Client
from tests.usecases.test_issuing import refer


async def rows(client: Client, path: str) -> list[dict[str, str]]:
    async with client.session.get(f"{client.url}{path}", headers=client.headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(StringIO(await response.text())))


async def test_effects_and_sessions(client: Client, vendor: ManagementApi) -> None:
    till = await Till.opened(client.shop.database, name="one")
    application = f"/v1/applications/{till.application.id}"
    store = await client.made(f"{application}/stores", {"name": "B", "integrationId": "BER"})
    ours = await till.campaign(
        rule("couponValid()", 'setDiscount("off", 2.5)', 'setDiscount("more, \\"yes\\"", 1)')
    )
    each = await till.campaign(rule("true", 'setDiscountPerItem("each", 0.1, session.cart_items)'))
    coupon = await till.coupon(ours, "SALE", usage_limit=0)
    await till.cost("shipping")
    sent: dict[str, Any] = {"cart_items": [item("tea", 10, 2)], "store_integration_id": "BER"}
    first = await till.put(
        "s1",
        **sent,
        profile_id="ann",
        coupon_codes=["SALE"],
        additional_costs={"shipping": Decimal(3)},
    )
    till.wait(hours=1)
    await till.put("s1", state="cancelled")
    await till.put("s2", cart_items=[item("cup", 5)], coupon_codes=["none"], state="closed")

    found = await rows(client, f"{application}/export_effects")
    ann, bob = first.decision.session, await till.read("s2")
    assert [(row["name"], row["sessionintegrationid"]) for row in found] == [
        ("acceptCoupon", "s1"),
        ("setDiscount", "s1"),
        ("setDiscount", "s1"),
        ("setDiscountPerItem", "s1"),
        ("setDiscountPerItem", "s1"),
        ("setDiscountPerItem", "s2"),
        ("rejectCoupon", "s2"),
    ]
    assert found[2] == {
        "created": "2026-06-15T12:00:00Z",
        "name": "setDiscount",
        "applicationid": str(till.application.id),
        "campaignid": str(ours.id),
        "rulesetid": str(ours.active_ruleset_id),
        "ruleindex": "0",
        "sessionintegrationid": "s1",
        "profileintegrationid": "ann",
        "sessionid": str(ann.id),
        "profileid": str(ann.customer_id),
        "eventid": found[2]["eventid"],
        "event_type": "talon_session_created",
        "total_revenue": "23",
        "props": '{"name":"more, \\"yes\\"","value":1}',
        "couponid": str(coupon.id),
        "store_id": str(store["id"]),
        "store_integration_id": "BER",
    }
    assert found[-1]["profileid"] == "0"
    only = await rows(client, f"{application}/export_effects?campaignId={each.id}")
    assert [row["props"][:13] for row in only] == ['{"name":"each'] * 3
    late = await rows(client, f"{application}/export_effects?createdAfter=2026-06-15T12:30:00Z")
    assert {row["sessionintegrationid"] for row in late} == {"s2"}

    sessions = await rows(client, f"{application}/export_customer_sessions")
    assert [(row["integrationid"], row["state"]) for row in sessions] == [
        ("s1", "cancelled"),
        ("s2", "closed"),
    ]
    assert sessions[0] == {
        "id": str(ann.id),
        "firstsession": "true",
        "integrationid": "s1",
        "applicationid": str(till.application.id),
        "profileid": str(ann.customer_id),
        "profileintegrationid": "ann",
        "created": "2026-06-15T12:00:00Z",
        "state": "cancelled",
        "cartitems": '[{"sku":"tea","quantity":2,"returnedQuantity":0,"remainingQuantity":2,'
        '"price":10,"position":0,"attributes":{}}]',
        "discounts": sessions[0]["discounts"],
        "total": "23",
        "attributes": "{}",
        "closedat": "",
        "cancelledat": "2026-06-15T13:00:00Z",
        "referral": "",
        "identifiers": "[]",
        "additional_costs": '{"shipping":{"price":3}}',
        "updated": "2026-06-15T13:00:00Z",
        "store_integration_id": "BER",
        "coupons": '["SALE"]',
    }
    assert (sessions[1]["discounts"], sessions[1]["profileid"]) == ('{"each#0":0.1}', "0")
    assert sessions[1]["closedat"] == "2026-06-15T13:00:00Z"
    export = f"{application}/export_customer_sessions"
    for query, names in {
        "customerSessionState=closed": ["s2"],
        "profileIntegrationId=ann": ["s1"],
        "createdAfter=2026-06-15T12:30:00Z": ["s2"],
        "updatedBefore=2026-06-15T12:30:00Z": [],
    }.items():
        assert [each["integrationid"] for each in await rows(client, f"{export}?{query}")] == names
    (excel,) = await rows(client, f"{export}?dateFormat=excel&customerSessionState=closed")
    assert excel["created"] == "2026-06-15 15:00:00"
    text = await asyncio.to_thread(vendor.export_effects, till.application.id)
    assert len(list(csv.reader(StringIO(str(text))))) == len(found) + 1
    text = await asyncio.to_thread(vendor.export_customer_sessions, till.application.id)
    assert len(list(csv.reader(StringIO(str(text))))) == 3
    assert (await client.send("GET", "/v1/applications/999999/export_effects"))[0] == 404
    assert bob.state == "closed"


async def test_referral_codes(client: Client, vendor: ManagementApi) -> None:
    till = await Till.opened(client.shop.database, name="two")
    campaigns = [await till.campaign(name=name) for name in ("a", "b")]
    for campaign in (*campaigns, campaigns[0]):
        await refer(till, campaign, "maria", usage_limit=3, expiry_date=NOW + timedelta(days=1))
    path = f"/v1/applications/{till.application.id}/export_referrals"
    found = await rows(client, path)
    assert [int(row["campaignid"]) for row in found] == [campaigns[0].id] * 2 + [campaigns[1].id]
    assert found[0] == {
        **found[0],
        "created": "2026-06-15T12:00:00Z",
        "advocateprofileintegrationid": "maria",
        "expirydate": "2026-06-16T12:00:00Z",
        "attributes": "{}",
        "counter": "0",
        "limitval": "3",
    }
    assert len(await rows(client, f"{path}?campaignId={campaigns[0].id}&usable=true")) == 2
    assert await rows(client, f"{path}?valid=validFuture") == []
    text = await asyncio.to_thread(vendor.export_referrals, till.application.id)
    assert len(str(text).splitlines()) == 4


async def test_progress_in_achievements(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_records, "PART", 2)
    till = await Till.opened(client.shop.database, name="three")
    body = {
        "name": "tea",
        "title": "Tea",
        "description": "d",
        "target": 5,
        "period": "1M",
        "recurrencePolicy": "no_recurrence",
        "timezone": "Europe/Berlin",
        "subscribedApplications": [till.application.id],
    }
    achievement = await client.made("/v2/achievements", body)
    await till.campaign(
        rule("true", f"increaseAchievementProgress({achievement['id']}, session.total)"),
        features=("achievements",),
    )
    for index in range(5):
        sent: dict[str, Any] = {"cart_items": [item("tea", index + 1)], "state": "closed"}
        await till.put(f"s{index}", profile_id=f"p{index}", **sent)
    found = await rows(client, f"/v2/achievements/{achievement['id']}/export")
    assert [(row["profileIntegrationID"], row["progress"]) for row in found] == [
        (f"p{index}", str(index + 1)) for index in range(5)
    ]
    assert found[0]["startDate"] == "2026-06-15T14:00:00+02:00"
    assert (found[4]["target"], found[4]["completionDate"]) == ("5", "2026-06-15T14:00:00+02:00")
    assert (await client.send("GET", "/v2/achievements/999999/export"))[0] == 404


async def test_a_long_file_is_held_in_parts(client: Client) -> None:
    till = await Till.opened(client.shop.database, name="four")
    await till.campaign(rule("true", 'setDiscount("off", 1)'))
    await till.put("s1", cart_items=[item("tea", 10, name="n" * 2000)])
    database = client.shop.database
    await database.execute(
        """
        INSERT INTO session (customer_id, id, application_id, integration_id, state, coupon_codes,
            document, created, updated)
        SELECT customer_id, nextval('session_id'), application_id, integration_id, state,
            coupon_codes, document, created, updated
        FROM session CROSS JOIN generate_series(2, 3000)
        """
    )
    path = f"{client.url}/v1/applications/{till.application.id}/export_customer_sessions"
    tracemalloc.start()
    try:
        size = 0
        async with client.session.get(path, headers=client.headers) as response:
            async for piece in response.content.iter_chunked(65536):
                size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 6_000_000
    assert peak < 3_000_000
