"""Talang's JSON form: what it means, that nothing is lost, and what is refused where."""

from decimal import Decimal

import pytest
from hypothesis import given, settings

from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX, TEXT_LENGTH_MAX
from habitue.rules.parse import parse_expression, render_expression
from habitue.rules.tree import Block, Call, Expression, Literal, path
from tests.rules.trees import documents, expressions

CONTRACT_DOCUMENTS: list[object] = [
    ["and", [">", [".", "Session", "Total"], 100], ["couponValid"]],
    ["and", ["couponValid"]],
    ["and", True],
    ["setDiscount", "Free money", Decimal("45.55")],
    [
        "catch",
        ["noop"],
        ["setDiscount", "10% off", ["*", [".", "Session", "Total"], ["/", 10, 100]]],
    ],
    [
        "filter",
        [".", "Session", "CartItems"],
        [["Item"], ["catch", False, ["=", [".", "Item", "Category"], "Kitchen"]]],
    ],
    [
        "filter",
        [".", "Session", "CartItems"],
        [
            ["Item"],
            [
                "catch",
                False,
                ["and", ["!=", [".", "Item", "Attributes", "c_productType"], "egiftcard"]],
            ],
        ],
    ],
    ["kv", ["Key1", True], ["Key2", "x"]],
    True,
    None,
    "text",
]


@pytest.mark.parametrize("document", CONTRACT_DOCUMENTS, ids=str)
def test_examples_of_the_contract_are_read_and_written_back(document: object) -> None:
    assert render_expression(parse_expression(document)) == document


def test_a_condition_is_a_tree_of_calls() -> None:
    document = ["and", [">", [".", "Session", "Total"], 100], ["couponValid"]]
    assert parse_expression(document) == Call(
        "and",
        (
            Call(">", (path("Session", "Total"), Literal(Decimal(100)))),
            Call("couponValid", ()),
        ),
    )


def test_a_list_of_a_list_is_a_block() -> None:
    assert parse_expression([["Item", "Other"], True]) == Block(("Item", "Other"), Literal(True))
    assert parse_expression([[], 1]) == Block((), Literal(Decimal(1)))


def test_every_node_knows_its_pointer() -> None:
    document = ["map", ["list", 1], [["X"], ["+", [".", "X"], 1]]]
    tree = parse_expression(document, "/rules/0/condition")
    assert isinstance(tree, Call)
    block = tree.arguments[1]
    assert isinstance(block, Block)
    body = block.body
    assert isinstance(body, Call)
    assert [node.at for node in (tree, block, body, body.arguments[0], body.arguments[1])] == [
        "/rules/0/condition",
        "/rules/0/condition/2",
        "/rules/0/condition/2/1",
        "/rules/0/condition/2/1/1",
        "/rules/0/condition/2/1/2",
    ]


def test_numbers_keep_their_decimals() -> None:
    literal = parse_expression(Decimal("1.10"))
    assert isinstance(literal, Literal)
    assert str(literal.value) == "1.10"


def test_all_faults_are_reported_at_once() -> None:
    document = ["and", [], {"a": 1}, [1, 2], ["f", [["x"], 1, 2]], [["x", 3], Decimal("NaN")]]
    with pytest.raises(InvalidInput) as caught:
        parse_expression(document, "/condition")
    assert [(fault.pointer, fault.title) for fault in caught.value.faults] == [
        ("/condition/1", "Empty list"),
        ("/condition/2", "Not an expression"),
        ("/condition/3/0", "Not an expression"),
        ("/condition/4/1", "Not a block"),
        ("/condition/5/0/1", "Not a name"),
        ("/condition/5/1", "Number out of range"),
    ]


@pytest.mark.parametrize(
    "number",
    [
        Decimal("1e999999999"),
        Decimal("1e-999999999"),
        Decimal("0e999999999"),
        Decimal("0e-999999"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("sNaN"),
        Decimal(10**15 + 1),
        Decimal("0.0000000000001"),
        Decimal("1." + "0" * 40 + "1"),
        10**5000,
    ],
    ids=lambda number: str(number)[:20] if isinstance(number, Decimal) else "huge",
)
def test_numbers_beyond_the_bounds_are_refused(number: Decimal | int) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_expression(["f", number])
    details = "a number is at most 1000000000000000 and has at most 12 decimals"
    assert caught.value.faults == (Fault("/1", "Number out of range", details),)


@pytest.mark.parametrize(
    "number", [Decimal(10**15), Decimal("-1e15"), Decimal("0.000000000001"), Decimal("1.10"), 0]
)
def test_numbers_at_the_bounds_are_read(number: Decimal | int) -> None:
    assert parse_expression(number) == Literal(Decimal(number))


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * (TEXT_LENGTH_MAX + 1)])
def test_texts_that_cannot_be_stored_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_expression(["f", text, [text], [[text], 1]])
    assert [fault.pointer for fault in caught.value.faults] == ["/1", "/2/0", "/3/0/0"]


def _nested(depth: int) -> object:
    document: object = True
    for _ in range(depth - 1):
        document = ["not", document]
    return document


def test_depth_is_bounded() -> None:
    deepest = _nested(EXPRESSION_DEPTH_MAX)
    assert render_expression(parse_expression(deepest)) == deepest
    for depth in (EXPRESSION_DEPTH_MAX + 1, 5_000):
        with pytest.raises(InvalidInput) as caught:
            parse_expression(_nested(depth))
        assert caught.value.faults == (
            Fault("/1" * EXPRESSION_DEPTH_MAX, "Too deep", "a rule is at most 50 levels deep"),
        )


def test_size_is_bounded() -> None:
    largest: list[object] = ["list", *[True] * (EXPRESSION_NODES_MAX - 1)]
    assert render_expression(parse_expression(largest)) == largest
    for more in (1, 100_000):
        with pytest.raises(InvalidInput) as caught:
            parse_expression(["and", [*largest, *[[]] * more], [["x"] * 9_000, 1]])
        assert [fault.title for fault in caught.value.faults] == ["Too large"]


def test_many_parameters_are_bounded() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_expression([["x"] * EXPRESSION_NODES_MAX, 1])
    assert caught.value.faults[0].title == "Too large"


@settings(max_examples=300, deadline=None)
@given(expressions)
def test_rendering_and_parsing_are_inverse(expression: Expression) -> None:
    document = render_expression(expression)
    again = parse_expression(document)
    assert again == expression
    assert repr(render_expression(again)) == repr(document)


@settings(max_examples=300, deadline=None)
@given(documents)
def test_any_document_is_read_or_refused(document: object) -> None:
    try:
        expression = parse_expression(document, "/at")
    except InvalidInput as refusal:
        pointers = [fault.pointer for fault in refusal.faults]
    else:
        pointers = [expression.at]
        assert render_expression(expression) == document
    assert pointers
    assert all(pointer.startswith("/at") for pointer in pointers)
