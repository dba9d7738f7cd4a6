"""Whole pages of shops, and hostile ones, opened in Chromium: what the other doors show then."""

import json
from typing import Any

from playwright.async_api import Page

from tests.capillary.conftest import till_headers
from tests.tracker.browser.recording import LOADER, PAGES, Recorder
from tests.tracker.browser.visiting import STOCK, Visitor, attributes, filled, golden, permissions
from tests.tracker.conftest import SHOP_LONG, Tracked

KEY = "0123456789abcdef0123456789abcd"


async def told(shop: Tracked, page: Page) -> list[tuple[str, Any]]:
    """What is on the timeline of the page's visitor: names and items."""
    did = await page.evaluate("habitue.did()")
    events = await shop.timeline(await shop.holder("device", did))
    return [(each.name, json.loads(each.document).get("items")) for each in events]


async def test_retail_rockets_pages(visitor: Visitor, selling: Tracked) -> None:
    page = await visitor.open("rr-with-stocks.html")
    assert visitor.warnings == [("location", "unknown_stock")]
    await page.click("button")
    await visitor.sent(page)
    olga = selling.customer("externalId", "C-1001")
    assert golden(selling, olga) == {
        "email": "olga@examplemail.com",
        "mobile": "+7 (111) 222-33-44",
        "firstName": "Ольга",
        "bonusLevel": "gold",
        "location": STOCK,
    }
    other = selling.customer("externalId", "C-1002")
    assert golden(selling, other) == {}
    assert permissions(selling, other) == [("email", "BULK", False, "denied")]
    here = {"id": "1637", "stock": STOCK}
    assert await told(selling, page) == [
        ("view", [here]),
        ("view", [here, {"id": "1638", "stock": STOCK}]),
        ("page_view", None),
        ("cart", [here]),
    ]


async def test_an_order_of_a_page(visitor: Visitor, selling: Tracked) -> None:
    page = await visitor.open("rr-without-stocks.html")
    await page.click("button")
    await visitor.sent(page)
    olga = selling.customer("email", "olga@examplemail.com")
    assert olga == selling.customer("externalId", "C-1001")
    assert selling.customer("mobile", "71112223344") == olga
    guest = selling.customer("email", "guest@examplemail.com")
    assert guest not in (None, olga, selling.customer("externalId", "customerId"))
    assert permissions(selling, guest) == [("email", "BULK", False, "denied")]
    reply = selling.front.call("GET", "/v2/customer_sessions/order%3AN-42")
    order = reply.json["customerSession"]
    assert (order["state"], order["total"]) == ("closed", 870)
    lines = [(each["sku"], each["quantity"], each["price"]) for each in order["cartItems"]]
    assert lines == [("12312", 5, 130), ("64532", 1, 220)]
    assert [name for name, _ in await told(selling, page)] == [
        *("category", "purchase", "page_view", "cart"),
    ]


async def test_a_personaclick_page_buys(visitor: Visitor, shop: Recorder, selling: Tracked) -> None:
    text = (PAGES / "personaclick.html").read_text().replace(KEY, SHOP_LONG)
    text = text.replace("id: 100500", "id: 'jane'").replace("4400114527199", "4400114527200")
    shop.pages["pc.html"] = text.replace("0000012", "0000013").replace("vk03", "vk04")
    page = await visitor.open("pc.html")
    await page.wait_for_function("document.title.includes('/')")
    assert selling.customer("externalId", "7") is not None
    jane = selling.customer("email", "jane@examplemail.com")
    assert golden(selling, jane)["newsletter_topics"] == ["shoes", "bags"]
    reply = selling.front.call("GET", "/v2/customer_sessions/order%3AN318")
    order = reply.json["customerSession"]
    assert (order["state"], order["profileId"], order["total"]) == ("closed", "7", 5954)
    again = await visitor.open("pc.html")
    await visitor.sent(again)
    assert selling.front.call("GET", "/v2/customer_sessions/order%3AN318").json == reply.json


async def test_hostile_pages_lose_nothing_and_repeat_nothing(
    visitor: Visitor, shop: Recorder, selling: Tracked
) -> None:
    before = """<script>rrApiOnReady.push(
      function () { rrApi.setCustomer({customerId: "hostile"}); rrApi.view(1); throw new Error(); },
      null, function () { rrApiOnReady.push(function () { rrApi.view(3); }); rrApi.view(2); });
      Array.prototype.toJSON = function () { return "an old library's"; };
      </script>"""
    shop.pages["hostile.html"] = LOADER + before + LOADER.replace("<!doctype html>", "")
    page = await visitor.open("hostile.html")
    await page.evaluate("""() => { window.rrApi = {}; rrApiOnReady.push(
      function () { throw 0; }, function () { rrApi.view(4); });
      rrApi.order({transaction: "H-1", items: [{id: 5, qnt: NaN, price: "x"}, {id: 5}, null]});
      rrApi.setCustomer({customerId: null, phone: {}, softLinks: [[[]]], customData: [1]});
      rrApi.setCustomer(document.body); }""")
    await visitor.sent(page)
    person = selling.customer("externalId", "hostile")
    found = [each for each in await selling.timeline(person) if each.name != "page_view"]
    views = [json.loads(each.document)["items"][0]["id"] for each in found if each.name == "view"]
    assert views == ["1", "2", "3", "4"]
    order = selling.front.call("GET", "/v2/customer_sessions/order%3AH-1").json["customerSession"]
    assert [(each["sku"], each["quantity"]) for each in order["cartItems"]] == [("5", 2)]
    assert sum(answer["duplicates"] for answer in visitor.answers) == 0


async def test_a_browser_reads_nothing_of_others(
    visitor: Visitor, shop: Recorder, selling: Tracked
) -> None:
    """Whoever names somebody's id learns nothing, and changes neither contact nor consent."""
    email = {"type": "email", "value": "anna@examplemail.com"}
    anna = selling.register(
        firstName="Anna",
        identifiers=[email, {"type": "externalId", "value": "anna"}],
        commChannels=[{**email, "primary": True, "verified": True}],
    )
    path = f"/v2/customers/{anna}/subscriptions"
    no = {"subscriptions": [{"channel": "EMAIL", "priority": "BULK", "type": "OPTOUT"}]}
    assert selling.front.send("POST", path, no, till_headers()).status == 200
    before = attributes(selling, "anna"), permissions(selling, anna)
    assert before[1][0][:3] == ("email", "BULK", False)
    thief = filled(
        "seed-000-without-stocks.html", customerId="anna", email="thief@examplemail.com", phone=""
    )
    thief = thief.replace("isAgreedToReceiveMarketingMail: true", "x: 1")
    shop.pages["thief.html"] = thief.replace("testValue", "thief")
    shop.pages["look.html"] = (PAGES / "seed-002.html").read_text().split("<script>\npersona")[0]
    await visitor.open("thief.html")
    assert ("email", "not_verified") in visitor.warnings
    page = await visitor.open("look.html")
    shown = await page.evaluate("new Promise((read) => personaclick('profile', 'get', read))")
    assert "Anna" not in json.dumps(shown)
    assert "anna@" not in json.dumps(shown)
    assert attributes(selling, "anna") == before[0]
    assert permissions(selling, anna) == before[1]
    assert selling.customer("email", "thief@examplemail.com") is None
