"""Requests to an application in this process, without a socket."""

from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

import msgspec

from habitue.edges.http.application import Application


class Response(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


async def request(
    application: Application,
    method: str,
    target: str,
    body: bytes | list[bytes] = b"",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send one request; a list of bytes arrives in as many pieces, and an empty list is a client
    that goes away before its body is complete."""
    raw_path, _, query = target.partition("?")
    sent = {"content-type": "application/json"} if body else {}
    sent.update(headers or {})
    scope = {
        "type": "http",
        "method": method,
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
    }
    pieces = [body] if isinstance(body, bytes) else list(body)
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    messages.append({"type": "http.disconnect"})
    answers: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        answers.append(message)

    await application(scope, receive, send)
    if not answers:
        return Response(0, {}, b"")
    start, *contents = answers
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    body = b"".join(content.get("body", b"") for content in contents)
    return Response(start["status"], names, body)
