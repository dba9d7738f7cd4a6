"""The vendors' own addresses: browsers, programs and servers that change the host name only."""

import json
import urllib.parse
from typing import Any

import pytest

from tests.tracker.conftest import SERVER_KEY, SHOP, SHOP_LONG, Tracked, device_id, identify


def documents(rows: Any) -> list[tuple[str, Any]]:
    """Names and documents, in the order in which they were stored."""
    return [(each.name, json.loads(each.document)) for each in rows]


async def timeline(tracked: Tracked, did: str) -> list[tuple[str, Any]]:
    return documents(await tracked.timeline(await tracked.holder("device", did)))


@pytest.mark.parametrize(
    ("path", "name", "document"),
    [
        ("view/{shop}/37?", "view", {"items": [{"id": "37"}]}),
        (
            "view/{shop}/37?&stockId=%D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0&",
            "view",
            {"items": [{"id": "37", "stock": "Москва"}]},
        ),
        ("addToBasket/{shop}/5?", "cart", {"items": [{"id": "5"}]}),
        ("removeFromBasket/{shop}/5?", "remove_from_cart", {"items": [{"id": "5"}]}),
        ("categoryView/{shop}/12?", "category", {"category": "12"}),
        ("categoryView/{shop}?categoryPath=A/B%20C&", "category", {"category": "A/B C"}),
        ("search/{shop}?searchPhrase=red+shoes&", "search", {"query": "red shoes"}),
        (
            "order/{shop}/5?qnt=2&price=9.50&transaction=N1&",
            "purchase",
            {"items": [{"id": "5", "quantity": 2, "price": 9.5}], "order": "N1"},
        ),
        (
            "recomMouseDown/{shop}/5?suggestMethod=alternative&suggester=x&",
            "recommendation_click",
            {
                "items": [{"id": "5"}],
                "custom": {"suggestMethod": "alternative", "suggester": "x"},
            },
        ),
        ("recomAddToBasket/{shop}/5?", "cart", {"items": [{"id": "5"}]}),
        ("pageView/{shop}?", "page_view", {}),
    ],
)
async def test_events_of_the_first_vendor(
    tracked: Tracked, did: str, path: str, name: str, document: Any
) -> None:
    reply = tracked.get(f"/1.0/event/{path.format(shop=SHOP)}session={did}&pvid=1")
    assert reply.status == 200, reply.body
    assert reply.json == {"status": "success", "stored": 1, "warnings": []}
    assert await timeline(tracked, did) == [(name, document)]


async def test_a_group_of_variants_is_posted(tracked: Tracked, did: str) -> None:
    path = f"/1.0/event/groupView/{SHOP}?session={did}&stockId=NY"
    assert tracked.post(path, {"productIds": [1637, 1638]}).status == 200
    assert await timeline(tracked, did) == [
        ("view", {"items": [{"id": "1637", "stock": "NY"}, {"id": "1638", "stock": "NY"}]})
    ]


async def test_a_session_is_asked_for_and_kept(tracked: Tracked) -> None:
    first = tracked.get(f"/1.0/event/initialize/{SHOP}?session=&_nocache=1")
    session = first.json["sessionId"]
    assert first.json == {"sessionId": session, "RrSessionId": session}
    assert len(session) == 24
    again = tracked.get(f"/1.0/event/initialize/{SHOP}?session={session}")
    assert again.json["sessionId"] == session


async def test_set_email_keeps_its_flat_values(tracked: Tracked, did: str) -> None:
    values = {
        "email": f"se{did}@examplemail.com",
        "isAgreedToReceiveMarketingMail": "false",
        "d.gender": "Male",
        "d.name": "Ivan",
        "d.birthday": "11.03.1990",
        "d.isGift": "true",
        "session": did,
    }
    query = urllib.parse.urlencode(values)
    reply = tracked.get(f"/1.0/event/setEmail/{SHOP}?{query}")
    assert reply.json["warnings"] == []
    person = tracked.customer("email", values["email"])
    profile = await tracked.profile(person)
    told = {name: each["value"] for name, each in profile["told"].items()}
    assert told == {"gender": "male", "first_name": "Ivan", "birthday": "1990-03-11"}
    assert profile["fields"]["isGift"]["value"] == "true"
    assert [each["state"] for each in (await tracked.part(person))["consents"]] == ["denied"]


