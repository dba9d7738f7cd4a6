"""YAML as exact values: nothing is guessed, nothing blows up."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.edges.shop_files.yaml_nodes import DEPTH_MAX, NODES_MAX, read_yaml
from habitue.model.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Decimal("0.1")),
        ("1e2", Decimal(100)),
        ("-12.50", Decimal("-12.50")),
        ("012", "012"),
        ("012.5", "012.5"),
        ("12", 12),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("'true'", "true"),
        ('"12"', "12"),
        ("~", None),
        ("", None),
        (".inf", ".inf"),
        ("2026-01-01", "2026-01-01"),
        ("[1, a]", [1, "a"]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_values(text: str, value: Any) -> None:
    read = read_yaml(text).value
    assert read == value
    assert type(read) is type(value)


def test_every_place_has_its_line() -> None:
    lines = read_yaml("a:\n  b:\n    - c: 1\n    - 2\n").lines
    assert lines == {"": 1, "/a": 1, "/a/b": 2, "/a/b/0": 3, "/a/b/0/c": 3, "/a/b/1": 4}


def _bomb(levels: int) -> str:
    named = [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)
    ]
    return "\n".join(["a0: &a0 [x]", *named])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: !!python/object:os.system x", "the tag tag:yaml.org,2002:python/object:os.system"),
        ("a: !x 1", "the tag !x"),
        ("a: 1\na: 2", 'line 2, column 1: the key "a" stands here twice'),
        ("[1, 2]: 3", "a key is a plain word"),
        ("a: &a [*a]", "an alias stands inside what it names"),
        (_bomb(7), f"it has more than {NODES_MAX} parts"),
        ("[" * 200 + "]" * 200, f"deeper than {DEPTH_MAX} levels"),
        ("[" * 5000, "nested too deeply"),
        ("a: [1", "line 1, column"),
        ("a: 1\n---\nb: 2", "document"),
        ('a: "x\\0y"', "NUL"),
        ('a: "x\\ud800y"', "half of a character"),
        ("a: 1e999999999", "line 1, column 4: the number is out of range"),
        ("a: " + "9" * 50 + ".5", "the number is out of range"),
        ("a: x\0y", "special characters are not allowed"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text)
    (fault,) = caught.value.faults
    assert reason in fault.details


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#,?%@`\n 01.~\t"), max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        document = read_yaml(text)
    except InvalidInput:
        return
    assert document.value is None or document.lines[""] >= 1
