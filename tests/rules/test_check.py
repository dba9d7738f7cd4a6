"""The checker: what it refuses, where, and what it lets pass."""

from decimal import Decimal
from typing import Any

import pytest

from habitue.rules.types import (
    NUMBER,
)
from tests.rules.checking import DISCOUNT, ITEMS, TOTAL, check, told

ACCEPTED: list[tuple[Any, Any]] = [
    (["and", [">", TOTAL, 100], ["couponValid"]], [["setDiscount", "Free money", 45]]),
    (["and", True], [["setDiscount", "Free money", Decimal("45.55")]]),
    (True, [["noop"]]),
    (
        ["and", ["couponValid"]],
        ["catch", ["noop"], ["setDiscount", "10% off", ["*", TOTAL, ["/", 10, 100]]]],
    ),
    (
        [
            "exists",
            ITEMS,
            [["Item"], ["catch", False, ["=", [".", "Item", "Category"], "Kitchen"]]],
        ],
        [["setDiscountPerItem", "x", [["Item"], ["*", [".", "Item", "Price"], 0]]]],
    ),
    (
        [
            "not",
            [
                "isEmpty",
                [
                    "filter",
                    ITEMS,
                    [
                        ["Item"],
                        ["catch", False, ["!=", [".", "Item", "Attributes", "channel"], "gift"]],
                    ],
                ],
            ],
        ],
        [["setDiscountPerItem", "x", 5]],
    ),
    (
        ["every", ITEMS, "Item", [">=", [".", "Item", "Price"], 5]],
        [["set", "X", 5], ["setDiscount", "x", [".", "X"]]],
    ),
    (
        ["before", [".", "Session", "Created"], "2030-01-01T00:00:00Z"],
        [["do", 5, [["X"], ["setDiscount", "x", [".", "X"]]]]],
    ),
    ([">", ["sum", ITEMS, [["I"], [".", "I", "Price"]]], 5], [["notify", ["kv", ["a", TOTAL]]]]),
]


