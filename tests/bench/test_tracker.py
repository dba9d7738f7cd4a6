"""The tracker benchmark runs and counts; how fast the script is is nobody's assertion."""

from typing import Any

from bench.tracker import PAGES, PEERS, measure, spent, table


async def test_one_load_of_each_page() -> None:
    outcome = await measure(1, [1])
    assert [(each.page, each.loads) for each in outcome.timings] == [(name, 1) for name in PAGES]
    assert all(0 < each.load_ms_median < each.all_ms_median for each in outcome.timings)
    assert outcome.gzip_bytes <= 8_000 < min(PEERS.values())
    assert len(table(outcome).splitlines()) == 2 + 1 + len(PEERS) + 1 + 2 + len(PAGES)


def test_only_outer_tasks_of_the_file_count() -> None:
    def task(name: str, ts: int, dur: int, url: str, tid: int = 1) -> dict[str, Any]:
        args = {"data": {"url": url}}
        return {"ph": "X", "name": name, "ts": ts, "dur": dur, "tid": tid, "args": args}

    ours, other = "http://t/v3.js", "http://shop/v3.html"
    trace = [
        task("FunctionCall", 9_000, 500, ours),
        task("EvaluateScript", 1_000, 3_000, ours),
        task("v8.compile", 1_100, 200, ours),
        task("FunctionCall", 2_000, 100, ours),
        task("EvaluateScript", 5_000, 3_000, other),
        task("Layout", 8_000, 300, ours),
    ]
    found = spent(trace, "http://t")
    assert (found.load_ms, found.all_ms) == (3.0, 3.5)
