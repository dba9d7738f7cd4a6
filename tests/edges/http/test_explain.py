"""Explanations: every kind of field, and that they agree with the decoder on any body."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.edges.http.decoding import BodyDecoder, explain
from habitue.edges.http.numbers import decode_special, exact
from tests.edges.http.everything import JSON, NAMES, Everything

PLAIN = msgspec.json.Decoder(Everything, float_hook=exact, dec_hook=decode_special)


def faults_of(body: bytes) -> list[tuple[str, str, str]]:
    return [(each.pointer, each.title, each.details) for each in explain(body, Everything)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"text":"abcd"}', [("/text", "maxLength")]),
        (b'{"text":"z"}', [("/text", "pattern")]),
        (b'{"whole":0,"even":3}', [("/whole", "exclusiveMinimum"), ("/even", "multipleOf")]),
        (b'{"whole":10}', [("/whole", "exclusiveMaximum")]),
        (b'{"flag":1,"colour":"green","level":3}',
            [("/flag", "Invalid type"), ("/colour", "enum"), ("/level", "enum")]),
        (b'{"key":"not-a-uuid"}', [("/key", "Invalid type")]),
        (b'{"shape":{}}', [("/shape/type", "required")]),
        (b'{"shape":{"type":"hexagon"}}', [("/shape/type", "enum")]),
        (b'{"shape":{"type":["square"]}}', [("/shape/type", "enum")]),
        (b'{"shape":{"type":"square"}}', [("/shape/side", "required")]),
        (b'{"shape":7}', [("/shape", "Invalid type")]),
        (b'{"either":{}}', [("/either", "Invalid type")]),
        (b'{"either":[1,"x"]}', [("/either/1", "Invalid type")]),
        (b'{"prices":{"abc":1,"d":"2"}}',
            [("/prices/abc", "maxLength"), ("/prices/d", "Invalid type")]),
        (b'{"pairs":[]}', [("/pairs", "minItems")]),
        (b'{"pairs":[[1],[2.5]]}', [("/pairs/1/0", "Invalid type")]),
        (b'{"tree":{"name":"a","children":[{"name":"b","children":[{}]}]}}',
            [("/tree/children/0/children/0/name", "required")]),
    ],
)  # fmt: skip
def test_every_kind_of_field_has_its_faults(body: bytes, expected: list[tuple[str, str]]) -> None:
    assert [each[:2] for each in faults_of(body)] == expected


def test_a_union_is_described_by_its_members() -> None:
    ((_, _, details),) = faults_of(b'{"either":{}}')
    assert details == 'Value of "either" (an object) is not a string or an array or a boolean'


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4), st.data())
def test_the_explanation_agrees_with_the_decoder(
    value: dict[str, Any], data: st.DataObject
) -> None:
    body = msgspec.json.encode(value)
    if data.draw(st.integers(0, 4)) == 0:
        cut = data.draw(st.integers(0, len(body)))
        body = body[:cut] + data.draw(st.binary(max_size=2)) + body[cut:]
    faults = explain(body, Everything)
    try:
        PLAIN.decode(body)
    except ValueError:
        has_fraction = b"." in body or b"e" in body.lower()
        assert faults or has_fraction
        assert faults or BodyDecoder[Everything](Everything).decode(body)
    else:
        assert {fault.title for fault in faults} <= {"encoding"}
        assert bool(faults) == (b"\\u0000" in body or not is_unicode(body))


def is_unicode(body: bytes) -> bool:
    try:
        return bool(body.decode())
    except UnicodeDecodeError:
        return False


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_every_pointer_leads_to_a_place_in_the_body_or_to_a_field_that_is_missing(
    value: dict[str, Any],
) -> None:
    for fault in explain(msgspec.json.encode(value), Everything):
        place: Any = value
        *above, last = fault.pointer.split("/")[1:] or [""]
        for step in above:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if fault.title == "required":
            assert last not in place
        elif fault.pointer:
            assert int(last) < len(place) if isinstance(place, list) else last in place
