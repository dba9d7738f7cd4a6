"""From files to rows: encodings, headers, quoting, and what is refused at which line."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue.edges.csv_files import reading
from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column, TableRow, read_rows
from habitue.model.errors import Fault, InvalidInput

COLUMNS = (Column("name", required=True), Column("amount"), Column("Note"))


def rows(content: bytes | str, rows_max: int = 100) -> list[TableRow]:
    raw = content.encode() if isinstance(content, str) else content
    return [each for each in read(raw, rows_max) if isinstance(each, TableRow)]


def read(content: bytes, rows_max: int = 100) -> list[TableRow | Fault]:
    return list(read_rows(io.BytesIO(content), COLUMNS, rows_max))


def faults(content: bytes | str, rows_max: int = 100) -> list[tuple[int | None, str]]:
    raw = content.encode() if isinstance(content, str) else content
    try:
        found = [each for each in read(raw, rows_max) if isinstance(each, Fault)]
    except InvalidInput as refused:
        found = list(refused.faults)
    return [(each.line, each.title) for each in found]


PLAIN = "name,amount\nada,5\nbob,\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.rstrip("\n"),
        '"name","amount"\n"ada","5"\n"bob",""\n',
        "NAME , Amount\n ada , 5\n\nbob,\n\n",
    ],
)
def test_the_same_table_in_many_files(content: bytes | str) -> None:
    found = [each.fields for each in rows(content)]
    assert found == [
        {"name": "ada", "amount": "5", "Note": ""},
        {"name": "bob", "amount": "", "Note": ""},
    ]


def test_lines_are_those_on_which_rows_begin() -> None:
    found = rows('name,note\nada,"one\ntwo"\n\nbob,"say ""hi"", Bob"\n')
    assert [(each.line, each.fields["Note"]) for each in found] == [
        (2, "one\ntwo"),
        (5, 'say "hi", Bob'),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", [(1, "Missing column")]),
        ("\n", [(1, "Missing column")]),
        ("amount\n5\n", [(1, "Missing column")]),
        ("name,colour\nada,red\n", [(1, "Unknown column")]),
        ("name,NAME\nada,bob\n", [(1, "Duplicate column")]),
        ("name,amount\nada\n", [(2, "Unreadable")]),
        ("name,amount\nada,5\nbob,5,7\n", [(3, "Unreadable")]),
        ('name\n"ada\n', [(2, "Unreadable")]),
        ('name\nok\n"ada"x\n', [(3, "Unreadable")]),
        ("name\na\0da\n", [(2, "Unreadable")]),
        (b"name\nada\n\xff\xfe\xfd\n", [(3, "Unreadable")]),
        (b"name\nM\xfcller\n", [(2, "Unreadable")]),
        (b"n\xe4me\nada\n", [(1, "Unreadable")]),
        ("name\nada\n".encode("utf-16") + b"\0", [(3, "Unreadable")]),
        ("name\n" + "x" * 200_000 + "\n", [(2, "Unreadable")]),
    ],
)
def test_what_is_refused_at_which_line(
    content: bytes | str, expected: list[tuple[int, str]]
) -> None:
    assert faults(content) == expected


def test_a_row_that_cannot_be_read_hides_no_other() -> None:
    lines = [
        b"name,amount",
        b"ada,5",
        b"bob",
        b"M\xfcller,5",
        b"c\0d,5",
        b'"dora"x,5',
        b'"two',
        b'lines \xff",5',
        b"eve,5,7",
        b"fay,5",
        b'"never closed,5',
    ]
    found = read(b"\n".join(lines))
    told = [(each.line, each.details if isinstance(each, Fault) else "") for each in found]
    assert told == [
        (2, ""),
        (3, "the row has 1 fields, and the header 2"),
        (4, "this is not text in UTF-8"),
        (5, "the line holds the character NUL"),
        (6, "',' expected after '\"'"),
        (7, "this is not text in UTF-8"),
        (9, "the row has 3 fields, and the header 2"),
        (10, ""),
        (11, "unexpected end of data"),
    ]


def test_rows_and_lines_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(rows("name\na\nb\n", 2)) == 2
    assert faults("name\na\nb\nc\n", 2) == [(4, "Too many")]
    monkeypatch.setattr(reading, "FILE_LINE_LENGTH_MAX", 10)
    assert len(rows("name\n" + "x" * 9 + "\n")) == 1
    assert faults("name\n" + "x" * 11 + "\n") == [(2, "Unreadable")]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.sampled_from(["utf-8", "utf-16"]))
def test_what_is_written_is_read(pairs: list[tuple[str, str]], encoding: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerows([("name", "Note"), *pairs])
    found = rows(buffer.getvalue().encode(encoding))
    assert [(each.fields["name"], each.fields["Note"]) for each in found] == [
        (name.strip(), note.strip()) for name, note in pairs if name.strip() or note.strip()
    ]


def reader(**fields: str) -> RowReader:
    return RowReader(TableRow(7, fields))


@pytest.mark.parametrize(
    ("method", "text"),
    [
        *(("amount", text) for text in ("NaN", "1e3", "1,5", "--1", "Infinity", "1" * 31, "5 €")),
        *(("whole", text) for text in ("1.0", "x", "9" * 16)),
        *(("moment", text) for text in ("2026-11-10", "10.11.2026", "0999-01-01T00:00:00Z")),
        *(("json_object", text) for text in ("[]", "{", "5", "[" * 2_000)),
    ],
)
def test_what_is_no_value_is_a_fault_of_its_line(method: str, text: str) -> None:
    row = reader(column=text)
    getattr(row, method)("column")
    (fault,) = row.faults
    assert fault.line == 7
    assert fault.details.startswith("column: ")


@pytest.mark.parametrize(
    ("method", "text", "value"),
    [
        ("amount", "12.50", "12.50"),
        ("amount", "", "None"),
        ("whole", "-7", "-7"),
        ("moment", "2026-11-10T01:00:00+02:00", "2026-11-09 23:00:00+00:00"),
        ("json_object", '{"a": 1.10}', "{'a': Decimal('1.10')}"),
        ("json_object", "", "{}"),
    ],
)
def test_values_of_fields(method: str, text: str, value: Any) -> None:
    row = reader(column=text)
    assert str(getattr(row, method)("column")) == value
    assert row.faults == []
