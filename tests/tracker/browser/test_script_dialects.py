"""Both dialects in a real browser: the vendors' snippets with nothing changed but the host."""

from typing import Any

import pytest
from playwright.async_api import BrowserContext

from tests.tracker.browser.recording import LOADER, PARTNER, QUEUE, Recorder, Visit


async def test_a_shop_without_regions(visit: Visit, recorder: Recorder) -> None:
    page = await visit("rr-without-stocks.html")
    await page.dispatch_event("button", "mousedown")
    messages = await recorder.until(7)
    assert [(each["type"], each["name"], each["data"]) for each in messages] == [
        ("identify", "set", {
            "external_id": "C-1001", "email": "olga@examplemail.com", "phone": "8-111-222-33-44",
            "custom": {"firstName": "Olga", "favouriteShop": "Arbat"},
            "links": [{"name": "loyalty card", "value": "7000 0012 3456"},
                      {"name": "app install", "value": "9f0c2c1e"}],
            "consent_email": True,
        }),
        ("event", "category", {"category": "Women/Clothes/Skirts"}),
        ("identify", "set", {"email": "guest@examplemail.com", "consent_email": False}),
        ("event", "purchase", {
            "email": "guest@examplemail.com", "external_id": "C-1001", "order_id": "N-42",
            "items": [{"id": "12312", "quantity": 5, "price": 130},
                      {"id": "64532", "quantity": 1, "price": 220}],
        }),
        ("identify", "set", {
            "external_id": "customerId", "email": "email", "phone": "phone", "consent_email": True,
        }),
        ("event", "page_view", {}),
        ("event", "cart", {"items": [{"id": "123"}]}),
    ]  # fmt: skip
    assert {each["dialect"] for each in messages} == {"rr"}
    first = recorder.batches[0]
    assert (first["shop"], first["stream"], first["consent"]) == (PARTNER, "web", "unknown")
    assert first["content_type"] == "text/plain"
    assert first["page"]["url"] == f"{recorder.shop}/rr-without-stocks.html"
    assert first["page"]["title"] == "Shop page, Retail Rocket snippet, no regions"
    assert all(0 <= first["sent"] - each["at"] < 10_000 for each in first["messages"])
    assert len({each["id"] for each in messages}) == 7


async def test_a_shop_with_regions(visit: Visit, recorder: Recorder) -> None:
    page = await visit("rr-with-stocks.html")
    await page.dispatch_event("button", "mousedown")
    await recorder.until(6)
    first, second = recorder.named("set")
    assert (first["location"], second["location"]) == ("Екатеринбург", "no-such-region")
    assert first["links"] == [
        {"name": "loyalty card", "value": "7000 0012 3456"},
        {"name": "app install", "value": "9f0c2c1e"},
    ]
    assert second == {
        "external_id": "C-1002", "location": "no-such-region", "consent_email": False,
    }  # fmt: skip
    here = {"id": "1637", "stock": "Екатеринбург"}
    assert recorder.named("view") == [
        {"items": [here]},
        {"items": [here, {"id": "1638", "stock": "Екатеринбург"}], "group": True},
    ]
    assert recorder.named("cart") == [{"items": [here]}]


@pytest.mark.parametrize(
    ("name", "stock"),
    [
        ("seed-000-without-stocks.html", None),
        ("seed-000-with-stocks.html", "defaultStockId"),
        ("seed-001-without-stocks.html", None),
        ("seed-001-with-stocks.html", "defaultStockId"),
    ],
)
async def test_the_documentations_snippets(
    visit: Visit, recorder: Recorder, name: str, stock: str | None
) -> None:
    await visit(name)
    await recorder.until(2)
    expected: dict[str, Any] = {
        "external_id": "customerId", "email": "email", "phone": "phone",
        "custom": {
            "customDataName1": "customDataValue1", "customDataName2": "customDataValue2",
        },
        "links": [{"name": "testLinkName1", "value": "testValue1"},
                  {"name": "testLinkName2", "value": "testValue2"}],
        "consent_email": True,
    }  # fmt: skip
    assert recorder.named("set") == [expected | ({"location": stock} if stock else {})]


