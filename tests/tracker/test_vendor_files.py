"""Files and lists that servers of the shop hand over, and the addresses that only they may use."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.serving import MANAGEMENT_KEY, Reply
from tests.tracker.conftest import SERVER_KEY, SHOP, SHOP_LONG, Tracked, device_id, event, identify

SERVER = {"shop_id": SHOP_LONG, "shop_secret": SERVER_KEY}
WHO = f"shop_id={SHOP_LONG}&shop_secret={SERVER_KEY}"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def upload(tracked: Tracked, name: str, text: str | bytes, key: str = SERVER_KEY) -> Reply:
    """A file that a server sends."""
    path = f"/api/2.0/partner/{SHOP}/{name}?apikey={key}"
    body = text if isinstance(text, bytes) else text.encode()
    return tracked.front.send("POST", path, body, {"content-type": "text/csv"})


async def states(tracked: Tracked, email: str) -> list[str]:
    """What was said about mail to that address, the first first."""
    part = await tracked.part(tracked.customer("email", email))
    return [f"{each['channel']}/{each['purpose']}/{each['state']}" for each in part["consents"]]


async def test_subscribers_are_taken_and_opt_out(tracked: Tracked, did: str) -> None:
    yes, no = f"yes{did}@examplemail.com", f"no{did}@examplemail.com"
    lines = f"Email,IsSubscribed,Size,City\n{yes},true,M,\n{no},false,,Рига\nanna,true,S,\n"
    reply = upload(tracked, "subscribers", "\ufeff" + lines)
    assert reply.status == 200, reply.body
    assert (reply.json["stored"], [each["id"] for each in reply.json["warnings"]]) == (2, ["4"])
    assert await states(tracked, yes) == ["email/BULK/granted"]
    assert await states(tracked, no) == ["email/BULK/withdrawn"]
    profile = await tracked.profile(tracked.customer("email", yes))
    assert {name: each["value"] for name, each in profile["fields"].items()} == {"Size": "M"}
    # The file again changes nothing; a yes of the shop lifts no opt-out, a no ends a yes.
    people = await tracked.count("customer")
    assert upload(tracked, "subscribers", lines).status == 200
    assert await tracked.count("customer") == people
    again = f"Email;IsSubscribed\n{no};true\n{yes};False\n"
    assert upload(tracked, "subscribers", again).json["warnings"] == []
    assert (await states(tracked, no))[-1] == "email/BULK/withdrawn"
    assert await states(tracked, yes) == ["email/BULK/granted", "email/BULK/withdrawn"]


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("subscribers", b"", 400),
        ("subscribers", b"Name\nanna\n", 400),
        ("subscribers", b"Email,Email\na@b.cd,a@b.cd\n", 400),
        ("subscribers", b"Email,IsSubscribed\nnew@examplemail.com,perhaps\n", 400),
        ("subscribers", b"Email\nnew@examplemail.com,true\n", 400),
        ("subscribers", b"\xff\xfe\x00", 400),
        ("subscribers", b'Email\n"new@examplemail.com\n', 400),
        ("subscribers", b"Email\n" + b"a@b.cd\n" * 5001, 400),
        ("transaction", b"2026-01-01,T,1,2\n", 400),
        ("transaction", b"yesterday,T,1,2,new@examplemail.com,1\n", 400),
        ("transaction", b"2026-01-01,,1,2,new@examplemail.com,1\n", 400),
    ],
)
async def test_files_that_are_none_store_nothing(
    tracked: Tracked, name: str, text: bytes, status: int
) -> None:
    before = await tracked.count("customer")
    reply = upload(tracked, name, text)
    assert (reply.status, reply.json["status"]) == (status, "error")
    assert await tracked.count("customer") == before
    assert tracked.customer("email", "new@examplemail.com") is None


async def test_only_servers_upload(tracked: Tracked) -> None:
    before = await tracked.count("customer")
    for name in ("subscribers", "transaction"):
        assert upload(tracked, name, "Email\na@examplemail.com\n", "a-browser").status == 403
        assert upload(tracked, name, "Email\na@examplemail.com\n", "").status == 403
    for path in ("/subscriptions/callback", "/sync/orders", "/import/audience"):
        assert tracked.post(path, {"shop_id": SHOP_LONG, "did": device_id()}).status == 403
    assert tracked.get(f"/orders/by_user?shop_id={SHOP_LONG}&email=a@b.cd").status == 403
    purge = json.dumps({"shop_id": SHOP_LONG, "email": "a@b.cd"}).encode()
    assert tracked.front.send("DELETE", "/profile/purge", purge).status == 403
    assert await tracked.count("customer") == before


async def test_orders_made_elsewhere_are_told_once(tracked: Tracked, did: str) -> None:
    email = f"o{did}@examplemail.com"
    old = (datetime.now(UTC) - timedelta(days=40)).date()
    lines = (
        f"{YESTERDAY:%Y-%m-%dT%H:%M:%S},T{did},5,9.50,{email},2\n"
        f"{YESTERDAY:%Y-%m-%d %H:%M:%S},T{did},6,1,{email},\n"
        f"{old},OLD,7,1,{email},1\n"
    )
    for stored in (1, 0):
        reply = upload(tracked, "transaction", lines)
        assert (reply.status, reply.json["stored"]) == (200, stored), reply.body
        assert reply.json["warnings"] == [{"id": "3", "field": "date", "code": "out_of_range"}]
    assert await states(tracked, email) == ["email/BULK/granted"]
    shown = tracked.get(f"/orders/by_user?{WHO}&email={email}").json
    assert shown["status"] == "success"
    (order,) = shown["data"]
    assert order["id"] == f"T{did}"
    assert order["items"] == [
        {"id": "5", "quantity": 2, "price": 9.5},
        {"id": "6", "quantity": 1, "price": 1},
    ]
    assert order["date"][:19] == f"{YESTERDAY:%Y-%m-%dT%H:%M:%S}"


async def test_lists_of_orders_and_people(tracked: Tracked, did: str) -> None:
    email, phone = f"l{did}@examplemail.com", f"7999{int(did, 16):07d}"
    audience = [
        {"email": email, "first_name": "Ada", "tier": "gold"},
        {"phone": phone, "gender": "f"},
        {"first_name": "Nobody"},
    ]
    reply = tracked.post("/import/audience", {**SERVER, "audience": audience})
    assert (reply.status, reply.json["stored"]) == (200, 2), reply.body
    profile = await tracked.profile(tracked.customer("email", email))
    assert profile["told"]["first_name"]["value"] == "Ada"
    assert profile["fields"]["tier"]["value"] == "gold"
    assert (await tracked.part(tracked.customer("email", email)))["consents"] == []
    at = int(YESTERDAY.timestamp())
    orders = [
        {"id": f"A{did}", "email": email, "date": at, "items": [{"id": 1, "price": 2}]},
        {"id": f"B{did}", "email": email, "items": [{"id": 2, "price": 3, "quantity": 4}]},
        {"id": f"C{did}", "phone": phone, "items": [{"id": 3, "price": 1}]},
    ]
    for stored in (3, 1):
        reply = tracked.post("/sync/orders", {**SERVER, "orders": orders})
        assert reply.status == 200, reply.body
        # An order without a date is one of this moment; those with one are known again.
        assert reply.json["stored"] in (stored, 2)
    shown = tracked.get(f"/orders/by_user?{WHO}&phone={phone}").json["data"]
    assert [each["id"] for each in shown] == [f"C{did}"]
    ids = {each["id"] for each in tracked.get(f"/orders/by_user?{WHO}&email={email}").json["data"]}
    assert ids == {f"A{did}", f"B{did}"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sync/orders", {"orders": [{"id": "1", "items": []}]}, 400),
        ("/sync/orders", {"orders": [{"email": "a@b.cd", "items": []}]}, 400),
        ("/sync/orders", {"orders": [{"id": "1", "email": "a@b.cd"}]}, 400),
        (
            "/sync/orders",
            {"orders": [{"id": "1", "email": "a@b.cd", "items": [], "date": "x"}]},
            400,
        ),
        ("/sync/orders", {"orders": {}}, 422),
        ("/sync/orders", {"orders": [{}] * 5001}, 422),
        ("/sync/orders", {}, 422),
        ("/import/audience", {"audience": "everybody"}, 422),
        ("/import/audience", {"audience": [1]}, 400),
    ],
)
async def test_lists_that_are_none(tracked: Tracked, path: str, body: Any, status: int) -> None:
    before = await tracked.count("customer")
    assert tracked.post(path, {**SERVER, **body}).status == status
    assert await tracked.count("customer") == before


@pytest.mark.parametrize(
    ("report", "ended"),
    [
        ("unsubscribed", ["BULK"]),
        ("complained", ["BULK"]),
        ("hard_bounced", ["BULK", "TRANS"]),
        ("blacklisted", ["BULK", "TRANS"]),
    ],
)
async def test_what_mail_services_report_ends_consents(
    tracked: Tracked, did: str, report: str, ended: list[str]
) -> None:
    email = f"r{did}@examplemail.com"
    tracked.collect(identify("rr", email=email), did=did)
    assert await states(tracked, email) == ["email/BULK/granted"]
    told = {**SERVER, "event": report, "email": email}
    for _ in range(2):
        assert tracked.post("/subscriptions/callback", told).status == 200
        said = await states(tracked, email)
        assert said == ["email/BULK/granted", *(f"email/{each}/withdrawn" for each in ended)]
    people = await tracked.count("customer")
    stranger = {**told, "email": f"x{email}"}
    assert tracked.post("/subscriptions/callback", stranger).status == 404
    assert tracked.post("/subscriptions/callback", {**told, "event": "sneezed"}).status == 422
    assert tracked.post("/subscriptions/callback", {**SERVER, "event": report}).status == 422
    assert tracked.post("/subscriptions/callback", {**told, "channel": "pigeon"}).status == 422
    assert await tracked.count("customer") == people


async def test_letters_segments_and_the_last_order(tracked: Tracked, did: str) -> None:
    at = {"shop_id": SHOP_LONG, "did": did}
    query = f"shop_id={SHOP_LONG}&did={did}"
    names = ("clicked", "opened", "delivered", "received", "closed", "stories")
    for name in names:
        told = {**at, "type": "bulk", "code": "c7"}
        assert tracked.post(f"/track/{name}", told).status == 200
    rows = await tracked.timeline(await tracked.holder("device", did))
    assert [each.name for each in rows] == [f"message_{name}" for name in names]
    assert json.loads(rows[0].document) == {"custom": {"type": "bulk", "code": "c7"}}
    inside = f"/segments/includes?{query}&segment_id="
    assert tracked.get(f"{inside}77").json == {"status": "success", "includes": False}
    tracked.post("/segments/add", {**at, "segment_id": "77"})
    assert tracked.get(f"{inside}77").json["includes"] is True
    assert tracked.get(f"/segments/includes?{query}").status == 422
    last = f"/orders/last_for_user?{query}"
    assert tracked.get(last).json == {"status": "success", "data": None}
    for number in ("1", "2"):
        data = {"order": f"N{did}{number}", "items": [{"id": number, "price": 5}]}
        assert tracked.collect(event("purchase", data), did=did).json["stored"] == 1
    assert tracked.get(last).json["data"]["id"] == f"N{did}2"
    # Another device of the same person is told of its own orders only.
    email, other = f"lo{did}@examplemail.com", device_id()
    tracked.collect(identify("rr", email=email), did=did)
    tracked.collect(identify("rr", email=email), did=other)
    assert (
        tracked.get(f"/orders/last_for_user?shop_id={SHOP_LONG}&did={other}").json["data"] is None
    )


async def test_a_visitor_wants_mail_again(tracked: Tracked, did: str) -> None:
    email = f"again{did}@examplemail.com"
    write = f"/api/2.1/visitor/{did}?partnerId={SHOP}"
    tracked.post(write, {"email": email, "isAgreedToReceiveMarketingMail": False})
    base = f"/2.0/partner/{SHOP}/emailResubscription/visitors/{did}"
    refused = {"HasEmail": True, "IsAgreedToReceiveMarketingMail": False}
    assert tracked.get(f"/api{base}").json == refused
    assert tracked.front.send("POST", f"{base}/resubscription").status == 200
    assert tracked.get(f"/api{base}").json == {**refused, "IsAgreedToReceiveMarketingMail": True}
    assert (await states(tracked, email))[-1] == "email/BULK/granted"


async def test_a_person_is_purged_with_a_management_key(tracked: Tracked, did: str) -> None:
    email = f"purge{did}@examplemail.com"
    tracked.collect(identify("rr", email=email), did=did)
    person = tracked.customer("email", email)
    assert person is not None

    def purge(**fields: Any) -> int:
        body = json.dumps({"shop_id": SHOP_LONG, **fields}).encode()
        return tracked.front.send("DELETE", "/profile/purge", body).status

    meant = {"shop_secret": MANAGEMENT_KEY, "i_understand_what_i_am_doing": "true"}
    assert purge(email=email, shop_secret=MANAGEMENT_KEY) == 422
    assert purge(**meant) == 422
    assert purge(email=f"x{email}", **meant) == 404
    tracked.front.open_shop()
    ordinary = {**meant, "shop_secret": tracked.front.integration_key}
    assert purge(email=email, **ordinary) == 403
    limited = {"name": "one", "expiryDate": "2099-01-01T00:00:00Z"}
    endpoint = {"method": "GET", "path": "/v1/applications"}
    made = tracked.front.manage("POST", "/v1/api_keys", {**limited, "endpoints": [endpoint]})
    assert purge(email=email, **{**meant, "shop_secret": made["key"]}) == 403
    assert tracked.customer("email", email) == person
    assert purge(email=email, **meant) == 200
    assert tracked.customer("email", email) is None
    assert purge(email=email, **meant) == 404