async def test_wishes_to_be_told(tracked: Tracked, did: str) -> None:
    base = f"/1.0/partner/{SHOP}/subscribe"
    email = f"w{did}@examplemail.com"
    common = f"session={did}&email={email}"
    assert tracked.get(f"{base}/backinstock?{common}&itemId=7").status == 200
    items = "items[0].ItemId=7&items[0].Price=10&items%5B1%5D.ItemId=8"
    assert tracked.get(f"{base}/pricedrop?{common}&{items}").status == 200
    assert tracked.get(f"{base}/welcomesequence?{common}").status == 200
    assert tracked.get(f"{base}/nonsense?{common}").status == 404
    assert await timeline(tracked, did) == [
        ("subscribe_product_available", {"items": [{"id": "7"}]}),
        ("subscribe_product_price_decrease", {"items": [{"id": "7", "price": 10}, {"id": "8"}]}),
        ("subscribe_welcome", {"items": []}),
    ]
    assert tracked.customer("email", email) == await tracked.holder("device", did)


async def test_a_browser_reads_and_writes_its_visitor(tracked: Tracked, did: str) -> None:
    read = f"/api/1.0/visitor/{did}?partnerId={SHOP}"
    assert tracked.get(read).json == {"HasEmail": False, "IsAgreedToReceiveMarketingMail": False}
    write = f"/api/2.1/visitor/{did}?partnerId={SHOP}"
    email = f"v{did}@examplemail.com"
    body = {"email": email, "isAgreedToReceiveMarketingMail": True, "data": {"size": "M"}}
    assert tracked.post(write, body).status == 200
    assert tracked.get(read).json == {"HasEmail": True, "IsAgreedToReceiveMarketingMail": True}
    patch = json.dumps({"isAgreedToReceiveMarketingMail": False}).encode()
    assert tracked.front.send("PATCH", write, patch).status == 200
    assert tracked.get(read).json == {"HasEmail": True, "IsAgreedToReceiveMarketingMail": False}
    part = await tracked.part(tracked.customer("email", email))
    assert [each["state"] for each in part["consents"]] == ["granted", "withdrawn"]
    # Somebody who only says the same address learns nothing of the person.
    other = device_id()
    tracked.collect(identify(email=email, consent_email=False), did=other)
    assert tracked.get(f"/api/1.0/visitor/{other}?partnerId={SHOP}").json == {
        "HasEmail": True,
        "IsAgreedToReceiveMarketingMail": False,
    }


async def test_programs_and_servers_of_the_first_vendor(tracked: Tracked, did: str) -> None:
    at = f"?apiKey={SERVER_KEY}&partnerId={SHOP}"
    contact = {
        "sessionExternalId": did,
        "contactExternalId": f"app{did}",
        "email": f"app{did}@examplemail.com",
        "timestamp": "2026-11-20T10:00:00Z",
    }
    view = {"sessionExternalId": did, "productId": 5, "timestamp": "2026-11-20T10:00:01Z"}
    assert tracked.post(f"/1.0/setContact{at}", contact).json["stored"] == 1
    assert tracked.post(f"/1.0/setContact{at}", contact).json["stored"] == 0
    for stored in (1, 0):
        reply = tracked.post(f"/1.0/view{at}", view)
        assert reply.json == {"status": "success", "stored": stored, "warnings": []}
    order = {**view, "quantity": 2, "price": 3, "transaction": "T-9"}
    batch = [{"view": view}, {"order": order}, {"search": {**view, "searchPhrase": "hat"}}]
    assert tracked.post(f"/1.0/visitorEvents{at}", batch).json["stored"] == 2
    assert tracked.post(f"/1.0/visitorEvents{at}", [{"nonsense": {}}]).status == 400
    assert tracked.post(f"/1.0/view{at}", {"productId": 5}).status == 401
    foreign = tracked.post(f"/1.0/view?apiKey=other&partnerId={SHOP}", view)
    assert foreign.json["warnings"] == [{"id": "", "field": "apiKey", "code": "unknown"}]
    person = await tracked.holder("externalId", f"app{did}")
    assert (await tracked.part(person))["consents"] == []
    names = sorted(each.name for each in await tracked.timeline(person))
    assert names == ["purchase", "search", "view"]


async def test_the_second_vendor_begins_with_init(tracked: Tracked) -> None:
    reply = tracked.get(f"/init?shop_id={SHOP_LONG}&v=3&tz=3&stream=web")
    assert reply.status == 200
    assert len(reply.json["did"]) == 24
    assert reply.json["sid"] == reply.json["seance"]
    assert len(reply.json["sid"]) == 10
    assert reply.json["has_email"] is False
    assert tracked.get(f"/init?shop_id={'e' * 30}").status == 403
    assert tracked.get("/init?shop_id=short").status == 422
    assert tracked.get("/init").status == 401


