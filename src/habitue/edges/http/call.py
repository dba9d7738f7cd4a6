"""What a handler is given and what it hands back.

Words: a *call* is one request, authenticated and decoded; an *answer* is a status code with a
body. Invariant: a handler reads nothing but its call, so it never sees a wire format, a socket or
a clock.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from habitue.edges.http.numbers import INTEGER_MAX
from habitue.edges.http.uploads import UploadedFile
from habitue.model.errors import Fault, InvalidInput
from habitue.model.idempotency import Idempotency

Principal = TypeVar("Principal")
Query = TypeVar("Query")
Body = TypeVar("Body")


class Call(msgspec.Struct, Generic[Principal, Query, Body]):
    """One request.

    `path` holds the path's parameters, decoded once. `now` is an aware instant in UTC, read once
    for the whole request. `client` is the address that the connection came from, and
    `query_string` as it was sent. `body` and `query` are of the types that the operation declares,
    or None where it declares none. `upload` is the file of an operation that takes one; it is gone
    after the call. `services` is what the application was built with.
    """

    operation_id: str
    path: dict[str, str]
    query: Query
    body: Body
    raw_body: bytes
    principal: Principal
    idempotency: Idempotency | None
    idempotency_key: str | None
    now: datetime
    request_id: str
    services: Any
    headers: Mapping[str, str]
    query_string: bytes = b""
    client: str = ""
    upload: UploadedFile | None = None

    @property
    def file(self) -> UploadedFile:
        """The file of an operation that takes one."""
        assert self.upload is not None, f"{self.operation_id} takes no file"
        return self.upload

    def integer(self, name: str) -> int:
        """The path parameter of that name as a whole number.

        Raises InvalidInput unless it is one, from 0 to `INTEGER_MAX`.
        """
        text = self.path[name]
        if text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) <= INTEGER_MAX:
            return int(text)
        shown = text if len(text) <= 80 else text[:77] + "..."
        details = f'Value of "{name}" ({shown}) is not an integer from 0 to {INTEGER_MAX}'
        raise InvalidInput(Fault("", "Invalid type", details, parameter=name))


class Answer(msgspec.Struct, frozen=True):
    """A status code with its body: a Struct to encode, bytes to send as they are, or nothing; or
    bytes that come bit by bit, which are sent as they come.

    Bytes are JSON unless `headers` (lower case names) has a content-type of its own.
    """

    status: int
    body: object = None
    headers: dict[str, str] = {}
