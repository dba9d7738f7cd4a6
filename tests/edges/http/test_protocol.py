"""Answers leave in one piece, and nothing is held back that somebody waits for."""

import asyncio
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from habitue.edges.http.protocol import EXTENSION, OneWriteProtocol

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def answered(app: Any, request: bytes) -> Wire:
    """What the wire has after the request, when nothing is left to be done."""
    wire = Wire()
    config = Config(app, http=OneWriteProtocol, lifespan="off", log_config=None, access_log=False)
    state = ServerState()
    protocol = OneWriteProtocol(config, state, {}, asyncio.get_running_loop())
    protocol.connection_made(wire)
    protocol.data_received(request)
    await asyncio.gather(*state.tasks)
    closed = wire.closed
    protocol.connection_lost(None)  # closes the wire too
    wire.closed = closed
    return wire


async def _start(send: Any, length: bytes = b"5") -> None:
    headers = [(b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def whole(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await _start(send)
    await send({"type": "http.response.body", "body": b"hello"})


async def in_parts(scope: Any, receive: Any, send: Any) -> None:
    await _start(send)
    for part in (b"he", b"l", b"lo"):
        await send({"type": "http.response.body", "body": part, "more_body": part != b"lo"})


async def empty(scope: Any, receive: Any, send: Any) -> None:
    await _start(send, b"0")
    await send({"type": "http.response.body", "body": b""})


async def gone_after_the_head(scope: Any, receive: Any, send: Any) -> None:
    await _start(send)


@pytest.mark.parametrize(
    ("app", "written"),
    [
        (whole, [HEAD + b"hello"]),
        (in_parts, [HEAD + b"he", b"l", b"lo"]),
        (empty, [HEAD.replace(b"5", b"0")]),
    ],
)
async def test_the_head_leaves_with_the_beginning_of_the_body(
    app: Any, written: list[bytes]
) -> None:
    wire = await answered(app, b"GET / HTTP/1.1\r\n\r\n")
    assert wire.written == written


async def test_the_answer_to_head_is_its_head() -> None:
    wire = await answered(whole, b"HEAD / HTTP/1.1\r\n\r\n")
    assert wire.written == [HEAD]


async def test_leave_to_send_a_body_is_given_at_once() -> None:
    request = b"PUT / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n"
    wire = await answered(whole, request)
    assert wire.written == [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, b"hello"]


async def test_a_head_without_its_body_is_sent_before_the_connection_is_closed() -> None:
    wire = await answered(gone_after_the_head, b"GET / HTTP/1.1\r\n\r\n")
    assert (wire.written, wire.closed) == ([HEAD], True)


async def test_every_answer_of_a_connection_is_one_write() -> None:
    wire = await answered(whole, b"GET / HTTP/1.1\r\n\r\n" * 3)
    assert wire.written == [HEAD + b"hello"] * 3


async def in_the_short_way(scope: Any, receive: Any, send: Any) -> None:
    short = scope.get("extensions", {}).pop(EXTENSION, None)
    if short is None or not short(200, b"x-one: 1\r\n", b"hello"):
        await whole(scope, receive, send)


SHORT = b"HTTP/1.1 200 OK\r\nx-one: 1\r\ncontent-length: 5\r\n\r\nhello"


async def test_a_whole_answer_takes_the_short_way() -> None:
    wire = await answered(in_the_short_way, b"GET / HTTP/1.1\r\n\r\n" * 3)
    assert (wire.written, wire.closed) == ([SHORT] * 3, False)


@pytest.mark.parametrize(
    ("request_", "written", "closed"),
    [
        (b"HEAD / HTTP/1.1\r\n\r\n", [HEAD], False),
        (
            b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
            [HEAD.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n") + b"hello"],
            True,
        ),
        (
            b"PUT / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n",
            [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, b"hello"],
            False,
        ),
    ],
)
async def test_what_is_out_of_the_ordinary_goes_the_long_way(
    request_: bytes, written: list[bytes], closed: bool
) -> None:
    wire = await answered(in_the_short_way, request_)
    assert (wire.written, wire.closed) == (written, closed)


async def test_nothing_is_sent_to_who_has_gone() -> None:
    async def hung_up(scope: Any, receive: Any, send: Any) -> None:
        wire.closed = True
        protocol.connection_lost(None)
        sent.append(scope["extensions"].pop(EXTENSION)(200, b"", b"hello"))

    wire, sent = Wire(), list[bool]()
    config = Config(hung_up, http=OneWriteProtocol, lifespan="off", log_config=None)
    state = ServerState()
    protocol = OneWriteProtocol(config, state, {}, asyncio.get_running_loop())
    protocol.connection_made(wire)
    protocol.data_received(b"GET / HTTP/1.1\r\n\r\n")
    await asyncio.gather(*state.tasks)
    assert (sent, wire.written) == ([False], [])
