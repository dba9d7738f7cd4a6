"""Processor time of processes, latencies, and the figures made of them.

Words: a *run* is one load for a while, by one tool; its *window* begins after the warm-up, and
requests per second and latencies are of the window. Processor time is of the whole run, divided by
all its requests.
"""

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

Options = TypeVar("Options")
Outcome = TypeVar("Outcome")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Run(msgspec.Struct, frozen=True):
    """One run; processor times (us) and bytes of the write-ahead log (KB) are per request."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    server_us: float
    postgres_us: float
    client_us: float
    log_kb: float


class Load(msgspec.Struct, frozen=True):
    """What a load generator saw: all its requests, and the latencies of those in the window."""

    requests: int
    window_seconds: float
    window_ms: Sequence[float]
    client_seconds: float


def run_bench(
    options_of: Callable[[Sequence[str]], tuple[Options, Path | None]],
    measure: Callable[[Options, Path], Awaitable[Outcome]],
    table: Callable[[Outcome], str],
) -> None:
    """A benchmark as the command line asks for it: its table is printed, and its figures are
    written as JSON where a file is named. `measure` gets a directory that is gone afterwards."""
    options, file = options_of(sys.argv[1:])

    async def measured(directory: str) -> Outcome:
        return await measure(options, Path(directory))

    with tempfile.TemporaryDirectory(prefix="habitue-bench-") as directory:
        outcome = asyncio.run(measured(directory))
    print(table(outcome))
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))


def median_of(runs: Sequence[Run]) -> Run:
    """The median of each figure."""
    columns = zip(*(msgspec.structs.astuple(run) for run in runs), strict=True)
    requests, *others = (statistics.median(column) for column in columns)
    return Run(int(requests), *others)


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of `values` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def processor_seconds(root: int) -> float:
    """The processor time of a process, of its descendants, and of those that have ended."""
    children = _children()
    waiting, ticks = [root], 0
    while waiting:
        process = waiting.pop()
        ticks += _ticks(process)
        waiting += children.get(process, [])
    return ticks / _TICKS_PER_SECOND


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for process in _processes():
        fields = _fields(process)
        if fields:
            found.setdefault(int(fields[1]), []).append(process)
    return found


def _processes() -> Iterable[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _ticks(process: int) -> int:
    fields = _fields(process)
    return sum(map(int, fields[11:15]))


def _fields(process: int) -> list[str]:
    """What the kernel says of a process, from its state on; nothing where it has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
