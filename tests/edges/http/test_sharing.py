"""Connections are shared evenly among processes that listen on one socket; none is left alone."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from habitue.edges.http.sharing import (
    DEFER_SECONDS,
    DEFERRALS_MAX,
    MORE_MAX,
    Listening,
    Shares,
    SharingLoop,
    create_shares,
)
from tests.edges.http.shop import KEY
from tests.edges.http.test_server import serving

CONNECTIONS = 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_shares(tmp_path / "shares")
    return tmp_path / "shares"


class Connected:
    """Who has connected."""

    def __init__(self) -> None:
        self.held: set[asyncio.BaseTransport] = set()
        self.clients: list[socket.socket] = []
        self._more = asyncio.Event()

    def add(self, transport: asyncio.BaseTransport) -> None:
        self.held.add(transport)
        self._more.set()

    async def come(self, count: int) -> None:
        """Waits until there are so many."""
        while len(self.held) < count:
            self._more.clear()
            await self._more.wait()

    def close(self) -> None:
        for client in self.clients:
            client.close()


class Kept(asyncio.Protocol):
    """A connection that is kept."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connected.add(transport)


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[tuple[int, Connected]]:
    """The port, and who has connected."""
    connected = Connected()
    with socket.create_server(("127.0.0.1", 0)) as listener, closing(connected):
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        shares = Shares(path)
        listens = Listening(loop, listener, lambda: Kept(connected), connected.held, shares)
        yield listener.getsockname()[1], connected
        listens.close()
        await listens.wait_closed()


def put_other(path: Path, process: int, count: int) -> None:
    """Another process says that it has so many connections."""
    content = process.to_bytes(8, sys.byteorder) + count.to_bytes(8, sys.byteorder)
    with path.open("r+b") as file:
        file.seek(16)
        file.write(content)


def ended_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


async def connect(port: int, count: int, connected: Connected) -> float:
    """How long it took until so many more were connected."""
    loop = asyncio.get_running_loop()
    began, wanted = loop.time(), len(connected.held) + count
    for _ in range(count):
        connected.clients.append(socket.create_connection(("127.0.0.1", port), 10))
    async with asyncio.timeout(10):
        await connected.come(wanted)
    return loop.time() - began


def test_the_least_is_of_processes_that_run(path: Path) -> None:
    shares = Shares(path)
    shares.tell(7)
    assert shares.least() is None
    put_other(path, ended_process(), 1)
    assert shares.least() is None
    put_other(path, os.getppid(), 3)
    assert shares.least() == 3


def test_the_place_of_a_process_that_has_ended_is_taken_again(path: Path) -> None:
    first = Shares(path)
    first.tell(5)
    put_other(path, ended_process(), 9)
    second = Shares(path)
    second.tell(6)
    content = path.read_bytes()
    places = [content[at : at + 16] for at in range(0, 48, 16)]
    counts = [int.from_bytes(each[8:], sys.byteorder) for each in places]
    assert counts == [5, 6, 0]


async def test_a_connection_is_taken_that_the_other_process_does_not_take(path: Path) -> None:
    async with listening(path) as (port, connected):
        put_other(path, os.getppid(), 0)
        await connect(port, MORE_MAX + 1, connected)
        waited = await connect(port, 1, connected)
        assert len(connected.held) == MORE_MAX + 2
        # it was left to the other, a little while and no longer
        assert DEFER_SECONDS * DEFERRALS_MAX <= waited < 1


async def test_nothing_is_taken_after_the_end(path: Path) -> None:
    async with listening(path) as (port, connected):
        await connect(port, 1, connected)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)


def test_workers_have_about_as_many_connections_as_each_other() -> None:
    """On a busy machine a worker may sleep for longer than the other waits, but not always."""
    with serving(workers=2) as served:
        assert any(difference(served.port) <= CONNECTIONS // 4 for _ in range(4))


def difference(port: int) -> int:
    """How many more of some connections one worker has than the other."""
    with ExitStack() as stack:
        opened = []
        for _ in range(CONNECTIONS):
            opened.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)))
            time.sleep(0.01)
        counts = Counter(map(worker_of, opened))
    assert counts.total() == CONNECTIONS
    return 2 * max(counts.values()) - CONNECTIONS


def worker_of(connection: socket.socket) -> int:
    """The process at the other end."""
    ((name, value),) = KEY.items()
    connection.sendall(f"GET /process HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n".encode())
    answer = b""
    while not (found := re.search(rb"\r\n\r\n(\d+)", answer)):
        answer += connection.recv(4096)
    return int(found[1])


def test_a_loop_without_shares_is_the_usual_one() -> None:
    async def serve() -> str:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, port=0)
        server.close()
        await server.wait_closed()
        return type(server).__name__

    with asyncio.Runner(loop_factory=SharingLoop) as runner:
        assert runner.run(serve()) == "Server"
