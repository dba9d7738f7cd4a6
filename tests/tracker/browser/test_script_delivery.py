"""Nothing is lost, nothing is stored twice: batches, failures, closed tabs, outboxes, consent."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.tracker.browser.recording import LOADER, QUEUE, SHOP, Recorder, Visit

PAGE = QUEUE + f'<script>r46("init", "{SHOP}")</script>'
UNASKED = '<script>habitueOptions.consent = "unknown"</script>'


@pytest.fixture
async def page(visit: Visit, recorder: Recorder) -> Page:
    """A page of a visitor whom the collector knows."""
    recorder.pages["page.html"] = PAGE
    recorder.pages["asking.html"] = UNASKED + PAGE
    opened = await visit("page.html")
    await opened.evaluate("new Promise((done) => r46('did', done))")
    return opened


async def track(page: Page, first: int, last: int) -> None:
    """Events numbered from `first` to `last`."""
    await page.evaluate(
        "([a, b]) => { for (let n = a; n <= b; n++) r46('track', 'own', {n}) }", [first, last]
    )


def numbers(recorder: Recorder) -> list[int]:
    """The numbers of the stored events, in the order of arrival."""
    return [data["n"] for data in recorder.named("own")]


async def outbox(page: Page) -> list[Any]:
    """What is in the outboxes of the shop's pages."""
    texts = await page.evaluate("""Object.keys(localStorage)
      .filter((key) => key.startsWith("habitue.o.")).map((key) => localStorage[key])""")
    return [each for text in texts for each in json.loads(text)[1:]]


async def until_empty(page: Page) -> None:
    """Waits until nothing is left to be sent."""
    await page.wait_for_function(
        "!Object.keys(localStorage).some((key) => key.startsWith('habitue.o.'))"
    )


async def test_ten_go_at_once_and_the_rest_after_two_seconds(
    page: Page, recorder: Recorder
) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await track(page, 1, 25)
    await recorder.until(20, hurry=False)
    assert loop.time() - started < 1.5
    await recorder.until(25, hurry=False)
    assert 1.5 < loop.time() - started < 4
    assert numbers(recorder) == list(range(1, 26))
    assert [len(batch["messages"]) for batch in recorder.batches] == [10, 10, 5]
    await until_empty(page)


async def test_a_big_message_goes_alone_and_a_huge_one_is_refused(
    page: Page, recorder: Recorder
) -> None:
    error = await page.evaluate("""() => new Promise((resolve) => {
      for (const n of [1, 2, 3]) r46("track", "own", {n, text: "я".repeat(12000)});
      r46("track", "own", {n: 4, text: "x".repeat(90000)});
      r46("track", "own", {n: 5, text: "x".repeat(300000)}, null, resolve); })""")
    assert error["status"] == "error"
    await recorder.until(4)
    assert numbers(recorder) == [1, 2, 3, 4]
    assert [len(batch["messages"]) for batch in recorder.batches] == [1, 1, 1, 1]


async def test_a_server_that_is_down_and_comes_back(page: Page, recorder: Recorder) -> None:
    await track(page, 1, 15)
    await recorder.until(10, hurry=False)
    port = await recorder.stop_collector()
    await track(page, 16, 40)
    await asyncio.sleep(0.6)
    assert [each["m"]["data"]["n"] for each in await outbox(page)] == list(range(11, 41))
    await recorder.start_collector(port)
    await recorder.until(40, hurry=False)
    assert sorted(numbers(recorder)) == list(range(1, 41))
    assert recorder.duplicates == 0
    await until_empty(page)


async def test_a_server_that_asks_for_patience_is_given_it(page: Page, recorder: Recorder) -> None:
    recorder.failing = [(503, {"retry-after": "1"}), (429, {}), (500, {})]
    loop = asyncio.get_running_loop()
    started = loop.time()
    await track(page, 1, 12)
    await recorder.until(12, hurry=False)
    assert loop.time() - started > 1
    assert numbers(recorder) == list(range(1, 13))


async def test_an_answer_that_got_lost_stores_nothing_twice(page: Page, recorder: Recorder) -> None:
    recorder.lose_answers = 2
    await track(page, 1, 20)
    await recorder.until(20)
    await until_empty(page)
    assert recorder.duplicates >= 10
    assert numbers(recorder) == list(range(1, 21))


async def test_offline_and_online_again(
    page: Page, context: BrowserContext, recorder: Recorder
) -> None:
    await context.set_offline(True)
    await track(page, 1, 30)
    await asyncio.sleep(0.3)
    assert recorder.messages == []
    await context.set_offline(False)
    await recorder.until(30, hurry=False)
    assert numbers(recorder) == list(range(1, 31))


