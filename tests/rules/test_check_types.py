"""The checker: the types of formulas."""

from typing import Any

import pytest

from habitue.rules.check import check_formula, check_ruleset
from habitue.rules.functions import CORE
from habitue.rules.notation import read_text
from habitue.rules.parse import parse_expression
from habitue.rules.ruleset import parse_ruleset
from habitue.rules.types import (
    ANY,
    BOOLEAN,
    MAP,
    NUMBER,
    STRING,
    TIME,
    Type,
    list_of,
    record,
)
from tests.rules.checking import DIALECT, FEATURES, TOTAL, check, formula, told


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
    assert told(report.warnings) == [("/f", "Never holds")]
    report = check_formula(parse_expression(["#", 1], "/f"), DIALECT)
    assert told(report.errors) == [("/f", "Unknown hole")]


def test_rules_of_the_largest_size_are_checked_in_linear_time() -> None:
    condition: Any = ["couponValid"]
    for _ in range(45):
        condition = ["and", condition, *[["=", [".", "Profile", "Name"], "a"]] * 20]
    flat = ["and", *[[">", TOTAL, bound] for bound in range(800)]]
    assert check(condition).warnings == ()
    assert check(flat).warnings == ()
    assert told(check([*flat, ["<", TOTAL, 0]]).warnings) == [("/rules/0/condition", "Never holds")]
