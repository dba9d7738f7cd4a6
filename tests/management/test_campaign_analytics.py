"""What campaigns brought and cost: exact figures, by days of the shop's zone, through everything
that can become of a session."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from talon_one import ManagementApi

from habitue.model.instants import zone_of
from habitue.model.intervals import interval_starts
from habitue.promotions.campaign import CodeSettings
from habitue.promotions.returned import ReturnWish
from tests.building import NOW, Till, item, rule
from tests.management.conftest import Client
from tests.usecases.points_till import club_of
from tests.usecases.test_issuing import refer

DAY = timedelta(days=1)


def at(month: int, day: int, *clock: int) -> datetime:
    hour, minute = (*clock, 0, 0)[:2]
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def moment(at: datetime) -> str:
    return quote(at.isoformat())


def path(till: Till, campaign_id: int, start: datetime, end: datetime, step: str = "1 day") -> str:
    span = f"rangeStart={moment(start)}&rangeEnd={moment(end)}&granularity={quote(step)}"
    application = f"/v1/applications/{till.application.id}"
    return f"{application}/campaigns/{campaign_id}/analytics?{span}"


def shown(interval: dict[str, Any]) -> dict[str, Any]:
    """What is not 0 within an interval."""
    return {
        name: value
        for name, value in interval.items()
        if value != 0 and name != "date" and not name.startswith("total")
    }


async def test_every_day_has_what_happened_on_it(client: Client, vendor: ManagementApi) -> None:
    till = await Till.opened(client.shop.database, name="one")
    ours = await till.campaign(
        rule("couponValid()", 'setDiscount("off", 10)', 'addFreeItem("gift", "Gift")'),
        rule("true", 'setDiscountPerItem("each", 0.1, session.cart_items)'),
    )
    other = await till.campaign(rule("session.total > 1000", 'setDiscount("big", 1)'), name="o")
    await till.coupon(ours, "SALE", usage_limit=0)
    goods = [item("tea", "33.3", 3), item("cup", "0.5")]
    # NOW is 14:00 in Berlin. An open session counts for nothing.
    await till.put("open", cart_items=goods, coupon_codes=["SALE"])
    await till.put("s1", cart_items=goods, coupon_codes=["SALE"], state="closed")
    till.wait(hours=10, minutes=-1)
    await till.put("s2", cart_items=goods, state="closed")  # 23:59
    till.wait(minutes=1)
    await till.put("s3", cart_items=goods, coupon_codes=["SALE"], state="closed")  # midnight
    till.wait(hours=1)
    await till.give_back("s1", ReturnWish(position=0, quantity=2))
    await till.put("s2", state="cancelled")
    await till.reopen("s3")
    answer = (await client.send("GET", path(till, ours.id, NOW - DAY, NOW + 3 * DAY)))[1]
    assert answer["totalResultSize"] == 5
    assert [each["date"] for each in answer["data"]] == [
        f"2026-06-{day}T22:00:00Z" for day in (13, 14, 15, 16, 17)
    ]
    assert [shown(each) for each in answer["data"]] == [
        {},
        {
            "campaignRevenue": 200.8,
            "campaignDiscountCosts": 10.8,
            "campaignFreeItems": 1,
            "couponRedemptions": 1,
        },
        {"campaignRefund": 167, "campaignRefundedDiscounts": 0.6},
        {},
        {},
    ]
    last = answer["data"][-1]
    assert (last["totalCampaignRevenue"], last["totalCampaignRefund"]) == (200.8, 167)
    assert last["totalCouponRedemptions"] == 1
    nothing = (await client.send("GET", path(till, other.id, NOW, NOW + DAY)))[1]["data"]
    assert [shown(each) for each in nothing] == [{}, {}]

    # Closed again, the session counts where it is closed; a cancelled one gives its coupon back.
    await till.put("s3", cart_items=goods, coupon_codes=["SALE"], state="closed")
    till.wait(days=1)
    await till.put("s3", state="cancelled")
    # A range within days: what was before is in the totals alone.
    start = NOW + timedelta(hours=10)
    days = (await client.send("GET", path(till, ours.id, start, NOW + 2 * DAY)))[1]["data"]
    assert [shown(each) for each in days] == [
        {
            "campaignRevenue": 100.4,
            "campaignDiscountCosts": 10.4,
            "campaignFreeItems": 1,
            "couponRedemptions": 1,
            "campaignRefund": 167,
            "campaignRefundedDiscounts": 0.6,
        },
        {
            "campaignRefund": 100.4,
            "campaignRefundedDiscounts": 10.4,
            "couponRolledbackRedemptions": 1,
        },
    ]
    assert [each["totalCampaignRevenue"] for each in days] == [301.2, 301.2]
    week = (await client.send("GET", path(till, ours.id, NOW, NOW + 9 * DAY, "1 week")))[1]["data"]
    assert [each["campaignRevenue"] for each in week] == [301.2, 0]
    hours = (await client.send("GET", path(till, ours.id, NOW, start, "1 hour")))[1]["data"]
    assert (len(hours), hours[0]["campaignRevenue"], hours[9]["campaignRevenue"]) == (
        10,
        100.4,
        100.4,
    )
    read = await asyncio.to_thread(
        vendor.get_campaign_analytics,
        till.application.id,
        ours.id,
        NOW,
        NOW + DAY,
        "1 year",
    )
    assert (read.total_result_size, read.data[0].campaign_discount_costs) == (1, 21.2)
    await _check_totals(client, till, [ours.id, other.id])
    faults = await client.faults("GET", path(till, ours.id, NOW, NOW))
    assert faults == [("rangeEnd", "Out of range")]
    faults = await client.faults("GET", path(till, ours.id, NOW, NOW + 50 * DAY, "1 hour"))
    assert faults == [("rangeEnd", "Out of range")]
    assert (await client.send("GET", path(till, 999_999, NOW, NOW + DAY)))[0] == 404


async def _check_totals(client: Client, till: Till, ids: list[int]) -> None:
    """Of what stands: s1 with what was kept of it."""
    span = f"rangeStart={moment(NOW)}&rangeEnd={moment(NOW + DAY)}"
    one = f"{client.url}/v1/applications/{till.application.id}/campaign_analytics/export?{span}"

    async def rows(more: str = "") -> list[list[str]]:
        async with client.session.get(f"{one}{more}", headers=client.headers) as response:
            assert response.status == 200
            lines = (await response.text()).splitlines()
        return [[line.split(",")[0], *line.split(",")[3:]] for line in lines[1:]]

    sold = ["33.8", "1", "33.80", "2.00"]
    assert await rows() == [
        ["Total", *sold, "N/A", "N/A"],
        ["Influenced", *sold, "1", "10.2"],
        [str(ids[0]), *sold, "1", "10.2"],
        [str(ids[1]), "0", "0", "0", "0", "0", "0"],
    ]
    assert (await rows(f"&campaignIds={ids[1]}"))[1][1:4] == ["0", "0", "0"]
    async with client.session.get(f"{one}&campaignIds=999999", headers=client.headers) as response:
        assert response.status == 404


async def test_what_rules_make_and_the_points_they_give(client: Client) -> None:
    till = await Till.opened(client.shop.database, name="two")
    club = await club_of(till, return_policy="unlimited")
    settings = CodeSettings(tuple("ABCDEFGHJK"), "R-######")
    ours = await till.campaign(
        rule("true", f'addLoyaltyPointsPerItem("p", {club.id}, "", lambda item: item.price)'),
        rule("referralValid()", 'setDiscount("for a friend", 1)'),
        rule("session.total > 50", f'deductLoyaltyPoints("q", {club.id}, "", 4)'),
        features=("coupons", "referrals", "loyalty"),
        coupon_settings=settings,
        referral_settings=settings,
    )
    makes = [f'createCoupon({ours.id}, "")', f"createReferral({ours.id})"]
    maker = await till.campaign(rule("session.total > 50", *makes), name="maker")
    referral = await refer(till, ours, usage_limit=5)
    sent: dict[str, Any] = {"profile_id": "ann", "cart_items": [item("tea", 30, 2)]}
    await till.put("s1", **sent)
    await till.put("s1", **sent, referral_code=referral.code)
    await till.put("s1", state="closed")
    till.wait(days=1)
    await till.give_back("s1", ReturnWish(position=0, quantity=1))

    async def days(campaign_id: int) -> list[dict[str, Any]]:
        answer = (await client.send("GET", path(till, campaign_id, NOW, NOW + 2 * DAY)))[1]
        return [shown(each) for each in answer["data"]]

    assert await days(ours.id) == [
        {
            "campaignRevenue": 60,
            "campaignDiscountCosts": 1,
            "referralRedemptions": 1,
            "addedLoyaltyPoints": 60,
            "deductedLoyaltyPoints": 4,
        },
        {"campaignRefund": 30, "addedLoyaltyPoints": -30},
        {},
    ]
    # Made once, however often the open session was looked at.
    assert await days(maker.id) == [{"couponsCreated": 1, "referralsCreated": 1}, {}, {}]


async def test_what_a_customer_did(client: Client, vendor: ManagementApi) -> None:
    till = await Till.opened(client.shop.database, name="three")
    campaign = await till.campaign(
        rule("couponValid()", 'setDiscount("off", 2.5)', 'addFreeItem("gift", "Gift")')
    )
    await till.coupon(campaign, "SALE", usage_limit=0)
    sent: dict[str, Any] = {"profile_id": "ann", "cart_items": [item("tea", 10)]}
    await till.put("s1", **sent, coupon_codes=["SALE"], state="closed")
    await till.put("s2", **sent, state="closed")
    await till.put("s3", **sent, coupon_codes=["SALE"], state="closed")
    await till.put("s3", state="cancelled")
    await till.put("s4", **sent, coupon_codes=["SALE"])
    found = (await client.send("GET", f"/v1/applications/{till.application.id}/customers"))[1]
    (ann,) = found["data"]
    read = await asyncio.to_thread(vendor.get_customer_analytics, till.application.id, ann["id"])
    assert read.to_dict() == {
        "acceptedCoupons": 1,
        "createdCoupons": 0,
        "freeItems": 1,
        "totalOrders": 2,
        "totalDiscountedOrders": 1,
        "totalRevenue": 20,
        "totalDiscounts": 2.5,
    }


@pytest.mark.parametrize(
    ("step", "start", "end", "starts"),
    [
        ("hour", (3, 29, 0, 30), (3, 29, 2), [(3, 29, 0), (3, 29, 1)]),
        ("day", (3, 28, 12), (3, 30, 22), [(3, 27, 23), (3, 28, 23), (3, 29, 22)]),
        ("day", (10, 24, 22), (10, 26), [(10, 24, 22), (10, 25, 23)]),
        ("week", (3, 29, 12), (3, 31), [(3, 22, 23), (3, 29, 22)]),
        ("month", (1, 31, 22), (3, 31, 23), [(12, 31, 23), (1, 31, 23), (2, 28, 23), (3, 31, 22)]),
        ("year", (12, 31, 22), (12, 31, 23), [(12, 31, 23)]),
    ],
)
def test_intervals_follow_the_clocks(step: Any, start: Any, end: Any, starts: Any) -> None:
    zone = zone_of("Europe/Berlin")
    assert zone is not None
    found = interval_starts(at(*start), at(*end), step, zone)
    assert [(each.month, each.day, each.hour) for each in found] == starts
