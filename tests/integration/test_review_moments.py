"""Moments at the edges of the calendar, and in other offsets than UTC, over the wire."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.serving import MANAGEMENT_KEY, Reply, Shopfront, rule

LINE = {"sku": "a", "quantity": 1, "price": 1}
OUTSIDE = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
NEVER = "9999-12-31T23:59:59Z"


def managed(front: Shopfront, method: str, path: str, body: Any = None) -> Reply:
    key = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    return front.send(method, f"/v1/applications/{front.application_id}{path}", body, key)


def faults(reply: Reply) -> list[dict[str, str]]:
    assert reply.status == 400, reply.body
    return [error["source"] for error in reply.json["errors"]]


def order(**fields: Any) -> dict[str, Any]:
    return {"numberOfCoupons": 1, "usageLimit": 1, "couponPattern": "A#########", **fields}


@pytest.mark.parametrize("now", [*OUTSIDE, NEVER, "2030-01-01T00:00:00"])
def test_a_dry_run_takes_place_at_a_moment_that_all_rules_can_compute_with(
    front: Shopfront, now: str
) -> None:
    limit = {"action": "redeemCoupon", "limit": 1, "entities": ["Profile"], "period": "daily"}
    campaign_id = front.campaign(rule(["and", ["couponValid"]]), limits=[limit])
    code = f"DAILY-{campaign_id}"
    front.coupon(campaign_id, code)
    query = f"?dry=true&now={quote(now, safe='')}"
    reply = front.put("now", query, profileId="p", couponCodes=[code], cartItems=[LINE])
    assert faults(reply) == [{"parameter": "now"}]


@pytest.mark.parametrize("moment", OUTSIDE)
def test_moments_outside_the_calendar_are_refused_by_name(front: Shopfront, moment: str) -> None:
    campaign_id = front.campaign(rule(["and", ["couponValid"]]))
    coupons = f"/campaigns/{campaign_id}/coupons"
    campaign = {"name": "Late", "state": "enabled", "tags": [], "features": [], "limits": []}
    both = order(startDate=moment, expiryDate=moment)
    assert faults(managed(front, "POST", coupons, both)) == [
        {"pointer": "/startDate"},
        {"pointer": "/expiryDate"},
    ]
    late = {**campaign, "endTime": moment}
    assert faults(managed(front, "POST", "/campaigns", late)) == [{"pointer": "/endTime"}]
    listed = managed(front, "GET", f"{coupons}/no_total?expiresBefore={quote(moment, safe='')}")
    assert faults(listed) == [{"parameter": "expiresBefore"}]


def test_moments_are_answered_in_utc_whatever_offset_they_were_sent_in(front: Shopfront) -> None:
    campaign_id = front.campaign(
        rule(["and", ["couponValid"]]),
        startTime="2027-01-01T00:00:00+01:00",
        endTime="2027-02-01T00:00:00.5-02:30",
    )
    campaign = managed(front, "GET", f"/campaigns/{campaign_id}").json
    assert campaign["startTime"] == "2026-12-31T23:00:00Z"
    assert campaign["endTime"] == "2027-02-01T02:30:00.500000Z"


def test_the_last_second_of_the_calendar_means_never(front: Shopfront) -> None:
    campaign_id = front.campaign(rule(["and", ["couponValid"]]), endTime=NEVER)
    coupons = f"/campaigns/{campaign_id}/coupons?silent=no"
    made = managed(front, "POST", coupons, order(expiryDate=NEVER))
    assert made.json["data"][0]["expiryDate"] == NEVER
