"""Chromium, the script and the collector of a real server: from a shop's page to the card."""

import asyncio
import json
import os
import re
import subprocess

import pytest
from playwright.async_api import BrowserContext, Page

from habitue.store.database import Database, open_database
from habitue.store.location import External
from tests.conftest import fresh_database
from tests.serving import COMMAND, ROOT
from tests.tracker.browser.recording import QUEUE, Recorder
from tests.tracker.conftest import SHOP_LONG, Tracked, make_shop


@pytest.fixture
async def shop(recorder: Recorder, tracked: Tracked) -> Recorder:
    """The shop's pages, pointing at the real server."""
    await recorder.stop_collector()
    recorder.tracker = tracked.front.base
    return recorder


async def opened(context: BrowserContext, shop: Recorder, name: str) -> Page:
    """A page of the shop, with the ids of this shop's key."""
    page = await context.new_page()
    await page.goto(f"{shop.shop}/{name}")
    await page.wait_for_function("!!window.habitue")
    return page


async def sent(page: Page) -> None:
    """Waits until the collector has everything."""
    await page.evaluate("habitue.flush()")
    await page.wait_for_function(
        "!Object.keys(localStorage).some((key) => key.startsWith('habitue.o.'))"
    )


async def test_retail_rockets_page_makes_cards(
    context: BrowserContext, shop: Recorder, tracked: Tracked
) -> None:
    page = await opened(context, shop, "rr-without-stocks.html")
    await sent(page)
    olga = tracked.customer("externalId", "C-1001")
    assert olga is not None
    assert tracked.customer("externalId", "customerId") is not None
    assert tracked.customer("email", "olga@examplemail.com") == olga
    assert tracked.customer("mobile", "71112223344") == olga


async def test_personaclicks_page_makes_cards_and_reads_back(
    context: BrowserContext, shop: Recorder, tracked: Tracked
) -> None:
    text = (ROOT / "tests/tracker/browser/pages/personaclick.html").read_text()
    shop.pages["pc.html"] = re.sub(r'"init", "\w+"', f'"init", "{SHOP_LONG}"', text)
    page = await opened(context, shop, "pc.html")
    await page.wait_for_function("document.title.includes('/')")
    await sent(page)
    assert tracked.customer("externalId", "100500") is not None
    profile = await page.evaluate("new Promise((read) => personaclick('profile', 'get', read))")
    assert "examplemail" not in json.dumps(profile)
    assert isinstance(profile["fashion"]["sizes"], dict)
    device = await page.evaluate("habitue.did()")
    cookies = await context.cookies(shop.tracker)
    (cookie,) = [each for each in cookies if each["value"] == device]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


async def test_the_server_is_killed_and_comes_back(
    context: BrowserContext, recorder: Recorder, server_url: str, template: str
) -> None:
    async with fresh_database(server_url, template) as url:
        await make_shop(url, tracker_new_devices_per_minute=0)
        async with open_database(External(url)) as database:
            await recorder.stop_collector()
            await _kill_and_restart(context, recorder, url, database)


async def _kill_and_restart(
    context: BrowserContext, shop: Recorder, url: str, database: Database
) -> None:
    process, base = _start(url, 0)
    port = int(base.rsplit(":", 1)[1])
    shop.tracker = base
    shop.pages["events.html"] = QUEUE + f'<script>r46("init", "{SHOP_LONG}")</script>'
    page = await opened(context, shop, "events.html")
    await page.evaluate("""() => { let n = 0; const clock = setInterval(() => {
      for (let k = 0; k < 10; k++) r46("track", "own_event", {value: n++});
      if (n >= 1000) clearInterval(clock); }, 10) }""")
    await asyncio.sleep(0.5)
    process.kill()
    process.communicate()
    await asyncio.sleep(0.3)
    process, _ = _start(url, port)
    try:
        await page.wait_for_timeout(500)
        await page.evaluate("dispatchEvent(new Event('online'))")
        async with asyncio.timeout(40):
            while await _own_events(database) < 1000:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await sent(page)
        assert await _own_events(database) == 1000
    finally:
        process.terminate()
        process.communicate()


def _start(url: str, port: int) -> tuple["subprocess.Popen[str]", str]:
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "HABITUE_DATABASE_URL": url},
    )
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found is not None
    return process, found[0]


async def _own_events(database: Database) -> int:
    return int(
        await database.fetchval("SELECT count(*) FROM customer_event WHERE name = 'own_event'")
    )
