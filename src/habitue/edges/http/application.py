"""The application: operations put behind one ASGI entrance.

A request is matched, its caller authenticated and permitted, its path, query and body decoded, its
handler called, and its answer encoded and sent; then it is counted and logged. A refusal at any
step becomes an answer of that operation's door. Whatever else is raised is logged with its trace
under the request's id, and answered with status 500 and no trace.

Words: an *entry* is an operation with its decoders, built once. The *clock* gives aware instants in
UTC and is read once per request.
"""

import inspect
import itertools
import re
import secrets
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import Mount
from starlette.types import ASGIApp, Scope

from habitue.edges.http.call import Answer, Call
from habitue.edges.http.declared import check_operation
from habitue.edges.http.decoding import (
    BodyDecoder,
    ClientGone,
    check_media_type,
    discard_body,
    read_body,
)
from habitue.edges.http.door import Door, Heard, PlainDoor
from habitue.edges.http.idempotency import HEADER, idempotency_of
from habitue.edges.http.lifespan import live
from habitue.edges.http.metrics import Metrics
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Operation
from habitue.edges.http.protocol import EXTENSION, WholeAnswer
from habitue.edges.http.query import QueryDecoder
from habitue.edges.http.refusals import (
    BodyTooLarge,
    MethodNotAllowed,
    PathUnknown,
    Unexpected,
    status_of,
)
from habitue.edges.http.routing import Found, Routes, decode_parameters
from habitue.edges.http.uploads import UploadedFile, receive_upload
from habitue.model.errors import Refusal
from habitue.model.idempotency import Idempotency

Clock = Callable[[], datetime]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PLAIN = PlainDoor()
_JSON = (b"content-type", b"application/json")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_KEY = HEADER.lower().encode()
_STATUS_CLIENT_GONE = 499
_STATUS_BODY_TOO_LARGE = status_of(BodyTooLarge)
_UNMATCHED = "unmatched"


def utc_now() -> datetime:
    """The clock on the wall."""
    return datetime.now(UTC)


@asynccontextmanager
async def _plain_life(application: "Application") -> AsyncIterator[None]:
    yield


@dataclass(frozen=True)
class Settings:
    """`mounts` are other ASGI applications by path prefix, asked where no operation matches;
    `life` is what the application is to live in, from the server's start to its end."""

    mounts: Mapping[str, ASGIApp] = field(default_factory=dict)
    life: Callable[["Application"], AbstractAsyncContextManager[None]] = _plain_life
    metrics: Metrics = field(default_factory=Metrics)


class Entry:
    """An operation, ready to decode its requests."""

    __slots__ = ("admits", "body", "door", "handler", "id", "moves", "notes", "operation", "query")

    def __init__(self, operation: Operation) -> None:
        check_operation(operation)
        self.operation = operation
        self.id = operation.id
        self.door = operation.door
        self.admits = type(operation.door).admit is not Door.admit
        self.moves = type(operation.door).moment is not Door.moment
        self.notes = type(operation.door).note is not Door.note
        self.handler = operation.handler
        self.body = None if operation.body is None else BodyDecoder[Any](operation.body)
        self.query = None if operation.query is None else QueryDecoder(operation.query)


class Request:
    """One request on its way, and what is known of it when something goes wrong."""

    __slots__ = (
        *("body", "caller", "door", "fields", "id", "operation", "raw_path", "scope", "started"),
        "unread",
    )

    def __init__(self, scope: Scope, fields: dict[bytes, bytes], request_id: str) -> None:
        self.scope = scope
        self.fields = fields
        self.id = request_id
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.door: Door = PLAIN
        self.operation: Operation | None = None
        self.caller: tuple[Any, datetime] | None = None
        self.body = b""
        self.started = perf_counter()
        self.unread = False


