"""CEL in Python: `python cel_peer.py WORKLOAD.json` prints what it found and how long it took.

It runs in an environment of its own, and so has nothing but the standard library and the engine. It
answers like the scripts in Node: medians in microseconds, of calls for a cart and then over carts.
"""

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGE = "common-expression-language"


def text(condition: dict[str, Any]) -> str:
    """A condition in CEL."""
    fact, key, value = condition["fact"], condition.get("key"), condition["value"]
    literal = f"{value}.0" if type(value) is int else json.dumps(value)
    if condition["operator"] == "has":
        return f"{literal} in {fact}"
    if key:
        return f'("{key}" in {fact} && double({fact}.{key}) >= {literal})'
    return f"{fact} {condition['operator']} {literal}"


def evaluator(promotions: list[dict[str, Any]]) -> Callable[[dict[str, Any]], list[int]]:
    """What finds the promotions that hold for the facts of a cart."""
    cel = importlib.import_module("cel")
    compiled = [
        (each["id"], cel.compile(" && ".join(map(text, each["conditions"])))) for each in promotions
    ]

    def evaluate(facts: dict[str, Any]) -> list[int]:
        context = cel.Context(facts)
        return [id_ for id_, program in compiled if program.execute(context) is True]

    return evaluate


def microseconds(work: Callable[[], object], workload: dict[str, Any]) -> float:
    """The median time of one call."""
    calls: list[int] = []
    enough = time.perf_counter_ns() + workload["milliseconds"] * 1_000_000
    while len(calls) < workload["calls_max"] and (
        len(calls) < workload["calls_min"] or time.perf_counter_ns() < enough
    ):
        started = time.perf_counter_ns()
        work()
        calls.append(time.perf_counter_ns() - started)
    return statistics.median(calls) / 1_000


def main() -> None:
    workload = json.loads(Path(sys.argv[1]).read_bytes())
    evaluate, carts = evaluator(workload["promotions"]), workload["carts"]
    found = [evaluate(facts) for facts in carts]
    times = [microseconds(partial(evaluate, facts), workload) for facts in carts]
    peer = {"engine": PACKAGE, "version": version(PACKAGE), "found": found}
    print(json.dumps({**peer, "microseconds": statistics.median(times)}))


if __name__ == "__main__":
    main()
