"""Staff read customers and audiences, through the vendor's own client over a real socket."""

from typing import Any

import pytest
from talon_one.exceptions import BadRequestException, NotFoundException
from talon_one.models import CustomerProfileSearchQuery

from tests.integration.test_vendor_audiences import made, move
from tests.integration.test_vendor_loyalty import staff
from tests.serving import MANAGEMENT_KEY, Reply, Shopfront, rule

KEY = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}


def profile(front: Shopfront, name: str, key: str | None = None, **attributes: Any) -> int:
    body = {"attributes": attributes, "responseContent": ["customerProfile"]}
    headers = {"authorization": f"ApiKey-v1 {key}"} if key else None
    reply = front.call("PUT", f"/v2/customer_profiles/{name}", body, headers)
    assert reply.status == 200, reply.body
    return int(reply.json["customerProfile"]["id"])


@pytest.fixture(scope="module")
def people(front: Shopfront) -> dict[str, int]:
    """Three live profiles and one of a sandbox, by name."""
    ids = {
        "ann": profile(front, "ann", City="Aachen", Name="Ann"),
        "bob": profile(front, "bob", City="Aachen", Name="Bob"),
        "cat": profile(front, "cat", City="Celle"),
    }
    made_application = front.manage(
        "POST",
        "/v1/applications",
        {"name": "Trial", "timezone": "UTC", "currency": "EUR", "sandbox": True},
    )
    front.extra["sandbox"] = made_application["id"]
    key = front.manage(
        "POST",
        f"/v1/applications/{made_application['id']}/apikeys",
        {"title": "trial", "expires": "2099-01-01T00:00:00Z"},
    )["key"]
    ids["ann of the sandbox"] = profile(front, "ann", key)
    return ids


def names(page: Any) -> list[str]:
    return [each.integration_id for each in page.data]


def test_the_profiles_of_each_environment(front: Shopfront, people: dict[str, int]) -> None:
    api = staff(front)
    live = api.get_customer_profiles()
    assert (names(live), live.has_more) == (["ann", "bob", "cat"], False)
    assert [each.id for each in live.data] == [people["ann"], people["bob"], people["cat"]]
    page = api.get_customer_profiles(page_size=1, skip=1)
    assert (names(page), page.has_more) == (["bob"], True)
    trial = api.get_customer_profiles(sandbox=True)
    assert [(each.id, each.sandbox) for each in trial.data] == [
        (people["ann of the sandbox"], True)
    ]
    assert api.get_customer_profile(people["bob"]).attributes == {"City": "Aachen", "Name": "Bob"}
    with pytest.raises(NotFoundException):
        api.get_customer_profile(999999)


def test_the_customers_of_an_application(front: Shopfront, people: dict[str, int]) -> None:
    api, id_ = staff(front), front.application_id
    page = api.get_application_customers(id_, page_size=2, with_total_result_size=True)
    assert (names(page), page.total_result_size, page.has_more) == (["ann", "bob"], 3, None)
    page = api.get_application_customers(id_, page_size=2)
    assert (names(page), page.total_result_size, page.has_more) == (["ann", "bob"], None, True)
    assert names(api.get_application_customers(id_, integration_id="cat")) == ["cat"]
    assert names(api.get_application_customers(front.extra["sandbox"])) == ["ann"]
    found = api.get_application_customer(id_, people["cat"])
    assert (found.integration_id, found.account_id, found.closed_sessions) == ("cat", 1, 0)
    with pytest.raises(NotFoundException):
        api.get_application_customer(id_, people["ann of the sandbox"])
    with pytest.raises(NotFoundException):
        api.get_application_customers(999999)


