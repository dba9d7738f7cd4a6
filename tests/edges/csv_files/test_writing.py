"""Files that are sent as they are read: in pieces, and without an end where reading breaks off."""

import csv
import io
from collections.abc import AsyncIterator, MutableMapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from habitue.edges.csv_files.writing import csv_answer, moment_text, number_text
from habitue.edges.http.application import PLAIN, build
from habitue.edges.http.operation import Answer, Call, CsvFile, Operation

ROWS = 5_000


async def table(breaks_at: int) -> AsyncIterator[Sequence[Any]]:
    for number in range(ROWS):
        if number == breaks_at:
            raise RuntimeError("the database is gone")
        yield (number, f'text, with "quotes" and\nlines {number}')


async def export(breaks_at: int) -> list[MutableMapping[str, Any]]:
    """What is sent of a table that cannot be read from a row on."""

    async def handle(call: Call[Any, Any, Any]) -> Answer:
        return csv_answer("table.csv", ("number", "text"), table(breaks_at))

    operation = Operation("export", "GET", "/export", handle, PLAIN, responses={200: CsvFile})
    sent: list[MutableMapping[str, Any]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/export",
        "raw_path": b"/export",
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await build([operation], None)(scope, receive, send)
    return sent


async def test_a_table_is_sent_in_pieces() -> None:
    start, *pieces = await export(ROWS)
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-type"]) == (200, b"text/csv; charset=utf-8")
    assert headers[b"content-disposition"] == b'attachment; filename="table.csv"'
    assert b"content-length" not in headers
    assert [piece.get("more_body", False) for piece in pieces] == [True] * (len(pieces) - 1) + [
        False
    ]
    assert 2 < len(pieces) < 20
    assert max(len(piece.get("body", b"")) for piece in pieces) < 70_000
    text = b"".join(piece.get("body", b"") for piece in pieces).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == ROWS + 1
    assert rows[-1] == [str(ROWS - 1), f'text, with "quotes" and\nlines {ROWS - 1}']


async def test_a_table_that_breaks_off_has_no_end() -> None:
    with capture_logs() as lines:
        start, *pieces = await export(4_000)
    assert start["status"] == 200
    assert pieces
    assert all(piece["more_body"] for piece in pieces)
    assert "answer broken off" in [line["event"] for line in lines]


@pytest.mark.parametrize(
    ("number", "text"),
    [("0", "0"), ("0.00", "0"), ("12.50", "12.5"), ("1E+3", "1000"), ("-7", "-7"), (None, "")],
)
def test_numbers_have_all_their_digits(number: str | None, text: str) -> None:
    assert number_text(None if number is None else Decimal(number)) == text


def test_moments_are_texts() -> None:
    moment = datetime(2026, 6, 1, 22, 30, 5, tzinfo=UTC)
    assert moment_text(moment) == "2026-06-01T22:30:05Z"
    assert moment_text(moment, "ISO8601", ZoneInfo("Europe/Berlin")) == "2026-06-01T22:30:05Z"
    assert moment_text(moment, "excel", ZoneInfo("Europe/Berlin")) == "2026-06-02 00:30:05"
    assert moment_text(None) == ""
