"""Compiled expressions: equal to the reference interpreter, and the form that they are given."""

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.limits import EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX
from habitue.rules.compile import bind, compile_binding, compile_expression
from habitue.rules.compile.code import factory
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.tree import Expression
from habitue.rules.types import ANY, NUMBER
from tests.rules.programs import frames, programs
from tests.rules.reference import reference
from tests.rules.shop import SHOP, Item, Profile, Session, ShopFrame, shop_frame, tree, value_of

CART = [".", "Session", "CartItems"]
KINDS = st.sampled_from(("boolean", "number", "string", "items", "list"))


def outcome(evaluate: Callable[[], Any]) -> Any:
    try:
        return evaluate()
    except RuleFailed:
        return RuleFailed


@settings(max_examples=1500, deadline=None)
@given(document=KINDS.flatmap(programs), frame=frames())
def test_equals_the_reference_interpreter(document: Any, frame: ShopFrame) -> None:
    expression = tree(document)
    expected = outcome(lambda: reference(expression, copy.copy(frame)))
    compiled = compile_expression(expression, SHOP)
    assert outcome(lambda: compiled(copy.copy(frame))) == expected
    assert type(outcome(lambda: compiled(copy.copy(frame)))) is type(expected)


@settings(max_examples=300, deadline=None)
@given(document=programs(), frame=frames())
def test_same_where_the_first_names_are_hidden_by_bindings(document: Any, frame: ShopFrame) -> None:
    """The dynamic reads give what the static ones give."""
    expression = tree(document)
    static = compile_expression(expression, SHOP)
    frame.bindings |= {"Session": frame.session}
    if frame.profile is not None:
        frame.bindings |= {"Profile": frame.profile}
    dynamic = compile_expression(expression, SHOP, {"Session": ANY, "Profile": ANY})
    assert outcome(lambda: dynamic(frame)) == outcome(lambda: static(frame))


def shop() -> ShopFrame:
    items = [
        Item("mug", "Kitchen", Decimal("12.50"), Decimal(2), {"channel": "web"}),
        Item("pot", "Kitchen", Decimal("30"), Decimal(1), {}),
        Item("gift", None, Decimal("5"), Decimal(1), {"channel": "shop"}),
    ]
    session = Session(total=Decimal("59.90"), cart_total=Decimal("60"), cart_items=items)
    return shop_frame(session, Profile(name=None, audiences=["vip"]))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([".", "Session", "Total"], Decimal("59.90")),
        (["catch", Decimal(1), [".", "Profile", "Name"]], Decimal(1)),
        ([".", "Profile", "Name"], RuleFailed),
        ([".", "Session", "Attributes", "visits"], RuleFailed),
        ([".", "Session", "Attributes"], {}),
        ([".", "Session", "Nothing"], RuleFailed),
        ([".", "Session", "Total", "Cents"], RuleFailed),
        ([".", "Nothing", "Total"], RuleFailed),
        (["contains", [".", "Profile", "Audiences"], "vip"], True),
        (
            ["count", ["filter", CART, [["I"], ["=", [".", "I", "Category"], "Kitchen"]]]],
            RuleFailed,
        ),
        (
            [
                "count",
                [
                    "filter",
                    CART,
                    [["I"], ["catch", False, ["=", [".", "I", "Category"], "Kitchen"]]],
                ],
            ],
            Decimal(2),
        ),
        (["sum", CART, [["I"], ["*", [".", "I", "Price"], [".", "I", "Quantity"]]]], Decimal(60)),
        (
            [
                "filter",
                ["map", CART, [["I"], [".", "I", "Sku"]]],
                [["S"], ["=", [".", "S"], "pot"]],
            ],
            ["pot"],
        ),
        (["exists", CART, [["I"], ["catch", False, ["=", [".", "I", "channel"], "shop"]]]], True),
        (["exists", CART, [["I"], ["=", [".", "I", "channel"], "shop"]]], RuleFailed),
        (["item", ["map", CART, [["I"], [".", "I", "Price"]]], 1], Decimal(30)),
        ([".", "Session", "CartItems", "Price"], RuleFailed),
        (["unitsOf", "mug"], Decimal(2)),
        (["unitsOf", "mug", 7], Decimal(7)),
        (["unitsOf", "mug", None], Decimal(2)),
        (["unitsOf"], RuleFailed),
        (["unitsOf", 1], RuleFailed),
        (["unitsOf", "forbidden"], RuleFailed),
        (["unitsOf", ["head", ["list", "mug"]]], Decimal(2)),
        (["unitsOf", ["head", ["list", 5]]], RuleFailed),
        (["catch", 5, ["unitsOf", "forbidden"]], Decimal(5)),
        (["*", Decimal("1E+15"), ["*", Decimal("1E+15"), Decimal("1E+15")]], Decimal("1E+45")),
    ],
    ids=lambda value: str(value)[:50],
)
def test_value_in_the_shop(document: list[Any], expected: object) -> None:
    assert outcome(lambda: value_of(document, shop())) == expected


