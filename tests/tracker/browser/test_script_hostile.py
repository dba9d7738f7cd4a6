"""What pages do to a tracker: every order of loading, broken callbacks, wiped stubs, odd values.

A page that throws because of the tracker fails its test (`visit`).
"""

import base64
import hashlib

from playwright.async_api import Browser

from tests.tracker.browser.recording import LOADER, PARTNER, QUEUE, SHOP, Recorder, Visit


def ids(recorder: Recorder, name: str = "view") -> list[str]:
    """The ids of the items of all messages of that name, in order."""
    return [item["id"] for data in recorder.named(name) for item in data["items"]]


async def test_the_queue_runs_in_order_whenever_it_is_filled(
    visit: Visit, recorder: Recorder
) -> None:
    before = """<script>window.seen = []; rrApiOnReady.push(
      function (p) { seen.push(typeof p.sessionId); rrApi.view(1);
        this.subscribe(function () { seen.push("cycle"); rrApi.view(6); }); },
      function () { rrApi.view(2); throw new Error("the page's"); },
      "not a function", null,
      function () { rrApiOnReady.push(function () { rrApi.view(5); }); rrApi.view(3); },
      function () { rrApi.view(4); });
      window.rrAsyncInit = function () { rrApi.view(7); };</script>"""
    recorder.pages["queue.html"] = LOADER + before
    page = await visit("queue.html")
    returned = await page.evaluate("""rrApiOnReady.push(
      function () { rrApi.view(8); seen.push("now");
      rrApiOnReady.push(function () { rrApi.view(9); }); rrApi.view(10); }, function () {
      throw 0; }, function () { rrApi.view(11); })""")
    assert await page.evaluate("seen") == ["string", "cycle", "now"]
    assert isinstance(returned, int)
    await recorder.until(12)
    assert ids(recorder) == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]


async def test_the_loader_may_run_again_and_wipe_its_methods(
    visit: Visit, recorder: Recorder
) -> None:
    recorder.pages["twice.html"] = LOADER + (
        '<button onmousedown="rrApi.addToBasket(1)">1</button>'
        "<script>var kept = rrApi; function wipe() { window.rrApi = {addToBasket: function () {}};"
        "window.rrApiOnReady = window.rrApiOnReady || []; }</script>"
    )
    page = await visit("twice.html")
    await page.evaluate("wipe()")
    await page.click("button")
    await page.evaluate("""() => { wipe();
      rrApiOnReady.push(function () { rrApi.addToBasket(2); rrApi.setCustomer({customerId: 1}); });
      wipe(); kept.addToBasket(3);
      window.rrApiOnReady = [function () { rrApi.addToBasket(4); }];
      document.body.click(); }""")
    await page.click("body")
    await recorder.until(6)
    assert ids(recorder, "cart") == ["1", "2", "3", "4"]


async def test_the_file_may_be_loaded_again_and_by_its_other_name(
    visit: Visit, recorder: Recorder
) -> None:
    again = "".join(
        f'<script src="https://TRACKER_HOST{name}"></script>'
        for name in ("/content/javascript/api.js", "/content/javascript/tracking.js", "/v3.js")
    )
    calls = (
        '<script>r46("track", "view", 2); rrApiOnReady.push(function(){ rrApi.view(1) })</script>'
    )
    init = f'<script>personaclick("init", "{SHOP}")</script>'
    recorder.pages["both.html"] = LOADER + QUEUE + again + calls + init
    page = await visit("both.html")
    await recorder.until(3)
    await page.evaluate("habitue.flush()")
    assert sorted(each["name"] for each in recorder.messages) == ["page_view", "view", "view"]
    assert {batch["shop"] for batch in recorder.batches} == {PARTNER, SHOP}
    assert recorder.duplicates == 0


async def test_each_file_speaks_its_own_dialect_only(visit: Visit, recorder: Recorder) -> None:
    recorder.pages["rr.html"] = "<script>r46 = function () {}; r46.own = 1</script>" + LOADER
    recorder.pages["pc.html"] = QUEUE
    page = await visit("rr.html")
    assert await page.evaluate("[r46.own, typeof personaclick]") == [1, "undefined"]
    page = await visit("pc.html")
    assert await page.evaluate("[typeof rrApi, typeof r46, r46 === personaclick]") == [
        "undefined", "function", True,
    ]  # fmt: skip


async def test_init_may_stand_anywhere_and_no_command_is_lost(
    visit: Visit, recorder: Recorder
) -> None:
    recorder.pages["last.html"] = (
        QUEUE
        + f"""<script>
      window.stub = r46;
      r46("track", "view", 1);
      window.personaclick = function () {{
        (personaclick.q = personaclick.q || []).push(arguments) }};
      personaclick("track", "view", 2);
      r46("track", "view", 3, function () {{ window.told = 1; throw 1; }});
      r46("init", "{SHOP}", "app_1", null, null, {{}}, true);
      </script>"""
    )
    recorder.pages["never.html"] = QUEUE + '<script>r46("track", "view", 5)</script>'
    page = await visit("last.html")
    await page.evaluate("""() => { personaclick("track", "view", {id: 4}); r46(); r46("nothing");
      stub("track", "view", 5);
      r46("recommend", "x", {}, null, function (e) { window.no = e; }) }""")
    await recorder.until(5)
    assert ids(recorder) == ["2", "1", "3", "4", "5"]
    assert {batch["stream"] for batch in recorder.batches} == {"app_1"}
    await page.wait_for_function("!!window.told && !!window.no")
    late = await visit("never.html")
    await late.evaluate("r46('track', 'view', 6)")
    await late.evaluate(f"r46('init', '{SHOP}')")
    await recorder.until(7)
    assert ids(recorder)[5:] == ["5", "6"]


