"""Logs: one JSON object per line on standard error.

A request's line has its method, operation id, status, milliseconds and request id; never a body, a
header or a key. Messages of libraries that use `logging` are written in the same form.

Lines of requests are written together, at most `LINES_SECONDS` after they came to be; whatever is a
warning or worse is written at once, with all that waited before it.
"""

import asyncio
import atexit
import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import structlog

LEVELS = ("debug", "info", "warning", "error")

#: How long a line may wait for others.
LINES_SECONDS = 0.02

_ENCODER = msgspec.json.Encoder(enc_hook=str)
#: Methods of a logger that are not called like the level at which they log.
_LEVEL_OF = {"warn": "warning", "exception": "error"}


def configure(level: str = "info") -> None:
    """Send all logs of this process to standard error. `level` is one of `LEVELS`."""
    number = logging.getLevelNamesMapping()[level.upper()]
    lines = LineWriter(sys.stderr.buffer)
    atexit.register(lines.flush)
    structlog.configure(
        processors=[_line],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(max(number, logging.WARNING))


class LineWriter:
    """Writes lines to a stream: those of one event loop together, others each by itself."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: list[bytes] = []

    def info(self, line: bytes) -> None:
        """A line that may wait a moment."""
        self._waiting.append(line)
        if len(self._waiting) > 1:
            return
        try:
            asyncio.get_running_loop().call_later(LINES_SECONDS, self.flush)
        except RuntimeError:
            self.flush()

    debug = info

    def error(self, line: bytes) -> None:
        """A line that may be the last one."""
        self._waiting.append(line)
        self.flush()

    warn = warning = exception = critical = fatal = msg = error

    def flush(self) -> None:
        """Write what waits. A stream that nobody reads any more stops nothing."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with suppress(OSError, ValueError):
                self._stream.write(b"".join(line + b"\n" for line in waiting))
                self._stream.flush()


class _Forward(logging.Handler):
    """Hands a library's message on."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger("habitue.libraries")
        logger.log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


def _line(logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    """The line of an event: what it has, its level, and when it was; a trace where it has one."""
    event["level"] = _LEVEL_OF.get(method, method)
    event["timestamp"] = datetime.now(UTC)
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    return _ENCODER.encode(event)
