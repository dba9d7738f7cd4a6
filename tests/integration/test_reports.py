"""What staff read of a shop over a real socket, by the vendor's own client: the account, why codes
were refused, how requests fare, and what all customers did."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from talon_one.exceptions import BadRequestException, NotFoundException

from habitue.usecases.read_api_health import verdict
from tests.integration.test_campaign_templates import vendor
from tests.serving import Shopfront, rule

OFF = ["setDiscount", "off", 5]
CART = [{"sku": "tea", "quantity": 2, "price": 10}]


def test_the_account_is_counted(front: Shopfront) -> None:
    api = vendor(front)
    before = api.get_account(1)
    front.campaign(rule(["and", False], OFF), name="running")
    front.campaign(rule(["and", False], OFF), name="idle", state="disabled")
    after = api.get_account(1)
    assert (after.id, after.state, after.application_count) == (1, "active", 1)
    assert after.campaigns_active_count == before.campaigns_active_count + 1
    assert after.campaigns_inactive_count == before.campaigns_inactive_count + 1
    with pytest.raises(NotFoundException):
        api.get_account(2)


def told(api: Any, session_id: str, **more: Any) -> dict[str, tuple[str, str]]:
    data = api.generate_coupon_rejections(session_id, **more).data
    assert {each.session_id for each in data} <= {session_id}
    return {each.coupon_code: (each.status, each.summary) for each in data}


def test_codes_are_explained_by_their_reasons(front: Shopfront) -> None:
    api = vendor(front)
    large = rule(["and", ["couponValid"], [">", [".", "Session", "Total"], 100]], OFF, title="big")
    small = rule(["and", ["couponValid"]], OFF, title="small")
    front.coupon(front.campaign(large, name="Large carts"), "LARGE")
    works = front.campaign(small, name="All carts")
    front.coupon(works, "WORKS")
    front.coupon(works, "LATE", expiryDate="2020-01-01T00:00:00Z")
    codes = ["LARGE", "WORKS", "LATE", "NEVER"]
    front.put("why", profileId="w", cartItems=CART, couponCodes=codes)
    found = told(api, "why")
    assert found["WORKS"] == (
        "applied",
        'The code "WORKS" was accepted by the campaign "All carts".',
    )
    assert found["LATE"] == (
        "rejected",
        'The code "LATE" was rejected by the campaign "All carts": it has expired.',
    )
    assert found["NEVER"] == (
        "rejected",
        'The code "NEVER" was rejected: there is no such code in this Application.',
    )
    status, summary = found["LARGE"]
    assert status == "rejected"
    assert summary.startswith(
        'The code "LARGE" was rejected by the campaign "Large carts": a condition of its campaign'
        ' does not hold. It was tried for the rule "big". Condition 2 of the rule decided.'
    )
    assert told(api, "why") == found
    one = {"coupon_code": "LATE", "application_id": front.application_id, "language": "de"}
    assert told(api, "why", **one) == {"LATE": found["LATE"]}
    (entry,) = api.generate_coupon_rejections("why", coupon_code="LATE").data
    assert (entry.language, entry.profile_id, entry.event_id > 0) == ("en", "w", True)
    with pytest.raises(NotFoundException):
        told(api, "nowhere")


def test_all_customers_are_reported(front: Shopfront) -> None:
    api = vendor(front)
    front.campaign(rule(["and", ["=", [".", "Session", "ReferralCode"], "R"]], OFF), name="five")
    for profile, name in (("ra", "Ada"), ("rb", "Bo")):
        body = {"attributes": {"Name": name}}
        assert front.call("PUT", f"/v2/customer_profiles/{profile}", body).status == 200
    front.put("ra1", profileId="ra", cartItems=CART, referralCode="R", state="closed")
    front.put("ra2", profileId="ra", cartItems=CART, state="closed")
    span = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))

    def reports(**more: Any) -> Any:
        return api.get_customer_activity_reports_without_total_count(
            range_start=span[0], range_end=span[1], application_id=front.application_id, **more
        )

    (ada,) = reports(integration_id="ra").data
    assert (ada.name, ada.total_orders, ada.accrued_discounts) == ("Ada", 2, 5)
    assert (ada.accrued_revenue, ada.coupon_redemptions) == (35, 0)
    single = api.get_customer_activity_report(*span, front.application_id, ada.customer_id)
    assert single == ada
    (bo,) = reports(name="Bo").data
    assert (bo.integration_id, bo.total_orders, bo.accrued_revenue) == ("rb", 0, 0)
    first = reports(page_size=1)
    assert (first.has_more, len(first.data)) == (True, 1)
    with pytest.raises(BadRequestException):
        api.get_customer_activity_reports_without_total_count(
            range_start=span[1], range_end=span[0], application_id=front.application_id
        )


def test_health_is_that_of_the_last_minutes(front: Shopfront) -> None:
    front.open_shop(name="Another")
    api, application_id = vendor(front), front.application_id
    assert api.get_application_api_health(application_id).summary == "NONE"
    assert front.put("h1", cartItems=CART).status == 200
    health = api.get_application_api_health(application_id)
    assert health.summary == "OK"
    assert (datetime.now(UTC) - health.last_used).total_seconds() < 60
    assert front.put("h2", cartItems="none").status == 400
    until = time.monotonic() + 15
    while api.get_application_api_health(application_id).summary != "WARNING":
        assert time.monotonic() < until
        time.sleep(0.2)
    assert [verdict(*each) for each in ((0, 0), (1, 0), (2, 1), (1, 1), (1, 2), (0, 1))] == [
        *("NONE", "OK", "WARNING", "WARNING", "ERROR", "CRITICAL")
    ]
