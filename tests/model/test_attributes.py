"""Attributes on the way in: what fits its definition, and what is said of the rest."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.attributes import (
    AttributeDefinition,
    AttributeType,
    by_name,
    merged,
    normalised,
    validate,
)
from habitue.model.errors import Fault

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def defined(name: str, type_: AttributeType, **more: Any) -> AttributeDefinition:
    return AttributeDefinition(1, "CustomerSession", name, name, type_, CREATED, **more)


def faults_of(value: Any, type_: AttributeType, **more: Any) -> list[Fault]:
    definitions = {"Note": defined("Note", type_, **more)}
    return validate({"Note": value}, definitions, "CustomerSession", "/attributes")


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("string", "x"),
        ("string", ""),
        ("number", 3),
        ("number", Decimal("-0.5")),
        ("boolean", False),
        ("time", "2026-02-28T23:59:59.123456789+02:00"),
        ("(list string)", ["a", "b"]),
        ("(list number)", []),
        ("(list time)", ["2026-01-01T00:00:00Z"]),
        ("location", [Decimal("52.5"), 13]),
        ("(list location)", [[0, 0], [-90, 180]]),
        ("string", None),
    ],
)
def test_what_fits(type_: AttributeType, value: Any) -> None:
    assert faults_of(value, type_) == []


@pytest.mark.parametrize(
    ("type_", "value", "words"),
    [
        ("string", False, "a string"),
        ("string", "x" * 10_001, "a string"),
        ("number", "3", "a number"),
        ("number", True, "a number"),
        ("number", Decimal("Infinity"), "a number"),
        ("number", Decimal("1E+16"), "a number"),
        ("boolean", 1, "a boolean"),
        ("time", "2026-02-30T00:00:00Z", "a time (RFC 3339, with an offset)"),
        ("time", "2026-02-28T00:00:00", "a time (RFC 3339, with an offset)"),
        ("(list string)", "a", "a list of strings"),
        ("(list string)", ["a", 1], "a list of strings"),
        ("location", [91, 0], "a location (a list of latitude and longitude)"),
        ("location", [1], "a location (a list of latitude and longitude)"),
    ],
)
def test_what_does_not_fit(type_: AttributeType, value: Any, words: str) -> None:
    (fault,) = faults_of(value, type_)
    assert fault.pointer == "/attributes/Note"
    assert fault.title == "Invalid type"
    assert fault.details.endswith(f"is not {words}")


def test_the_words_of_the_contract() -> None:
    (fault,) = faults_of(False, "string")
    assert fault.details == 'Value of "Note" attribute (false) is not a string'


def test_an_undefined_attribute_is_named_with_its_entity() -> None:
    (fault,) = validate({"a/b": 1}, {}, "CustomerSession", "/attributes")
    details = 'Attribute "a/b" is not defined on CustomerSession entities.'
    assert fault == Fault("/attributes/a~1b", "Unknown", details)


def test_suggestions_restrict_when_asked_to() -> None:
    assert faults_of("red", "string", suggestions=("blue",)) == []
    restricted = {"suggestions": ("blue",), "restricted_by_suggestions": True}
    assert faults_of("blue", "string", **restricted) == []
    (fault,) = faults_of("red", "string", **restricted)
    assert fault.title == "Not allowed"


def test_definitions_are_of_one_entity() -> None:
    other = AttributeDefinition(2, "CartItem", "Color", "Color", "string", CREATED)
    assert by_name([defined("Note", "string"), other], "CartItem") == {"Color": other}


def test_null_removes_and_the_rest_is_laid_over() -> None:
    assert merged({"a": 1, "b": 2}, {"b": None, "c": 3}) == {"a": 1, "c": 3}


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.integers() | st.booleans() | st.text(), st.lists, max_leaves=10))
def test_stored_numbers_are_decimals_throughout(value: Any) -> None:
    def holds_int(each: Any) -> bool:
        return any(map(holds_int, each)) if isinstance(each, list) else type(each) is int

    stored = normalised({"Note": value})["Note"]
    assert not holds_int(stored)
    assert stored == value