@pytest.mark.parametrize(("condition", "effects"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_is_right_passes_without_a_word(condition: Any, effects: Any) -> None:
    report = check(condition, effects)
    assert (report.errors, report.warnings) == ((), ())


REFUSED: list[tuple[str, Any, Any, list[tuple[str, str]]]] = [
    ("unknown function", ["couponvald"], [DISCOUNT], [("/condition", "Unknown function")]),
    ("unknown effect", True, [["setDiscont", "x", 5]], [("/effects/0", "Unknown function")]),
    (
        "count of a core function",
        ["and", ["=", 1], [">", TOTAL]],
        [DISCOUNT],
        [
            ("/condition/1", "Wrong number of arguments"),
            ("/condition/2", "Wrong number of arguments"),
        ],
    ),
    (
        "count of a host function",
        ["couponValid", 1],
        [["setDiscount", "x"], ["setDiscount", "x", 1, 2]],
        [
            ("/condition", "Wrong number of arguments"),
            ("/effects/0", "Wrong number of arguments"),
            ("/effects/1", "Wrong number of arguments"),
        ],
    ),
    (
        "type of an argument",
        [">", TOTAL, "many"],
        [["setDiscount", 5, 5], ["setDiscount", "x", [".", "Session", "Store"]]],
        [
            ("/condition/2", "Wrong type"),
            ("/effects/0/1", "Wrong type"),
            ("/effects/1/2", "Wrong type"),
        ],
    ),
    (
        "unknown variable",
        [">", [".", "Sesion", "Total"], 1],
        [],
        [("/condition/1", "Unknown variable")],
    ),
    ("unknown field", [">", [".", "Session", "Totl"], 1], [], [("/condition/1", "Unknown field")]),
    (
        "unknown attribute",
        ["=", [".", "Session", "Attributes", "chanel"], "web"],
        [],
        [("/condition/1", "Unknown field")],
    ),
    ("field of a number", ["=", [*TOTAL, "X"], 1], [], [("/condition/1", "Unknown field")]),
    ("effect in a formula", ["and", DISCOUNT], [], [("/condition/1", "Effect in a formula")]),
    ("noop in a formula", ["catch", ["noop"], True], [], [("/condition/1", "Effect in a formula")]),
    ("set in a formula", ["and", ["set", "x", 1]], [], [("/condition/1", "Effect in a formula")]),
    (
        "formula as an effect",
        True,
        [
            ["+", 1, 2],
            ["couponValid"],
            [["I"], 5],
            ["catch", 0, DISCOUNT],
            ["map", ITEMS, [["I"], DISCOUNT]],
        ],
        [
            ("/effects/0", "Formula as an effect"),
            ("/effects/1", "Formula as an effect"),
            ("/effects/2", "Formula as an effect"),
            ("/effects/3/1", "Formula as an effect"),
            ("/effects/4", "Formula as an effect"),
        ],
    ),
    ("condition that is a number", TOTAL, [], [("/condition", "Wrong type")]),
    ("null as condition", None, [], [("/condition", "Wrong type")]),
    (
        "number as a part",
        ["and", TOTAL, "x", None],
        [],
        [
            ("/condition/1", "Wrong type"),
            ("/condition/2", "Wrong type"),
            ("/condition/3", "Wrong type"),
        ],
    ),
    ("not of a string", ["not", "x"], [], [("/condition/1", "Wrong type")]),
    ("pattern", ["~", "(?=a)", "x"], [], [("/condition/1", "Not a regular expression")]),
    ("pattern", ["~", "a(", "x"], [], [("/condition/1", "Not a regular expression")]),
    (
        "time",
        ["before", [".", "Session", "Created"], "tomorrow"],
        [],
        [("/condition/2", "Not a time")],
    ),
    (
        "unit",
        [
            "before",
            ["addDuration", [".", "Session", "Created"], 1, "lightyears"],
            "2026-01-01T00:00:00Z",
        ],
        [],
        [("/condition/1/3", "Not a unit of time")],
    ),
    (
        "layout",
        ["=", ["formatTime", [".", "Session", "Created"], "x" * 2_000], "x"],
        [],
        [("/condition/1/2", "Not a layout")],
    ),
    (
        "unreadable time",
        ["before", ["parseTime", "soon"], ["parseTime", "2026-01-01"]],
        [],
        [
            ("/condition/1/1", "Not a time"),
        ],
    ),
    ("list compared", ["=", ITEMS, 1], [], [("/condition/1", "Wrong type")]),
    ("record compared", ["=", [".", "Session"], 1], [], [("/condition/1", "Wrong type")]),
    ("block as a value", ["and", [["X"], True]], [], [("/condition", "Wrong arguments")]),
    ("block as an argument", ["=", [["X"], True], 1], [], [("/condition/1", "Misplaced block")]),
    (
        "block of two parameters",
        ["exists", ITEMS, [["A", "B"], True]],
        [["setDiscountPerItem", "x", [["A", "B"], 1]], ["notify", [["A"], 1]]],
        [
            ("/condition/2", "Wrong block"),
            ("/effects/0/2", "Misplaced block"),
            ("/effects/1/1", "Misplaced block"),
        ],
    ),
    ("block missing", ["exists", ITEMS, True], [], [("/condition", "Wrong arguments")]),
    ("body of another type", ["exists", ITEMS, [["I"], 5]], [], [("/condition/2/1", "Wrong type")]),
    (
        "no list",
        ["exists", TOTAL, [["I"], True]],
        [],
        [("/condition/1", "Wrong type")],
    ),
    ("sum of items", [">", ["sum", ITEMS], 1], [], [("/condition/1/1", "Wrong type")]),
    ("catch of one", ["catch", True], [], [("/condition", "Wrong arguments")]),
    ("computed path", ["=", [".", ["+", "a", "b"]], 1], [], [("/condition/1", "Wrong arguments")]),
    (
        "block body of a discount",
        True,
        [["setDiscountPerItem", "x", [["Item"], [".", "Item", "Sku"]]]],
        [("/effects/0/2/1", "Wrong type")],
    ),
    ("set of a variable", True, [["set", "Session", 1]], [("/effects/0", "Name is taken")]),
    (
        "set is seen later only",
        True,
        [["setDiscount", "x", [".", "Late"]], ["set", "Late", 1]],
        [("/effects/0/2", "Unknown variable")],
    ),
    ("stray hole", ["=", ["#", 0], 1], [], [("/condition/1", "Unknown hole")]),
    ("unknown template", ["=", ["!", "plus", 1], 1], [], [("/condition/1", "Unknown template")]),
    (
        "stray template",
        ["and", ["setTemplate", "f()", 1]],
        [],
        [("/condition/1", "Misplaced template")],
    ),
]


@pytest.mark.parametrize(
    ("condition", "effects", "expected"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_what_cannot_work_is_refused(
    condition: Any, effects: Any, expected: list[tuple[str, str]]
) -> None:
    report = check(condition, effects)
    assert told(report.errors) == [(f"/rules/0{pointer}", title) for pointer, title in expected]


def test_features_that_the_campaign_lacks() -> None:
    effects = [["addLoyaltyPoints", "p", ["loyaltyBalance", "p"]]]
    report = check(["and", ["couponValid"]], effects, features=frozenset())
    assert told(report.errors) == [
        ("/rules/0/effects/0", "Feature is off"),
        ("/rules/0/effects/0/2", "Feature is off"),
    ]
    assert told(report.warnings) == [("/rules/0/condition/1", "Feature is off")]
    assert check(["and", ["couponValid"]], effects).errors == ()


def test_details_name_the_rule_and_quote_the_expression() -> None:
    report = check([">", [".", "Session", "Totl"], 100], [["setDiscont", "x", 5]])
    assert [fault.details for fault in report.errors] == [
        'Rule "R": Session has neither a field nor an attribute "Totl"; did you mean "Total"?; '
        "in: session.totl",
        'Rule "R": there is no function "setDiscont"; did you mean "setDiscount"?; '
        'in: setDiscont("x", 5)',
    ]


def test_types_are_told_in_words() -> None:
    report = check(["and", [">", TOTAL, "a"], ["sum", ["map", ITEMS, [["I"], [".", "I", "Sku"]]]]])
    assert [fault.details.split("; in:")[0] for fault in report.errors] == [
        'Rule "R": a number is wanted here, not a string',
        'Rule "R": a list of number is wanted here, not a list of string',
        'Rule "R": and wants parts that are true or false, not a number',
    ]


def test_no_more_than_a_hundred_errors_are_told() -> None:
    report = check(["and", *[["nothing"]] * 1_000])
    assert len(report.errors) == 100


def binding(name: str, expression: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "expression": expression, **more}


def test_bindings_are_seen_by_what_comes_after_them() -> None:
    report = check(
        [">", [".", "Mine"], [".", "Shared"]],
        [["setDiscount", "x", [".", "Mine"]]],
        bindings=[binding("Mine", ["+", [".", "Shared"], 1])],
        shared=[binding("Shared", 5), binding("Twice", ["*", [".", "Shared"], 2])],
    )
    assert report.errors == ()
    assert told(report.warnings) == [("/bindings/1/name", "Unused binding")]
    assert report.type_of(report.ruleset.bindings[0].expression) == NUMBER
    assert report.type_of(report.ruleset.rules[0].bindings[0].expression) == NUMBER


def test_bindings_that_read_later_ones_or_themselves_are_refused() -> None:
    report = check(
        [">", [".", "A"], [".", "B"]],
        shared=[binding("A", [".", "B"]), binding("B", ["+", [".", "B"], 1])],
    )
    assert told(report.errors) == [
        ("/bindings/0/expression", "Read before it is bound"),
        ("/bindings/1/expression/1", "Read before it is bound"),
    ]


def test_names_of_bindings_are_unique_and_their_own() -> None:
    report = check(
        [">", [".", "A"], 1],
        bindings=[binding("A", 1)],
        shared=[binding("A", 1), binding("A", 2), binding("Session", 3)],
    )
    assert told(report.errors) == [
        ("/bindings/1/name", "Name is taken"),
        ("/bindings/2/name", "Name is taken"),
    ]
    assert ("/rules/0/bindings/0/name", "Hidden binding") in told(report.warnings)


def test_the_declared_type_of_a_binding_is_tested() -> None:
    shared = [
        binding("A", "x", valueType="number"),
        binding("B", 1, valueType="number"),
        binding("C", TOTAL, valueType="string"),
    ]
    report = check(["=", [".", "A"], [".", "B"], [".", "C"]], shared=shared)
    assert told(report.errors) == [
        ("/bindings/0/expression", "Wrong type"),
        ("/bindings/2/expression", "Wrong type"),
    ]


def test_templates_are_filled_in_and_checked_where_they_are_used() -> None:
    shared = [
        binding("t1", ["setTemplate", "plus(Decimal, Decimal)Decimal", ["+", ["#", 0], ["#", 1]]]),
        binding("t2", ["setTemplate", "twice(Decimal)", ["!", "plus", ["#", 0], ["#", 0]]]),
    ]
    report = check([">", ["!", "Twice", TOTAL], 5], shared=shared)
    assert (report.errors, report.warnings) == ((), ())
    assert report.ruleset.bindings == ()
    wrong = check([">", ["!", "twice", "x"], 5], shared=shared)
    assert told(wrong.errors) == [("/rules/0/condition/1", "Wrong type")]


def test_templates_cannot_grow_without_bound() -> None:
    shared = [binding("t", ["setTemplate", "t0()", ["list", *[1] * 100]])]
    for level in range(1, 20):
        body = ["list", *[["!", f"t{level - 1}"]] * 10]
        shared.append(binding("t", ["setTemplate", f"t{level}()", body]))
    report = check(["isEmpty", ["!", "t19"]], shared=shared)
    assert {fault.title for fault in report.errors} == {"Too large"}
    assert len(report.errors) < 30
