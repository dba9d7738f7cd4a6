"""The server over real sockets: addresses, bodies, connections, signals and processes."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import aiohttp
import pytest
from yarl import URL

from habitue.model.limits import BODY_BYTES_MAX
from tests.edges.http.shop import KEY

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from habitue.edges.http.server import Plan, run
from habitue.store.location import External
run(Plan("127.0.0.1", int(sys.argv[1]), int(sys.argv[2]), External("postgresql://x/" + sys.argv[3]),
    "info", "tests.edges.http.served:operations", "tests.edges.http.served:open_services"))
"""
CART = b'{"customerSession":{"cartItems":[{"sku":"a","quantity":1}]}}'
KEY_LINE = b"Authorization: ApiKey-v1 k\r\n"


@dataclass
class Served:
    """A server process, with the line it printed and the port in it."""

    process: "subprocess.Popen[str]"
    log: IO[str]
    port: int

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, list[Any]]:
        """Exit code, what it printed after its line, and its log."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        self.log.seek(0)
        return self.process.returncode, out, [json.loads(line) for line in self.log]

    def url(self, path: str) -> URL:
        return URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)

    def raw(self, request: bytes) -> bytes:
        """What comes back for these bytes, until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


def start(
    port: int = 0, workers: int = 1, database: str = "db", log: IO[str] | int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), str(workers), database],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=environ,
        cwd=ROOT,
    )


@contextmanager
def serving(workers: int = 1) -> Iterator[Served]:
    with tempfile.TemporaryFile("w+") as log:
        process = start(workers=workers, log=log)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.fullmatch(r"Habitue serves http://127\.0\.0\.1:(\d+)\n", line)
            assert match is not None, line
            yield Served(process, log, int(match[1]))
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=30)


@pytest.fixture(scope="module", autouse=True)
def _own_temporary_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A parent that is killed leaves its directory of metrics behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        yield


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=KEY) as session:
        yield session


async def test_a_path_arrives_as_it_was_sent(served: Served, client: aiohttp.ClientSession) -> None:
    for raw, decoded in (("a%2Fb%25", "a/b%"), ("my%20sess%2F1", "my sess/1")):
        async with client.get(served.url("//v2/customer_sessions/" + raw)) as response:
            assert response.status == 200
            assert (await response.json())["path"] == {"customerSessionId": decoded}


async def test_the_query_is_told_apart_from_the_path(
    served: Served, client: aiohttp.ClientSession
) -> None:
    url = served.url("/v2/customer_sessions/s?dry=True&name=a%2Fb%3F")
    async with client.put(url, data=CART, headers={"content-type": "application/json"}) as response:
        query = (await response.json())["query"]
    assert (query["dry"], query["name"]) == (True, "a/b?")


async def test_health_and_metrics(served: Served, client: aiohttp.ClientSession) -> None:
    async with client.get(served.url("/health")) as response:
        assert await response.json() == {"status": "ok"}
    async with client.get(served.url("/ready")) as response:
        assert (response.status, await response.json()) == (200, {"status": "ready"})
    async with client.get(served.url("/metrics")) as response:
        assert response.content_type == "text/plain"
        page = await response.text()
    assert 'habitue_http_request_seconds_count{operation="ready",status="200"} 1.0' in page


def test_several_requests_over_one_connection(served: Served) -> None:
    one = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = served.raw(one + one + last)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"404"]


def test_a_refused_body_leaves_the_connection_usable(served: Served) -> None:
    head = b"PUT /v2/customer_sessions/s HTTP/1.1\r\nHost: x\r\n" + KEY_LINE
    bad = head + b"Content-Length: 3\r\n\r\n{x}"
    unread = head.replace(b"k\r\n", b"z\r\n") + b"Content-Length: 5\r\n\r\n12345"
    last = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = served.raw(bad + unread + last)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"400", b"401", b"200"]


