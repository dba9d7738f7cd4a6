"""From the bytes of a body to a value of the declared type.

Words: *text rules* are what every body must keep whatever its type: UTF-8 without a byte order
mark, no NUL character, no nesting deeper than `BODY_NESTING_MAX`. Then one typed decode does the
work of an ordinary request; only where it fails, `explain` finds everything that is wrong.

Choices: the last of several equal keys wins, as in JavaScript and Go. A whole number may be
written with a fraction of zero (2.0). Fields that the type does not know are ignored.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from itertools import accumulate
from typing import Any, Generic, TypeVar

import msgspec

from habitue.edges.http.explain import examine, first_fault
from habitue.edges.http.moments import in_utc, moment_fields
from habitue.edges.http.numbers import decode_special, exact
from habitue.edges.http.refusals import BodyTooLarge, BodyTooSlow, MediaTypeUnsupported
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import BODY_BYTES_MAX, BODY_NESTING_MAX

Decoded = TypeVar("Decoded")
Fields = Mapping[bytes, bytes]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

BODY_SECONDS = 30.0
#: How much of a refused body is still taken, and for how long.
DISCARDED_BYTES_MAX = 8 * BODY_BYTES_MAX
DISCARD_SECONDS = 3.0

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_TEXT = re.compile(rb'"[^"]*"')


class ClientGone(Exception):
    """The client closed the connection before its request was complete; nobody waits."""


async def read_body(receive: Receive, headers: Fields) -> bytes:
    """The whole body. Raises BodyTooLarge, BodyTooSlow or ClientGone."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > BODY_BYTES_MAX:
        raise BodyTooLarge
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        return await _rest_of_body(receive, body)
    if len(body) > BODY_BYTES_MAX:
        raise BodyTooLarge
    return body


async def _rest_of_body(receive: Receive, beginning: bytes) -> bytes:
    chunks, size, more = [beginning], len(beginning), True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more and size <= BODY_BYTES_MAX:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                more = message.get("more_body", False)
    except TimeoutError:
        raise BodyTooSlow(BODY_SECONDS) from None
    if size > BODY_BYTES_MAX:
        raise BodyTooLarge
    return b"".join(chunks)


async def discard_body(receive: Receive) -> None:
    """Take what still arrives of a body that was refused, within limits.

    Most clients send everything before they read. Were the connection closed at once, they would
    find it broken instead of the answer.
    """
    size, more = 0, True
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            while more and size <= DISCARDED_BYTES_MAX:
                message = await receive()
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return


def check_media_type(headers: Fields, accepted: tuple[str, ...]) -> None:
    """Raise MediaTypeUnsupported unless the body is declared as one of `accepted`, in UTF-8.

    A body without a Content-Type is taken for JSON.
    """
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if encoding.lower() != "identity":
        raise MediaTypeUnsupported("Content-Encoding", encoding, ("identity",))
    sent = headers.get(b"content-type", b"").decode("latin-1")
    if sent in accepted or not sent:
        return
    kind, _, rest = sent.partition(";")
    parameter, _, charset = rest.partition("=")
    foreign = parameter.strip().lower() == "charset" and (
        charset.strip().strip('"').lower() not in ("utf-8", "utf8", "us-ascii")
    )
    if foreign or kind.strip().lower() not in accepted:
        raise MediaTypeUnsupported("Content-Type", sent, accepted)


class BodyDecoder(Generic[Decoded]):
    """Decodes bodies to one type; build it once."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self._moments = moment_fields(kind)
        self._decode: Callable[[bytes], Decoded] = msgspec.json.Decoder(
            kind, float_hook=exact, dec_hook=decode_special
        ).decode

    def decode(self, body: bytes) -> Decoded:
        """The value of the declared type. Raises InvalidInput with everything that is wrong."""
        if not body.isascii():
            _check_unicode(body)
        check_nesting(body)
        try:
            value = self._decode(body)
        except RecursionError:
            raise InvalidInput(_nested_too_deeply()) from None
        except ValueError as error:  # msgspec's errors, and those of the functions it calls
            value = self._second_look(body, error)
        if b"\\u0000" in body:
            _check_no_nul(body)
        return in_utc(value, self._moments) if self._moments else value

    def _second_look(self, body: bytes, complaint: Exception) -> Decoded:
        faults, repaired = examine(body, self.kind, complaint)
        if faults:
            raise InvalidInput(*faults) from None
        try:
            value: Decoded = msgspec.convert(repaired, self.kind, dec_hook=decode_special)
        except msgspec.ValidationError as error:
            raise InvalidInput(first_fault(error)) from None
        return value


def explain(body: bytes, kind: Any) -> list[Fault]:
    """Everything that keeps `body` from being a `kind`; empty where it is one."""
    try:
        BodyDecoder[Any](kind).decode(body)
    except InvalidInput as refusal:
        return list(refusal.faults)
    return []


def check_nesting(body: bytes) -> None:
    """Raise InvalidInput where `body` nests deeper than `BODY_NESTING_MAX`.

    Few brackets cannot nest deeply, so an ordinary body costs two counts. What is not JSON may
    pass; the decoder refuses it.
    """
    if body.count(b"[") + body.count(b"{") <= BODY_NESTING_MAX:
        return
    plain = _ESCAPED.sub(b"", body) if b"\\" in body else body
    brackets = _TEXT.sub(b"", plain).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > BODY_NESTING_MAX:
        raise InvalidInput(_nested_too_deeply())


def _nested_too_deeply() -> Fault:
    return Fault("", "nesting", f"The body is nested deeper than {BODY_NESTING_MAX} levels")


def _check_unicode(body: bytes) -> None:
    if body.startswith(b"\xef\xbb\xbf"):
        details = "The body begins with a byte order mark; JSON has none"
        raise InvalidInput(Fault("", "encoding", details))
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        details = f"The body is not UTF-8 text: byte {error.start} is wrong"
        raise InvalidInput(Fault("", "encoding", details)) from None


def _check_no_nul(body: bytes) -> None:
    faults, _ = examine(body, Any, ValueError("The body contains the character NUL"))
    if faults:
        raise InvalidInput(*faults)
