"""The notation for people: what it means, that nothing is lost, and how mistakes are told."""

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from habitue.model.errors import InvalidInput
from habitue.model.limits import EXPRESSION_DEPTH_MAX, TEXT_LENGTH_MAX
from habitue.rules.notation import read_text, write_text
from habitue.rules.parse import parse_expression, render_expression
from habitue.rules.tree import Block, Call, Expression, Literal, path
from tests.rules.trees import expressions

#: Text in normal form, and the JSON form of the same rule.
PAIRS: list[tuple[str, object]] = [
    (
        'session.total >= 100 and "vip" in profile.audiences',
        [
            "and",
            [">=", [".", "Session", "Total"], 100],
            ["contains", [".", "Profile", "Audiences"], "vip"],
        ],
    ),
    (
        'setDiscount("10% off", session.total * 0.1)',
        ["setDiscount", "10% off", ["*", [".", "Session", "Total"], Decimal("0.1")]],
    ),
    ("all_of(couponValid())", ["and", ["couponValid"]]),
    ("all_of(true)", ["and", True]),
    (
        'catch(noop(), setDiscount("10% off", session.total * (10 / 100)))',
        [
            "catch",
            ["noop"],
            ["setDiscount", "10% off", ["*", [".", "Session", "Total"], ["/", 10, 100]]],
        ],
    ),
    (
        'filter(session.cart_items, lambda item: catch(false, item.category == "Kitchen"))',
        [
            "filter",
            [".", "Session", "CartItems"],
            [["Item"], ["catch", False, ["=", [".", "Item", "Category"], "Kitchen"]]],
        ],
    ),
    ('item.attributes["c_productType"]', [".", "Item", "Attributes", "c_productType"]),
    ('item["SKU"]', [".", "Item", "SKU"]),
    ("1.10", Decimal("1.10")),
    ("-5", -5),
    ("a - -5", ["-", [".", "A"], -5]),
    ("0 - a", ["-", 0, [".", "A"]]),
    ("a - b - c", ["-", ["-", [".", "A"], [".", "B"]], [".", "C"]]),
    ("a - (b - c)", ["-", [".", "A"], ["-", [".", "B"], [".", "C"]]]),
    ("subtract(a, b, c)", ["-", [".", "A"], [".", "B"], [".", "C"]]),
    ("(a + b) * c % 2", ["mod", ["*", ["+", [".", "A"], [".", "B"]], [".", "C"]], 2]),
    ("mod(a, b, c)", ["mod", [".", "A"], [".", "B"], [".", "C"]]),
    ("a and b and c", ["and", [".", "A"], [".", "B"], [".", "C"]]),
    ("(a and b) and c", ["and", ["and", [".", "A"], [".", "B"]], [".", "C"]]),
    ("a and (b or c)", ["and", [".", "A"], ["or", [".", "B"], [".", "C"]]]),
    ("a and b or c", ["or", ["and", [".", "A"], [".", "B"]], [".", "C"]]),
    ("not (a == b)", ["not", ["=", [".", "A"], [".", "B"]]]),
    ("not a", ["not", [".", "A"]]),
    ("a not in b", ["notContains", [".", "B"], [".", "A"]]),
    ("contains(b, a, c)", ["contains", [".", "B"], [".", "A"], [".", "C"]]),
    ("(a == b) == c", ["=", ["=", [".", "A"], [".", "B"]], [".", "C"]]),
    ("equal(a, b, c)", ["=", [".", "A"], [".", "B"], [".", "C"]]),
    ('matches("^A\\\\d+$", coupon.value)', ["~", "^A\\d+$", [".", "Coupon", "Value"]]),
    ("fallback(0, a)", [".|", 0, [".", "A"]]),
    ('template("plus", 1, 2)', ["!", "plus", 1, 2]),
    ("hole(0)", ["#", 0]),
    ('[1, "a", true, none]', ["list", 1, "a", True, None]),
    ("[]", ["list"]),
    ('{"Key1": true, "a b": [1]}', ["kv", ["Key1", True], ["a b", ["list", 1]]]),
    ("{}", ["kv"]),
    ('kv("a")', ["kv", "a"]),
    ('var("discount").total', [".", "discount", "Total"]),
    ('call("weird name", 1)', ["weird name", 1]),
    ('call("add", 1)', ["add", 1]),
    ('call(".", 1)', [".", 1]),
    ('block("my item", 1)', [["my item"], 1]),
    ("lambda: 1", [[], 1]),
    ("lambda a, orderTotal: 1", [["A", "orderTotal"], 1]),
    ('"a\\n\\"b\\" é 😀"', 'a\n"b" é 😀'),
]