def test_arithmetic_out_of_range_fails_the_rule_and_is_caught() -> None:
    big: Any = Decimal("1E+15")
    for _ in range(6):
        big = ["*", big, Decimal("1E+15")]
    total = ["+", [".", "Session", "Total"], 0]
    overflow = ["*", big, ["+", total, big]]
    assert outcome(lambda: value_of(overflow, shop())) is RuleFailed
    assert value_of(["catch", 3, overflow], shop()) == Decimal(3)
    per_item = ["setDiscountPerItem", "x", [["I"], ["*", [".", "I", "Price"], big, big]]]
    assert outcome(lambda: value_of(per_item, shop())) is RuleFailed


def test_effects_reach_the_host_with_exact_values() -> None:
    frame = shop()
    value_of(["setDiscount", "10% off", ["*", [".", "Session", "Total"], ["/", 10, 100]]], frame)
    value_of(["setDiscountPerItem", "5 off", 5], frame)
    value_of(["setDiscountPerItem", "half", [["Item"], ["/", [".", "Item", "Price"], 2]]], frame)
    assert frame.effects == [
        ("setDiscount", "10% off", Decimal("5.990")),
        ("setDiscountPerItem", "5 off", "mug", Decimal(5)),
        ("setDiscountPerItem", "5 off", "pot", Decimal(5)),
        ("setDiscountPerItem", "5 off", "gift", Decimal(5)),
        ("setDiscountPerItem", "half", "mug", Decimal("6.25")),
        ("setDiscountPerItem", "half", "pot", Decimal(15)),
        ("setDiscountPerItem", "half", "gift", Decimal("2.5")),
    ]


def test_an_effect_whose_formula_fails_does_nothing_under_catch() -> None:
    frame = shop()
    effect = ["setDiscount", "name", ["*", [".", "Session", "visits"], 2]]
    assert outcome(lambda: value_of(effect, frame)) is RuleFailed
    assert value_of(["catch", ["noop"], effect], frame) is None
    assert frame.effects == []


def test_set_binds_a_name_for_later_expressions_of_the_frame() -> None:
    frame = shop()
    assert outcome(lambda: value_of([".", "x"], frame)) is RuleFailed
    value_of(["set", "x", ["+", 1, 2]], frame)
    assert value_of(["*", [".", "x"], 2], frame) == Decimal(6)


class TestBindings:
    def bound(self, frame: Frame, *bindings: tuple[str, Any]) -> None:
        compiled = [compile_binding(name, tree(document), SHOP) for name, document in bindings]
        bind(frame, compiled)

    def test_are_evaluated_when_read_and_once(self) -> None:
        frame = shop()
        effect = ["do", ["setDiscount", "seen", 1], [["_"], 5]]
        self.bound(frame, ("x", effect), ("y", effect))
        assert frame.effects == []
        assert value_of(["+", [".", "x"], [".", "x"]], frame) == Decimal(10)
        assert len(frame.effects) == 1

    def test_see_those_before_them(self) -> None:
        frame = shop()
        self.bound(frame, ("x", 2), ("y", ["*", [".", "x"], 3]), ("x", ["+", [".", "x"], 40]))
        assert value_of([".", "x"], frame) == Decimal(42)
        assert value_of([".", "y"], frame) == Decimal(6)

    def test_of_a_rule_hide_those_of_the_ruleset_from_that_rule_only(self) -> None:
        frame = shop()
        self.bound(frame, ("rate", 1), ("price", ["*", [".", "rate"], 10]))
        shared = frame.bindings
        self.bound(frame, ("rate", 2))
        assert value_of([".", "price"], frame) == Decimal(10)
        assert value_of([".", "rate"], frame) == Decimal(2)
        frame.bindings = shared
        assert value_of([".", "rate"], frame) == Decimal(1)

    def test_that_fail_fail_their_readers_only(self) -> None:
        frame = shop()
        self.bound(frame, ("bad", ["/", 1, 0]), ("worse", ["+", 1, [".", "bad"]]), ("good", 1))
        with pytest.raises(RuleFailed, match="division by zero"):
            value_of([".", "worse"], frame)
        assert value_of(["catch", 7, [".", "bad"]], frame) == Decimal(7)
        assert value_of([".", "good"], frame) == Decimal(1)

    def test_that_read_themselves_fail(self) -> None:
        frame = shop()
        chain = [(f"b{n}", [".", f"b{(n + 1) % 200}"]) for n in range(200)]
        self.bound(frame, *chain, ("self", [".", "self"]))
        assert outcome(lambda: value_of([".", "b0"], frame)) is RuleFailed
        with pytest.raises(RuleFailed, match="self reads itself"):
            value_of([".", "self"], frame)

    def test_may_form_chains_of_any_length(self) -> None:
        frame = shop()
        deep: Callable[[int], Any] = lambda n: nested_do(["+", [".", f"b{n}"], 1], 20)  # noqa: E731
        self.bound(frame, ("b0", 0), *((f"b{n + 1}", deep(n)) for n in range(199)))
        assert value_of([".", "b199"], frame) == Decimal(199)

    def test_hide_variables_of_the_dialect_where_they_are_declared(self) -> None:
        frame = shop()
        self.bound(frame, ("Session", 5))
        read = tree([".", "Session"])
        assert compile_expression(read, SHOP, {"Session": NUMBER})(frame) == Decimal(5)
        assert compile_expression(read, SHOP)(frame) is frame.session


