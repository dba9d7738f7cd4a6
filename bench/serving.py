"""Server processes to be measured: `habitue serve`, as anybody would start it, and the ceiling."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.ceiling import Plan

_COMMAND = (sys.executable, "-m", "habitue.edges.cli", "serve")


class Server(NamedTuple):
    """A server that can serve: its first process, and its port."""

    process: int
    port: int


def served(
    directory: Path, database: Sequence[str], workers: int
) -> AbstractContextManager[Server]:
    """`habitue serve` for the length of the block; its logs go into a file in `directory`.

    Raises RuntimeError where it does not start.
    """
    command = [*_COMMAND, *database, "--workers", str(workers), "--port", "0"]
    return _running(command, directory / f"server-{workers}.log")


def ceiling_served(directory: Path, plan: Plan) -> AbstractContextManager[Server]:
    """The server of `bench.ceiling` for that plan, likewise."""
    file = directory / f"ceiling-{plan.workers}.json"
    file.write_bytes(msgspec.json.encode(plan))
    command = [sys.executable, "-m", "bench.ceiling", str(file)]
    return _running(command, file.with_suffix(".log"))


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[Server]:
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        found = re.search(r":(\d+)$", line.strip())
        if found is None:
            raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")
        yield Server(process.pid, int(found[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