async def test_a_personaclick_shop(visit: Visit, recorder: Recorder) -> None:
    recorder.profile = {"gender": "f", "email": "jane@examplemail.com", "has_email": True}
    page = await visit("personaclick.html")
    messages = await recorder.until(8)
    await page.wait_for_function("window.__saved")
    assert [(each["type"], each["name"]) for each in messages] == [
        ("identify", "set"), ("identify", "set"), ("identify", "set"), ("event", "view"),
        ("event", "cart"), ("event", "cart"), ("event", "purchase"), ("event", "quiz_finished"),
    ]  # fmt: skip
    card, kids, half = recorder.named("set")
    assert card.pop("external_id") == "100500"
    assert card.pop("custom") == {"newsletter_topics": ["shoes", "bags"]}
    assert card.pop("auto") == [{"brand": "Nissan", "model": "Qashqai", "vds": "TM7N243E4G0BJG978"}]
    assert card.pop("kids") == [
        {"gender": "m", "birthday": "2001-04-12"}, {"gender": "f", "birthday": "2015-07-28"},
    ]  # fmt: skip
    assert card == {
        "email": "jane@examplemail.com", "phone": "4400114527199", "first_name": "Jane",
        "last_name": "Roe", "birthday": "1990-03-11", "age": 31, "gender": "f", "location": "NY",
        "bought_something": True, "loyalty_id": "000001234567", "loyalty_card_location": "NY",
        "loyalty_status": "5% discount", "loyalty_bonuses": 1123,
        "loyalty_bonuses_to_next_level": 1877, "fb_id": "000000000354677", "vk_id": "vk031845",
        "telegram_id": "0125762968357835",
    }  # fmt: skip
    assert list(kids) == ["kids"]
    assert half == {"external_id": "7"}
    assert [each["data"] for each in messages[3:]] == [
        {"items": [{"id": "37"}]},
        {"items": [{"id": "37", "quantity": 2}]},
        {"items": [{"id": "37", "quantity": 2}, {"id": "187", "quantity": 1}], "full_cart": True},
        {
            "order_id": "N318", "order_price": 5954,
            "items": [{"id": "37", "price": 318, "quantity": 3},
                      {"id": "187", "price": 5000, "quantity": 1}],
        },
        {"category": "onboarding", "value": 3},
    ]  # fmt: skip
    assert recorder.batches[0]["shop"] == "0123456789abcdef0123456789abcd"
    assert await page.evaluate("window.__saved") == {"status": "success", "warnings": []}
    assert await page.evaluate("window.__failed") is None
    await page.wait_for_function("document.title === 'f / null'")


async def test_a_page_reads_what_it_wrote_and_never_a_contact(
    visit: Visit, recorder: Recorder
) -> None:
    recorder.profile = {"fashion": None, "email": "a@b.ru", "phone": "1", "first_name": "J"}
    recorder.pages["read.html"] = (
        QUEUE
        + """<script>
      r46("profile", "set", {id: 5});
      r46("profile", "get", {}, function (p) { window.one = p; throw new Error("the page's"); });
      r46("profile", "get", function (p) { window.two = p.fashion.sizes.shoe; }, true);
      r46("did", function (id) { window.did = id; });
      r46("init", "0123456789abcdef0123456789abcd", "", function (a) { window.inited = a; });
    </script>"""
    )
    page = await visit("read.html")
    await page.wait_for_function("'two' in window && window.one && window.did && window.inited")
    assert await page.evaluate("one") == {
        "gender": None, "fashion": {"sizes": {"shoe": None}},
    }  # fmt: skip
    assert await page.evaluate("did") == await page.evaluate("inited.did")
    asked = recorder.asked
    assert asked.index("POST /v1/collect") < asked.index("GET /profile")


async def test_the_documentations_profile(
    visit: Visit, context: BrowserContext, recorder: Recorder
) -> None:
    lines: list[str] = []
    context.on("console", lambda message: lines.append(message.text))
    await visit("seed-002.html")
    await recorder.until(2)
    john, kids = recorder.named("set")
    assert (john["external_id"], john["email"]) == ("100500", "john.doe@examplemail.com")
    assert len(john) == 20
    assert kids == {
        "kids": [
            {"gender": "m", "birthday": "2015-07-26"},
            {"gender": "f", "birthday": "2017-06-05"},
            {"gender": "m", "birthday": "2014-03-17"},
        ]
    }
    page = recorder.tabs[0]
    await page.evaluate("new Promise((read) => personaclick('profile', 'get', read))")
    assert lines == ["null", "null"]