@pytest.mark.parametrize("encoding", ["json", "strings", "form"])
async def test_kids_and_vehicles_in_every_encoding(
    tracked: Tracked, did: str, encoding: str
) -> None:
    kids = [{"gender": "m", "birthday": "2015-07-26"}, {"gender": "f", "birthday": "2017-06-05"}]
    auto = [{"brand": "Nissan", "model": "Qashqai", "vds": "TM7N243E4G0BJG978"}]
    envelope = {"shop_id": SHOP_LONG, "did": did, "sid": "aaaaaaaaaa", "seance": "aaaaaaaaaa"}
    if encoding == "json":
        reply = tracked.post("/profile/set", {**envelope, "kids": kids, "auto": auto})
    elif encoding == "strings":
        told = {"kids": json.dumps(kids), "auto": json.dumps(auto)}
        reply = tracked.post("/profile/set", {**envelope, **told})
    else:
        pairs = [*envelope.items()]
        for kid in kids:
            pairs += [(f"kids[][{key}]", value) for key, value in kid.items()]
        pairs += [(f"auto[0][{key}]", value) for key, value in auto[0].items()]
        reply = tracked.form("/profile/set", urllib.parse.urlencode(pairs))
    assert (reply.status, reply.json["warnings"]) == (200, [])
    profile = tracked.get(f"/profile?shop_id={SHOP_LONG}&did={did}").json
    assert profile["children"] == kids
    assert profile["auto"] == auto
    assert profile["vds"] == "TM7N243E4G0BJG978"
    assert profile["fashion"]["sizes"]["shoe"] is None


async def test_what_plugins_print_for_a_half_empty_account_passes(
    tracked: Tracked, did: str
) -> None:
    body = {"shop_id": SHOP_LONG, "did": did, "id": "7x", "email": "", "gender": "", "birthday": ""}
    reply = tracked.post("/profile/set", body)
    assert reply.json == {"status": "success", "stored": 1, "warnings": []}
    assert await tracked.holder("externalId", "7x") == await tracked.holder("device", did)


async def test_a_profile_is_read_without_contacts(tracked: Tracked, did: str) -> None:
    told = {
        "email": f"p{did}@examplemail.com",
        "first_name": "Ann",
        "gender": "f",
        "fashion": {"sizes": {"shoe": "38"}},
        "club": "gold",
    }
    tracked.post("/profile/set", {"shop_id": SHOP_LONG, "did": did, **told})
    read = f"/profile?shop_id={SHOP_LONG}&did={did}"
    browser = tracked.get(read).json
    assert (browser["gender"], browser["has_email"]) == ("f", True)
    assert browser["fashion"]["sizes"]["shoe"] == "38"
    assert browser["custom_properties"] == {"club": "gold"}
    assert not {"email", "phone", "first_name", "last_name"} & browser.keys()
    server = tracked.get(f"{read}&shop_secret={SERVER_KEY}").json
    assert (server["email"], server["first_name"]) == (told["email"], "Ann")
    named = f"/profile?shop_id={SHOP_LONG}&email={told['email']}&shop_secret={SERVER_KEY}"
    assert tracked.get(named).json["email"] == told["email"]
    assert tracked.get(f"{read}&shop_secret=wrong").status == 403
    assert tracked.get(f"/profile?shop_id={SHOP_LONG}").status == 401


async def test_somebody_elses_profile_is_not_read(tracked: Tracked) -> None:
    own, thief = device_id(), device_id()
    tracked.collect(identify("r46", external_id="R-1", gender="m", pin="1234"), did=own)
    tracked.collect(identify("r46", external_id="R-1"), did=thief)
    assert await tracked.holder("device", thief) == await tracked.holder("externalId", "R-1")
    seen = tracked.get(f"/profile?shop_id={SHOP_LONG}&did={thief}").json
    assert (seen["gender"], seen["custom_properties"]) == (None, {})
    unseen = tracked.get(f"/profile?shop_id={SHOP_LONG}&did={device_id()}").json
    assert unseen["fashion"]["sizes"]["shoe"] is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"shop_id": None}, 401),
        ({"did": ""}, 401),
        ({"shop_id": "0123"}, 422),
        ({"shop_id": "f" * 30}, 404),
        ({"did": "a b"}, 422),
        ({"event": ""}, 422),
        ({"event": "nonsense"}, 422),
        ({"stream": ""}, 422),
        ({"stream": "seventeen_letters_"}, 422),
        ({"sid": ""}, 422),
        ({"segment": "C"}, 422),
        ({"segment": "A"}, 200),
        ({"recommended_by": ""}, 422),
        ({"items": []}, 422),
        ({"items": [{"id": ""}, {"id": "x" * 256}]}, 422),
        ({"event": "purchase", "order_id": "x" * 256}, 422),
        ({"event": "purchase", "order_id": ""}, 200),
        ({"event": "cart", "items": [], "full_cart": True}, 200),
        ({"event": "category", "category_id": ""}, 422),
        ({"event": "search", "search_query": "hat"}, 200),
    ],
)
async def test_the_codes_of_push(tracked: Tracked, did: str, change: Any, status: int) -> None:
    body = {"shop_id": SHOP_LONG, "did": did, "event": "view", "items": [{"id": 37}], **change}
    reply = tracked.post(
        "/push", {name: value for name, value in body.items() if value is not None}
    )
    assert reply.status == status, reply.body
    if status != 200:
        assert reply.json["status"] == "error"
        assert reply.json["message"] == reply.json["payload"]["message"]
        assert await tracked.holder("device", did) is None


