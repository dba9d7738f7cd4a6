"""From a file to rows: encoding, header, quoting. Nothing here knows what a column means.

Choices: a file is UTF-8, with or without a byte order mark, or UTF-16 with one, as spreadsheets
save it. Its fields are parted by what parts those of its header: commas, else semicolons, else
tabs. Names of columns are compared without case and surrounding blanks. A column that is not
declared, one that is missing or twice there, and a row with more or fewer fields than the header
are refused: whatever stands in the wrong place is not guessed at. Empty lines are passed over.

A row that cannot be read does not hide what is wrong with those after it: it is a fault of its
line, and reading goes on with the next. Bytes that are no text are such a fault too, but for those
of UTF-16, after which nothing is where it should be.

Invariant: in memory there is one row at a time, and no line is longer than
`FILE_LINE_LENGTH_MAX`.
"""

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import IO

import msgspec

from habitue.edges.http.uploads import FIELD
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import FILE_LINE_LENGTH_MAX

_SEPARATORS = ",;\t"
# What bytes that are no text become in a text.
_NO_TEXT = re.compile("[\udc80-\udcff]")


class Column(msgspec.Struct, frozen=True):
    """A column by its name; `required` ones stand in every file."""

    name: str
    required: bool = False


class TableRow(msgspec.Struct, frozen=True):
    """One row: the line on which it begins, and its fields by the declared names of the columns,
    without surrounding blanks; those of columns that the file lacks are empty."""

    line: int
    fields: dict[str, str]


def read_rows(
    file: IO[bytes], columns: Sequence[Column], rows_max: int
) -> Iterator[TableRow | Fault]:
    """The rows of a file, from its beginning, and the faults of those that cannot be read.

    Raises InvalidInput at the first thing that makes the rest unreadable, and beyond `rows_max`.
    """
    file.seek(0)
    start = file.read(3)
    file.seek(0)
    encoding = _encoding(start)
    errors = "strict" if encoding == "utf-16" else "surrogateescape"
    text = TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
    lines = _Lines(text)
    try:
        yield from _rows(lines, columns, rows_max)
    except UnicodeError:
        details = "this is not text in UTF-16, here or soon after"
        raise _unreadable(lines.count + 1, details) from None
    finally:
        text.detach()


class _Lines:
    """The lines of a text, counted; none is held that is too long. `complaint` is what is wrong
    with a line since the last row."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self.count = 0
        self.row_start = 1
        self.kept: str | None = None
        self.complaint: str | None = None

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.kept if self.kept is not None else self._text.readline(FILE_LINE_LENGTH_MAX)
        if self.kept is not None:
            self.kept = None
        else:
            self.count += 1
        if not line:
            raise StopIteration
        if len(line) == FILE_LINE_LENGTH_MAX and line[-1] not in "\r\n":
            details = f"a line has at most {FILE_LINE_LENGTH_MAX} characters"
            raise _unreadable(self.count, details)
        if "\0" in line:
            self.complaint = "the line holds the character NUL"
        if not line.isascii() and _NO_TEXT.search(line):
            self.complaint = "this is not text in UTF-8"
        return line


def _rows(lines: _Lines, columns: Sequence[Column], rows_max: int) -> Iterator[TableRow | Fault]:
    first = next(lines, "")
    lines.kept = first
    separator = next((each for each in _SEPARATORS if each in first), ",")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    names = _header(_first_row(reader, lines), columns)
    blank = {column.name: "" for column in columns}
    count = 0
    for line, fields in _records(reader, lines):
        if isinstance(fields, list) and not any(map(str.strip, fields)):
            continue
        count += 1
        if count > rows_max:
            raise _unreadable(line, f"at most {rows_max} rows are accepted", "Too many")
        if isinstance(fields, str):
            yield _fault(line, fields)
        elif len(fields) != len(names):
            yield _fault(line, f"the row has {len(fields)} fields, and the header {len(names)}")
        else:
            values = map(str.strip, fields)
            yield TableRow(line, {**blank, **dict(zip(names, values, strict=True))})


def _first_row(reader: Iterator[list[str]], lines: _Lines) -> list[str]:
    _, fields = next(_records(reader, lines), (1, []))
    if isinstance(fields, str):
        raise _unreadable(1, fields)
    return fields


def _records(reader: Iterator[list[str]], lines: _Lines) -> Iterator[tuple[int, list[str] | str]]:
    """The fields of each row with the line on which it begins, or why it cannot be read."""
    while True:
        lines.complaint = None
        try:
            fields: list[str] | str = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields = str(error)
        line, lines.row_start = lines.row_start, lines.count + 1
        yield line, lines.complaint or fields


def _header(fields: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """The declared names of the file's columns."""
    known = {column.name.lower(): column.name for column in columns}
    sent = [field.strip().lower() for field in fields]
    faults = [
        Fault("", "Unknown column", f'"{name[:80]}" is none of {", ".join(known)}', line=1)
        for name in sent
        if name not in known
    ]
    faults += [
        Fault("", "Duplicate column", f'"{name}" stands there twice', line=1)
        for name in dict.fromkeys(sent)
        if name in known and sent.count(name) > 1
    ]
    faults += [
        Fault("", "Missing column", f'the file has no column "{column.name}"', line=1)
        for column in columns
        if column.required and column.name.lower() not in sent
    ]
    if faults:
        raise InvalidInput(*faults)
    return [known[name] for name in sent]


def _encoding(start: bytes) -> str:
    if start.startswith(BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"


def _unreadable(line: int, details: str, title: str = "Unreadable") -> InvalidInput:
    return InvalidInput(_fault(line, details, title))


def _fault(line: int, details: str, title: str = "Unreadable") -> Fault:
    return Fault("", title, details, FIELD, line)
