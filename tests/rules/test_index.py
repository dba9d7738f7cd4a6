"""The index: it never misses a rule, reads only stable facts, and finds what it should find."""

from collections.abc import Hashable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.rules.compile import bind, compile_binding, compile_expression
from habitue.rules.frame import RuleFailed
from habitue.rules.index import RuleIndex
from habitue.rules.index.necessary import (
    ALTERNATIVES_MAX,
    ALWAYS,
    HOST,
    NEVER,
    Conjunction,
    Extractor,
)
from habitue.rules.tree import Call
from tests.rules.programs import NUMBERS, WORDS, frames, programs
from tests.rules.shop import SHOP, Item, Profile, Session, ShopFrame, shop_frame, tree

CART = [".", "Session", "CartItems"]
TOTAL = [".", "Session", "Total"]
STORE = [".", "Session", "Store"]
SKU = [".", "I", "Sku"]

CART_STEPS = (("field", "session"), ("field", "cart_items"), ("each", ""))
SKU_STEPS = (*CART_STEPS, ("field", "sku"))
CATEGORY_STEPS = (*CART_STEPS, ("field", "category"))
TOTAL_STEPS = (("field", "session"), ("field", "total"))
STORE_STEPS = (("field", "session"), ("field", "store"))


def coupon_token(call: Call, key: Any) -> Hashable | None:
    return ("coupon", key) if call.name.lower() == "couponvalid" else None


def coupon_facts(frame: ShopFrame) -> list[Hashable]:
    return [("coupon", campaign) for campaign in frame.coupons]


def holds(condition: Any, frame: ShopFrame, key: Hashable) -> bool:
    frame.campaign = key
    try:
        return compile_expression(condition, SHOP)(frame) is True
    except RuleFailed:
        return False


def sku_is(sku: str) -> Any:
    return ["exists", CART, [["I"], ["=", SKU, sku]]]


words = st.sampled_from(WORDS)
numbers = st.sampled_from(NUMBERS)
#: Conditions of the forms that the index understands, as campaigns have them.
usual: st.SearchStrategy[Any] = st.one_of(
    st.just(["couponValid"]),
    st.builds(lambda word: ["=", STORE, word], words),
    st.builds(lambda word: ["contains", [".", "Profile", "Audiences"], word], words),
    st.builds(lambda word: ["contains", [".", "Session", "CouponCodes"], word], words),
    st.builds(lambda word: ["=", word, [".", "Session", "Attributes", "channel"]], words),
    st.builds(lambda word: ["=", [".", "Profile", "Attributes", "channel"], word], words),
    st.builds(lambda vip: ["catch", False, ["=", [".", "Session", "vip"], vip]], st.booleans()),
    st.builds(sku_is, words),
    st.builds(
        lambda word, name, limit: [
            name,
            [
                "count",
                ["filter", CART, [["I"], ["catch", False, ["=", [".", "I", "Category"], word]]]],
            ],
            limit,
        ],
        words,
        st.sampled_from((">", ">=", "=", "!=", "<")),
        numbers,
    ),
    st.builds(
        lambda word, limit: [
            ">",
            [
                "sum",
                ["filter", CART, [["I"], ["=", [".", "I", "Attributes", "channel"], word]]],
                [["I"], [".", "I", "Price"]],
            ],
            limit,
        ],
        words,
        numbers,
    ),
    st.builds(
        lambda sku, category, channel: [
            "exists",
            CART,
            [
                ["I"],
                [
                    "catch",
                    False,
                    [
                        "and",
                        ["=", SKU, sku],
                        ["=", [".", "I", "Category"], category],
                        ["=", [".", "I", "Attributes", "channel"], channel],
                    ],
                ],
            ],
        ],
        words,
        words,
        words,
    ),
    st.builds(lambda name, limit: [name, TOTAL, limit], st.sampled_from((">", ">=", "<")), numbers),
    st.builds(lambda limit: ["<=", limit, [".", "Session", "Discount"]], numbers),
    st.builds(lambda low: ["between", [".", "Session", "CartTotal"], low, 1000], numbers),
    st.just([".", "Session", "vip"]),
    programs(depth=2),
)
conditions = st.recursive(
    usual,
    lambda inner: st.one_of(
        st.builds(lambda parts: ["and", *parts], st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: ["or", *parts], st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: ["not", part], inner),
        st.builds(lambda part: ["catch", False, part], inner),
    ),
    max_leaves=6,
)
coupons = st.frozensets(st.integers(0, 11), max_size=3)


