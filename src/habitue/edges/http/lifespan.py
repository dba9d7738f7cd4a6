"""The beginning and the end of a server process, in ASGI's protocol for them.

A refusal at the beginning is told in one plain line on standard error; any other failure is a
mistake of ours and is logged with its trace. In both cases the server does not start.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog

from habitue.model.errors import Refusal

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def live(life: AbstractAsyncContextManager[None], receive: Receive, send: Send) -> None:
    """Enter `life` when the server starts, and leave it when the server stops."""
    phase = "startup"
    try:
        await receive()
        async with life:
            await send({"type": "lifespan.startup.complete"})
            phase = "shutdown"
            await receive()
    except Exception as error:
        _tell(phase, error)
        await send({"type": f"lifespan.{phase}.failed", "message": ""})
    else:
        await send({"type": "lifespan.shutdown.complete"})


def _tell(phase: str, error: Exception) -> None:
    if isinstance(error, Refusal):
        # One write: another worker says the same at the same moment.
        sys.stderr.write(f"habitue: {error.message}\n")
        sys.stderr.flush()
    else:
        structlog.get_logger("habitue.http").error(f"{phase} failed", exc_info=error)