def test_customers_are_found_by_what_is_known_of_them(
    front: Shopfront, people: dict[str, int]
) -> None:
    api = staff(front)

    def query(**wanted: Any) -> Any:
        return CustomerProfileSearchQuery.from_dict(wanted)

    assert names(api.get_customers_by_attributes(query(attributes={"City": "Aachen"}))) == [
        "ann",
        "bob",
    ]
    both = query(attributes={"City": "Aachen", "Name": "Bob"})
    assert names(api.get_customers_by_attributes(both)) == ["bob"]
    listed = query(profileIDs=[people["cat"], people["ann"]], integrationIDs=["cat", "bob"])
    assert names(api.get_customers_by_attributes(listed)) == ["cat"]
    page = api.get_application_customers_by_attributes(
        front.application_id, query(attributes={"City": "Aachen"}), with_total_result_size=True
    )
    assert (names(page), page.total_result_size) == (["ann", "bob"], 2)
    assert names(api.get_customers_by_attributes(query(integrationIDs=[]))) == []


def test_audiences_and_their_members(front: Shopfront, people: dict[str, int]) -> None:
    api = staff(front)
    first, second = made(front, "alpha").id, made(front, "beta").id
    move(front, ("add", "ann", first), ("add", "bob", first), ("add", "cat", second))
    page = api.get_audiences(sort="-name", with_total_result_size=True)
    assert ([each.name for each in page.data], page.total_result_size) == (["beta", "alpha"], 2)
    page = api.get_audiences(page_size=1)
    assert ([each.id for each in page.data], page.has_more) == ([first], True)
    members = api.get_audience_memberships(first)
    assert (names(members), members.has_more) == (["ann", "bob"], False)
    assert [each.name for each in members.data[0].audience_memberships] == ["alpha"]
    assert names(api.get_audience_memberships(first, sort="-id", page_size=1)) == ["bob"]
    assert names(api.get_audience_memberships(first, profile_query="AN")) == ["ann"]
    counts = api.get_audiences_analytics(f"{second},{first},999999", sort="-membersCount")
    assert [(each.audience_id, each.members_count) for each in counts.data] == [
        (first, 2),
        (second, 1),
    ]
    with pytest.raises(NotFoundException):
        api.get_audience_memberships(999999)
    with pytest.raises(BadRequestException):
        api.get_audiences(sort="size")


def upload(front: Shopfront, audience_id: int, text: str) -> Reply:
    boundary = "a-boundary"
    body = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="upFile"; filename="m.csv"\r\n'
        f"content-type: text/csv\r\n\r\n{text}\r\n--{boundary}--\r\n"
    ).encode()
    headers = {**KEY, "content-type": f"multipart/form-data; boundary={boundary}"}
    return front.send("POST", f"/v1/audiences/{audience_id}/memberships/import", body, headers)


def exported(front: Shopfront, audience_id: int) -> list[str]:
    reply = front.send("GET", f"/v1/audiences/{audience_id}/memberships/export", None, KEY)
    assert (reply.status, reply.headers["content-type"].partition(";")[0]) == (
        200,
        "text/csv",
    )
    return reply.body.decode().split()


def test_a_file_takes_the_place_of_the_members(front: Shopfront, people: dict[str, int]) -> None:
    audience = made(front, "from a file").id
    move(front, ("add", "ann", audience), ("add", "bob", audience))
    assert exported(front, audience) == ["profileintegrationid", "ann", "bob"]
    reply = upload(front, audience, "profileintegrationid\nbob\nnewcomer\nbob\n")
    assert (reply.status, reply.json["amount"], reply.json["entity"]) == (
        200,
        3,
        "AudienceMembership",
    )
    assert exported(front, audience) == ["profileintegrationid", "bob", "newcomer"]
    assert names(staff(front).get_audience_memberships(audience)) == ["bob", "newcomer"]
    refused = upload(front, audience, f"profileintegrationid\nann\n{'x' * 1001}\n")
    assert (refused.status, refused.json["errors"][0]["source"]["line"]) == (400, "3")
    assert upload(front, audience, "profile\nann\n").status == 400
    assert exported(front, audience) == ["profileintegrationid", "bob", "newcomer"]
    assert upload(front, 999999, "profileintegrationid\nann\n").status == 404


