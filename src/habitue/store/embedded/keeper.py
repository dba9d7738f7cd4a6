"""The process that keeps one PostgreSQL server running for as long as anybody uses it.

`python -m habitue.store.embedded.keeper DATA_DIR`, started by the first user. It takes the keeper
lock, leaves its parent, gives up root, creates the cluster if there is none, starts the server and
then waits for the users' lock: it gets that lock when the last user has left or died, stops the
server and ends. It keeps the lock while it stops, so a user who arrives meanwhile waits and then
starts the next keeper.

It has a single thread, because the kernel's promise to shut the server down with its parent is
bound to the thread that started it. It ignores requests to end: those who use the server are asked
too, and it ends with them. Killed outright, it takes the server down cleanly through that promise.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from habitue.store.embedded import binaries as postgres
from habitue.store.embedded import cluster, privileges, server, status
from habitue.store.embedded.layout import Layout, open_lock, prepare, try_lock
from habitue.store.embedded.previous import wait_for_previous_server
from habitue.store.embedded.server import Server
from habitue.store.failures import StartFailure

_POLL_SECONDS = 0.01


class _ServerEnded(Exception):
    """The server is gone although nobody asked it to stop."""


def main() -> None:
    """Become the keeper of the data directory in the first argument, unless there is one."""
    layout = prepare(Path(sys.argv[1]))
    if not try_lock(open_lock(layout.keeper_lock), fcntl.LOCK_EX):
        return
    _leave_parent()
    status.write(layout, "starting")
    try:
        _keep(layout)
    except StartFailure as failure:
        status.write(layout, "failed", failure.message)
    except _ServerEnded:
        status.write(layout, "failed", "The server has ended unexpectedly")
    except Exception as error:
        status.write(layout, "failed", f"The server could not be started: {error}")


def _leave_parent() -> None:
    """Go on as a child of nobody, in a session of its own, without the terminal."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    for asked_to_end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler, where SIG_IGN would be inherited by the server.
        signal.signal(asked_to_end, _do_nothing)


def _keep(layout: Layout) -> None:
    users_lock = open_lock(layout.users_lock)
    server_lock = open_lock(layout.server_lock)
    binaries = privileges.leave_root(layout, postgres.find(os.environ))
    waiting = _progress(layout, "Waiting for the previous server to finish, {} s so far")
    wait_for_previous_server(layout, server_lock, waiting)
    if not cluster.exists(layout):
        status.write(layout, "starting", "Creating the database")
        cluster.create(layout, binaries, server_lock)
    cluster.check_version(layout, binaries)
    running = server.start(layout, binaries, server_lock)
    _wait_until_ready(layout, running)
    status.write(layout, "ready")
    _wait_for_last_user(running, users_lock)
    status.write(layout, "stopping")
    running.stop()


def _wait_until_ready(layout: Layout, running: Server) -> None:
    doing = "Recovering after a crash" if running.recovers else "Starting PostgreSQL"
    tell = _progress(layout, doing + ", {} s so far")
    began = time.monotonic()
    while not running.is_ready():
        if running.has_ended():
            raise StartFailure(
                f"PostgreSQL could not start in {layout.root}. Its last words: "
                f"{running.last_words()}"
            )
        tell(time.monotonic() - began)
        time.sleep(_POLL_SECONDS)


def _progress(layout: Layout, words: str) -> Callable[[float], None]:
    """A function that tells, once in a second, how long something has been going on."""
    told = 0

    def tell(seconds: float) -> None:
        nonlocal told
        if int(seconds) > told:
            told = int(seconds)
            status.write(layout, "starting", words.format(told))

    return tell


def _wait_for_last_user(running: Server, users_lock: int) -> None:
    """Return, holding the users' lock alone, when nobody uses the server any more."""
    signal.signal(signal.SIGCHLD, _server_ended)
    if running.has_ended():
        raise _ServerEnded
    fcntl.flock(users_lock, fcntl.LOCK_EX)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _server_ended(signal_number: int, frame: FrameType | None) -> None:
    raise _ServerEnded


def _do_nothing(signal_number: int, frame: FrameType | None) -> None:
    return None


if __name__ == "__main__":
    main()
