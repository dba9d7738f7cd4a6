"""Logs: one JSON object per line on standard error.

A request's line has its method, operation id, status, milliseconds and request id; never a body, a
header or a key. Messages of libraries that use `logging` are written in the same form.
"""

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

LEVELS = ("debug", "info", "warning", "error")

_ENCODER = msgspec.json.Encoder(enc_hook=str)
#: Methods of a logger that are not called like the level at which they log.
_LEVEL_OF = {"warn": "warning", "exception": "error"}


def configure(level: str = "info") -> None:
    """Send all logs of this process to standard error. `level` is one of `LEVELS`."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[_line],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_Forward()]
    root.setLevel(max(number, logging.WARNING))


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