def nested_do(document: Any, levels: int) -> Any:
    for _ in range(levels):
        document = ["do", 1, [["_"], document]]
    return document


def test_rules_of_one_shape_share_one_compiled_function() -> None:
    def rule(sku: str, least: int) -> Expression:
        return tree([">=", ["unitsOf", sku], least])

    before = factory.cache_info()
    compiled = [compile_expression(rule(f"sku{n}", n), SHOP) for n in range(100)]
    after = factory.cache_info()
    assert after.hits - before.hits >= 99
    assert len({each.__code__ for each in compiled}) == 1
    frame = shop_frame(Session(cart_items=[Item("sku7", None, Decimal(1), Decimal(7))]))
    assert [n for n, each in enumerate(compiled) if each(frame)] == [0, 7]


@pytest.mark.parametrize(
    "text", ['"); import os; ("', "c0", "\n  return 1", "'", "{0}", "__class__"]
)
def test_text_of_a_ruleset_never_becomes_code(text: str) -> None:
    for document in (
        ["=", text, text],
        ["do", True, [[text], [".", text]]],
        ["catch", True, [".", text, text]],
        ["catch", True, [".", "Session", text]],
        ["catch", True, [".", "Session", "Attributes", text]],
        ["exists", ["list", True], [[text], [".", text]]],
        ["=", [".", ["kv", [text, 1]], text], 1] if text == "" else ["count", ["list", text]],
    ):
        assert value_of(document) in (True, Decimal(1))
    with pytest.raises(RuleFailed):
        value_of([text, 1])


DEEP: list[tuple[str, Callable[[Any], Any], Any, Any]] = [
    ("and", lambda inner: ["and", True, inner], True, True),
    ("or", lambda inner: ["or", False, inner], False, False),
    ("not", lambda inner: ["not", inner], True, False),
    ("catch", lambda inner: ["catch", 1, inner], [".", "x"], Decimal(1)),
    ("catch default", lambda inner: ["catch", inner, [".", "x"]], 5, Decimal(5)),
    ("+", lambda inner: ["+", inner, [".", "Session", "Total"]], 0, None),
    ("concat", lambda inner: ["concat", "a", inner], "", None),
    ("list", lambda inner: ["list", inner], 1, None),
    ("item", lambda inner: ["item", ["list", inner], 0], 3, Decimal(3)),
    ("do", lambda inner: ["do", 1, [["x"], inner]], 3, Decimal(3)),
    ("do value", lambda inner: ["do", inner, [["x"], [".", "x"]]], 3, Decimal(3)),
    ("exists", lambda inner: ["exists", ["list", 1], [["x"], inner]], True, True),
    (
        "exists catch",
        lambda inner: ["exists", ["list", 1], [["x"], ["catch", False, inner]]],
        ["+", [".", "x"], [".", "y"]],
        False,
    ),
    ("filter list", lambda inner: ["filter", inner, [["x"], True]], ["list", 1], [1]),
    ("map", lambda inner: ["map", ["list", 1], [["x"], inner]], 1, None),
    ("sum", lambda inner: ["sum", ["list", 1], [["x"], inner]], 1, Decimal(1)),
    ("sort", lambda inner: ["sortByNumber", ["list", 1], [["x"], ["count", inner]]], ["list"], [1]),
    ("kv", lambda inner: ["kv", ["K", inner]], 1, None),
    ("any", lambda inner: ["+", ["head", ["list", 1]], inner], [".", "x"], RuleFailed),
]


@pytest.mark.parametrize(
    ("wrap", "core", "expected"), [d[1:] for d in DEEP], ids=[d[0] for d in DEEP]
)
def test_the_deepest_tree_compiles_and_runs(wrap: Any, core: Any, expected: Any) -> None:
    document, deeper = core, core
    while depth_of(deeper) <= EXPRESSION_DEPTH_MAX:
        document, deeper = deeper, wrap(deeper)
    document = deeper if depth_of(deeper) <= EXPRESSION_DEPTH_MAX else document
    assert depth_of(document) > EXPRESSION_DEPTH_MAX - 5
    result = outcome(lambda: value_of(document))
    if expected is not None:
        assert result == expected
    else:
        assert result is not RuleFailed


def depth_of(document: Any) -> int:
    if not isinstance(document, list):
        return 1
    return 1 + max((depth_of(each) for each in document), default=0)


def test_the_widest_tree_compiles_and_runs() -> None:
    parts = EXPRESSION_NODES_MAX - 1
    assert value_of(["+", *([1] * parts)]) == Decimal(parts)
    assert value_of(["and", *([True] * parts)]) is True
    read = [".", "Session", "Total"]
    assert value_of(["+", *([read] * (parts // 4 - 1))], shop()) == Decimal("59.90") * (
        parts // 4 - 1
    )
