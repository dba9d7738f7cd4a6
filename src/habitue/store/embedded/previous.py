"""Waiting for the server of an earlier keeper, of which processes are still left.

A keeper that was killed leaves a server that is shutting down, which can take long where much has
to be written. PostgreSQL 18.6 can also hang: asked to shut down while it recovers from a crash, it
may never end. A server that is still there after a while is therefore asked again, and in the end
told to stop at once, which costs a recovery and loses nothing that was committed.

Only a process that has the server lock open is ever sent a signal: that proves that a keeper of
this very directory has started it. What a pid file says proves nothing.
"""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from habitue.store.embedded import linux
from habitue.store.embedded.layout import Layout, try_lock
from habitue.store.failures import StartFailure

ASK_SECONDS = 5.0
INSIST_SECONDS = 60.0
_POLL_SECONDS = 0.01


def wait_for_previous_server(
    layout: Layout,
    server_lock: int,
    tell: Callable[[float], None],
    ask_seconds: float = ASK_SECONDS,
    insist_seconds: float = INSIST_SECONDS,
) -> None:
    """Take the server lock, waiting for those who hold it; `tell` is told for how long so far.

    Raises `StartFailure` where this system does not let us find out who they are.
    """
    began = time.monotonic()
    steps = [(ask_seconds, signal.SIGINT), (insist_seconds, signal.SIGQUIT)]
    while not try_lock(server_lock, fcntl.LOCK_EX):
        waited = time.monotonic() - began
        if steps and waited >= steps[0][0]:
            _signal_postmaster(layout, server_lock, steps.pop(0)[1])
        if not steps and not linux.IS_LINUX:
            raise StartFailure(
                f"A PostgreSQL server of an earlier run still uses {layout.cluster}. Stop it: its "
                f"process id is the first line of {layout.cluster / 'postmaster.pid'}"
            )
        tell(waited)
        time.sleep(_POLL_SECONDS)


def _signal_postmaster(layout: Layout, server_lock: int, number: signal.Signals) -> None:
    try:
        pid = int((layout.cluster / "postmaster.pid").read_text().splitlines()[0])
        if pid > 1 and _has_open(pid, server_lock):
            os.kill(pid, number)
    except (OSError, ValueError, IndexError):
        # It has just ended, or is not one that we may look at.
        return


def _has_open(pid: int, server_lock: int) -> bool:
    wanted = os.fstat(server_lock)
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = entry.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False
