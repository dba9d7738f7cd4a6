"""One operation of an API: a method on a path, what it takes, what it gives, and who may call it.

Words: an *operation* is declared once, and routing, decoding, errors, metrics and the OpenAPI
document follow from the declaration. A *path template* names its parameters in braces, as in
"/v2/customer_sessions/{customerSessionId}"; "{campaignId:int}" documents a whole number, which
the handler reads with `call.integer("campaignId")`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from habitue.edges.http.call import Answer, Call
from habitue.edges.http.door import Door

__all__ = ["Answer", "Call", "Handler", "Operation"]

Handler: TypeAlias = Callable[[Call[Any, Any, Any]], Awaitable[Answer]]
JSON_ONLY = ("application/json",)
#: The published description says application/csv, which its own clients cannot read.
CSV_MEDIA_TYPE = "text/csv"

_SEGMENT = re.compile(r"[^{}%?#/\s]+|\{([A-Za-z_]\w*)(:int)?\}", re.ASCII)


class CsvFile:
    """Stands for a table in a file, in the answers that an operation declares."""


@dataclass(frozen=True)
class Operation:
    """One operation.

    `id` is unique within the application. `body` is the type that the body is decoded to, `query`
    the Struct that the query string is decoded to (field names as on the wire, by `rename`).
    An `upload` takes a file instead, which the handler finds in `call.upload`. `responses` gives
    the body's type by status code, None for an empty one, `CsvFile` for a file; what the door
    answers to refusals is added by itself. An `idempotent` operation takes an Idempotency-Key. A
    `quiet` one is logged at debug level. `request_example` is JSON text for the documentation.
    `shown_body` and `shown_query` are what it shows of requests that the handler reads itself.
    """

    id: str
    method: str
    path: str
    handler: Handler
    door: Door
    summary: str = ""
    group: str = ""
    description: str = ""
    body: Any = None
    body_optional: bool = False
    upload: bool = False
    media_types: tuple[str, ...] = JSON_ONLY
    query: type[msgspec.Struct] | None = None
    responses: Mapping[int, Any] = field(default_factory=dict)
    idempotent: bool = False
    quiet: bool = False
    documented: bool = True
    request_example: bytes = b""
    shown_body: Any = None
    shown_query: type[msgspec.Struct] | None = None

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"{self.id}: a path begins with a slash, unlike {self.path}")
        for segment in self.path.removeprefix("/").split("/"):
            if segment and _SEGMENT.fullmatch(segment) is None:
                raise ValueError(f"{self.id}: {segment} is no part of a path template")

    @property
    def parameters(self) -> tuple[tuple[str, bool], ...]:
        """The path's parameters in order: name, and whether it is a whole number."""
        found = (_SEGMENT.fullmatch(each) for each in self.path.split("/"))
        return tuple((each[1], each[2] is not None) for each in found if each and each[1])

    @property
    def reads_body(self) -> bool:
        """Whether requests of this operation may have a body, which is held in memory."""
        if self.upload:
            return False
        return self.body is not None or self.method not in ("GET", "HEAD")