@settings(max_examples=300, deadline=None)
@given(
    documents=st.lists(conditions, max_size=12),
    carts=st.lists(frames(coupons), min_size=1, max_size=4),
    removed=st.sets(st.integers(0, 11)),
)
def test_gives_what_evaluating_all_rules_gives(
    documents: list[Any], carts: list[ShopFrame], removed: set[int]
) -> None:
    rules = {key: tree(document) for key, document in enumerate(documents)}
    batch: RuleIndex[int] = RuleIndex(SHOP, coupon_token, small=0)
    batch.add_all((key, condition, ()) for key, condition in rules.items())
    single: RuleIndex[int] = RuleIndex(SHOP, coupon_token, small=0)
    for key in reversed(rules):
        single.add(key, rules[key])
    for gone in removed:
        single.remove(gone)
    for key in removed & rules.keys():
        single.add(key, rules[key])
    for frame in carts:
        naive = [key for key, rule in rules.items() if holds(rule, frame, key)]
        for index in (batch, single):
            candidates = index.candidates(frame, coupon_facts(frame))
            assert [key for key in candidates if holds(rules[key], frame, key)] == naive
            assert candidates == sorted(set(candidates))


@settings(max_examples=200, deadline=None)
@given(documents=st.lists(conditions, max_size=8), frame=frames(coupons))
def test_reads_stable_facts_only(documents: list[Any], frame: ShopFrame) -> None:
    index: RuleIndex[int] = RuleIndex(SHOP, coupon_token, small=0)
    index.add_all((key, tree(document), ()) for key, document in enumerate(documents))
    before = index.candidates(frame, coupon_facts(frame))
    frame.session.discount += 1
    frame.bindings = {}
    if frame.profile is not None:
        frame.profile.attributes = {"channel": "other"}
    assert index.candidates(frame, coupon_facts(frame)) == before


@settings(max_examples=200, deadline=None)
@given(documents=st.lists(conditions, max_size=10), frame=frames(coupons))
def test_keeps_nothing_of_removed_rules(documents: list[Any], frame: ShopFrame) -> None:
    index: RuleIndex[int] = RuleIndex(SHOP, coupon_token, small=-1)
    for key, document in enumerate(documents):
        index.add(key, tree(document))
        index.add(key, tree(document))
    assert len(index) == len(documents)
    for key in range(len(documents)):
        index.remove(key)
        index.remove(key)
    assert len(index) == 0
    assert index.candidates(frame, coupon_facts(frame)) == []
    assert not index._slots
    assert not index._uses
    assert list(index._shelves) == [None]
    assert index._shelves[None].is_empty


def needs(document: Any, bindings: dict[str, Any] | None = None) -> Any:
    bound = {name: tree(each) for name, each in (bindings or {}).items()}
    return Extractor(SHOP, "k", coupon_token, bound).alternatives(tree(document))


def token(*tokens: Any) -> Conjunction:
    return Conjunction(tokens=frozenset(tokens))


def at_least(bound: int) -> Conjunction:
    return Conjunction(thresholds=frozenset({(TOTAL_STEPS, Decimal(bound))}))


KITCHEN = ["catch", False, ["=", [".", "I", "Category"], "Kitchen"]]
IS_KITCHEN = token((CATEGORY_STEPS, "Kitchen"))
IS_MUG = token((SKU_STEPS, "mug"))
FILTERED = ["filter", CART, [["I"], KITCHEN]]
NEEDS: list[tuple[Any, Any]] = [
    (True, ALWAYS),
    (False, NEVER),
    (["and", True], ALWAYS),
    (["and", ["couponValid"], False], NEVER),
    (["or"], NEVER),
    (["couponValid"], (token((HOST, ("coupon", "k"))),)),
    (["=", STORE, "Köln"], (token((STORE_STEPS, "Köln")),)),
    (["=", "Köln", STORE], (token((STORE_STEPS, "Köln")),)),
    (["=", STORE, 5], ALWAYS),
    (["!=", STORE, "Köln"], ALWAYS),
    (["=", [".", "Session", "Discount"], 5], ALWAYS),
    (["=", [".", "Profile", "channel"], "web"], ALWAYS),
    (sku_is("mug"), (IS_MUG,)),
    ([">", ["count", FILTERED], 0], (IS_KITCHEN,)),
    ([">=", ["count", FILTERED], 0], ALWAYS),
    ([">=", ["count", FILTERED], 2], (IS_KITCHEN,)),
    (["<", 0, ["sum", FILTERED, [["I"], [".", "I", "Price"]]]], (IS_KITCHEN,)),
    (["<", ["count", FILTERED], 5], ALWAYS),
    (["not", ["isEmpty", FILTERED]], (IS_KITCHEN,)),
    (["not", sku_is("mug")], ALWAYS),
    (["exists", ["tail", FILTERED], [["I"], ["=", SKU, "mug"]]], (IS_KITCHEN & IS_MUG,)),
    (["every", CART, [["I"], ["=", SKU, "mug"]]], ALWAYS),
    (["catch", True, sku_is("mug")], ALWAYS),
    (["catch", ["couponValid"], sku_is("mug")], (token((HOST, ("coupon", "k"))), IS_MUG)),
    ([">=", TOTAL, 100], (at_least(100),)),
    (["<", 100, TOTAL], (at_least(100),)),
    (["<", TOTAL, 100], ALWAYS),
    (["between", TOTAL, 5, 100], (at_least(5),)),
    (["and", [">", TOTAL, 5], sku_is("mug")], (at_least(5) & IS_MUG,)),
    (["or", sku_is("mug"), [">", TOTAL, 5]], (IS_MUG, at_least(5))),
    (["or", sku_is("mug"), ["<", TOTAL, 5]], ALWAYS),
    (["do", CART, [["C"], ["exists", [".", "C"], [["I"], ["=", SKU, "mug"]]]]], (IS_MUG,)),
    (["exists", [".", "some"], [["I"], ["=", SKU, "mug"]]], ALWAYS),
    (["nothingKnown", 5], ALWAYS),
]


