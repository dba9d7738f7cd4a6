"""Templates and named blocks: what they become, that they mean the same, and what is refused."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from habitue.rules.compile import compile_expression
from habitue.rules.desugar import desugar_expression, desugar_ruleset
from habitue.rules.parse import parse_expression, render_expression
from habitue.rules.ruleset import Ruleset, parse_ruleset
from habitue.rules.tree import Block, Call, Expression
from tests.rules.shop import SHOP, shop_frame

PLUS = ["setTemplate", "plus(Decimal, Decimal)Decimal", ["+", ["#", 0], ["#", 1]]]


def _ruleset(condition: Any, *templates: Any) -> Ruleset:
    bindings = [{"name": f"t{i}", "expression": each} for i, each in enumerate(templates)]
    rule = {"title": "r", "condition": condition, "effects": [], "bindings": []}
    return parse_ruleset({"rules": [rule], "bindings": bindings})


def _filled(condition: Any, *templates: Any) -> Expression:
    ruleset, faults = desugar_ruleset(_ruleset(condition, *templates))
    assert faults == ()
    assert ruleset.bindings == ()
    return ruleset.rules[0].condition


def _faults(condition: Any, *templates: Any) -> list[tuple[str, str]]:
    _, faults = desugar_ruleset(_ruleset(condition, *templates))
    return [(fault.pointer, fault.title) for fault in faults]


def _nodes(expression: Expression) -> Iterator[Expression]:
    yield expression
    if isinstance(expression, Call):
        for argument in expression.arguments:
            yield from _nodes(argument)
    if isinstance(expression, Block):
        yield from _nodes(expression.body)


@pytest.mark.parametrize("form", ["map", "filter", "every", "exists", "sum", "do"])
def test_a_named_body_becomes_a_block(form: str) -> None:
    named = parse_expression([form, [".", "L"], "X", [".", "X"]], "/at")
    block = parse_expression([form, [".", "L"], [["X"], [".", "X"]]])
    result, faults = desugar_expression(named)
    assert (result, faults) == (block, ())
    assert isinstance(result, Call)
    assert [part.at for part in result.arguments] == ["/at/1", "/at/3"]


def test_what_is_no_sugar_stays_as_it_is() -> None:
    expression = parse_expression(["and", ["map", 1, 2], [["X"], ["do", 1, "X"]], None])
    assert desugar_expression(expression) == (expression, ())


def test_a_template_binds_its_holes() -> None:
    assert render_expression(_filled(["!", "PLUS", 1, [".", "A"]], PLUS)) == [
        "do",
        1,
        [["#1.0"], ["do", [".", "A"], [["#1.1"], ["+", [".", "#1.0"], [".", "#1.1"]]]]],
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (["!", "plus", 1, 2], 3),
        (["!", "plus", ["!", "plus", 1, 2], ["!", "plus", 3, 4]], 10),
        (["!", "twice", ["!", "twice", ["!", "plus", 1, 1]]], 8),
        (["!", "swapped", 10, ["!", "swapped", 1, 2]], -9),
        (["!", "plus", 5], 6),
        (["!", "none"], 7),
        (["sum", ["list", 1, 2], "X", ["!", "twice", [".", "X"]]], 6),
    ],
    ids=str,
)
def test_filled_templates_have_the_value_of_their_bodies(condition: Any, expected: int) -> None:
    expression = _filled(
        condition,
        PLUS,
        ["setTemplate", "plus(Decimal)", ["+", ["#", 0], 1]],
        ["setTemplate", "twice(Any)Any", ["!", "plus", ["#", 0], ["#", 0]]],
        ["setTemplate", "swapped(Decimal,Decimal)Decimal", ["-", ["#", 1], ["#", 0]]],
        ["setTemplate", "none()Decimal", 7],
    )
    assert compile_expression(expression, SHOP)(shop_frame()) == Decimal(expected)


def test_no_node_stands_in_two_places() -> None:
    use = ["!", "plus", ["!", "plus", 1, 2], 3]
    nodes = list(_nodes(_filled(["=", use, use], PLUS)))
    assert len({id(node) for node in nodes}) == len(nodes)


@pytest.mark.parametrize(
    ("condition", "template", "expected"),
    [
        (["!", "plus", 1], PLUS, [("/rules/0/condition", "Unknown template")]),
        (["!"], PLUS, [("/rules/0/condition", "Wrong arguments")]),
        (["!", ["f"]], PLUS, [("/rules/0/condition", "Wrong arguments")]),
        (["#", 0], PLUS, [("/rules/0/condition", "Unknown hole")]),
        (True, ["setTemplate", "f(A)", ["#", 1]], [("/bindings/0/expression/2", "Unknown hole")]),
        (True, ["setTemplate", "f(A)", ["#", "0"]], [("/bindings/0/expression/2", "Unknown hole")]),
        (
            True,
            ["setTemplate", "f(A)", ["#", True]],
            [("/bindings/0/expression/2", "Unknown hole")],
        ),
        (True, ["setTemplate", "f", 1], [("/bindings/0/expression/1", "Not a signature")]),
        (True, ["setTemplate", "f()"], [("/bindings/0/expression", "Wrong arguments")]),
        (
            True,
            ["setTemplate", "f()", ["!", "f"]],
            [("/bindings/0/expression/2", "Unknown template")],
        ),
    ],
    ids=str,
)
def test_templates_that_cannot_be_filled_are_refused(
    condition: Any, template: Any, expected: list[tuple[str, str]]
) -> None:
    assert _faults(condition, template) == expected


def test_templates_of_one_rule_are_unknown_to_the_next() -> None:
    rule = {
        "title": "r",
        "condition": ["=", ["!", "plus", 1, 2], 3],
        "effects": [],
        "bindings": [{"name": "t", "expression": PLUS}],
    }
    ruleset = parse_ruleset({"rules": [rule, {**rule, "bindings": []}]})
    _, faults = desugar_ruleset(ruleset)
    assert [fault.pointer for fault in faults] == ["/rules/1/condition/1"]


def test_filled_templates_keep_to_the_depth_of_rules() -> None:
    templates: list[Any] = [["setTemplate", "t0(A)", ["not", ["#", 0]]]]
    for level in range(1, 30):
        body = ["not", ["!", f"t{level - 1}", ["#", 0]]]
        templates.append(["setTemplate", f"t{level}(A)", body])
    assert {title for _, title in _faults(["!", "t29", True], *templates)} == {"Too deep"}
