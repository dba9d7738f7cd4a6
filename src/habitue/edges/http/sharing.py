"""Connections shared evenly among worker processes that listen on one socket.

Whichever process wakes first takes a connection, and the one that is at work is awake: of 32
connections at once one of two workers would get 24, and be the bottleneck for as long as clients
keep them. So each worker tells the others how many it has, and one that has more than another
leaves a connection to that one; but not for longer than a few milliseconds, for the other may be
busy or stuck.

Words: a *share* is the number of connections of one process, kept in a file that all of them have
in memory. Shares of processes that have ended do not count, and their places are taken again.
Nothing depends on a share but who takes a connection, so shares are read and written without locks.
"""

import asyncio
import errno
import fcntl
import mmap
import os
import socket
import struct
from collections.abc import Callable, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

SHARES_VARIABLE = "HABITUE_CONNECTION_SHARES"
WORKERS_MAX = 256
#: How many more connections than another a worker may have and still take the next.
MORE_MAX = 1
DEFER_SECONDS = 0.002
DEFERRALS_MAX = 5
_PAUSE_SECONDS = 1.0
_ENTRY = struct.Struct("qq")  # the process, and how many connections it has
_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Factory = Callable[[], asyncio.Protocol]
if TYPE_CHECKING:
    _Loop = asyncio.AbstractEventLoop
else:
    _Loop = uvloop.Loop


def create_shares(path: Path) -> None:
    """The file of shares, with a place for as many workers as there may be."""
    path.write_bytes(bytes(WORKERS_MAX * _ENTRY.size))


class Shares:
    """The shares of all processes, and the place of this one among them."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._memory = mmap.mmap(file.fileno(), 0)
            entries = _ENTRY.iter_unpack(self._memory)
            free = (at for at, (process, _) in enumerate(entries) if not _is_running(process))
            self._at = next(free) * _ENTRY.size
            self.tell(0)
            # the memory holds the file, and would hold the lock
            fcntl.flock(file, fcntl.LOCK_UN)

    def tell(self, count: int) -> None:
        """Says how many connections this process has."""
        _ENTRY.pack_into(self._memory, self._at, os.getpid(), count)

    def least(self) -> int | None:
        """The least that another running process has; None where there is no other."""
        own = os.getpid()
        others = [
            (count, process)
            for process, count in _ENTRY.iter_unpack(self._memory)
            if process not in (0, own)
        ]
        return next((count for count, process in sorted(others) if _is_running(process)), None)


def _is_running(process: int) -> bool:
    if not process:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class Listening:
    """Takes connections from a socket that other processes listen on too."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        factory: Factory,
        connections: Sized,
        shares: Shares,
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._factory = factory
        self._connections = connections
        self._shares = shares
        self._deferrals = 0
        self._arriving: set[asyncio.Task[Any]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        """Takes no more."""
        self._loop.remove_reader(self._listener)
        if self._later is not None:
            self._later.cancel()

    async def wait_closed(self) -> None:
        """Waits for those who were taken and are not connected yet."""
        if self._arriving:
            await asyncio.wait(self._arriving)

    def _listen(self) -> None:
        self._later = None
        self._loop.add_reader(self._listener, self._offered)

    def _listen_after(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._later = self._loop.call_later(seconds, self._listen)

    def _offered(self) -> None:
        """Somebody connects: takes the connection, or leaves it to another process for a while."""
        if self._deferrals < DEFERRALS_MAX and self._has_more():
            self._deferrals += 1
            self._listen_after(DEFER_SECONDS)
            return
        self._deferrals = 0
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in _OUT_OF_RESOURCES:
                raise
            self._listen_after(_PAUSE_SECONDS)
            return
        self._take(connection)

    def _has_more(self) -> bool:
        count = len(self._connections) + len(self._arriving)
        self._shares.tell(count)
        least = self._shares.least()
        return least is not None and count > least + MORE_MAX

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        coming = self._loop.connect_accepted_socket(self._factory, connection)
        task = self._loop.create_task(coming)
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)
        self._shares.tell(len(self._connections) + len(self._arriving))


class SharingLoop(_Loop):
    """uvloop's event loop, where servers on a given socket share its connections evenly with those
    of other processes."""

    async def create_server(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """As the loop's, unless there are shares and a socket."""
        listener, path = options.get("sock"), os.environ.get(SHARES_VARIABLE)
        if listener is None or path is None:
            return await super().create_server(protocol_factory, *args, **options)
        listener.setblocking(False)
        listener.listen(options.get("backlog", 100))
        connections = protocol_factory().connections
        return Listening(self, listener, protocol_factory, connections, Shares(Path(path)))