@pytest.mark.parametrize(("document", "expected"), NEEDS, ids=lambda value: str(value)[:50])
def test_needs(document: Any, expected: Any) -> None:
    assert needs(document) == expected


def test_alternatives_are_bounded() -> None:
    many = ["or", *(sku_is(f"sku{n}") for n in range(ALTERNATIVES_MAX + 1))]
    assert needs(many) == ALWAYS
    assert len(needs(many[:-1])) == ALTERNATIVES_MAX
    three = ["or", *(sku_is(f"sku{n}") for n in range(3))]
    assert len(needs(["and", three, three, three, three])) <= ALTERNATIVES_MAX
    assert needs(["and", many, sku_is("mug")]) == (IS_MUG,)


def test_bindings_are_looked_into() -> None:
    bindings = {"kitchen": FILTERED, "some": [">", ["count", [".", "kitchen"]], 0]}
    assert needs([".", "some"], bindings) == (IS_KITCHEN,)
    assert needs(["exists", [".", "kitchen"], [["I"], ["=", SKU, "mug"]]], bindings) == (
        IS_KITCHEN & IS_MUG,
    )
    assert needs([".", "self"], {"self": [".", "self"]}) == ALWAYS


def test_bindings_of_one_name_are_not_confused() -> None:
    """The second binding hides the first; what reads it is found through neither."""
    bindings = [("mine", tree(sku_is("mug"))), ("mine", tree(["or", [".", "mine"], True]))]
    index: RuleIndex[int] = RuleIndex(SHOP, small=0)
    index.add(1, tree([".", "mine"]), bindings)
    frame = shop_frame()
    bind(frame, [compile_binding(name, each, SHOP) for name, each in bindings])
    assert compile_expression(tree([".", "mine"]), SHOP)(frame) is True
    assert index.candidates(frame) == [1]


def test_finds_what_matches_and_little_else() -> None:
    index: RuleIndex[int] = RuleIndex(SHOP, coupon_token)
    index.add_all((n, tree(["and", ["couponValid"], [">", TOTAL, n]]), ()) for n in range(1000))
    index.add_all(
        (1000 + n, tree(["and", ["=", STORE, "Köln"], sku_is(f"sku{n}")]), ()) for n in range(1000)
    )
    index.add_all((2000 + n, tree([">", TOTAL, n]), ()) for n in range(1000))
    items = [Item("sku7", None, Decimal(1)), Item("sku8", None, Decimal(1))]
    frame = shop_frame(Session(total=Decimal(2), cart_items=items, store="Köln"), Profile())
    assert index.candidates(frame, [("coupon", 1), ("coupon", 5)]) == [
        1,
        1007,
        1008,
        2000,
        2001,
        2002,
    ]
    frame.session.store = "Bonn"
    assert index.candidates(frame) == [2000, 2001, 2002]


def of_both(category: str, sku: str) -> Any:
    """Some unit is of that category and has that article number."""
    return ["exists", CART, [["I"], ["and", ["=", [".", "I", "Category"], category], sku_of(sku)]]]


def sku_of(sku: str) -> Any:
    return ["=", SKU, sku]


def test_what_is_said_of_one_element_is_looked_up_together() -> None:
    index: RuleIndex[int] = RuleIndex(SHOP, small=0)
    index.add_all(
        (10 * n + m, tree(of_both(f"c{n}", f"sku{m}")), ()) for n in range(10) for m in range(10)
    )
    items = [Item(f"sku{n}", f"c{9 - n}", Decimal(1)) for n in range(10)]
    frame = shop_frame(Session(cart_items=items), Profile())
    assert index.candidates(frame) == [9 + 9 * n for n in range(10)]
    for key in range(100):
        index.remove(key)
    assert index.candidates(frame) == []


def test_two_values_of_one_field_are_not_one_element() -> None:
    (found,) = needs(["exists", CART, [["I"], ["and", sku_of("mug"), sku_of("cup")]]])
    assert found == IS_MUG & token((SKU_STEPS, "cup"))


def test_few_rules_are_all_candidates_in_order() -> None:
    index: RuleIndex[int] = RuleIndex(SHOP)
    for key in (3, 1, 2):
        index.add(key, tree(sku_is("mug")))
    assert index.candidates(shop_frame()) == [1, 2, 3]
    index.remove(2)
    assert index.candidates(shop_frame()) == [1, 3]