class Application:
    """The ASGI entrance."""

    def __init__(
        self, operations: Iterable[Operation], services: Any, clock: Clock, settings: Settings
    ) -> None:
        self.services = services
        self.metrics = settings.metrics
        self._clock = clock
        self._mounts = tuple(settings.mounts)
        self._routes: Routes[Entry] = Routes()
        self._log = structlog.get_logger("habitue.http")
        self._numbers = itertools.count(1)
        self._prefix = secrets.token_hex(6)
        mounts = [Mount(path, app=app) for path, app in settings.mounts.items()]
        self._starlette = Starlette(routes=mounts)
        self._life = settings.life
        ids: set[str] = set()
        for operation in operations:
            if operation.id in ids:
                raise ValueError(f"{operation.id} is declared twice")
            ids.add(operation.id)
            self._routes.add(operation.method, operation.path, Entry(operation))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(self._life(self), receive, send)
            return
        fields = dict(scope["headers"])
        request = Request(scope, fields, self._request_id(fields))
        found = self._routes.find(request.raw_path)
        if found is None and self._is_mounted(scope["path"]):
            await self._starlette(scope, receive, send)
            return
        await self._serve(request, found, receive, send)

    async def _serve(
        self, request: Request, found: Found[Entry] | None, receive: Receive, send: Send
    ) -> None:
        status = _STATUS_CLIENT_GONE
        answer: Answer | None = None
        try:
            try:
                answer = await self._answer(request, found, receive)
            except Refusal as refusal:
                answer = request.door.refuse(refusal, request.operation)
            status = answer.status
            if isinstance(answer.body, AsyncIterator):
                await self._stream(answer, answer.body, request, send)
                return
            unread = request.unread or status == _STATUS_BODY_TOO_LARGE
            if not unread and _sent_whole(answer, request):
                return
            await _send(answer, request.id, send, complete=not unread)
            if unread:
                await discard_body(receive)
                await send({"type": "http.response.body"})
        except ClientGone:
            pass
        except Exception as error:
            status, answer = 500, _apology(request)
            self._log.error("failure", request_id=request.id, exc_info=error)
            await _send(answer, request.id, send)
        finally:
            self._record(request, status)
            if request.caller is not None and answer is not None:
                _note(request, request.caller, answer, self.services)

    async def _stream(
        self, answer: Answer, pieces: AsyncIterator[bytes], request: Request, send: Send
    ) -> None:
        """Sends a body as it comes. Where it breaks off so does the answer, without its end, and
        the client knows that something is missing."""
        headers = _headers(answer, request.id)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        try:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except Exception as error:
            self._log.error("answer broken off", request_id=request.id, exc_info=error)
            return
        await send({"type": "http.response.body"})

    async def _answer(
        self, request: Request, found: Found[Entry] | None, receive: Receive
    ) -> Answer:
        entry, names, values = self._match(request, found)
        door, fields, operation = entry.door, request.fields, entry.operation
        headers = Headers(raw=request.scope["headers"])
        now = self._clock()
        principal = door.authenticate(headers, self.services, now)
        if inspect.isawaitable(principal):
            principal = await principal
        door.permit(principal, operation)
        if entry.admits:
            await door.admit(principal, operation, self.services, now)
        if entry.notes:
            request.caller = principal, now
        if entry.moves:
            now = door.moment(principal, now)
        path = decode_parameters(names, values) if values else {}
        query_string: bytes = request.scope["query_string"]
        query = None if entry.query is None else entry.query.decode(query_string)
        raw_body = await read_body(receive, fields) if operation.reads_body else b""
        request.body = raw_body
        body = None if entry.body is None else _body(operation, entry.body, fields, raw_body)
        key = headers.get(HEADER) if operation.idempotent and _KEY in fields else None
        upload = await _upload(request, receive) if operation.upload else None
        call = Call(
            operation_id=entry.id,
            path=path,
            query=query,
            body=body,
            raw_body=raw_body,
            principal=principal,
            idempotency=None if key is None else _promise(request, key, principal, raw_body),
            idempotency_key=key,
            now=now,
            request_id=request.id,
            services=self.services,
            headers=headers,
            query_string=query_string,
            client=(request.scope.get("client") or ("",))[0],
            upload=upload,
        )
        try:
            return await entry.handler(call)
        finally:
            if upload is not None:
                upload.close()

    def _match(
        self, request: Request, found: Found[Entry] | None
    ) -> tuple[Entry, tuple[str, ...], tuple[bytes, ...]]:
        if found is None:
            nearest = self._routes.nearest(request.raw_path)
            request.door = PLAIN if nearest is None else nearest.door
            raise PathUnknown
        method = request.scope["method"]
        target = found.targets.get(method)
        if target is None and method == "HEAD":
            target = found.targets.get("GET")
        if target is None:
            request.door = next(iter(found.targets.values()))[0].door
            raise MethodNotAllowed(method, tuple(sorted(found.targets)))
        entry, names = target
        request.door, request.operation = entry.door, entry.operation
        return entry, names, found.values

    def _is_mounted(self, path: str) -> bool:
        return any(path == each or path.startswith(each + "/") for each in self._mounts)

    def _request_id(self, fields: dict[bytes, bytes]) -> str:
        sent = fields.get(b"x-request-id")
        if sent is not None and _REQUEST_ID.fullmatch(sent):
            return sent.decode()
        return f"{self._prefix}-{next(self._numbers)}"

    def _record(self, request: Request, status: int) -> None:
        seconds = perf_counter() - request.started
        operation = request.operation
        operation_id = _UNMATCHED if operation is None else operation.id
        self.metrics.count(operation_id, status, seconds)
        quiet = operation is not None and operation.quiet
        (self._log.debug if quiet else self._log.info)(
            "request",
            method=request.scope["method"],
            operation=operation_id,
            status=status,
            ms=round(seconds * 1000, 2),
            request_id=request.id,
        )