async def test_odd_values_harm_nobody(visit: Visit, recorder: Recorder) -> None:
    recorder.pages["odd.html"] = LOADER + QUEUE + f'<script>r46("init", "{SHOP}")</script>'
    page = await visit("odd.html")
    await recorder.until(1)
    await page.wait_for_function("!window.r46.q.length")
    failed = await page.evaluate("""() => new Promise((resolve) => {
      Array.prototype.toJSON = function () { return "an old library's"; };
      const ring = {}; ring.ring = ring;
      const thrower = {get id() { throw new Error("the page's"); }};
      for (const odd of [undefined, null, 0, "", NaN, [], {}, ring, document.body, thrower,
                         Object.create(null), Symbol("s"), 1n, () => 1, [null], [ring]]) {
        for (const name of Object.keys(rrApi)) { try { rrApi[name](odd, odd, odd); }
          catch (error) { resolve(name + " threw " + error); } }
        for (const event of ["view", "cart", "category", "purchase", "search", "own", odd]) {
          r46("track", event, odd, odd); }
        r46("profile", "set", odd); r46("profile", odd); r46("subscription", odd, odd);
        r46(odd, odd); r46("segment", odd, odd); r46("loyalty", odd, odd); r46("init", odd && "");
      }
      r46("track", "own", ring, null, (error) => resolve(error));
    })""")
    assert failed == {"status": "error", "message": "what was passed cannot be sent"}
    recorder.stored.clear()
    await page.evaluate("rrApi.groupView([901, 902]); habitue.flush()")
    await page.wait_for_function(
        "!Object.keys(localStorage).some((key) => key.startsWith('habitue.o.'))"
    )
    assert ids(recorder)[-2:] == ["901", "902"]


async def test_pages_without_storage_are_served_from_memory(
    visit: Visit, recorder: Recorder
) -> None:
    block = """<script>Object.defineProperty(window, "localStorage", {get() {
      throw new DOMException("denied", "SecurityError"); }});
      Object.freeze(window.rrApi = {view: function () {}});</script>"""
    recorder.pages["blocked.html"] = block + LOADER
    page = await visit("blocked.html")
    await page.evaluate("Object.freeze(rrApi); rrApiOnReady.push(function () { rrApi.view(1); })")
    await recorder.until(2)
    assert ids(recorder) == ["1"]


async def test_a_strict_policy_with_a_pinned_script(visit: Visit, recorder: Recorder) -> None:
    digest = base64.b64encode(hashlib.sha384(recorder.script).digest()).decode()
    page_text = f"""<!doctype html><script nonce="n">var rrPartnerId = "{PARTNER}";
      var refused = [];
      addEventListener("securitypolicyviolation", (e) => refused.push(e.blockedURI))
      </script><script nonce="n" crossorigin integrity="sha384-{digest}"
      src="https://TRACKER_HOST/content/javascript/tracking.js"></script>"""
    recorder.pages["strict.html"] = page_text
    recorder.pages["wrong.html"] = page_text.replace("sha384-", "sha384-A")
    recorder.headers["content-security-policy"] = (
        f"default-src 'none'; script-src 'nonce-n'; connect-src {recorder.tracker}; "
        "require-trusted-types-for 'script'"
    )
    page = await visit("strict.html")
    await recorder.until(1)
    assert await page.evaluate("refused.filter((each) => !each.endsWith('favicon.ico'))") == []


async def test_robots_and_driven_browsers_are_not_counted(
    browser: Browser, recorder: Recorder
) -> None:
    recorder.pages["bot.html"] = LOADER + QUEUE + f'<script>r46("init", "{SHOP}")</script>'
    people = "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0 Safari/537.36"
    visits = [
        ("Googlebot/2.1 (+http://www.google.com/bot.html)", "false"),
        (people + " HeadlessChrome", "false"),
        (people, "true"),
        (people, "false"),
    ]
    for agent, driven in visits:
        context = await browser.new_context(user_agent=agent)
        script = f"Object.defineProperty(navigator, 'webdriver', {{get: () => {driven}}})"
        await context.add_init_script(script)
        page = await context.new_page()
        await page.goto(f"{recorder.shop}/bot.html")
        answer = await page.evaluate("""() => new Promise((resolve) => {
          r46("track", "view", 1, resolve) })""")
        await context.close()
        assert ("warnings" in answer) == ((agent, driven) == (people, "false"))
    assert sorted(each["name"] for each in recorder.messages) == ["page_view", "view"]


async def test_a_page_rendered_in_advance_begins_when_it_is_looked_at(
    visit: Visit, recorder: Recorder
) -> None:
    ahead = """<script>Object.defineProperty(Document.prototype, "prerendering",
      {get: () => true, configurable: true}); window.habitueOnReady = 1;</script>"""
    recorder.pages["ahead.html"] = (
        ahead + LOADER + "<script>window.habitue = {q: [() => { window.early = 1 }]}</script>"
    )
    page = await visit("ahead.html")
    await page.evaluate("rrApiOnReady.push(function () { rrApi.view(1); })")
    await page.wait_for_timeout(200)
    assert recorder.asked == []
    await page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    await recorder.until(2)
    assert ids(recorder) == ["1"]
    assert await page.evaluate("early") == 1
