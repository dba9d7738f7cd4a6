"""Requests over real sockets: what arrives, what comes back, and where they may not go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from habitue.edges.outbound import http_sender as sending
from habitue.edges.outbound.http_sender import http_sender, is_public
from habitue.promotions.webhook import OutgoingRequest
from habitue.usecases.deliver_messages import HttpAnswer
from habitue.usecases.outgoing import Undeliverable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[TestServer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[TestServer] = []

    async def started(handler: Handler) -> TestServer:
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", handler)
        servers.append(TestServer(application, host="127.0.0.1"))
        await servers[-1].start_server()
        return servers[-1]

    yield started
    for server in servers:
        await server.close()


def request(server: TestServer, **fields: object) -> OutgoingRequest:
    plain: dict[str, object] = {
        "verb": "POST",
        "url": str(server.make_url("/a%2Fb?q=1%202")),
        "headers": (("X-One", "1"), ("Content-Type", "application/json")),
        "body": b'{"a": 1}',
        **fields,
    }
    return OutgoingRequest(**plain)  # type: ignore[arg-type]


async def test_a_request_arrives_as_it_is(serve: Serve) -> None:
    came: list[tuple[str, str, dict[str, str], bytes]] = []

    async def handler(asked: web.Request) -> web.Response:
        came.append((asked.method, asked.raw_path, dict(asked.headers), await asked.read()))
        return web.Response(status=201, text="thanks")

    server = await serve(handler)
    async with http_sender(allow_private=True) as send:
        assert await send(request(server, verb="PATCH")) == HttpAnswer(201, "thanks")
    ((method, path, headers, body),) = came
    assert (method, path, body) == ("PATCH", "/a%2Fb?q=1%202", b'{"a": 1}')
    assert (headers["X-One"], headers["Content-Type"]) == ("1", "application/json")


async def test_only_the_beginning_of_an_answer_is_read(serve: Serve) -> None:
    async def handler(asked: web.Request) -> web.Response:
        return web.Response(body=b"\xff" + b"x" * 1_000_000)

    async with http_sender(allow_private=True) as send:
        answer = await send(request(await serve(handler)))
    assert answer.body[0] == "�"
    assert 0 < len(answer.body) <= sending.ANSWER_BYTES_MAX


async def test_redirects_are_not_followed(serve: Serve) -> None:
    came = []

    async def handler(asked: web.Request) -> web.Response:
        came.append(asked.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with http_sender(allow_private=True) as send:
        assert (await send(request(await serve(handler)))).status == 302
    assert came == ["/a/b"]


async def test_who_does_not_answer_in_time_is_left(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.2)

    async def handler(asked: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(asked)
        while True:
            await response.write(b"")
            await asyncio.sleep(0.02)

    async with http_sender(allow_private=True) as send:
        with pytest.raises(Undeliverable, match=r"no answer within 0\.2 seconds"):
            await send(request(await serve(handler)))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "127.1", "169.254.169.254"]
)
async def test_private_addresses_are_refused_however_they_are_written(
    serve: Serve, host: str
) -> None:
    came = []

    async def handler(asked: web.Request) -> web.Response:
        came.append(asked.path)
        return web.Response()

    server = await serve(handler)
    async with http_sender(allow_private=False) as send:
        with pytest.raises(Undeliverable):
            await send(request(server, url=f"http://{host}:{server.port}/"))
    assert came == []


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.0.0.1", False),
        ("172.16.5.4", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
    ],
)
def test_what_a_public_address_is(host: str, public: bool) -> None:
    assert is_public(host) is public


@pytest.mark.parametrize(
    "url", ["http://no-such-host.invalid/", "http://127.0.0.1:9/", "http://[/"]
)
async def test_an_address_that_leads_nowhere_is_told(url: str) -> None:
    async with http_sender(allow_private=True) as send:
        with pytest.raises(Undeliverable) as failure:
            await send(OutgoingRequest("GET", url, (), b""))
    assert str(failure.value)
