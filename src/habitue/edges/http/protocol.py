"""HTTP on a connection, with an answer in one piece.

uvicorn writes the head of an answer and then its body. Each write is sent at once, and kernel and
client would wake up twice for every answer; so the head waits for the beginning of its body. That
costs no time: the application sends both in one go.

Words: an answer is *whole* when its head and all of its body are there. It may take a short way,
the ASGI extension `EXTENSION`, where nothing about the connection is out of the ordinary.
"""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

EXTENSION = "habitue.whole_answer"
#: Sends a whole answer: status, the lines of its head but for status, date and content length, and
#: its body. False, and nothing sent, where it must go the way of every ASGI application.
WholeAnswer: TypeAlias = Callable[[int, bytes, bytes], bool]


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with heads that wait for their bodies."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # To HEAD there is no body; and who waits for leave to send one must get it at once.
        if cycle.scope["method"] != "HEAD" and not cycle.waiting_for_100_continue:
            transport = cycle.transport
            cycle.transport = _HeldHead(transport)
            cycle.scope["extensions"] = {EXTENSION: _whole_answer(cycle, transport)}  # type: ignore[dict-item]
        super()._start_asgi_task(cycle, app)


def _whole_answer(cycle: RequestResponseCycle, transport: asyncio.Transport) -> WholeAnswer:
    def send(status: int, lines: bytes, body: bytes) -> bool:
        if cycle.disconnected or cycle.response_started or not cycle.keep_alive:
            return False
        if cycle.flow.write_paused:
            return False
        parts = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (lines, b"content-length: %d\r\n\r\n" % len(body), body)
        transport.write(b"".join(parts))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    return send


class _HeldHead(asyncio.Transport):
    """The transport of one answer: the first write, which is the head, leaves with the second."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`, unless it is the head."""
        if self._head is None:
            self._transport.write(data)
        elif self._head:
            self._transport.write(self._head + data)
            self._head = None
        else:
            self._head = bytes(data)

    def close(self) -> None:
        """Close the connection when all is sent, a head without a body too."""
        if self._head:
            self._transport.write(self._head)
            self._head = None
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._transport.is_closing()
