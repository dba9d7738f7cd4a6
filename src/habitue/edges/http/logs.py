"""Logs: one JSON object per line on standard error.

A request's line has its method, operation id, status, milliseconds and request id; never a body, a
header or a key. Messages of libraries that use `logging` are written in the same form.
"""

import logging
import sys
from typing import Any

import msgspec
import structlog

LEVELS = ("debug", "info", "warning", "error")


def configure(level: str = "info") -> None:
    """Send all logs of this process to standard error. `level` is one of `LEVELS`."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_line),
        ],
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


def _line(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)