async def test_push_is_for_posting(tracked: Tracked) -> None:
    assert tracked.get(f"/push?shop_id={SHOP_LONG}").status == 405


async def test_items_are_cleaned_and_carts_replaced(tracked: Tracked, did: str) -> None:
    at = {"shop_id": SHOP_LONG, "did": did, "event": "cart"}
    items = [
        {"id": 1, "amount": 0, "price": "x"},
        {"id": 2, "quantity": 5000, "price": "9.90"},
        {"id": ""},
    ]
    query = urllib.parse.urlencode(at) + "&items[][id]=9&items[][id]=10&items[1][amount]=2"
    assert tracked.form("/push", query).status == 200
    cart = f"/products/cart?shop_id={SHOP_LONG}&did={did}"
    assert tracked.get(cart).json["data"]["items"] == [
        {"uniqid": "9", "quantity": 1},
        {"uniqid": "10", "quantity": 2},
    ]
    tracked.post("/push", {**at, "items": items, "full_cart": True})
    assert tracked.get(cart).json["data"]["items"] == [
        {"uniqid": "1", "quantity": 1},
        {"uniqid": "2", "quantity": 1000},
    ]
    tracked.post("/push", {**at, "items": [{"id": 3}]})
    tracked.post("/push", {**at, "event": "remove_from_cart", "items": [{"id": 1}]})
    assert [each["uniqid"] for each in tracked.get(cart).json["data"]["items"]] == ["2", "3"]
    tracked.post("/push", {**at, "items": [], "full_cart": True})
    assert tracked.get(cart).json["data"]["items"] == []


async def test_events_of_the_shops_own(tracked: Tracked, did: str) -> None:
    at = {"shop_id": SHOP_LONG, "did": did}
    own = {"event": "quiz_finished", "category": "onboarding", "value": 3, "level": "high"}
    assert tracked.post("/push/custom", {**at, **own}).status == 200
    assert tracked.post("/push/custom", {**at, **own, "value": "3.5"}).status == 422
    assert tracked.post("/push/custom", {**at, "event": "имя"}).status == 422
    assert await timeline(tracked, did) == [
        ("quiz_finished", {"category": "onboarding", "custom": {"value": 3, "level": "high"}})
    ]


async def test_subscriptions_and_segments(tracked: Tracked, did: str) -> None:
    at = {"shop_id": SHOP_LONG, "did": did}
    check = f"/subscriptions/check?shop_id={SHOP_LONG}&did={did}"
    wish = {"email": f"m{did}@examplemail.com", "email_bulk": True, "sms_bulk": "false"}
    assert tracked.post("/subscriptions/manage", {**at, **wish}).json["warnings"] == []
    found = tracked.get(check).json
    assert (found["email_bulk"], found["sms_bulk"], found["web_push_bulk"]) == (True, False, False)
    tracked.post("/subscriptions/manage", {**at, "email_bulk": False})
    assert tracked.get(check).json["email_bulk"] is False
    segments = f"/segments/get?shop_id={SHOP_LONG}&did={did}"
    assert tracked.post("/segments/add", {**at, "segment_id": "77"}).status == 200
    assert tracked.form("/segments/add", urllib.parse.urlencode({**at, "segment_id": "78"})).status
    assert tracked.get(segments).json == [{"id": "77"}, {"id": "78"}]
    assert tracked.post("/segments/remove", {**at, "segment_id": 77}).status == 200
    assert tracked.get(segments).json == [{"id": "78"}]
    assert tracked.post("/segments/add", at).status == 422
    triggered = {**at, "email": wish["email"], "item_ids": [5]}
    assert tracked.post("/subscriptions/subscribe_for_product_price", triggered).status == 200


async def test_a_server_speaks_of_somebody_without_a_device(tracked: Tracked) -> None:
    body = {"shop_id": SHOP_LONG, "shop_secret": SERVER_KEY, "external_id": "srv-1", "gender": "f"}
    assert tracked.post("/profile/set", body).json["stored"] == 1
    person = await tracked.holder("externalId", "srv-1")
    assert (await tracked.profile(person))["told"]["gender"]["value"] == "female"
    assert tracked.post("/profile/set", {**body, "shop_secret": "wrong"}).status == 403
    del body["shop_secret"]
    assert tracked.post("/profile/set", body).status == 401
