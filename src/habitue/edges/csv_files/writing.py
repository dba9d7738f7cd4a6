"""From rows to a file that is sent as it comes: UTF-8, commas, one line per row, ended as RFC 4180
has it. Some thousands of characters are sent at once, and nothing else is held.

What begins like a formula is a formula to spreadsheets, which run it. Texts that people gave are
written as they are all the same: a file that is imported again holds what was exported.
"""

import csv
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from io import StringIO
from typing import Any, Literal

from habitue.edges.http.call import Answer
from habitue.edges.http.operation import CSV_MEDIA_TYPE

DateFormat = Literal["excel", "ISO8601"]

_PIECE_CHARACTERS = 64 * 1024


def csv_answer(name: str, header: Sequence[str], rows: AsyncIterator[Sequence[Any]]) -> Answer:
    """The answer that sends a table under a file's name."""
    headers = {
        "content-type": f"{CSV_MEDIA_TYPE}; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
    }
    return Answer(200, _pieces(header, rows), headers)


def moment_text(
    moment: datetime | None, date_format: DateFormat | None = None, zone: tzinfo | None = None
) -> str:
    """A moment as files have it: RFC 3339 in UTC, or as spreadsheets read it, in a zone."""
    if moment is None:
        return ""
    if date_format == "excel":
        local = moment if zone is None else moment.astimezone(zone)
        return local.strftime("%Y-%m-%d %H:%M:%S")
    return moment.isoformat().replace("+00:00", "Z")


def number_text(number: Decimal | None) -> str:
    """A number with all its digits and no exponent."""
    if number is None:
        return ""
    return f"{number.normalize():f}" if number else "0"


async def _pieces(
    header: Sequence[str], rows: AsyncIterator[Sequence[Any]]
) -> AsyncIterator[bytes]:
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    async for row in rows:
        writer.writerow(row)
        if buffer.tell() > _PIECE_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