def test_no_text_breaks_a_list(front: Shopfront, people: dict[str, int]) -> None:
    application = f"/v1/applications/{front.application_id}"
    for path in (
        f"{application}/customers?integrationId=%00",
        f"{application}/events/no_total?profile=%00&type=%00",
    ):
        assert front.send("GET", path, None, KEY).status in (200, 400), path
    for attributes in ({"City": "\0"}, {"\0": 1}, {"City": {"deep": [1.5, None]}}):
        body = {"attributes": attributes}
        reply = front.send("POST", "/v1/customer_search/no_total", body, KEY)
        assert reply.status in (200, 400), attributes


def test_sessions_of_an_application(front: Shopfront) -> None:
    api, id_ = staff(front), front.application_id
    front.campaign(
        rule(["and", ["couponValid"]], ["setDiscount", "ten", 10]), name="Ten", limits=[]
    )
    campaign = front.manage("GET", f"/v1/applications/{id_}/campaigns?sort=-id")["data"][0]["id"]
    front.coupon(campaign, "TEN-OFF", usageLimit=5)
    cart = [{"sku": "tea", "quantity": 2, "price": 30}]
    front.put("Order-1", profileId="dora", cartItems=cart, couponCodes=["TEN-OFF", "NOPE"])
    front.put("Order-1", state="closed")
    front.put("Order-2", profileId="dora", cartItems=cart, state="closed")
    front.put("Order-3", cartItems=cart)
    page = api.get_application_sessions(id_, sort="-created", page_size=2)
    assert ([each.integration_id for each in page.data], page.has_more) == (
        ["Order-3", "Order-2"],
        True,
    )
    assert [each.total_discounts for each in page.data] == [0, 0]
    assert page.data[0].profile_id is None

    def found(**wanted: Any) -> list[str]:
        page = api.get_application_sessions(id_, **wanted)
        return [each.integration_id for each in page.data]

    def partly(wanted: str) -> list[str]:
        """The released client does not know partial matches yet."""
        data = front.manage("GET", f"/v1/applications/{id_}/sessions?partialMatch=true&{wanted}")
        return [each["integrationId"] for each in data["data"]]

    assert found(profile="dora") == ["Order-1", "Order-2"]
    assert found(profile="DOR") == []
    assert partly("profile=DOR") == ["Order-1", "Order-2"]
    assert partly("profile=DO") == []
    assert found(state="open") == ["Order-3"]
    assert found(coupon="TEN-OFF") == ["Order-1"]
    assert partly("integrationId=order-") == ["Order-1", "Order-2", "Order-3"]
    assert found(created_before="2020-01-01T00:00:00Z") == []
    (only,) = api.get_application_sessions(id_, integration_id="Order-1").data
    assert (only.total, only.total_discounts, only.coupon) == (60, 10, "TEN-OFF")
    one = api.get_application_session(id_, only.id)
    assert (one.integration_id, one.state, one.cart_items[0].sku) == ("Order-1", "closed", "tea")
    with pytest.raises(NotFoundException):
        api.get_application_session(id_, 999999)


def test_what_a_customer_did(front: Shopfront) -> None:
    api, id_ = staff(front), front.application_id
    (dora,) = api.get_application_customers(id_, integration_id="dora").data
    time = {"range_start": "2020-01-01T00:00:00Z", "range_end": "2099-01-01T00:00:00Z"}
    report = api.get_customer_activity_report(application_id=id_, customer_id=dora.id, **time)
    assert (report.integration_id, report.customer_id) == ("dora", dora.id)
    assert (report.total_orders, report.total_orders_no_coupon) == (2, 1)
    assert (report.coupon_redemptions, report.coupon_use_attempts) == (1, 2)
    assert report.coupon_failed_attempts == 1
    assert (report.accrued_discounts, report.accrued_revenue) == (10, 110)
    before = {**time, "range_end": "2021-01-01T00:00:00Z"}
    report = api.get_customer_activity_report(application_id=id_, customer_id=dora.id, **before)
    assert (report.total_orders, report.coupon_use_attempts, report.accrued_revenue) == (0, 0, 0)
    swapped = {"range_start": time["range_end"], "range_end": time["range_start"]}
    with pytest.raises(BadRequestException):
        api.get_customer_activity_report(application_id=id_, customer_id=dora.id, **swapped)