async def test_a_tab_that_is_closed_in_the_middle(page: Page, recorder: Recorder) -> None:
    recorder.delay_seconds = 0.2
    await track(page, 1, 25)
    recorder.tabs.clear()
    await page.close(run_before_unload=True)
    await recorder.until(25)
    assert sorted(numbers(recorder)) == list(range(1, 26))


async def test_a_page_that_is_left_for_the_next(
    page: Page, visit: Visit, recorder: Recorder
) -> None:
    recorder.delay_seconds = 0.2
    await track(page, 1, 5)
    await page.goto(f"{recorder.shop}/page.html")
    await page.evaluate("r46('track', 'own', {n: 6})")
    await recorder.until(6)
    await until_empty(page)
    assert sorted(numbers(recorder)) == [1, 2, 3, 4, 5, 6]


async def test_a_tab_closed_while_the_server_is_down(
    page: Page, visit: Visit, recorder: Recorder
) -> None:
    port = await recorder.stop_collector()
    await track(page, 1, 12)
    before = await page.evaluate("Date.now()")
    recorder.tabs.clear()
    await page.close(run_before_unload=True)
    await recorder.start_collector(port)
    later = await visit("page.html")
    await recorder.until(12)
    await until_empty(later)
    assert sorted(numbers(recorder)) == list(range(1, 13))
    assert all(each["at"] <= before for each in recorder.messages)


async def test_a_tab_that_crashed(
    page: Page, visit: Visit, context: BrowserContext, recorder: Recorder
) -> None:
    port = await recorder.stop_collector()
    await track(page, 1, 3)
    session = await context.new_cdp_session(page)
    crashed = asyncio.ensure_future(page.wait_for_event("crash"))
    crash = asyncio.ensure_future(session.send("Page.crash"))
    await crashed
    crash.cancel()
    await page.close()
    recorder.tabs.clear()
    await recorder.start_collector(port)
    # A hundred seconds later.
    await context.add_init_script("{ const now = Date.now; Date.now = () => now() + 100000 }")
    await visit("page.html")
    await recorder.until(3)
    assert numbers(recorder) == [1, 2, 3]


async def test_the_outbox_has_bounds(page: Page, visit: Visit, context: BrowserContext) -> None:
    await context.set_offline(True)
    await track(page, 1, 300)
    await asyncio.sleep(0.1)
    assert [each["m"]["data"]["n"] for each in await outbox(page)] == list(range(101, 301))
    await page.evaluate("""for (let n = 301; n <= 320; n++)
      r46("track", "own", {n, text: "x".repeat(10000)})""")
    await asyncio.sleep(0.1)
    kept = await outbox(page)
    assert [each["m"]["data"]["n"] for each in kept] == list(range(309, 321))


async def test_messages_of_last_week_and_broken_outboxes_are_dropped(
    page: Page, visit: Visit, recorder: Recorder
) -> None:
    await page.evaluate("""() => { const c = {shop: "s", stream: "web", sid: "1", page: {}};
      const m = (id, days) => ({c, m: {id, at: Date.now() - days * 86400000, type: "event",
                                       name: "own", data: {n: days}, dialect: "r46"}});
      localStorage["habitue.o.old"] = JSON.stringify([0, m("a", 8), m("b", 6), null, {c}]);
      localStorage["habitue.o.bad"] = "{not json"; localStorage["habitue.o.odd"] = "null"; }""")
    fresh = await visit("page.html")
    await recorder.until(1)
    await until_empty(fresh)
    assert numbers(recorder) == [6]


async def test_a_poisoned_message_harms_only_itself(page: Page, recorder: Recorder) -> None:
    recorder.poison = {"bad"}
    failed = page.evaluate("""new Promise((resolve) => { r46("track", "own", {n: 1});
      r46("track", "bad", {}, null, resolve); r46("track", "own", {n: 2}) })""")
    assert (await failed)["message"] == "poison"
    await recorder.until(2)
    assert numbers(recorder) == [1, 2]
    recorder.poison = set()
    recorder.failing = [(403, {})]
    error = await page.evaluate("new Promise((no) => r46('track', 'own', {n: 3}, null, no))")
    assert error == {"status": "error", "message": "not now"}
    await until_empty(page)
    assert numbers(recorder) == [1, 2]


