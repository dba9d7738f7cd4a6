"""Processes around a data directory, for tests that start, watch and kill them.

A *user process* is this module run as a program: it attaches to the data directory in its first
argument, says so on its standard output, and leaves when its standard input ends.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from habitue.store.embedded import attach, binaries, status
from habitue.store.embedded.layout import Layout, is_free

PATIENCE_SECONDS = 30.0
# Where this process finds modules, a process of its own finds them too.
SOURCE = os.pathsep.join(
    filter(None, (str(Path(__file__).parents[2] / "src"), os.environ.get("PYTHONPATH")))
)


def wait_until(condition: Callable[[], bool], what: str) -> float:
    """The seconds until `condition` held; fails if that takes too long."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise AssertionError(f"not within {PATIENCE_SECONDS} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - began


class UserProcess:
    """A process of its own that uses the server of `data_dir`."""

    def __init__(
        self,
        data_dir: Path,
        environ: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": SOURCE, **(environ or {})},
            preexec_fn=before,
        )

    def reports(self) -> list[str]:
        """Wait until it is attached, or has given up; answers what it was told meanwhile."""
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in self._process.stdout:
            if line == "attached\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"did not attach: {lines} {self.leave()}")

    def refusal(self) -> str:
        """Why it could not attach."""
        output, errors = self._process.communicate(timeout=PATIENCE_SECONDS)
        assert self._process.returncode == 1, (output, errors)
        return errors.strip()

    def leave(self) -> str:
        """Let it leave; answers what it complained about."""
        _, errors = self._process.communicate(timeout=PATIENCE_SECONDS)
        return errors

    def kill(self) -> None:
        """End it without giving it a chance to do anything."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def user(
    data_dir: Path,
    environ: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Iterator[UserProcess]:
    """A user process that is gone when the block ends."""
    process = UserProcess(data_dir, environ, before)
    try:
        yield process
    finally:
        process.kill()


def keeper_pid(layout: Layout) -> int:
    """The process id of the keeper that wrote the status last."""
    return status.read(layout).keeper_pid


def postmaster_pid(layout: Layout) -> int:
    """The process id in the server's own pid file."""
    return int((layout.cluster / "postmaster.pid").read_text().splitlines()[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def wait_until_stopped(layout: Layout) -> float:
    """The seconds until neither a keeper nor any process of a server is left."""
    return wait_until(
        lambda: is_free(layout.keeper_lock) and is_free(layout.server_lock), "the server stops"
    )


def cluster_state(layout: Layout) -> str:
    """What the cluster says about itself, like `shut down` or `in production`."""
    program = binaries.find(os.environ).program("pg_controldata")
    output = subprocess.run(
        [program, str(layout.cluster)],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C"},
    ).stdout
    match = re.search(r"Database cluster state:\s+(.*)", output)
    assert match is not None
    return match[1]


def main() -> None:
    """The user process."""
    try:
        attachment = attach(Path(sys.argv[1]), lambda message: print(message, flush=True))
    except Exception as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print("attached", flush=True)
    sys.stdin.read()
    attachment.close()


if __name__ == "__main__":
    main()
