"""Files in forms: taken whole or not at all, whatever the pieces in which they arrive."""

from collections.abc import Iterator, MutableMapping
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue.edges.http import uploads
from habitue.edges.http.decoding import ClientGone
from habitue.edges.http.refusals import BodyTooLarge, MediaTypeUnsupported
from habitue.edges.http.uploads import UploadedFile, receive_upload
from habitue.model.errors import InvalidInput

BOUNDARY = b"xyz"
HEADERS = {b"content-type": b"multipart/form-data; boundary=xyz"}


def part(content: bytes, name: bytes = b"upFile", more: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="' + name + b'"' + more
    return b"--xyz\r\n" + disposition + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


async def receive_all(
    pieces: list[bytes], headers: dict[bytes, bytes] | None = None
) -> UploadedFile:
    messages: Iterator[MutableMapping[str, Any]] = iter(
        [
            {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
            for index, piece in enumerate(pieces)
        ]
    )

    async def receive() -> MutableMapping[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    return await receive_upload(receive, headers or HEADERS)


@given(
    st.binary(max_size=200).filter(lambda content: b"--xyz" not in content),
    st.lists(st.integers(0, 400), max_size=6),
)
async def test_a_file_is_what_was_sent_however_it_was_cut(content: bytes, cuts: list[int]) -> None:
    body = form(part(b"other", b"note"), part(content, more=b'; filename="points.csv"'))
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    upload = await receive_all(pieces)
    assert upload.file.read() == content
    assert upload.digest == sha256(content).digest()
    upload.close()


async def test_a_large_file_lies_on_disk() -> None:
    content = b"0123456789" * 300_000
    body = form(part(content))
    upload = await receive_all([body[at : at + 65_536] for at in range(0, len(body), 65_536)])
    assert upload.file._rolled  # type: ignore[attr-defined]
    assert upload.file.read() == content
    upload.close()


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (form(part(b"x", b"file")), "Missing"),
        (form(part(b"x"), part(b"y")), "Duplicate"),
        (part(b"x"), "Invalid form"),
        (b"", "Invalid form"),
        (b"garbage", "Invalid form"),
    ],
)
async def test_what_is_no_form_with_a_file_is_refused(body: bytes, title: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await receive_all([body])
    assert [(each.title, each.parameter) for each in refused.value.faults] == [(title, "upFile")]


@pytest.mark.parametrize(
    "headers",
    [
        {b"content-type": b"application/json"},
        {b"content-type": b"multipart/form-data"},
        {b"content-encoding": b"gzip", **HEADERS},
    ],
)
async def test_other_bodies_are_not_read(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(MediaTypeUnsupported):
        await receive_all([form(part(b"x"))], headers)


async def test_files_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_BYTES_MAX", 150)
    with pytest.raises(BodyTooLarge):
        await receive_all([form(part(b"x" * 100))])


async def test_whoever_hangs_up_is_not_answered() -> None:
    body = form(part(b"x"))
    messages = iter([{"type": "http.request", "body": body[:20], "more_body": True}])

    async def receive() -> MutableMapping[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    with pytest.raises(ClientGone):
        await receive_upload(receive, HEADERS)
