"""No ruleset can hang the server or fill its memory: hostile ones are stopped, and soon.

The bound on processor time is generous, and far below what the unbounded evaluations would take.
"""

import contextlib
import time
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from habitue.model.limits import TEXT_LENGTH_MAX
from habitue.rules.compile import bind, compile_binding, compile_expression
from habitue.rules.frame import RuleFailed, StepsExhausted
from habitue.rules.functions.patterns import (
    COMPILATION_STEPS,
    LITERALS_MAX,
    compiled_pattern,
)
from habitue.rules.functions.values import number_text
from habitue.rules.tree import Call, Literal
from tests.rules.shop import SHOP, Item, Session, ShopFrame, shop_frame, tree, value_of

CART = [".", "Session", "CartItems"]
SECONDS_MAX = 10
#: The budget of these tests; a host gives its rules less.
STEPS = 1_000_000
BYTES_MAX = 300_000_000


def full_cart() -> ShopFrame:
    attributes = {"channel": "x" * 10_000}
    items = [Item(f"sku{n}", "x", Decimal(n), attributes=attributes) for n in range(10_000)]
    return with_budget(Session(cart_items=items))


def with_budget(session: Session | None = None) -> ShopFrame:
    frame = shop_frame(session)
    frame.steps_left = STEPS
    return frame


def bounded(evaluate: Callable[[], Any]) -> type[Exception] | Any:
    """The value of `evaluate`, or the exception it raises; asserts its processor time."""
    started = time.process_time()
    try:
        outcome = evaluate()
    except (RuleFailed, StepsExhausted) as stopped:
        outcome = type(stopped)
    assert time.process_time() - started < SECONDS_MAX
    return outcome


def most_memory(evaluate: Callable[[], Any]) -> int:
    """The bytes that `evaluate` has in use at most, whether it is stopped or not."""
    tracemalloc.start()
    with contextlib.suppress(RuleFailed, StepsExhausted):
        evaluate()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def over_cart(form: str, body: Any, name: str) -> Any:
    return [form, CART, [[name], body]]


NESTED_FILTER = over_cart(
    "filter",
    over_cart("exists", over_cart("exists", ["=", [".", "A", "Sku"], "none"], "C"), "B"),
    "A",
)
PAIRS = over_cart("map", over_cart("map", ["list", [".", "A"], [".", "B"]], "B"), "A")
LONG_TEXTS = over_cart("map", ["+", [".", "A", "channel"], [".", "A", "Sku"]], "A")
SAME_LENGTH = over_cart(
    "filter", over_cart("every", ["=", [".", "A", "channel"], [".", "B", "channel"]], "B"), "A"
)
REGEX = over_cart("filter", ["~", "(x+x+)+y", [".", "A", "channel"]], "A")
REGEX_ALTERNATIVES = over_cart("filter", ["~", "(x|x|x){200}y$", [".", "A", "channel"]], "A")
SORTED = ["sortByString", CART, [["A"], [".", "A", "channel"]]]
MEMBERS = over_cart("filter", ["contains", ["map", CART, [["B"], 1]], 2], "A")


@pytest.mark.parametrize(
    "document",
    [NESTED_FILTER, PAIRS, LONG_TEXTS, SAME_LENGTH, REGEX, REGEX_ALTERNATIVES, SORTED, MEMBERS],
)
def test_hostile_walks_over_a_full_cart_are_stopped(document: Any) -> None:
    assert bounded(lambda: value_of(document, full_cart())) is StepsExhausted


@pytest.mark.parametrize("document", [PAIRS, LONG_TEXTS, MEMBERS, SORTED])
def test_hostile_walks_do_not_fill_memory(document: Any) -> None:
    frame = full_cart()
    assert most_memory(lambda: value_of(document, frame)) < BYTES_MAX


def test_catch_does_not_catch_the_end_of_the_budget() -> None:
    frame = full_cart()
    assert bounded(lambda: value_of(["catch", False, NESTED_FILTER], frame)) is StepsExhausted
    assert bounded(lambda: value_of(["catch", False, CART], frame)) == frame.session.cart_items
    assert frame.steps_left < 0


def doubled(start: Any, double: Callable[[Any], Any], times: int) -> Any:
    """`start`, put through `double` so many times by nested lets."""
    document: Any = [".", f"v{times}"]
    for n in range(times, 0, -1):
        document = ["do", double([".", f"v{n - 1}"]), [[f"v{n}"], document]]
    return ["do", start, [["v0"], document]]


def test_text_that_doubles_is_stopped() -> None:
    grow = doubled("0123456789", lambda text: ["+", text, text], 20)
    assert bounded(lambda: value_of(grow)) is RuleFailed
    fits = doubled("0123456789", lambda text: ["+", text, text], 13)
    assert len(value_of(fits)) == 81_920
    assert TEXT_LENGTH_MAX == 100_000


def test_lists_that_double_are_stopped() -> None:
    v = [".", "v"]
    square = ["map", v, [["x"], ["count", ["map", v, [["y"], 1]]]]]
    grow = doubled(["list", *range(20)], lambda v: ["append", v, *([v] * 20)], 20)
    assert value_of(["count", grow]) == Decimal(420)
    assert bounded(
        lambda: value_of(["do", ["map", CART, [["x"], 1]], [["v"], square]], full_cart())
    )
    nested = doubled(["list", 1], lambda v: ["list", v, v], 20)
    assert bounded(lambda: value_of(["toString", nested])) in (RuleFailed, StepsExhausted)


