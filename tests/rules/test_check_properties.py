"""What the checker promises of every ruleset: it never fails and never claims what is untrue."""

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from habitue.rules.check import check_formula, check_ruleset
from habitue.rules.compile import compile_expression
from habitue.rules.frame import RuleFailed, StepsExhausted
from habitue.rules.functions.values import type_of
from habitue.rules.parse import parse_expression
from habitue.rules.ruleset import Binding, Rule, Ruleset, parse_ruleset
from habitue.rules.tree import Call, Expression, Literal
from habitue.rules.types import ANY, BOOLEAN, NUMBER, Type, list_of
from tests.rules.programs import Program, frames, programs
from tests.rules.shop import SHOP, ShopFrame
from tests.rules.trees import expressions

NAMES: dict[str, Type] = {"Bound": NUMBER, "Words": list_of(ANY)}
FAILED = object()


def _evaluated(expression: Expression, frame: ShopFrame) -> Any:
    try:
        return compile_expression(expression, SHOP, NAMES)(frame)
    except (RuleFailed, StepsExhausted):
        return FAILED


def _is_of(value: Any, type_: Type) -> bool:
    """Whether a value of evaluation is one of `type_`."""
    if type_.kind == "any":
        return True
    given = type_of(value)
    if type_.kind == "list":
        return given.kind == "list" and all(_is_of(each, type_.item or ANY) for each in value)
    return given.kind == type_.kind


@settings(max_examples=400, deadline=None)
@given(expressions)
def test_any_expression_is_checked(expression: Expression) -> None:
    rule = Rule("r", expression, (expression,), (Binding("b", expression),))
    report = check_ruleset(Ruleset((rule,), (Binding("c", expression),)), SHOP, frozenset())
    assert all(fault.details for fault in (*report.errors, *report.warnings))


_SHAPED = st.recursive(
    expressions,
    lambda children: st.builds(
        Call,
        st.sampled_from(
            [
                *("map", "filter", "do", "sum", "sortByNumber", "set", "setTemplate", "!", "#"),
                *("catch", "and", "+", "=", "between", "setDiscountPerItem", "addDuration"),
            ]
        ),
        st.lists(children, max_size=4).map(tuple),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(_SHAPED, st.sampled_from(["x()", "x(A)", "x(A, B)A", "", "("]))
def test_any_tree_is_checked(expression: Expression, signature: str) -> None:
    template = Binding("t", Call("setTemplate", (Literal(signature), expression)))
    use = Call("!", (Literal("x"), expression))
    rule = Rule("r", expression, (expression, use), (Binding("b", use),))
    report = check_ruleset(Ruleset((rule,), (template,)), SHOP, frozenset())
    assert all(fault.details for fault in (*report.errors, *report.warnings))


@st.composite
def _any_program(draw: Any) -> tuple[str, Any]:
    kind = draw(st.sampled_from(("boolean", "number", "string", "list", "items")))
    return kind, Program(draw).of(kind, 3, {})


@settings(max_examples=500, deadline=None)
@given(_any_program(), st.lists(frames(), min_size=1, max_size=3))
def test_what_is_accepted_compiles_and_has_the_type_it_was_given(
    program: tuple[str, Any], carts: list[ShopFrame]
) -> None:
    report = check_formula(parse_expression(program[1]), SHOP, ANY, NAMES)
    assume(not report.errors)
    for frame in carts:
        value = _evaluated(report.expression, frame)
        assert value is FAILED or _is_of(value, report.type)


@settings(max_examples=500, deadline=None)
@given(programs(depth=3), st.lists(frames(), min_size=1, max_size=4))
def test_conditions_called_constant_are_constant(document: Any, carts: list[ShopFrame]) -> None:
    report = check_formula(parse_expression(document), SHOP, BOOLEAN, NAMES)
    assume(not report.errors)
    told = {fault.title for fault in report.warnings if fault.pointer == ""}
    for frame in carts:
        value = _evaluated(report.expression, frame)
        assert not (value is True and "Never holds" in told)
        assert not (value is False and "Always holds" in told)


_TERMS = st.sampled_from(
    [[".", "Session", "Total"], [".", "Session", "Attributes", "channel"], [".", "Profile", "Name"]]
)
_NUMBERS = st.integers(-1, 2)
_COMPARISONS = st.one_of(
    st.tuples(
        st.sampled_from(("<", "<=", ">", ">=")), st.just([".", "Session", "Total"]), _NUMBERS
    ),
    st.tuples(
        st.sampled_from(("<", "<=", ">", ">=")), _NUMBERS, st.just([".", "Session", "Total"])
    ),
    st.tuples(st.just("between"), st.just([".", "Session", "Total"]), _NUMBERS, _NUMBERS),
    st.tuples(
        st.sampled_from(("=", "!=")), _TERMS, _NUMBERS | st.sampled_from(("web", "1", "", None))
    ),
).map(list)


@settings(max_examples=600, deadline=None)
@given(st.lists(_COMPARISONS, min_size=2, max_size=4), st.lists(frames(), min_size=3, max_size=6))
def test_no_possible_conjunction_is_called_impossible(
    parts: list[Any], carts: list[ShopFrame]
) -> None:
    wrapped = ["and", *parts[:1], ["catch", False, ["and", *parts[1:]]]]
    ruleset = parse_ruleset({"rules": [{"title": "r", "condition": wrapped, "effects": []}]})
    report = check_ruleset(ruleset, SHOP, frozenset())
    assert report.errors == ()
    impossible = any(fault.title == "Never holds" for fault in report.warnings)
    for frame in carts:
        assert not (impossible and _evaluated(report.ruleset.rules[0].condition, frame) is True)


@settings(max_examples=100, deadline=None)
@given(_NUMBERS, _NUMBERS)
def test_bounds_that_exclude_each_other_are_found(low: int, high: int) -> None:
    total = [".", "Session", "Total"]
    document = ["and", [">", total, low], ["<", total, high]]
    report = check_formula(parse_expression(document), SHOP, BOOLEAN)
    assert bool(report.warnings) is (low >= high)