def test_a_body_that_is_too_long_ends_the_connection(served: Served) -> None:
    head = b"PUT /v2/customer_sessions/s HTTP/1.1\r\nHost: x\r\n" + KEY_LINE
    announced = served.raw(head + b"Content-Length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1))
    assert announced.startswith(b"HTTP/1.1 413 ")
    size = BODY_BYTES_MAX + 1
    chunk = b"%x\r\n" % size + b" " * size
    streamed = served.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    assert streamed.startswith(b"HTTP/1.1 413 ")
    assert b'"StatusCode":413' in streamed


def test_what_is_no_http_is_refused(served: Served) -> None:
    for request in (b"hello\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert served.raw(request).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(served: Served) -> None:
    head = b"PUT /v2/customer_sessions/s HTTP/1.1\r\nHost: x\r\n" + KEY_LINE
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head + b"Content-Length: 100\r\n\r\n{")
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n" + KEY_LINE + b"\r\n")
    ask = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert served.raw(ask).startswith(b"HTTP/1.1 200 ")


async def test_the_documentation_is_served(served: Served, client: aiohttp.ClientSession) -> None:
    async with client.get(served.url("/openapi.json")) as response:
        assert (await response.json())["openapi"] == "3.1.0"
    for path, kind in (
        ("/docs", "text/html"),
        ("/docs/docs.css", "text/css"),
        ("/docs/docs.js", "text/javascript"),
    ):
        async with client.get(served.url(path)) as response:
            assert (response.status, response.content_type) == (200, kind)


def test_sigterm_lets_requests_finish_and_exits_with_zero() -> None:
    with serving() as served:
        slow = b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + KEY_LINE + b"\r\n"
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(slow)
            time.sleep(0.3)
            began = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        code, out, log = served.stop()
    assert answer.endswith(b'"done"')
    assert time.monotonic() - began < 5
    assert (code, out) == (0, "")
    assert [(line["operation"], line["status"]) for line in log] == [("slow", 200)]
    assert set(log[0]) == {
        "event",
        "level",
        "timestamp",
        "method",
        "operation",
        "status",
        "ms",
        "request_id",
    }


def test_sigint_exits_with_zero_too() -> None:
    with serving() as served:
        assert served.stop(signal.SIGINT) == (0, "", [])


async def test_readiness_follows_the_services() -> None:
    with serving() as served:
        async with aiohttp.ClientSession(headers=KEY) as client:
            async with client.post(served.url("/leave")) as response:
                assert response.status == 204
            async with client.get(served.url("/ready")) as response:
                assert response.status == 503
                assert response.headers["retry-after"] == "1"
                reason = "The database is not available at the moment"
                assert await response.json() == {"status": "not ready", "reason": reason}
            async with client.get(served.url("/health")) as response:
                assert response.status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_cannot_start_says_why(workers: int) -> None:
    process = start(workers=workers, database="wrong")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert "habitue: The database is too old" in err.splitlines()
    assert "Traceback" not in err


def test_a_mistake_at_the_start_is_logged_with_its_trace() -> None:
    process = start(database="broken")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    line = json.loads(err.splitlines()[0])
    assert line["event"] == "startup failed"
    assert "RuntimeError: a mistake" in line["exception"]


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(port)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    expected = f"habitue: Cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert err == expected


async def workers_seen(served: Served, count: int) -> set[int]:
    """The ids of the processes that answer, once there are `count`."""
    seen: set[int] = set()
    deadline = time.monotonic() + 20
    async with aiohttp.ClientSession(headers=KEY) as client:
        while len(seen) < count and time.monotonic() < deadline:
            async with asyncio.TaskGroup() as group:
                asks = [group.create_task(process_id(client, served)) for _ in range(20)]
            seen |= {ask.result() for ask in asks}
    return seen


async def process_id(client: aiohttp.ClientSession, served: Served) -> int:
    async with client.get(served.url("/process")) as response:
        return int(await response.text())


async def total(client: aiohttp.ClientSession, served: Served) -> float:
    async with client.get(served.url("/metrics")) as response:
        page = await response.text()
    found = re.search(r'seconds_count\{operation="health",status="200"\} (\S+)', page)
    return 0 if found is None else float(found[1])


async def test_workers_share_a_port_are_replaced_and_counted_together() -> None:
    with serving(workers=2) as served:
        first = await workers_seen(served, 2)
        assert len(first) == 2
        assert served.process.pid not in first
        async with aiohttp.ClientSession() as client:
            for _ in range(40):
                async with client.get(served.url("/health"), headers={"connection": "close"}):
                    pass
            assert await total(client, served) == 40
        victim, survivor = first
        os.kill(victim, signal.SIGKILL)
        await asyncio.sleep(1)
        second = await workers_seen(served, 2)
        assert survivor in second
        assert victim not in second - first
        assert len(second - {victim}) == 2
        code, out, _ = await asyncio.to_thread(served.stop)
    assert (code, out) == (0, "")
    assert not any(is_running(each) for each in first | second)


async def test_workers_end_with_a_parent_that_is_killed() -> None:
    with serving(workers=2) as served:
        found = await workers_seen(served, 2)
        served.process.kill()
        served.process.communicate(timeout=30)
    assert await asyncio.to_thread(have_ended, found)


def have_ended(process_ids: set[int]) -> bool:
    """Whether all of these processes end within ten seconds."""
    deadline = time.monotonic() + 10
    while any(map(is_running, process_ids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(is_running, process_ids))


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
