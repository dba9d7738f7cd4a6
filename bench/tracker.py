"""What the browser script costs a page: bytes on the way, and time of the page's main thread.

    python -m bench.tracker [--loads 15] [--slowdowns 1 4] [--json]

A real Chromium opens a shop's page again and again, each time as a visitor it has not seen, with
Retail Rocket's loader (a customer's card and a view in the queue) or PersonaClick's. From the
browser's own trace come the milliseconds that the page's main thread spent on the script: *load* is
to compile and run the file, queue and all; *all* adds whatever it does in the three seconds after,
the sending of the first batch included. Only tasks of this file count. `slowdown` is the browser's
own brake on its processor, 4 for a middling telephone. Every load must have stored its messages.
The peers' sizes are figures that were published, or measured from what was published; they are not
measured here.
"""

import argparse
import asyncio
import gzip
import json
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from playwright.async_api import Browser, async_playwright
from tests.tracker.browser.conftest import chromium
from tests.tracker.browser.recording import LOADER, QUEUE, SHOP, Recorder

from bench.measuring import percentile

WAIT_MS = 3_000
#: Bytes after gzip -9, from contracts/tracker/SPEC.md section 6; the last two were minified first.
PEERS = {
    "@jitsu/sdk-js 3.1.5": 8_284,
    "@snowplow/browser-tracker 4.10.1": 17_423,
    "Retail Rocket tracking.js (2020)": 18_466,
    "@jitsu/js 1.11.0": 28_262,
    "@segment/analytics-next 1.84.3": 31_322,
    "@rudderstack/analytics-js 3.34.1": 33_498,
    "posthog-js 1.449.2 array.js": 122_168,
}
PAGES = {
    "tracking.js": LOADER
    + """<script>rrApiOnReady.push(function () {
  rrApi.setCustomer({customerId: "C-1", email: "olga@examplemail.com", phone: "81112223344"});
  rrApi.view(1637);
});</script>""",
    "v3.js": QUEUE
    + f"""<script>r46("init", "{SHOP}");
r46("profile", "set", {{id: 1, email: "olga@examplemail.com"}}); r46("track", "view", 37);
</script>""",
}
MESSAGES = {"tracking.js": 3, "v3.js": 2}
_TASKS = ("EvaluateScript", "FunctionCall", "v8.compile", "TimerFire", "RunMicrotasks")


class Timing(msgspec.Struct):
    """Milliseconds of the main thread, over all loads of one page at one slowdown."""

    page: str
    slowdown: int
    loads: int
    load_ms_median: float
    load_ms_p95: float
    all_ms_median: float
    all_ms_p95: float


class Outcome(msgspec.Struct):
    """Sizes of the script, and timings."""

    bytes: int
    gzip_bytes: int
    browser: str
    timings: list[Timing]


class Spent(msgspec.Struct):
    """One load: milliseconds to run the file, and all that the file's functions took."""

    load_ms: float
    all_ms: float


def spent(trace: Iterable[dict[str, Any]], host: str) -> Spent:
    """What a trace says of the host's file. Of tasks within one another the outer counts."""
    ours = sorted(
        (
            (each["tid"], each["ts"], each.get("dur", 0), each["name"])
            for each in trace
            if each.get("ph") == "X" and each["name"] in _TASKS and _address(each).startswith(host)
        ),
        key=lambda task: (task[0], task[1], -task[2]),
    )
    load = total = 0
    thread, end = None, 0
    for tid, start, length, name in ours:
        if tid == thread and start + length <= end:
            continue
        thread, end = tid, start + length
        total += length
        load += length if name in ("EvaluateScript", "v8.compile") else 0
    return Spent(load / 1000, total / 1000)


def _address(event: dict[str, Any]) -> str:
    inner = event.get("args", {}).get("data", {})
    return str(inner.get("url", "")) or str(event.get("args", {}).get("fileName", ""))


async def one_load(browser: Browser, recorder: Recorder, page: str, slowdown: int) -> Spent:
    """Opens the page once, as a new visitor. Raises AssertionError where messages got lost."""
    recorder.stored.clear()
    context = await browser.new_context()
    await context.add_init_script("window.habitueOptions = {bots: true}")
    tab = await context.new_page()
    session = await context.new_cdp_session(tab)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    await browser.start_tracing(page=tab, categories=["devtools.timeline", "v8", "blink"])
    await tab.goto(f"{recorder.shop}/{page}")
    await tab.wait_for_timeout(WAIT_MS)
    trace = json.loads(await browser.stop_tracing())["traceEvents"]
    await context.close()
    assert len(recorder.stored) == MESSAGES[page], recorder.messages
    return spent(trace, recorder.tracker)


async def measure(loads: int, slowdowns: Sequence[int]) -> Outcome:
    """Sizes, and a timing for each page and slowdown."""
    recorder = Recorder()
    recorder.pages.update(PAGES)
    await recorder.open()
    timings = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), timeout=120_000)
        for page in PAGES:
            for slowdown in slowdowns:
                seen = [await one_load(browser, recorder, page, slowdown) for _ in range(loads)]
                timings.append(_timing(page, slowdown, seen))
        version = browser.version
        await browser.close()
    await recorder.close()
    script = recorder.script
    return Outcome(len(script), len(gzip.compress(script, 9)), version, timings)


def _timing(page: str, slowdown: int, seen: list[Spent]) -> Timing:
    load, total = [each.load_ms for each in seen], [each.all_ms for each in seen]
    return Timing(
        page,
        slowdown,
        len(seen),
        statistics.median(load),
        percentile(load, 0.95),
        statistics.median(total),
        percentile(total, 0.95),
    )


def table(outcome: Outcome) -> str:
    """The outcome for people."""
    sizes = {"Habitue": outcome.gzip_bytes, **PEERS}
    lines = ["| script | gzip bytes | against ours |", "|---|---|---|"]
    lines += [
        f"| {name} | {size:,} | {size / outcome.gzip_bytes:.1f} |" for name, size in sizes.items()
    ]
    lines += ["", "| file | slowdown | load ms | p95 | all ms | p95 |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {each.page} | {each.slowdown} | {each.load_ms_median:.2f} | {each.load_ms_p95:.2f} "
        f"| {each.all_ms_median:.2f} | {each.all_ms_p95:.2f} |"
        for each in outcome.timings
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the browser script costs a page.")
    parser.add_argument("--loads", type=int, default=15)
    parser.add_argument("--slowdowns", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    outcome = asyncio.run(measure(options.loads, options.slowdowns))
    if options.json:
        print(msgspec.json.encode(outcome).decode())
        return
    print(f"{outcome.bytes:,} bytes, {outcome.gzip_bytes:,} after gzip; {outcome.browser}")
    print(table(outcome))


if __name__ == "__main__":
    main()