def test_chains_of_bindings_that_double_are_stopped() -> None:
    frame = with_budget()
    doubling = [
        compile_binding(f"b{n + 1}", tree(["list", [".", f"b{n}"], [".", f"b{n}"]]), SHOP)
        for n in range(199)
    ]
    bind(frame, [compile_binding("b0", tree(1), SHOP), *doubling])
    assert len(value_of([".", "b199"], frame)) == 2
    assert bounded(lambda: value_of(["toString", [".", "b199"]], frame)) is RuleFailed
    assert bounded(lambda: value_of(["toString", [".", "b30"]], frame)) in (
        RuleFailed,
        StepsExhausted,
    )


@pytest.mark.parametrize(
    "number", [Decimal("1E+999999"), Decimal("-1E-999999"), Decimal("1E+201"), Decimal("Infinity")]
)
def test_numbers_with_huge_exponents_have_no_text(number: Decimal) -> None:
    with pytest.raises(RuleFailed):
        number_text(number)
    for call in (Call("toString", (Literal(number),)), Call("=", (Literal(number), Literal("1")))):
        assert bounded(partial(compile_expression(call, SHOP), shop_frame())) is RuleFailed


def test_numbers_with_huge_exponents_do_not_hang_arithmetic() -> None:
    huge = Literal(Decimal("1E+999999"))
    seven = Literal(Decimal(7))
    for name in ("+", "*", "mod", "/"):
        call = Call(name, (huge, seven))
        assert bounded(partial(compile_expression(call, SHOP), shop_frame())) is RuleFailed
    item = Call("item", (Call("list", (seven,)), huge))
    assert bounded(lambda: compile_expression(item, SHOP)(shop_frame())) is RuleFailed
    days = tree(["addDuration", "2026-01-01T00:00:00Z", 1, "days"])
    assert isinstance(days, Call)
    longer = Call(days.name, (days.arguments[0], huge, days.arguments[2]))
    assert bounded(lambda: compile_expression(longer, SHOP)(shop_frame())) is RuleFailed


@pytest.mark.parametrize(
    "expression",
    ["((a{100}){100}){100}", "(a{1000}){1000}", "\\pL{1000}", "(", "a" * 1001, "(?<=a)b"],
)
def test_expressions_beyond_bounds_are_refused(expression: str) -> None:
    assert bounded(lambda: compiled_pattern(expression)) is RuleFailed


@pytest.mark.parametrize(
    "expression", ["(a*)*b", "(a|aa)+$", "(.*)(.*)(.*)(.*)x", "a?" * 50 + "a" * 50]
)
def test_expressions_match_in_linear_time(expression: str) -> None:
    text = "a" * 100_000
    assert bounded(lambda: value_of(["or", ["~", expression, text], True])) is True


def test_expressions_made_at_evaluation_are_charged_for_compilation() -> None:
    made = ["~", ["+", "(a|b){9}", [".", "A", "Sku"]], "text"]
    assert bounded(lambda: value_of(over_cart("filter", made, "A"), full_cart())) is StepsExhausted
    refused = ["catch", False, ["~", ["+", "(?i)\\pL" * 200, [".", "A", "Sku"]], "text"]]
    assert bounded(lambda: value_of(over_cart("filter", refused, "A"), full_cart())) is (
        StepsExhausted
    )


def test_literal_expressions_are_not_charged_for_compilation_as_long_as_they_are_few() -> None:
    def cost(count: int) -> int:
        frame = with_budget()
        value_of(["and", *([["~", f"a{n}|.", "a"] for n in range(count)])], frame)
        return STEPS - frame.steps_left

    assert cost(LITERALS_MAX) == LITERALS_MAX
    assert cost(LITERALS_MAX + 1) > LITERALS_MAX + COMPILATION_STEPS


@pytest.mark.parametrize("layout", ["2006-01-02", "Z" * 90, "'" * 91])
def test_layouts_made_at_evaluation_are_charged(layout: str) -> None:
    made = ["+", layout, [".", "A", "Sku"]]
    each = ["not", ["=", ["catch", "", ["parseTime", "2026-01-01", made]], ""]]
    walk = over_cart("filter", ["and", each, each, each], "A")
    assert bounded(lambda: value_of(walk, full_cart())) is StepsExhausted


def test_a_long_text_costs_what_it_is_long() -> None:
    def cost(text: str) -> int:
        frame = with_budget(Session(store=text))
        value_of(["contains", [".", "Session", "Store"], "b"], frame)
        return STEPS - frame.steps_left

    assert cost("a" * 32) == 2
    assert cost("a" * 32_000) == 1001


def test_costs_are_counted_by_nodes_of_the_body() -> None:
    def cost(body: Any) -> int:
        frame = full_cart()
        value_of(over_cart("exists", body, "A"), frame)
        return STEPS - frame.steps_left

    assert cost(["=", [".", "A", "Sku"], "x"]) == 10_001
    assert cost(["and", *([["=", [".", "A", "Sku"], "x"]] * 10)]) == 1 + 10_000 * 7


@pytest.mark.parametrize("document", [["catch", 1, ["not", "x"]], ["!=", 1, 2], ["+", 1, 2, 3]])
def test_ordinary_rules_cost_next_to_nothing(document: Any) -> None:
    frame = with_budget()
    value_of(document, frame)
    assert STEPS - frame.steps_left < 5
