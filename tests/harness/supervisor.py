"""Starts racing processes, lets them start at one moment, and says how much they overlapped.

The processes live as long as the `Racers`; every round opens its own pools, against any database.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.building import Till

ROOT = Path(__file__).parents[2]
HEAD_START_SECONDS = 0.05
Job = dict[str, Any]


class Round(msgspec.Struct, frozen=True):
    """What came of one round. `reports` are per process, in the order of its jobs."""

    reports: tuple[tuple[dict[str, Any], ...], ...]

    @property
    def all(self) -> list[dict[str, Any]]:
        """The reports of all processes."""
        return [report for process in self.reports for report in process]

    @property
    def errors(self) -> list[str]:
        """What went wrong in ways that no caller should ever see."""
        return [each["error"] for each in self.all if "error" in each]

    def count(self, **facts: Any) -> int:
        """How many reports say all of that."""
        return sum(facts.items() <= each.items() for each in self.all if "error" not in each)

    def together(self, subject: str) -> int:
        """How many jobs ran while another one about the same subject was running."""
        subjects: dict[Any, list[dict[str, Any]]] = {}
        for each in self.all:
            subjects.setdefault(each["job"][subject], []).append(each)
        return sum(
            any(
                other["began"] < each["ended"] and each["began"] < other["ended"]
                for other in group
                if other is not each
            )
            for group in subjects.values()
            for each in group
        )

    def overlapping(self) -> int:
        """How many jobs ran while a job of another process was running."""
        spans = [
            (each["began"], each["ended"], number)
            for number, process in enumerate(self.reports)
            for each in process
        ]
        return sum(
            any(
                other_began < ended and began < other_ended and other != number
                for other_began, other_ended, other in spans
            )
            for began, ended, number in spans
        )


class Racers:
    """Racing processes that wait for rounds."""

    def __init__(self, processes: list["subprocess.Popen[str]"]) -> None:
        self._processes = processes

    async def race(
        self, till: Till, url: str, jobs: Sequence[Job], *, lock_wait_seconds: float = 30.0
    ) -> Round:
        """Deals the jobs out in turn and runs them all at once."""
        count = len(self._processes)
        shop = {
            "url": url,
            "application_id": till.application.id,
            "now": till.now.isoformat(),
            "lock_wait_seconds": lock_wait_seconds,
        }
        return await self.start([{**shop, "jobs": jobs[each::count]} for each in range(count)])

    async def start(self, specifications: Sequence[dict[str, Any]]) -> Round:
        """Gives each process its specification and lets all start at once."""
        return await asyncio.to_thread(self._start, specifications)

    def _start(self, specifications: Sequence[dict[str, Any]]) -> Round:
        for process, specification in zip(self._processes, specifications, strict=True):
            _tell(process, json.dumps(specification))
        for process in self._processes:
            assert _hear(process) == "ready\n"
        start = time.monotonic() + HEAD_START_SECONDS
        for process in self._processes:
            _tell(process, repr(start))
        return Round(tuple(tuple(json.loads(_hear(each))) for each in self._processes))


@contextmanager
def racers(count: int, program: str = "tests.harness.racer") -> Iterator[Racers]:
    """That many racing processes, gone when the block ends."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(count)
    ]
    try:
        yield Racers(processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "a racing process has ended; its complaint stands above"
    return line
