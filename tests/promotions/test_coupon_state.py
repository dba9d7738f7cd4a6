"""What a customer is told of a coupon, from each of its sides."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from habitue.promotions.campaign import Campaign
from habitue.promotions.coupon import Coupon
from habitue.promotions.coupon_state import coupon_state
from tests.building import NOW

DAY = timedelta(days=1)
COUPON = Coupon(
    id=1, application_id=1, campaign_id=1, code="SALE", usage_limit=2, usage_counter=0, created=NOW
)
CAMPAIGN = Campaign(1, 1, "campaign", created=NOW, updated=NOW)


@pytest.mark.parametrize(
    ("coupon", "redemptions", "campaign", "state"),
    [
        ({}, 0, {}, "active"),
        ({"start_date": NOW, "expiry_date": NOW + DAY}, 0, {}, "active"),
        ({"usage_limit": 0, "usage_counter": 900}, 0, {}, "active"),
        ({}, 0, {"start_time": NOW + DAY}, "active"),
        ({"start_date": NOW + DAY}, 1, {"state": "disabled"}, "pending"),
        ({"start_date": NOW + DAY, "usage_counter": 2}, 0, {}, "pending"),
        ({}, 1, {}, "used"),
        ({"usage_counter": 2}, 0, {}, "used"),
        ({"expiry_date": NOW}, 1, {}, "used"),
        ({"usage_counter": 2}, 0, {"state": "disabled"}, "used"),
        ({"expiry_date": NOW}, 0, {}, "expired"),
        ({"expiry_date": NOW - DAY}, 0, {"state": "disabled"}, "expired"),
        ({}, 0, {"state": "disabled"}, "disabled"),
        ({}, 0, {"state": "archived"}, "disabled"),
        ({}, 0, {"end_time": NOW}, "disabled"),
        ({}, 0, None, "disabled"),
    ],
)
def test_each_state(
    coupon: dict[str, Any], redemptions: int, campaign: dict[str, Any] | None, state: str
) -> None:
    of = None if campaign is None else msgspec.structs.replace(CAMPAIGN, **campaign)
    assert coupon_state(msgspec.structs.replace(COUPON, **coupon), redemptions, of, NOW) == state
