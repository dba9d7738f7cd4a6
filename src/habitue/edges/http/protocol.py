"""HTTP on a connection, with an answer in one piece.

uvicorn writes the head of an answer and then its body. Each write is sent at once, and kernel and
client would wake up twice for every answer; so the head waits for the beginning of its body. That
costs no time: the application sends both in one go.
"""

import asyncio

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with heads that wait for their bodies."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # To HEAD there is no body; and who waits for leave to send one must get it at once.
        if cycle.scope["method"] != "HEAD" and not cycle.waiting_for_100_continue:
            cycle.transport = _HeldHead(cycle.transport)
        super()._start_asgi_task(cycle, app)


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