@pytest.mark.parametrize(("text", "document"), PAIRS, ids=[text for text, _ in PAIRS])
def test_text_and_json_say_the_same(text: str, document: object) -> None:
    assert render_expression(read_text(text)) == document
    assert write_text(parse_expression(document)) == text


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("session.total>=100   and(couponValid( ))", "session.total >= 100 and couponValid()"),
        ("a\n  and b  # both", "a and b"),
        ("Session.CartItems", "session.cart_items"),
        ("True and False or None == null", "true and false or none == none"),
        ("((1))", "1"),
        ("1_000 + +5", "1000 + 5"),
        ("-a", "0 - a"),
        ("add(a, b)", "a + b"),
        ("list(1, 2)", "[1, 2]"),
        ("'single' \"joined\"", '"singlejoined"'),
        ('r"\\d"', '"\\\\d"'),
        ('session["Total"]', "session.total"),
        ('var("Session").total', "session.total"),
        ('"""a\nb"""', '"a\\nb"'),
        ('call("setDiscount", "x", 1)', 'setDiscount("x", 1)'),
    ],
)
def test_other_spellings_have_one_normal_form(text: str, normal: str) -> None:
    assert write_text(read_text(text)) == normal


def test_pointers_are_those_of_the_json_form() -> None:
    tree = read_text("filter(a, lambda item: item.price > 5)", "/rules/0/condition")
    assert isinstance(tree, Call)
    block = tree.arguments[1]
    assert isinstance(block, Block)
    assert isinstance(block.body, Call)
    assert block.body.arguments[1].at == "/rules/0/condition/2/1/2"


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("", "the text is empty"),
        (" \n ", "the text is empty"),
        ("a b", "line 1, column 1: invalid syntax. Perhaps you forgot a comma?"),
        ("a and\n  b +* c", "line 2, column 6: invalid syntax"),
        (
            "a < b < c",
            "line 1, column 1: compare two things at a time: a < b and b < c, or between(b, a, c)",
        ),
        (
            "a and\n  x if y else z",
            "line 1, column 1: there is no if; write two rules, or catch(default, value)",
        ),
        ("f(a, total is none)", "line 1, column 6: write == or != instead of is"),
        ('f("ü", a @ b)', "line 1, column 8: this is not part of a rule"),
        ("(1, 2)", "line 1, column 1: a list is written in brackets: [a, b]"),
        ("x[0]", 'line 1, column 1: a field is quoted: item.attributes["color"]'),
        ("f(ü)", 'line 1, column 3: quote this name: var("ü") or x["..."]'),
        ("f(x=1)", "line 1, column 1: arguments have no names and no stars"),
        ("f(*x)", "line 1, column 1: arguments have no names and no stars"),
        ("a.b()", "line 1, column 1: only functions are called, by their name"),
        ("lambda a=1: a", "line 1, column 1: a lambda has plain parameters only"),
        ("lambda *a: a", "line 1, column 1: a lambda has plain parameters only"),
        ("lambda true: 1", "line 1, column 1: true is a value, not a name"),
        ("0x1F", "line 1, column 1: a number is written in decimal digits, like 12.50"),
        ("1j", "line 1, column 1: a number is written in decimal digits, like 12.50"),
        ("...", "line 1, column 1: this is not part of a rule"),
        ("b'a'", "line 1, column 1: this is not part of a rule"),
        ("{**a}", 'line 1, column 1: a key is a text: {"size": 42}'),
        ("{a: 1}", 'line 1, column 2: a key is a text: {"size": 42}'),
        ("call(f, 1)", 'line 1, column 1: write call("name", arguments...)'),
        ("block()", 'line 1, column 1: write block("parameter", body)'),
        ("~a", "line 1, column 2: the only signs are + and - before a number"),
        ("head(a).b", "line 1, column 1: only variables have fields; bind it to a name with do"),
        (
            '"\\d"',
            'line 1, column 1: a backslash escapes nothing; write "\\\\" for one, or r"..."',
        ),
    ],
)
def test_mistakes_are_told_with_line_and_column(text: str, details: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_text(text, "/condition")
    assert [(f.pointer, f.title, f.details) for f in caught.value.faults] == [
        ("/condition", "Not a rule", details)
    ]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_text("f(a is b,\n  1 < 2 < 3, [x[0]])")
    assert [fault.details.split(":")[0] for fault in caught.value.faults] == [
        "line 1, column 3",
        "line 2, column 3",
        "line 2, column 15",
    ]


@pytest.mark.parametrize("text", ["f(x", "x) or (y", ")(", "f) (x", "x]", "(x))", "x[[[", "f(x]"])
def test_unbalanced_parentheses_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_text(text)
    assert caught.value.faults[0].details.endswith(
        "a parenthesis, bracket or quote is opened and never closed, or the other way round"
    )


@pytest.mark.parametrize(
    "text",
    [
        "not " * 20_000 + "x",
        "-" * 50_000 + "x",
        "(" * 199 + "x" + ")" * 199 + ")",
        "(" * 5_000 + "x" + ")" * 5_000,
        "+".join("1" * 40_000),
        "a" + ".b" * 40_000,
        "f(" * 190 + ")" * 190,
        "lambda: " * 10_000 + "1",
        "x[" * 150 + "]" * 150,
        "{" * 150 + "}" * 150,
        "a" * (TEXT_LENGTH_MAX + 1),
        "9" * 50_000,
        "1e999999999",
        "a\0b",
        '"\\ud800"',
        "\ud800",
        "f'{x!r}'",
        "x := 1",
        "import os",
        "await x",
        "yield",
        "print(1); print(2)",
        "\ufeffx y",
        "# only a comment",
        '"' * 5,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_text(text)
    assert caught.value.faults


def test_the_deepest_rule_can_be_written_and_read() -> None:
    for name in ("not", "f", "-", "and", "<", "list", "kv", "weird"):
        expression: Expression = Literal(Decimal(1))
        for _ in range(EXPRESSION_DEPTH_MAX - 1):
            arguments = (
                (expression,) if name in ("not", "f", "list") else (Literal("x"), expression)
            )
            expression = Call(name, arguments)
        assert read_text(write_text(expression)) == expression


def test_deep_lambdas_and_maps_can_be_written_and_read() -> None:
    expression: Expression = path("X")
    for _ in range((EXPRESSION_DEPTH_MAX - 1) // 2 - 1):
        expression = Call("not", (Block(("X",), expression),))
    assert read_text(write_text(expression)) == expression
    expression = path("X")
    for _ in range((EXPRESSION_DEPTH_MAX - 1) // 2 - 1):
        expression = Call("kv", (Call("k", (expression,)),))
    assert read_text(write_text(expression)) == expression


@settings(max_examples=600, deadline=None)
@given(expressions)
@example(Call("-", (Literal(Decimal("-0")), Literal(Decimal("1E+2")))))
@example(Call("kv", (Call("", (Literal("\u2028\x85\f\r"),)),)))
@example(path("Call", "call", "Var", "var"))
def test_writing_and_reading_are_inverse(expression: Expression) -> None:
    text = write_text(expression)
    again = read_text(text)
    assert again == expression
    assert repr(render_expression(again)) == repr(render_expression(expression))
    assert write_text(again) == text
    assert "\n" not in text


_PIECES = st.sampled_from(
    [
        *("session", "total", ".", " ", "(", ")", "[", "]", "{", "}", ",", ":", "==", "<", "in"),
        *("not ", " and ", " or ", "lambda ", "if", "-", "+", "1", "0.5", '"a"', "'", '"', "\\"),
        *("\n", "#", "f", "=", "*", "**", "var", "call", "block", "ü", "\0", "for ", "\t", "\r"),
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(_PIECES, max_size=12).map("".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        expression = read_text(text)
    except InvalidInput as refusal:
        described = [fault.details for fault in refusal.faults]
    else:
        normal = write_text(expression)
        assert read_text(normal) == expression
        described = [normal]
        assert write_text(read_text(normal)) == normal
    assert described
    assert all(described)
