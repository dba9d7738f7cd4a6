"""Files that are sent as forms (multipart/form-data), from the socket to a file on disk.

A file is taken as a whole before anything is done with it: what is cut off in the middle is never
looked at. In memory there is one piece of it at a time; what is large lies on disk until the answer
is sent. The form has one field, `upFile` in the protocol's words; others are passed over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from habitue.edges.http.decoding import ClientGone
from habitue.edges.http.refusals import BodyTooLarge, BodyTooSlow, MediaTypeUnsupported
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import UPLOAD_BYTES_MAX

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

FIELD = "upFile"
FORM = "multipart/form-data"
#: How long each piece may take to arrive.
PIECE_SECONDS = 30.0
#: What is kept in memory of a file before it goes to disk.
_MEMORY_BYTES_MAX = 1024 * 1024


class UploadedFile:
    """A file that was sent: `file` stands at its beginning, `digest` is its SHA-256."""

    def __init__(self) -> None:
        self.file: IO[bytes] = SpooledTemporaryFile(max_size=_MEMORY_BYTES_MAX)  # noqa: SIM115
        self._hash = sha256()

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the whole file."""
        return self._hash.digest()

    def write(self, piece: bytes) -> None:
        """Adds a piece."""
        self._hash.update(piece)
        self.file.write(piece)

    def close(self) -> None:
        """The file is gone."""
        self.file.close()


async def receive_upload(receive: Receive, headers: Mapping[bytes, bytes]) -> UploadedFile:
    """The file of a form.

    Raises BodyTooLarge, BodyTooSlow, ClientGone, MediaTypeUnsupported, and InvalidInput where the
    form is broken or has no such file.
    """
    form = _Form(_boundary(headers))
    size, more = 0, True
    try:
        while more:
            message = await _next_piece(receive)
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > UPLOAD_BYTES_MAX:
                raise BodyTooLarge(UPLOAD_BYTES_MAX)
            form.write(piece)
            more = message.get("more_body", False)
        return form.finished()
    except BaseException:
        form.close()
        raise


async def _next_piece(receive: Receive) -> MutableMapping[str, Any]:
    try:
        async with asyncio.timeout(PIECE_SECONDS):
            message = await receive()
    except TimeoutError:
        raise BodyTooSlow(PIECE_SECONDS) from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


def _boundary(headers: Mapping[bytes, bytes]) -> bytes:
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if encoding.lower() != "identity":
        raise MediaTypeUnsupported("Content-Encoding", encoding, ("identity",))
    sent = headers.get(b"content-type", b"")
    kind, options = parse_options_header(sent)
    boundary = options.get(b"boundary", b"")
    if kind.lower() != FORM.encode() or not boundary:
        raise MediaTypeUnsupported("Content-Type", sent.decode("latin-1"), (FORM,))
    return boundary


class _Form:
    """A form while it arrives: the parser calls back with what it has understood."""

    def __init__(self, boundary: bytes) -> None:
        self._upload: UploadedFile | None = None
        self._header = [bytearray(), bytearray()]
        self._disposition = b""
        self._wanted = self._ended = False
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise _broken(str(error)) from None

    def write(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _broken(str(error)) from None

    def finished(self) -> UploadedFile:
        if not self._ended:
            raise _broken("it ends before its last boundary")
        if self._upload is None:
            details = f"the form has no field {FIELD}"
            raise InvalidInput(Fault("", "Missing", details, parameter=FIELD))
        self._upload.file.seek(0)
        return self._upload

    def close(self) -> None:
        if self._upload is not None:
            self._upload.close()

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._part_continues,
            "on_end": self._form_ends,
        }

    def _part_begins(self) -> None:
        self._disposition, self._wanted = b"", False

    def _header_ends(self) -> None:
        name, value = (bytes(each) for each in self._header)
        self._header = [bytearray(), bytearray()]
        if name.lower() == b"content-disposition":
            self._disposition = value

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._wanted = options.get(b"name") == FIELD.encode()
        if self._wanted and self._upload is not None:
            details = f"the form has more than one field {FIELD}"
            raise InvalidInput(Fault("", "Duplicate", details, parameter=FIELD))
        if self._wanted:
            self._upload = UploadedFile()

    def _part_continues(self, data: bytes, start: int, end: int) -> None:
        if self._wanted and self._upload is not None:
            self._upload.write(data[start:end])

    def _form_ends(self) -> None:
        self._ended = True


def _broken(details: str) -> InvalidInput:
    return InvalidInput(Fault("", "Invalid form", f"the form is broken: {details}", FIELD))
