"""Each event is stored once, whatever happens on its way: the real server, PostgreSQL and Chromium.

Four pages of two visitors tell numbered events as fast as the server takes them. Meanwhile the
server is killed and started again, the network goes away and comes back, and pages are closed with
a batch under way and opened again. A page that is opened again goes on where the page before
stopped, so every number is told once; in the end every number has to be there once.

`HABITUE_TRACKER_EVENTS` is how many events are told, 2,000 unless it says otherwise; what was
measured is printed.
"""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Page, Response

from habitue.store.database import Database, open_database
from habitue.store.location import External
from tests.conftest import fresh_database
from tests.serving import COMMAND, ROOT
from tests.tracker.browser.recording import QUEUE, Recorder
from tests.tracker.conftest import SHOP_LONG, make_shop

EVENTS = int(os.environ.get("HABITUE_TRACKER_EVENTS", "2000"))
VISITORS, PAGES_EACH = 2, 2
#: How often each mishap comes: at least once, and about every 10,000 events.
ROUNDS = max(1, EVENTS // 10_000)
PATIENCE_SECONDS = 40 + EVENTS / 100
#: The pages of one visitor may wait for 200 events together: more a closed page does not keep.
WAITING_MAX = 60
#: Few events are told slowly, so that every mishap meets some.
PAUSE_MS = 5 if EVENTS > 10_000 else 40
PAGE = (
    QUEUE
    + f"""<script>
r46("init", "{SHOP_LONG}");
const asked = new URLSearchParams(location.search), place = "told." + asked.get("first");
const waiting = () => Object.keys(localStorage).filter((key) => key.startsWith("habitue.o."))
  .reduce((sum, key) => sum + localStorage[key].split('"type":"event"').length - 1, 0);
const left = () => asked.get("end") - (localStorage[place] || asked.get("first"));
setInterval(() => {{
  let next = +(localStorage[place] || asked.get("first"));
  if (waiting() > {WAITING_MAX}) return;
  for (let n = 0; n < 10 && next < +asked.get("end"); n++) {{
    r46("track", "own_event", {{value: next++}});
  }}
  localStorage[place] = next;
}}, {PAUSE_MS});
</script>"""
)
TOLD = """
SELECT count(*), count(DISTINCT number), min(number), max(number)
FROM (SELECT (document #>> '{custom,value}')::int AS number FROM customer_event
WHERE name = 'own_event') AS told"""


class Server:
    """`habitue serve` over one database, always on the same port."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._port = 0
        self.base = ""
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it serves."""
        self._process = subprocess.Popen(
            [*COMMAND, "serve", "--port", str(self._port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, "HABITUE_DATABASE_URL": self._url},
        )
        assert self._process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self._process.stdout.readline())
        assert found is not None
        self.base, self._port = found[0], int(found[1])

    def kill(self) -> None:
        """Ends it without a word, as a loss of power would."""
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        """Ends it as an administrator would."""
        self._process.terminate()
        self._process.communicate()


class Crowd:
    """The visitors and their pages, each page with numbers of its own."""

    def __init__(self, shop: Recorder, contexts: list[BrowserContext]) -> None:
        self._shop, self._contexts = shop, contexts
        self._pages: list[Page] = []
        self.duplicates = 0
        self._hearing: set[asyncio.Task[None]] = set()

    async def come(self) -> None:
        """Opens all pages."""
        for context in self._contexts:
            context.on("response", self._hear)
        for number in range(VISITORS * PAGES_EACH):
            self._pages.append(await self._open(number))

    async def _open(self, number: int) -> Page:
        page = await self._contexts[number % VISITORS].new_page()
        first, end = (EVENTS * each // (VISITORS * PAGES_EACH) for each in (number, number + 1))
        await page.goto(f"{self._shop.shop}/events.html?first={first}&end={end}")
        return page

    async def reopen(self) -> None:
        """Closes the page that has most to tell yet, with events under way, and opens it again."""
        left = [await page.evaluate("left()") for page in self._pages]
        number = left.index(max(left))
        assert left[number] > 0
        await self._pages[number].wait_for_function("waiting()")
        await self._pages[number].close(run_before_unload=True)
        self._pages[number] = await self._open(number)

    async def go_offline(self, number: int) -> None:
        """Takes the network from a visitor for a while."""
        await self._contexts[number].set_offline(True)
        await asyncio.sleep(0.5)
        await self._contexts[number].set_offline(False)

    async def hurry(self) -> None:
        """Spares the test the growing pauses between attempts."""
        for page in self._pages:
            await page.evaluate("dispatchEvent(new Event('online'))")

    async def finished(self) -> None:
        """Waits until the pages have told everything and hold nothing back."""
        for page in self._pages:
            await page.wait_for_function("!waiting() && !left()", timeout=PATIENCE_SECONDS * 1000)
        await asyncio.gather(*self._hearing)

    def _hear(self, response: Response) -> None:
        if response.url.endswith("/v1/collect"):
            task = asyncio.ensure_future(self._count(response))
            self._hearing.add(task)
            task.add_done_callback(self._hearing.discard)

    async def _count(self, response: Response) -> None:
        # The answer to a page that has gone cannot be read.
        with suppress(Error):
            self.duplicates += (await response.json())["duplicates"]


@pytest.fixture
async def contexts(browser: Browser) -> AsyncIterator[list[BrowserContext]]:
    """The browsers of the visitors."""
    opened = [await browser.new_context() for _ in range(VISITORS)]
    for context in opened:
        await context.add_init_script("window.habitueOptions = {bots: true}")
    yield opened
    for context in opened:
        await context.close()


@pytest.mark.timeout(PATIENCE_SECONDS * 4)
async def test_every_event_is_stored_once(
    contexts: list[BrowserContext], recorder: Recorder, server_url: str, template: str
) -> None:
    async with fresh_database(server_url, template) as url:
        await make_shop(url, tracker_new_devices_per_minute=0)
        server = Server(url)
        try:
            async with open_database(External(url)) as database:
                await recorder.stop_collector()
                recorder.tracker = server.base
                recorder.pages["events.html"] = PAGE
                await _tell_all(Crowd(recorder, contexts), server, database)
        finally:
            server.stop()


async def _tell_all(crowd: Crowd, server: Server, database: Database) -> None:
    started = monotonic()
    await crowd.come()
    steps = ROUNDS * 4
    for step in range(steps):
        await _until(database, EVENTS * (step + 1) // (steps + 2))
        if step % 4 == 0:
            server.kill()
            await asyncio.sleep(0.3)
            server.start()
            await crowd.hurry()
        elif step % 4 == 1:
            await crowd.go_offline(step // 4 % VISITORS)
        elif step % 4 == 2:
            await crowd.reopen()
        else:
            # Both at once: what the page could not send waits for the next one.
            server.kill()
            reopened = asyncio.ensure_future(crowd.reopen())
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.start)
            await reopened
            await crowd.hurry()
    await crowd.finished()
    seconds = monotonic() - started
    assert tuple(await database.fetchrow(TOLD) or ()) == (EVENTS, EVENTS, 0, EVENTS - 1)
    assert await database.fetchval("SELECT count(*) FROM customer WHERE anonymous") == VISITORS
    print(
        f"{EVENTS:,} events stored once in {seconds:.1f} s; {crowd.duplicates:,} duplicates refused"
        f"; server killed {ROUNDS * 2} times, visitor offline {ROUNDS}, page closed {ROUNDS * 2}"
    )


async def _until(database: Database, count: int) -> None:
    """Waits until so many events are stored."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await database.fetchrow(TOLD) or (0,))[0] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02 if EVENTS < 10_000 else 0.5)
