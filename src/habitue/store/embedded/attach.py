"""The user's side of the embedded server: attach to the one that runs, or have it started.

A user holds the users' lock, shared, for as long as it uses the server. While it holds it, a keeper
that lives does not stop; whatever else may have happened to the keeper or the server is found out
and repaired by `Attachment.ensure`.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import habitue
from habitue.store.embedded import linux, status
from habitue.store.embedded.layout import (
    DATABASE,
    PORT,
    ROLE,
    SUPERUSER,
    Layout,
    held,
    is_free,
    open_lock,
    prepare,
    try_lock,
)
from habitue.store.failures import StartFailure

Report: TypeAlias = Callable[[str], None]
#: Asked again and again while something is waited for; True ends the waiting with a refusal.
GivenUp: TypeAlias = Callable[[], bool]

_POLL_SECONDS = 0.01
_LEAVE_SECONDS = 60.0
_LOST_KEEPERS = 3
# What fits into sockaddr_un: 107 bytes on Linux and 103 elsewhere, with the socket's own name.
_SOCKET_PATH_BYTES = 103
_SOCKET_NAME = f"/.s.PGSQL.{PORT}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to connect: the directory of the Unix socket, and the names to give."""

    host: str
    port: int = PORT
    user: str = ROLE
    database: str = DATABASE

    @property
    def url(self) -> str:
        """The same as one URL, in the form that PostgreSQL's programs and drivers read."""
        host = quote(self.host, safe="")
        return f"postgresql://{self.user}@/{self.database}?host={host}&port={self.port}"

    def as_superuser(self) -> "Endpoint":
        """The same server, as the role that only the launcher and the tests use."""
        return Endpoint(self.host, self.port, SUPERUSER, SUPERUSER)


class Attachment:
    """One process's use of the server of a data directory; the server lives while it is open."""

    def __init__(self, layout: Layout, users_lock: int) -> None:
        self._layout = layout
        self._users_lock = users_lock
        self._socket_directory: int | None = None

    def ensure(self, report: Report, given_up: GivenUp = lambda: False) -> Endpoint:
        """Wait until the server accepts connections, starting it if it does not run.

        Takes as long as the server takes; `report` is told what is going on. Raises
        `StartFailure` if it cannot be started, or was given up.
        """
        for _ in range(_LOST_KEEPERS):
            _have_a_keeper(self._layout)
            if _is_up(self._layout, report, given_up):
                return self._endpoint()
        raise StartFailure(
            f"The server of {self._layout.root} was killed several times while it started; "
            f"see {self._layout.log}"
        )

    def close(self) -> None:
        """Give the server up. If nobody else uses it, wait until it has stopped cleanly."""
        os.close(self._users_lock)
        if self._socket_directory is not None:
            os.close(self._socket_directory)
        deadline = time.monotonic() + _LEAVE_SECONDS
        while time.monotonic() < deadline and not _is_left_to_others(self._layout):
            time.sleep(_POLL_SECONDS)

    def _endpoint(self) -> Endpoint:
        directory = str(self._layout.sockets)
        if len(os.fsencode(directory + _SOCKET_NAME)) <= _SOCKET_PATH_BYTES:
            return Endpoint(directory)
        if not linux.IS_LINUX:
            raise StartFailure(
                f"The path {directory} is too long for a socket: choose a shorter one"
            )
        if self._socket_directory is None:
            self._socket_directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        # By process id and not as `self`, so that programs started from here can use it too.
        return Endpoint(f"/proc/{os.getpid()}/fd/{self._socket_directory}")


def attach(data_dir: Path, report: Report, given_up: GivenUp = lambda: False) -> Attachment:
    """Become a user of the server of `data_dir`, which runs and accepts connections afterwards."""
    layout = prepare(data_dir)
    users_lock = open_lock(layout.users_lock)
    try:
        _wait_while_stopping(users_lock, report, given_up)
        attachment = Attachment(layout, users_lock)
        attachment.ensure(report, given_up)
    except BaseException:
        os.close(users_lock)
        raise
    return attachment


def _wait_while_stopping(users_lock: int, report: Report, given_up: GivenUp) -> None:
    began, told = time.monotonic(), 0
    while not try_lock(users_lock, fcntl.LOCK_SH):
        waited = int(time.monotonic() - began)
        if waited > told:
            told = waited
            report(f"Waiting for the server to finish stopping, {waited} s so far")
        _pause(given_up)


def _have_a_keeper(layout: Layout) -> None:
    """Start a keeper unless one lives; on return it has taken its lock."""
    with held(layout.attach_lock):
        if not is_free(layout.keeper_lock):
            return
        status.forget(layout)
        package = str(Path(habitue.__file__).parent.parent)
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        done = subprocess.run(
            [sys.executable, "-m", "habitue.store.embedded.keeper", str(layout.root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
            check=False,
        )
    if done.returncode != 0:
        words = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise StartFailure(f"The server of {layout.root} could not be started: {words}")


def _is_up(layout: Layout, report: Report, given_up: GivenUp) -> bool:
    """Wait for the keeper's verdict; False if it was killed before giving one."""
    told = ""
    while True:
        lives = _keeper_lives(layout)
        now = status.read(layout)
        if now.state == "ready" and lives:
            return True
        if now.state == "failed":
            raise StartFailure(now.message)
        if not lives:
            return False
        if now.message and now.message != told:
            told = now.message
            report(told)
        _pause(given_up)


def _pause(given_up: GivenUp) -> None:
    if given_up():
        raise StartFailure("The start of the database was given up")
    time.sleep(_POLL_SECONDS)


def _keeper_lives(layout: Layout) -> bool:
    with held(layout.attach_lock):
        return not is_free(layout.keeper_lock)


def _is_left_to_others(layout: Layout) -> bool:
    """Whether the keeper has gone, or stays because somebody else uses the server."""
    return not _keeper_lives(layout) or _is_used(layout)


def _is_used(layout: Layout) -> bool:
    """Whether a user holds the users' lock: it can be shared, and not be had alone.

    Asked for twice, since the keeper may take the lock between the first two questions.
    """
    fd = open_lock(layout.users_lock)
    try:
        return (
            try_lock(fd, fcntl.LOCK_SH)
            and not try_lock(fd, fcntl.LOCK_EX)
            and try_lock(fd, fcntl.LOCK_SH)
        )
    finally:
        os.close(fd)
