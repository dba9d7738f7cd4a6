"""Query strings: how every kind of parameter may be written, and what is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.edges.http.query import QueryDecoder
from habitue.model.errors import Fault, InvalidInput
from tests.edges.http.shop import Options

DECODER = QueryDecoder(Options)
AT_TWO = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


class Needed(msgspec.Struct):
    code: str


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Options()),
        ("&&=&unknown=1&dry&silent=", Options()),
        ("dry=true", Options(dry=True)),
        ("dry=True&dry=false", Options(dry=True)),
        ("dry=1", Options(dry=True)),
        ("dry=YES", Options(dry=True)),
        ("dry=False", Options()),
        ("dry=", Options()),
        ("campaignIds=1,2", Options(campaign_ids=[1, 2])),
        ("campaignIds=1%2C2", Options(campaign_ids=[1, 2])),
        ("campaignIds=1&campaignIds=2,3", Options(campaign_ids=[1, 2, 3])),
        ("campaignIds=", Options(campaign_ids=[])),
        ("subledgerId=a&subledgerId=b%20c", Options(subledger_id=["a", "b c"])),
        ("subledgerId=%26%3D", Options(subledger_id=["&="])),
        ("silent=no", Options(silent="no")),
        ("pageSize=1000", Options(page_size=1000)),
        ("minimum=9.990", Options(minimum=Decimal("9.990"))),
        ("minimum=3", Options(minimum=Decimal(3))),
        ("name=", Options(name="")),
        ("name=a+b%2B", Options(name="a b+")),
        ("name=null", Options(name="null")),
        ("na%6De=x", Options(name="x")),
        ("now=2026-03-01T00:00:00Z", Options(now=AT_TWO)),
        ("now=2026-03-01T02:00:00%2B02:00", Options(now=AT_TWO)),
        ("now=2026-03-01T02:00:00+02:00", Options(now=AT_TWO)),
    ],
)
def test_a_query_that_is_read(query: str, expected: Options) -> None:
    assert DECODER.decode(query.encode()) == expected


@pytest.mark.parametrize(
    ("query", "parameter", "title", "details"),
    [
        ("dry=maybe", "dry", "Invalid type", 'Value of "dry" (maybe) is not a boolean'),
        (
            "campaignIds=1,x",
            "campaignIds",
            "Invalid type",
            'Value of "campaignIds[1]" (x) is not an integer',
        ),
        (
            "campaignIds=99999999999999999999",
            "campaignIds",
            "maximum",
            "campaignIds[0] may be at most 9007199254740991",
        ),
        ("pageSize=0", "pageSize", "minimum", "pageSize must be at least 1"),
        ("pageSize=1001", "pageSize", "maximum", "pageSize may be at most 1000"),
        (
            "pageSize=1.5",
            "pageSize",
            "Invalid type",
            'Value of "pageSize" (1.5) is not an integer',
        ),
        ("minimum=NaN", "minimum", "Invalid type", 'Value of "minimum" (NaN) is not a number'),
        (
            "minimum=1e999999999",
            "minimum",
            "Invalid type",
            'Value of "minimum" (1e999999999) is not a number',
        ),
        ("silent=maybe", "silent", "enum", 'silent must be one of the following: "yes", "no"'),
        (
            "now=2026-03-01",
            "now",
            "Invalid type",
            'Value of "now" (2026-03-01) is not a time (RFC 3339, with an offset)',
        ),
        (
            "name=%FF",
            "name",
            "encoding",
            "name is not valid percent-encoded UTF-8 text without NUL",
        ),
        (
            "name=a%00",
            "name",
            "encoding",
            "name is not valid percent-encoded UTF-8 text without NUL",
        ),
    ],
)
def test_a_query_that_is_refused(query: str, parameter: str, title: str, details: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        DECODER.decode(query.encode())
    assert refusal.value.faults == (Fault("", title, details, parameter=parameter),)


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        DECODER.decode(b"dry=x&pageSize=0&silent=1")
    assert [each.parameter for each in refusal.value.faults] == ["dry", "silent", "pageSize"]


def test_a_parameter_that_is_needed() -> None:
    with pytest.raises(InvalidInput) as refusal:
        QueryDecoder(Needed).decode(b"")
    fault = Fault("", "required", "code is required", parameter="code")
    assert refusal.value.faults == (fault,)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=30) | st.text("dryname=&%+,019AFé").map(str.encode))
def test_any_query_is_read_or_refused(query: bytes) -> None:
    try:
        decoded: Any = DECODER.decode(query)
    except InvalidInput as refusal:
        decoded = refusal.faults
    assert isinstance(decoded, (Options, tuple))
    assert decoded