def build(
    operations: Iterable[Operation],
    services: Any,
    *,
    clock: Clock = utc_now,
    settings: Settings | None = None,
) -> Application:
    """The ASGI application of these operations.

    Handlers find `services` in their calls. Raises ValueError where two operations have one place
    or one id, TypeError where a request is declared too loosely.
    """
    return Application(operations, services, clock, settings or Settings())


def _body(
    operation: Operation, decoder: BodyDecoder[Any], fields: dict[bytes, bytes], raw_body: bytes
) -> Any:
    if not raw_body and operation.body_optional:
        return None
    if raw_body:
        check_media_type(fields, operation.media_types)
    return decoder.decode(raw_body)


async def _upload(request: Request, receive: Receive) -> UploadedFile:
    request.unread = True
    upload = await receive_upload(receive, request.fields)
    request.unread = False
    return upload


def _promise(request: Request, key: str, principal: Any, raw_body: bytes) -> Idempotency:
    scope = request.door.scope(principal)
    method, query = request.scope["method"], request.scope["query_string"]
    return idempotency_of(key, scope, method, request.raw_path, query, raw_body)


def _note(request: Request, caller: tuple[Any, datetime], answer: Answer, services: Any) -> None:
    query: bytes = request.scope["query_string"]
    uri = b"%b?%b" % (request.raw_path, query) if query else request.raw_path
    heard = Heard(*caller, request.scope["method"], uri, request.body, answer)
    request.door.note(heard, services)


def _apology(request: Request) -> Answer:
    return request.door.refuse(Unexpected(request.id), request.operation)


def _sent_whole(answer: Answer, request: Request) -> bool:
    """Sends an ordinary answer of JSON by the server's short way; whether it did."""
    extensions = request.scope.get("extensions")
    # Taken out, because it holds the scope that holds it.
    whole: WholeAnswer | None = extensions.pop(EXTENSION, None) if extensions else None
    if whole is None or answer.headers or answer.body is None:
        return False
    body = answer.body
    content = body if type(body) is bytes else ENCODER.encode(body)
    lines = b"x-request-id: %b\r\ncontent-type: application/json\r\n" % request.id.encode()
    return bool(content) and whole(answer.status, lines, content)


async def _send(answer: Answer, request_id: str, send: Send, *, complete: bool = True) -> None:
    body = answer.body
    content = b"" if body is None else body if type(body) is bytes else ENCODER.encode(body)
    headers = _headers(answer, request_id)
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(content)))
    if content and "content-type" not in answer.headers:
        headers.append(_JSON)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": not complete})


def _headers(answer: Answer, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [(b"x-request-id", request_id.encode())]
    for name, value in answer.headers.items():
        headers.append((name.encode("latin-1"), value.encode("latin-1")))
    return headers
