"""The files of a data directory, and the three locks that its processes agree by.

    users.lock     shared by every process that uses the server; the keeper asks for it alone and
                   gets it when the last user has left or died
    keeper.lock    held by the one keeper; probed only by a process that holds attach.lock
    attach.lock    held for the moment in which a user looks for a keeper or starts one
    server.lock    held by the keeper and inherited by every process of the PostgreSQL server, so
                   that it is free only when none of them is left, whoever was killed and however
    status.json    what the keeper says about itself; true only while keeper.lock is held
    cluster/       PostgreSQL's own directory; cluster.new/ is one that is being created
    socket/        the Unix socket, readable by the owner alone
    binaries-N/    a copy of PostgreSQL's programs, made only where the originals are out of reach

The kernel drops a lock with the last process that holds it, so none of them goes stale.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from habitue.store.failures import StartFailure

PORT = 5432
SUPERUSER = "postgres"
ROLE = "habitue"
DATABASE = "habitue"
#: What may stand in a data directory without being ours.
TOLERATED = {"lost+found"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of the files under `root`."""

    root: Path

    @property
    def users_lock(self) -> Path:
        return self.root / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.root / "keeper.lock"

    @property
    def attach_lock(self) -> Path:
        return self.root / "attach.lock"

    @property
    def server_lock(self) -> Path:
        return self.root / "server.lock"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def cluster(self) -> Path:
        return self.root / "cluster"

    @property
    def unfinished_cluster(self) -> Path:
        return self.root / "cluster.new"

    @property
    def sockets(self) -> Path:
        return self.root / "socket"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    def binaries(self, version: str) -> Path:
        return self.root / f"binaries-{version}"


def prepare(root: Path) -> Layout:
    """Create the data directory if it is missing; refuse one that holds somebody else's files."""
    layout = Layout(root)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign_files(layout)
    except PermissionError as error:
        raise StartFailure(
            f"No permission to use the data directory {root}: {error.strerror}. "
            "Choose another one with --data-dir"
        ) from error
    except OSError as error:
        raise StartFailure(f"Cannot use {root} as data directory: {error.strerror}") from error
    return layout


def open_lock(path: Path) -> int:
    """A file descriptor of the lock file `path`, not inherited by child processes."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        raise StartFailure(f"Cannot open {path}: {error.strerror}") from error
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(fd, owner.st_uid, owner.st_gid)
    return fd


def try_lock(fd: int, mode: int) -> bool:
    """Take the lock in `mode` (LOCK_SH or LOCK_EX) if that needs no waiting."""
    try:
        fcntl.flock(fd, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file alone, waiting for it; meant for moments, not for work."""
    fd = open_lock(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock file at this moment."""
    fd = open_lock(path)
    try:
        return try_lock(fd, fcntl.LOCK_EX)
    finally:
        os.close(fd)


def _refuse_foreign_files(layout: Layout) -> None:
    if layout.attach_lock.exists():
        return
    strangers = {entry.name for entry in layout.root.iterdir()} - TOLERATED
    # Another process may be creating the very first files at this moment.
    strangers -= {"users.lock", "attach.lock", "keeper.lock", "status.json"}
    if strangers:
        raise StartFailure(
            f"{layout.root} is not a data directory of Habitue and is not empty "
            f"(it holds {min(strangers)}): choose an empty or a new directory"
        )
