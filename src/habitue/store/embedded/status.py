"""What a keeper tells the processes that wait for its server: one small JSON file.

States: `starting` (the message says what is being done), `ready`, `stopping`, `failed` (the message
says why, in plain words). A status is replaced as a whole, so a reader never sees half of one.
"""

import json
import os
from dataclasses import dataclass

from habitue.store.embedded.layout import Layout


@dataclass(frozen=True, slots=True)
class Status:
    """The keeper's state, its message, and its process id."""

    state: str
    message: str = ""
    keeper_pid: int = 0


UNKNOWN = Status("unknown")


def read(layout: Layout) -> Status:
    """The status last written, or `UNKNOWN` if there is none."""
    try:
        document = json.loads(layout.status.read_bytes())
        return Status(document["state"], document["message"], document["keeper_pid"])
    except (FileNotFoundError, ValueError):
        return UNKNOWN


def write(layout: Layout, state: str, message: str = "") -> None:
    """Replace the status by this one, in the name of the calling process."""
    document = {"state": state, "message": message, "keeper_pid": os.getpid()}
    fresh = layout.status.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(document, file)
    fresh.replace(layout.status)


def forget(layout: Layout) -> None:
    """Remove what an earlier keeper said; done before a new one is started."""
    layout.status.unlink(missing_ok=True)
