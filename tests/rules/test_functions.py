"""Every function of the core library: what it returns, and that bad arguments fail the rule."""

import decimal
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.functions import CORE, core_function
from tests.rules.shop import NOW, shop_frame, value_of

T = "2026-03-28T12:00:00Z"


def times(text: str) -> datetime:
    return datetime.fromisoformat(text)


VALUES: list[tuple[list[Any], Any]] = [
    # comparisons by text
    (["=", 1, "1"], True),
    (["=", Decimal("1.0"), "1"], True),
    (["=", 1, Decimal("1.000")], True),
    (["=", 1, "1.0"], False),
    (["=", True, "true"], True),
    (["=", True, "True"], False),
    (["=", None, None], True),
    (["=", None, "null"], False),
    (["=", "a", "a", "b"], False),
    (["=", "a", "a", "a"], True),
    (["=", ["parseTime", T], "2026-03-28T13:00:00+01:00"], True),
    (["=", "2026-03-28T13:00:00+01:00", ["parseTime", T]], True),
    (["=", ["parseTime", T], "yesterday"], False),
    (["=", ["parseTime", T], ["parseTime", "2026-03-28T13:00:00+01:00"]], True),
    (["!=", 1, "1"], False),
    (["!=", "Hello", "Hello", "Bye"], False),
    (["!=", "Hello", "Bye", "Ciao"], True),
    (["<", 1, 2], True),
    (["<", 1, 2, 1], False),
    (["<", 1, 3, 2], True),
    (["<=", 1, 1, 2], True),
    ([">", 3, 1, 2], True),
    ([">", 3, 1, 3], False),
    ([">=", 3, 3], True),
    (["<", T, "2026-03-28T12:00:01Z"], True),
    ([">=", "2026-03-28T13:00:00+01:00", T], True),
    (["between", 1, 0, 3], True),
    (["between", 1, 2, 0, 3], True),
    (["between", 1, 4, 0, 3], False),
    (["between", 0, 0, 2], False),
    (["between", 2, 0, 2], False),
    (["between", T, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"], True),
    (["not", False], True),
    (["and", True, ["list"], True], True),
    (["and"], True),
    (["catch", False, ["and", 1]], False),
    (["catch", False, ["and", True, ["list"]]], True),
    (["or"], False),
    (["or", False, ["kv"]], True),
    # numbers
    (["+", 1, 2, 3], Decimal(6)),
    (["-", 1, 2, 3], Decimal(-4)),
    (["*", 2, 3, Decimal("0.1")], Decimal("0.6")),
    (["/", 1, 4, 2], Decimal("0.125")),
    (["mod", 3, 8, 2], Decimal(1)),
    (["mod", -7, 3], Decimal(-1)),
    (["ceil", Decimal("-2.7")], Decimal(-2)),
    (["ceil", Decimal("2.1")], Decimal(3)),
    (["floor", Decimal("-2.7")], Decimal(-3)),
    (["floor", Decimal("2.9")], Decimal(2)),
    # strings
    (["+", "Hello", " ", "World"], "Hello World"),
    (["concat", "a", "b"], "ab"),
    (["contains", "Hello World", "World", "Hello"], True),
    (["contains", "World", "Hello World"], False),
    (["contains", "World", ""], True),
    (["contains", ["list", "a", 1], "1", "a"], True),
    (["contains", ["list", "a", 1], "a", "b"], False),
    (["notContains", "Hello World", "x", "y"], True),
    (["notContains", "Hello World", "x", "W"], False),
    (["notContains", ["list", "a"], "b"], True),
    (["startsWith", "Hello", "He", "Hell"], True),
    (["startsWith", "Hello", "He", "lo"], False),
    (["endsWith", "Hello", "lo", "o"], True),
    (["endsWith", "Hello", "", "He"], False),
    (["~", "^a+b$", "aab", "ab"], True),
    (["~", "^a+b$", "aab", "abc"], False),
    (["~", "b", "abc"], True),
    (["split", "1,2,,a", ","], ["1", "2", "", "a"]),
    (["split", "abc", ""], ["a", "b", "c"]),
    (["join", ["list", "a", 1, True], "-"], "a-1-true"),
    (["join", ["list"], "-"], ""),
    (["firstName", "Mr Foo Bar"], "Mr"),
    (["lastName", "Mr Foo Bar"], "Bar"),
    (["lastName", "Bar"], "Bar"),
    (["toString", Decimal("25.00")], "25"),
    (["toString", Decimal("1E+3")], "1000"),
    (["toString", Decimal("-0.50")], "-0.5"),
    (["toString", Decimal("-0")], "0"),
    (["toString", True], "true"),
    (["toString", None], "null"),
    (["toString", ["parseTime", T]], "2026-03-28T13:00:00+01:00"),
    (["toString", ["list", 1, "a", ["list"], ["kv", ["K", 2]]]], "(1 a () ((K 2)))"),
    # lists and maps
    (["list", 1, "a", True], [Decimal(1), "a", True]),
    (["append", ["list", 1], 2, 3], [1, 2, 3]),
    (["push", ["list"], "a"], ["a"]),
    (["head", ["list", 1, 2]], 1),
    (["head", ["list"]], None),
    (["tail", ["list", 1, 2, 3]], [2, 3]),
    (["tail", ["list"]], []),
    (["drop", ["list", 1, 2, 3]], [1, 2]),
    (["drop", ["list"]], []),
    (["item", ["list", "a", "b"], 1], "b"),
    (["reverse", ["list", 1, 2, 3]], [3, 2, 1]),
    (["count", ["list", 1, 2]], Decimal(2)),
    (["isEmpty", ["list"]], True),
    (["isEmpty", ["list", 1]], False),
    (["min", ["list", 3, "a", -1]], Decimal(-1)),
    (["max", ["list", 3, "a", -1]], Decimal(3)),
    (["sum", ["list", 1, Decimal("0.5")]], Decimal("1.5")),
    (["sum", ["list"]], Decimal(0)),
    (["sort", ["list", 10, 9, 1]], [1, 9, 10]),
    (["sort", ["list", 10, 9, 1], True], [10, 9, 1]),
    (["sort", ["list", "b", "a"]], ["a", "b"]),
    (["sort", ["list", "b", 1, True]], [1, "b", True]),
    (["kv", ["A", 1], ["B", ["+", 1, 1]]], {"A": 1, "B": 2}),
    (["sortByNumber", ["list", 2, 4, 3], [["x"], [".", "x"]], True], [4, 3, 2]),
    (["sortByNumber", ["list", 2, 4, 3], [["x"], ["-", 0, [".", "x"]]]], [4, 3, 2]),
    (["sortByString", ["list", "b", "z", "a"], [["x"], [".", "x"]], False], ["a", "b", "z"]),
    (["map", ["list", 1, 2], [["x"], ["*", [".", "x"], 2]]], [2, 4]),
    (["map", ["list", 1, 2], "x", ["toString", [".", "x"]]], ["1", "2"]),
    (["filter", ["list", 1, 20], [["x"], [">", [".", "x"], 10]]], [20]),
    (["every", ["list", 1, 2], [["x"], [">", [".", "x"], 0]]], True),
    (["every", ["list", 1, 2], [["x"], [">", [".", "x"], 1]]], False),
    (["exists", ["list", "a", "b"], [["x"], ["=", [".", "x"], "b"]]], True),
    (["exists", ["list"], [["x"], True]], False),
    (["sum", ["list", 1, 2], [["x"], ["*", [".", "x"], 3]]], Decimal(9)),
    (["do", ["list", 1, 2], [["x"], ["count", [".", "x"]]]], Decimal(2)),
    (["do", 5, "x", ["+", [".", "x"], 1]], Decimal(6)),
    ([".", "nothing"], RuleFailed),
    ([".|", "boo", [".", "nothing"]], "boo"),
    (["catch", 22, ["/", 1, 0]], Decimal(22)),
    (["catch", 22, 2], Decimal(2)),
    (["catch", [".", "nothing"], ["/", 1, 0]], RuleFailed),
    (["noop"], None),
    # times
    (["parseTime", "2026-03-28"], times("2026-03-27T23:00:00+00:00")),
    (["parseTime", "2026-07-01 10:30"], times("2026-07-01T08:30:00+00:00")),
    (["parseTime", "2026-07-01 10:30:05"], times("2026-07-01T08:30:05+00:00")),
    (["parseTime", "2026-03-28T12:00:00.5+01:00"], times("2026-03-28T11:00:00.5+00:00")),
    (["parseTime", "28.03.2026 9:05", "02.01.2006 3:04"], times("2026-03-28T08:05:00+00:00")),
    (["parseTime", "1 Feb 99 3:04 PM", "2 Jan 06 3:04 PM"], times("1999-02-01T14:04:00+00:00")),
    (["parseTime", "20:04:05", "HH:mm:ss"], times("1970-01-01T19:04:05+00:00")),
    (
        ["parseTime", "2026-03-28T12:00:00-05:00", "2006-01-02T15:04:05Z07:00"],
        times("2026-03-28T17:00:00+00:00"),
    ),
    (["formatTime", T], "2026-03-28T13:00:00+01:00"),
    (["formatTime", T, "Monday _2 Jan 06, 3:04pm"], "Saturday 28 Mar 26, 1:00pm"),
    (["formatTime", T, "Mon 2 January 2006, 3:04 PM"], "Sat 28 March 2026, 1:00 PM"),
    (["formatTime", T, "EEEE d MMM yy 'at' H:mm"], "Saturday 28 Mar 26 at 13:00"),
    (["formatTime", T, "qq"], RuleFailed),
    (["matchTime", T, "2026-03-28T20:00:00Z", "YYYY-MM-DD"], True),
    (["matchTime", T, "2026-03-28T23:30:00Z", "2006-01-02"], False),
    (["addDuration", T, 3, "minutes"], times("2026-03-28T12:03:00+00:00")),
    (["addDuration", T, Decimal("1.5"), "hours"], times("2026-03-28T13:30:00+00:00")),
    (["addDuration", T, 30, "seconds"], times("2026-03-28T12:00:30+00:00")),
    # over the change to summer time: a day is a step of the calendar, 24 hours are not
    (["addDuration", T, 1, "day"], times("2026-03-29T11:00:00+00:00")),
    (["addDuration", T, 24, "hours"], times("2026-03-29T12:00:00+00:00")),
    (["addDuration", T, 2, "weeks"], times("2026-04-11T11:00:00+00:00")),
    (["addDuration", "2026-01-31T12:00:00Z", 1, "months"], times("2026-02-28T12:00:00+00:00")),
    (["addDuration", "2024-02-29T12:00:00Z", 1, "years"], times("2025-02-28T12:00:00+00:00")),
    (["subDuration", "2026-03-31T12:00:00Z", 1, "Month"], times("2026-02-28T13:00:00+00:00")),
    (["subDuration", T, 22, "days"], times("2026-03-06T12:00:00+00:00")),
    (["after", T, "2026-03-28T11:59:59Z"], True),
    (["before", T, "2026-03-28T11:59:59Z"], False),
    (["betweenTimes", T, T, "2027-01-01T00:00:00Z"], False),
    (["daysBetween", "2006-01-02T19:00:00Z", "2006-01-02T22:00:00Z"], Decimal("0.125")),
    (["daysBetween", "2006-01-03T00:00:00Z", "2006-01-02T00:00:00Z"], Decimal(-1)),
    (["days", "2026-11-22T00:00:00Z"], Decimal("1.5")),
    (["date", "2026-03-28T23:30:00Z"], "2026-03-29"),
    (["hour", "2026-03-28T05:30:00Z"], "06"),
    (["minute", "2026-03-28T05:04:00Z"], "04"),
    (["month", T], "3"),
    (["monthDay", "2026-03-07T12:00:00Z"], "7"),
    (["weekday", "2026-03-29T12:00:00Z"], "0"),
    (["weekday", T], "6"),
    (["year", "2026-12-31T23:30:00Z"], "2027"),
    # no value
    (["/", 1, 0], RuleFailed),
    (["/", 8, 2, 0], RuleFailed),
    (["mod", 1, 0], RuleFailed),
    (["=", ["list"], 1], RuleFailed),
    (["!=", 1, ["kv"]], RuleFailed),
    (["<", "a", "b"], RuleFailed),
    (["<", 1, "2"], RuleFailed),
    (["+", 1, "2"], RuleFailed),
    (["not", "x"], RuleFailed),
    (["not", ["list"]], RuleFailed),
    (["and", 1], RuleFailed),
    (["or", "x", True], RuleFailed),
    (["or", True, "x"], True),
    (["and", False, "x"], False),
    (["ceil", "x"], RuleFailed),
    (["min", ["list", "a"]], RuleFailed),
    (["max", ["list"]], RuleFailed),
    (["sum", ["list", "a"]], RuleFailed),
    (["item", ["list", 1], 1], RuleFailed),
    (["item", ["list", 1], -1], RuleFailed),
    (["item", ["list", 1], Decimal("0.5")], RuleFailed),
    (["join", ["list", ["list"]], ","], RuleFailed),
    (["~", "(?=a)", "a"], RuleFailed),
    (["~", "(", "a"], RuleFailed),
    (["parseTime", "2026-02-30T00:00:00Z"], RuleFailed),
    (["parseTime", "today"], RuleFailed),
    (["parseTime", "31.02.2026", "02.01.2006"], RuleFailed),
    (["parseTime", "1 1", "2 2"], RuleFailed),
    (["addDuration", T, 1, "fortnights"], RuleFailed),
    (["addDuration", T, Decimal("0.5"), "months"], RuleFailed),
    (["addDuration", T, 9000, "years"], RuleFailed),
    (["addDuration", T, Decimal("1E+13"), "seconds"], RuleFailed),
    (["subDuration", T, 999999, "days"], RuleFailed),
    (["filter", ["list", 1], [["x"], 1]], RuleFailed),
    (["filter", 1, [["x"], True]], RuleFailed),
    (["sortByNumber", ["list", "a"], [["x"], [".", "x"]]], RuleFailed),
    (["nothingKnown", 1], RuleFailed),
    (["and", [["x"], True]], RuleFailed),
]


def berlin() -> Frame:
    frame = shop_frame()
    frame.zone = ZoneInfo("Europe/Berlin")
    return frame


@pytest.mark.parametrize(("document", "expected"), VALUES, ids=lambda value: str(value)[:60])
def test_value(document: list[Any], expected: object) -> None:
    if expected is RuleFailed:
        with pytest.raises(RuleFailed):
            value_of(document, berlin())
        return
    value = value_of(document, berlin())
    assert value == expected
    assert type(value) is type(expected) or isinstance(value, Decimal)


@pytest.mark.parametrize(("document", "expected"), VALUES, ids=lambda value: str(value)[:60])
def test_same_without_static_types(document: list[Any], expected: object) -> None:
    """Arguments that only evaluation can tell the type of give the same results."""
    hidden = _hide_literals(document)
    if expected is RuleFailed:
        with pytest.raises(RuleFailed):
            value_of(hidden, _with_names(berlin()))
        return
    assert value_of(hidden, _with_names(berlin())) == expected


def _hide_literals(document: Any) -> Any:
    """Every literal argument becomes an element of a list of mixed kinds, whose type is any."""
    if not isinstance(document, list):
        return ["item", ["list", document, [".", "mixed"]], 0]
    if document[0] in (".", "kv") or isinstance(document[0], list):
        return document
    return [document[0], *(_hide_argument(document[0], each) for each in document[1:])]


def _hide_argument(name: str, argument: Any) -> Any:
    if name in ("map", "do") and argument == "x":
        return argument
    return _hide_literals(argument)


def _with_names(frame: Frame) -> Frame:
    frame.bindings["mixed"] = NOW
    return frame


def test_results_do_not_depend_on_the_decimal_context_of_the_process() -> None:
    exact = Decimal("12345678901234.123456789")
    documents: list[list[Any]] = [
        ["+", exact, 1],
        ["sum", ["list", exact, 1]],
        ["sum", ["list", exact, 1], [["x"], ["*", [".", "x"], 1]]],
        ["/", 2, 3],
        ["mod", exact, 7],
        ["floor", exact],
        ["max", ["list", exact, 1]],
        ["toString", exact],
        ["days", T],
    ]
    expected = [value_of(document) for document in documents]
    with decimal.localcontext(decimal.Context(prec=3, traps=[])):
        assert [value_of(document) for document in documents] == expected
    assert expected[0] == Decimal("12345678901235.123456789")
    assert expected[3] == Decimal("0." + "6" * 49 + "7")


def test_names_are_found_in_any_spelling() -> None:
    assert core_function("STARTSWITH") is CORE["startswith"]
    assert value_of(["StartsWith", "abc", "a"]) is True
    assert value_of(["AND", True, ["NOT", False]]) is True
    assert value_of(["COUPONVALID"]) is False
    assert core_function("startWith") is None


def test_every_function_says_what_it_does() -> None:
    assert len(CORE) == 55
    assert all(len(function.description) > 8 for function in CORE.values())


def test_clock_is_that_of_the_frame() -> None:
    later = shop_frame(now=datetime(2026, 11, 21, tzinfo=UTC))
    assert value_of(["days", "2026-11-22T00:00:00Z"], later) == Decimal(1)
