"""The checker: what it refuses, what it warns about, where, and what it lets pass."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import Fault
from habitue.rules.check import CheckReport, check_formula, check_ruleset
from habitue.rules.dialect import Dialect, HostFunction
from habitue.rules.functions import CORE
from habitue.rules.notation import read_text
from habitue.rules.parse import parse_expression
from habitue.rules.ruleset import parse_ruleset
from habitue.rules.types import (
    ANY,
    BOOLEAN,
    EFFECT,
    MAP,
    NUMBER,
    STRING,
    TIME,
    Type,
    list_of,
    record,
)
from tests.rules.shop import SHOP

FEATURES = frozenset({"coupons", "loyalty"})


def _host(name: str, result: Type, *parameters: Type, feature: str | None = None) -> HostFunction:
    named = tuple((f"p{index}", type_) for index, type_ in enumerate(parameters))
    return HostFunction(name, named, result, print, feature=feature)


ADDED = (
    _host("couponValid", BOOLEAN, feature="coupons"),
    _host("referralValid", BOOLEAN, feature="referrals"),
    _host("addLoyaltyPoints", EFFECT, STRING, NUMBER, feature="loyalty"),
    _host("loyaltyBalance", NUMBER, STRING, feature="loyalty"),
    _host("notify", EFFECT, ANY),
)
DIALECT: Dialect = replace(
    SHOP, functions={**SHOP.functions, **{function.name: function for function in ADDED}}
)
DISCOUNT = ["setDiscount", "off", 5]


def check(
    condition: Any = True,
    effects: Any = (DISCOUNT,),
    bindings: Any = (),
    shared: Any = (),
    features: frozenset[str] = FEATURES,
) -> CheckReport:
    rule = {"title": "R", "condition": condition, "effects": effects, "bindings": bindings}
    return check_ruleset(parse_ruleset({"rules": [rule], "bindings": shared}), DIALECT, features)


def told(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.title) for fault in faults]


def formula(text: str, wanted: Type = ANY, **names: Type) -> Type:
    """The type of a formula without errors."""
    report = check_formula(read_text(text), DIALECT, wanted, names, FEATURES)
    assert report.errors == ()
    return report.type


TOTAL = [".", "Session", "Total"]
ITEMS = [".", "Session", "CartItems"]
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


def test_strikethrough_rules_are_checked_too() -> None:
    rule = {"title": "S", "condition": ["nothing"], "effects": []}
    document = {"rules": [], "strikethroughRules": [rule]}
    report = check_ruleset(parse_ruleset(document), DIALECT, FEATURES)
    assert told(report.errors) == [("/strikethroughRules/0/condition", "Unknown function")]


#: One call of every core function, and the type of its result.
CALLS: dict[str, tuple[str, Type]] = {
    "=": ('equal("a", 1, true)', BOOLEAN),
    "!=": ("session.total != 5", BOOLEAN),
    "<": ("less(session.total, 5, 6)", BOOLEAN),
    "<=": ('session.created <= "2026-01-01T00:00:00Z"', BOOLEAN),
    ">": ("session.total > session.cart_total", BOOLEAN),
    ">=": ("session.total >= 1", BOOLEAN),
    "between": ("between(session.total, 1, 2)", BOOLEAN),
    "+": ('"a" + profile.name', STRING),
    "-": ("session.total - 1", NUMBER),
    "*": ("multiply(session.total, 2, 3)", NUMBER),
    "/": ("session.total / 3", NUMBER),
    "mod": ("session.total % 3", NUMBER),
    "ceil": ("ceil(1.5)", NUMBER),
    "floor": ("floor(session.total)", NUMBER),
    "min": ("min([1, 2])", NUMBER),
    "max": ("max(map(session.cart_items, lambda item: item.price))", NUMBER),
    "count": ("count(session.cart_items)", NUMBER),
    "concat": ('concat("a", "b", "c")', STRING),
    "contains": ('"vip" in profile.audiences', BOOLEAN),
    "notcontains": ('"x" not in profile.name', BOOLEAN),
    "startswith": ('startsWith(profile.name, "A")', BOOLEAN),
    "endswith": ('endsWith(profile.name, "A", "B")', BOOLEAN),
    "~": ('matches("^a+$", profile.name)', BOOLEAN),
    "split": ('split("a b", " ")', list_of(STRING)),
    "join": ('join(profile.audiences, ", ")', STRING),
    "firstname": ("firstName(profile.name)", STRING),
    "lastname": ("lastName(profile.name)", STRING),
    "tostring": ("toString(session.total)", STRING),
    "parsetime": ('parseTime("2026-01-01")', TIME),
    "formattime": ('formatTime(session.created, "2006-01-02")', STRING),
    "addduration": ('addDuration(session.created, 5, "minutes")', TIME),
    "subduration": ('subDuration(session.created, 5, "days")', TIME),
    "after": ('after(session.created, "2026-01-01T00:00:00+01:00")', BOOLEAN),
    "before": ("before(session.created, session.created)", BOOLEAN),
    "betweentimes": (
        'betweenTimes(session.created, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")',
        BOOLEAN,
    ),
    "matchtime": ('matchTime(session.created, session.created, "2006-01")', BOOLEAN),
    "days": ("days(session.created)", NUMBER),
    "daysbetween": ("daysBetween(session.created, session.created)", NUMBER),
    **{
        name: (f"{word}(session.created)", STRING)
        for name, word in (
            ("date", "date"),
            ("hour", "hour"),
            ("minute", "minute"),
            ("month", "month"),
            ("monthday", "monthDay"),
            ("weekday", "weekday"),
            ("year", "year"),
        )
    },
    "list": ("[1, 2]", list_of(NUMBER)),
    "append": ("append([1], 2)", list_of(NUMBER)),
    "push": ('push([1], "a")', list_of(ANY)),
    "head": ("head(session.cart_items)", ANY),
    "tail": ("tail(session.cart_items)", list_of(record("Item"))),
    "drop": ("drop(session.coupon_codes)", list_of(STRING)),
    "item": ("item(session.cart_items, 0)", record("Item")),
    "reverse": ("reverse([true])", list_of(BOOLEAN)),
    "sort": ("sort(session.coupon_codes, true)", list_of(STRING)),
    "isempty": ("isEmpty([])", BOOLEAN),
}


def test_every_core_function_is_tried() -> None:
    assert sorted(CALLS) == sorted(CORE)


@pytest.mark.parametrize(("text", "expected"), CALLS.values(), ids=CALLS)
def test_core_functions_have_their_types(text: str, expected: Type) -> None:
    assert formula(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("session.cart_items", list_of(record("Item"))),
        ("session.attributes", MAP),
        ('session["channel"]', STRING),
        ('session.attributes["channel"]', STRING),
        ('session.attributes["colors"]', list_of(STRING)),
        ("filter(session.cart_items, lambda item: item.price > 5)", list_of(record("Item"))),
        ("map(session.cart_items, lambda item: item.price)", list_of(NUMBER)),
        ("sum(map(session.cart_items, lambda item: item.price))", NUMBER),
        ("sum(session.cart_items, lambda item: item.price * item.quantity)", NUMBER),
        ("sortByNumber(session.cart_items, lambda i: i.price, true)", list_of(record("Item"))),
        ("sortByString(session.cart_items, lambda i: i.sku)", list_of(record("Item"))),
        ("every(session.cart_items, lambda i: i.price > 1)", BOOLEAN),
        ("do(head(session.cart_items), lambda i: i.price)", ANY),
        ("do(item(session.cart_items, 0), lambda i: i.price)", NUMBER),
        ("catch(0, session.total)", NUMBER),
        ("catch(false, session.total)", ANY),
        ("catch([], session.coupon_codes)", list_of(ANY)),
        ("fallback(0, session.total)", NUMBER),
        ('{"a": 1}', MAP),
        ("not (true or false)", BOOLEAN),
        ('var("bound") + 1', NUMBER),
        ('var("free") + 1', NUMBER),
        ('var("free") + var("free")', ANY),
        ('var("free").anything', ANY),
        ("item([1], 0) > 0 and [] and {}", BOOLEAN),
        ('unitsOf("x", none)', NUMBER),
    ],
)
def test_formulas_have_their_types(text: str, expected: Type) -> None:
    assert formula(text, bound=NUMBER, free=ANY) == expected


def test_a_formula_of_its_own_has_the_wanted_type() -> None:
    text = 'filter(session.cart_items, lambda item: item.sku == "a")'
    assert formula(text, list_of(record("Item"))) == list_of(record("Item"))
    report = check_formula(read_text("session.total", "/f"), DIALECT, BOOLEAN)
    assert told(report.errors) == [("/f", "Wrong type")]
    report = check_formula(read_text("1 > 2", "/f"), DIALECT, BOOLEAN)
    assert told(report.warnings) == [("/f", NEVER)]
    report = check_formula(parse_expression(["#", 1], "/f"), DIALECT)
    assert told(report.errors) == [("/f", "Unknown hole")]


def test_rules_of_the_largest_size_are_checked_in_linear_time() -> None:
    condition: Any = ["couponValid"]
    for _ in range(45):
        condition = ["and", condition, *[["=", [".", "Profile", "Name"], "a"]] * 20]
    flat = ["and", *[[">", TOTAL, bound] for bound in range(800)]]
    assert check(condition).warnings == ()
    assert check(flat).warnings == ()
    assert told(check([*flat, ["<", TOTAL, 0]]).warnings) == [("/rules/0/condition", NEVER)]
