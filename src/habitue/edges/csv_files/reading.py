"""From a file to rows: encoding, header, quoting. Nothing here knows what a column means.

Choices: a file is UTF-8, with or without a byte order mark, or UTF-16 with one, as spreadsheets
save it. Its fields are parted by what parts those of its header: commas, else semicolons, else
tabs. Names of columns are compared without case and surrounding blanks. A column that is not
declared, one that is missing or twice there, and a row with more or fewer fields than the header
are refused: whatever stands in the wrong place is not guessed at. Empty lines are passed over.

Invariant: in memory there is one row at a time, and no line is longer than
`FILE_LINE_LENGTH_MAX`.
"""

import csv
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import IO

import msgspec

from habitue.edges.http.uploads import FIELD
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import FILE_LINE_LENGTH_MAX

_SEPARATORS = ",;\t"


class Column(msgspec.Struct, frozen=True):
    """A column by its name; `required` ones stand in every file."""

    name: str
    required: bool = False


class TableRow(msgspec.Struct, frozen=True):
    """One row: the line on which it begins, and its fields by the declared names of the columns,
    without surrounding blanks; those of columns that the file lacks are empty."""

    line: int
    fields: dict[str, str]


def read_rows(file: IO[bytes], columns: Sequence[Column], rows_max: int) -> Iterator[TableRow]:
    """The rows of a file, from its beginning.

    Raises InvalidInput at the first thing that makes the rest unreadable, and beyond `rows_max`.
    """
    file.seek(0)
    start = file.read(3)
    file.seek(0)
    text = TextIOWrapper(file, encoding=_encoding(start), newline="")
    lines = _Lines(text)
    try:
        yield from _rows(lines, columns, rows_max)
    except UnicodeError:
        details = "this is not text in UTF-8, here or soon after"
        raise _unreadable(lines.count + 1, details) from None
    except csv.Error as error:
        raise _unreadable(lines.row_start, str(error)) from None
    finally:
        text.detach()


class _Lines:
    """The lines of a text, counted; none is held that is too long."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self.count = 0
        self.row_start = 1
        self.kept: str | None = None

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
            raise _unreadable(self.count, "the line holds the character NUL")
        return line


def _rows(lines: _Lines, columns: Sequence[Column], rows_max: int) -> Iterator[TableRow]:
    first = next(lines, "")
    lines.kept = first
    separator = next((each for each in _SEPARATORS if each in first), ",")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    names = _header(next(reader, []), columns)
    blank = {column.name: "" for column in columns}
    count = 0
    lines.row_start = lines.count + 1
    for fields in reader:
        line, lines.row_start = lines.row_start, lines.count + 1
        if not any(map(str.strip, fields)):
            continue
        if len(fields) != len(names):
            details = f"the row has {len(fields)} fields, and the header {len(names)}"
            raise _unreadable(line, details)
        count += 1
        if count > rows_max:
            raise _unreadable(line, f"at most {rows_max} rows are accepted", "Too many")
        values = map(str.strip, fields)
        yield TableRow(line, {**blank, **dict(zip(names, values, strict=True))})


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
    return InvalidInput(Fault("", title, details, FIELD, line))