async def test_what_the_server_chokes_on_keeps_nothing_back(page: Page, recorder: Recorder) -> None:
    recorder.failing = [(500, {})] * 5
    await page.evaluate("Math.random = () => 0")
    await track(page, 1, 30)
    await recorder.until(30)
    assert sorted(numbers(recorder)) == list(range(1, 31))
    assert numbers(recorder)[0] == 11


async def test_consent_is_waited_for_and_original_times_kept(
    page: Page, visit: Visit, recorder: Recorder
) -> None:
    await page.evaluate("localStorage.clear()")
    asking = await visit("asking.html")
    await track(asking, 1, 12)
    before = await asking.evaluate("Date.now()")
    await asyncio.sleep(0.3)
    assert await asking.evaluate("[habitue.consent(), localStorage.length]") == ["unknown", 0]
    assert recorder.messages == []
    assert await asking.evaluate("habitue.consent('granted')") == "granted"
    await recorder.until(12)
    assert numbers(recorder) == list(range(1, 13))
    assert all(each["at"] <= before for each in recorder.messages)
    assert recorder.batches[0]["consent"] == "granted"
    again = await visit("asking.html")
    assert await again.evaluate("habitue.consent()") == "granted"


async def test_a_refusal_stores_and_sends_nothing(
    page: Page, visit: Visit, recorder: Recorder
) -> None:
    asking = await visit("asking.html")
    await track(asking, 1, 3)
    assert await asking.evaluate("habitue.consent('denied')") == "denied"
    recorder.asked.clear()
    answers = await asking.evaluate("""Promise.all([
      new Promise((done) => r46("track", "own", {n: 4}, done)),
      new Promise((done) => r46("profile", "get", done))])""")
    assert answers[0] == {"status": "success", "stored": 0}
    assert answers[1] == {"gender": None, "fashion": {"sizes": {"shoe": None}}}
    again = await visit("page.html")
    await track(again, 5, 20)
    await asyncio.sleep(0.3)
    assert await again.evaluate("Object.assign({}, localStorage)") == {"habitue.consent": "denied"}
    assert recorder.asked == []
    assert recorder.messages == []
    await again.evaluate("habitue.consent('granted'); r46('track', 'own', {n: 21})")
    await recorder.until(1)
    assert numbers(recorder) == [21]


async def test_the_vendors_own_way_to_refuse(visit: Visit, recorder: Recorder) -> None:
    recorder.pages["no.html"] = (
        QUEUE
        + f"""<script>
      r46("init", "{SHOP}", null, null, null, {{consent: false}}); r46("track", "own", {{n: 1}});
      </script>"""
    )
    page = await visit("no.html")
    await asyncio.sleep(0.3)
    assert recorder.asked == []
    assert await page.evaluate("[localStorage.length, habitue.consent()]") == [0, "denied"]


async def test_the_servers_cookie_outlives_the_browsers_storage(
    page: Page, visit: Visit, recorder: Recorder
) -> None:
    await track(page, 1, 1)
    await recorder.until(1)
    known = await page.evaluate("habitue.did()")
    await page.evaluate("localStorage.clear()")
    fresh = await visit("page.html")
    await track(fresh, 2, 2)
    await recorder.until(2)
    assert await fresh.evaluate("habitue.did()") == known
    assert {did for _, did, _ in recorder.stored} == {known}
    assert await fresh.evaluate("document.cookie") == ""


async def test_sessions(page: Page, visit: Visit, recorder: Recorder) -> None:
    await track(page, 1, 1)
    other = await visit("page.html")
    await track(other, 2, 2)
    await recorder.until(2)
    await other.evaluate("r46('reset_session'); r46('track', 'own', {n: 3})")
    await recorder.until(3)
    await other.evaluate("""() => { const now = Date.now; Date.now = () => now() + 7300000;
      r46('track', 'own', {n: 4}) }""")
    await recorder.until(4)
    first, second, third, fourth = (batch["sid"] for batch in recorder.batches)
    assert first == second
    assert len({second, third, fourth}) == 3


async def test_first_visits_in_several_tabs_are_one_device(
    browser: Browser, recorder: Recorder
) -> None:
    recorder.pages["first.html"] = LOADER + PAGE
    context = await browser.new_context()
    await context.add_init_script("window.habitueOptions = {bots: true}")
    tabs = [await context.new_page() for _ in range(3)]
    await asyncio.gather(*(tab.goto(f"{recorder.shop}/first.html") for tab in tabs))
    await recorder.until(3)
    await context.close()
    assert len({did for _, did, _ in recorder.stored}) == 1