async def test_every_method_of_retail_rocket(visit: Visit, recorder: Recorder) -> None:
    recorder.pages["all.html"] = LOADER
    page = await visit("all.html")
    await recorder.until(1)
    await page.evaluate("""() => {
      rrApi.setEmail(" a@b.ru ", {gender: "Male", age: 30, name: "Al", birthday: "31.12.1990",
                                  size: 44, isAgreedToReceiveMarketingMail: "false"});
      rrApi.removeFromBasket(7);
      rrApi.addToBasket("8", "Spain");
      rrApi.categoryView(15);
      rrApi.search("red shoes");
      rrApi.recomMouseDown(5, {methodName: "Alternative", suggester: "block"});
      rrApi.recomMouseDown(6, "Popular");
      rrApi.subscribeOnItemBackInStock("a@b.ru", 11);
      rrApi.subscribeOnPriceDrop("a@b.ru", [{id: 1, price: 9.5}, {id: 2}]);
      rrApi.welcomeSequence("a@b.ru");
      rrApi.order({transaction: 77, stockId: "Spain",
                   items: [{id: 1, qnt: "x", price: "y"}, {id: 1}]});
      rrApi.setKeywords("a"); rrApi.initialized(); rrApi._empty();
    }""")
    await recorder.until(12)
    assert [(each["type"], each["name"], each["data"]) for each in recorder.messages[1:]] == [
        ("identify", "set", {
            "email": "a@b.ru", "gender": "m", "age": 30, "first_name": "Al",
            "birthday": "1990-12-31", "custom": {"size": "44"}, "consent_email": False,
        }),
        ("event", "remove_from_cart", {"items": [{"id": "7"}]}),
        ("event", "cart", {"items": [{"id": "8", "stock": "Spain"}]}),
        ("event", "category", {"category_id": "15"}),
        ("event", "search", {"email": "a@b.ru", "search_query": "red shoes"}),
        ("event", "recommendation_click", {
            "items": [{"id": "5"}], "recommended_by": "block", "recommended_code": "Alternative",
        }),
        ("event", "recommendation_click", {
            "items": [{"id": "6"}], "recommended_by": "recommendation",
            "recommended_code": "Popular",
        }),
        ("subscription", "product_available", {
            "email": "a@b.ru", "items": [{"id": "11"}], "subscribe": True,
        }),
        ("subscription", "product_price_decrease", {
            "email": "a@b.ru", "items": [{"id": "1", "price": 9.5}, {"id": "2"}],
            "subscribe": True,
        }),
        ("subscription", "welcome", {"email": "a@b.ru", "items": [], "subscribe": True}),
        ("event", "purchase", {
            "email": "a@b.ru", "order_id": "77",
            "items": [{"id": "1", "quantity": 2, "price": 0, "stock": "Spain"}],
        }),
    ]  # fmt: skip


async def test_ids_and_listeners_of_retail_rocket(visit: Visit, recorder: Recorder) -> None:
    recorder.pages["ids.html"] = LOADER
    page = await visit("ids.html")
    heard = await page.evaluate("""() => new Promise((resolve) => {
      const heard = [];
      rrApi.view.subscribe((id) => heard.push(["view", id]));
      rrApi.view.subscribe(() => { throw new Error("the page's"); });
      rrApi.viewCompleted.subscribe((id) => { heard.push(["completed", id]); resolve(heard); });
      heard.push(["returned", rrApi.view(4) === undefined]);
      retailrocket.api.pushTrackingCall(() => heard.push(["pushed", 1]));
    })""")
    assert heard == [["view", 4], ["returned", True], ["pushed", 1], ["completed", 4]]
    ids = await page.evaluate("""[retailrocket.api.getPartnerId(), retailrocket.api.getSessionId(),
                                  retailrocket.api.getPartnerVisitorId(), habitue.did()]""")
    assert ids[0] == PARTNER
    assert ids[1] == ids[2] == ids[3] == recorder.batches[0]["did"]
    assert len(ids[1]) == 24


async def test_guests_of_a_template_are_no_customers(visit: Visit, recorder: Recorder) -> None:
    recorder.pages["guest.html"] = LOADER
    page = await visit("guest.html")
    await page.evaluate("""() => {
      for (const id of ["", null, undefined, "null", "undefined", " "]) {
        rrApi.setCustomer({customerId: id});
      }
      rrApi.setCustomer(); rrApi.setCustomer(null); rrApi.setCustomer("x"); rrApi.setEmail("");
      rrApi.setCustomer({customerId: 42, softLinks: {card: 7, empty: ""}, email: "undefined"});
      rrApi.setCustomer({customerId: "", email: "g@b.ru"});
    }""")
    await recorder.until(3)
    assert recorder.named("set") == [
        {"external_id": "42", "links": [{"name": "card", "value": "7"}], "consent_email": True},
        {"email": "g@b.ru", "consent_email": True},
    ]
