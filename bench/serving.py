"""A server process to be measured: `habitue serve`, as anybody would start it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_COMMAND = (sys.executable, "-m", "habitue.edges.cli", "serve")


class Server(NamedTuple):
    """A server that can serve: its first process, and its port."""

    process: int
    port: int


@contextmanager
def served(directory: Path, database: Sequence[str], workers: int) -> Iterator[Server]:
    """A server for the length of the block; its logs go into a file in `directory`.

    Raises RuntimeError where it does not start.
    """
    command = [*_COMMAND, *database, "--workers", str(workers), "--port", "0"]
    log = directory / f"server-{workers}.log"
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
