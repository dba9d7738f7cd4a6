"""The checker: conditions that say nothing or can never hold."""

from decimal import Decimal
from typing import Any

import pytest

from tests.rules.checking import ITEMS, TOTAL, check, told

NEVER, ALWAYS, DEAD = "Never holds", "Always holds", "Dead part"
CHANNEL = [".", "Session", "Attributes", "channel"]
CREATED = [".", "Session", "Created"]
SUSPICIOUS: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("apart", ["and", [">", TOTAL, 100], ["<", TOTAL, 50]], [("", NEVER)]),
    ("touching", ["and", [">", TOTAL, 100], ["<=", TOTAL, 100]], [("", NEVER)]),
    ("mirrored", ["and", ["<", 100, TOTAL], ["=", TOTAL, 7]], [("", NEVER)]),
    ("between", ["and", ["between", TOTAL, 1, 5], [">=", TOTAL, 5]], [("", NEVER)]),
    ("two texts", ["and", ["=", CHANNEL, "web"], ["=", "shop", CHANNEL]], [("", NEVER)]),
    ("a text and not", ["and", ["=", CHANNEL, "web"], ["!=", CHANNEL, "web"]], [("", NEVER)]),
    (
        "in nested parts",
        [
            "or",
            ["couponValid"],
            ["and", ["and", [">", TOTAL, 9]], ["catch", False, ["<", TOTAL, 8]]],
        ],
        [("/2", DEAD)],
    ),
    (
        "two times",
        [
            "and",
            ["after", CREATED, CREATED],
            [">", CREATED, "2026-02-01T00:00:00Z"],
            ["<", CREATED, "2026-01-01T00:00:00Z"],
        ],
        [("", NEVER)],
    ),
    ("computed", ["and", [">", ["+", TOTAL, 1], 5], ["<", ["+", TOTAL, 1], 5]], [("", NEVER)]),
    ("number and text", ["=", TOTAL, "many"], [("", NEVER)]),
    ("number unlike text", ["!=", TOTAL, "many"], [("", ALWAYS)]),
    ("boolean and text", ["=", [".", "Session", "vip"], "yes"], [("", NEVER)]),
    ("time and text", ["=", CREATED, "today"], [("", NEVER)]),
    ("constants", ["and", ["couponValid"], [">", 1, ["+", 1, 1]]], [("/2", NEVER)]),
    ("constants", ["=", ["+", 1, 1], "2"], [("", ALWAYS)]),
    ("false", False, [("", NEVER)]),
    ("nothing of", ["or"], [("", NEVER)]),
    ("dead in and", ["and", ["couponValid"], ["<", 1, 2]], [("/2", DEAD)]),
    ("dead in or", ["or", ["couponValid"], ["~", "^a", "b"]], [("/2", DEAD)]),
    ("true in or", ["or", ["couponValid"], ["<", 1, 2]], [("", ALWAYS)]),
    ("in a block", ["exists", ITEMS, [["I"], ["=", [".", "I", "Price"], "x"]]], [("/2/1", NEVER)]),
    ("feature", ["and", ["referralValid"]], [("/1", "Feature is off")]),
    ("division", [">", ["/", TOTAL, ["-", 1, 1]], 1], [("/1", "Division by zero")]),
    ("division", [">", ["mod", TOTAL, 0], 1], [("/1", "Division by zero")]),
]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [row[1:] for row in SUSPICIOUS],
    ids=[row[0] for row in SUSPICIOUS],
)
def test_what_does_nothing_is_warned_about(condition: Any, expected: list[tuple[str, str]]) -> None:
    report = check(condition)
    assert report.errors == ()
    assert told(report.warnings) == [
        (f"/rules/0/condition{pointer}", title) for pointer, title in expected
    ]


UNSUSPICIOUS: list[Any] = [
    ["and", [">=", TOTAL, 100], ["<=", TOTAL, 100]],
    ["and", ["=", TOTAL, 5], ["=", TOTAL, Decimal("5.0")]],
    ["and", ["=", CHANNEL, "1"], ["=", CHANNEL, 1]],
    ["and", ["=", TOTAL, "5"], ["=", TOTAL, 5]],
    ["or", [">", TOTAL, 100], ["<", TOTAL, 50]],
    ["and", [">", TOTAL, 100], ["<", [".", "Session", "CartTotal"], 50]],
    ["and", ["!=", CHANNEL, "a"], ["!=", CHANNEL, "b"]],
    [
        "and",
        ["=", [".", "Session", "Attributes", "birthday"], "2026-01-01T00:00:00Z"],
        ["=", [".", "Session", "Attributes", "birthday"], "2026-01-01T01:00:00+01:00"],
    ],
    ["and"],
    ["and", True, ["couponValid"]],
    ["and", [">", TOTAL, 1], ["not", [">", TOTAL, 5]]],
]


@pytest.mark.parametrize("condition", UNSUSPICIOUS, ids=str)
def test_what_is_possible_is_not_warned_about(condition: Any) -> None:
    report = check(condition)
    assert (report.errors, report.warnings) == ((), ())


def test_a_contradiction_quotes_both_parts() -> None:
    report = check(["and", ["couponValid"], [">", TOTAL, 100], ["<", TOTAL, 50]])
    assert [fault.details for fault in report.warnings] == [
        'Rule "R": these two exclude each other: session.total > 100 and session.total < 50; '
        "in: couponValid() and session.total > 100 and session.total < 50"
    ]
