"""Explanations: the sentence for people, the values, and their bounded size."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from habitue.rules.compile import compile_expression
from habitue.rules.explain import EXPLANATIONS_MAX, Explanation, Operand, explain, first_failure
from habitue.rules.frame import RuleFailed
from tests.rules.programs import frames, programs
from tests.rules.shop import SHOP, Item, Profile, Session, ShopFrame, shop_frame, tree

CART = [".", "Session", "CartItems"]
TOTAL = [".", "Session", "Total"]
VISITS = [".", "Session", "Attributes", "visits"]
TOTAL_100 = "session.total >= 100"
TOTAL_IS = "session.total is 59.9"


def kitchen(limit: int = 0) -> list[Any]:
    body = ["catch", False, ["=", [".", "Item", "Category"], "Kitchen"]]
    return [">", ["count", ["filter", CART, [["Item"], body]]], limit]


def frame() -> ShopFrame:
    items = [Item(f"sku{n}", "Kitchen" if n < 2 else None, Decimal(n)) for n in range(15)]
    session = Session(total=Decimal("59.90"), cart_items=items, store="Köln")
    return shop_frame(session, Profile(audiences=[f"a{n}" for n in range(7)]))


def explained(document: Any) -> Explanation:
    return explain(tree(document), frame(), SHOP)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([">=", TOTAL, 100], f"{TOTAL_100} did not hold: {TOTAL_IS}"),
        ([">=", TOTAL, 50], f"session.total >= 50 held: {TOTAL_IS}"),
        (
            ["=", [".", "Session", "Store"], "Bonn"],
            'session.store == "Bonn" did not hold: session.store is "Köln"',
        ),
        (["=", [".", "Profile", "Name"], "Ada"], 'profile.name == "Ada" failed: Name is not set'),
        (["couponValid"], "couponValid() did not hold"),
        (True, "true held"),
        (False, "false did not hold"),
        (["and", [">", TOTAL, 1], [">=", TOTAL, 100]], f"{TOTAL_100} did not hold: {TOTAL_IS}"),
        (["and", [">", TOTAL, 1], True], "session.total > 1 and true held"),
        (["or", [">", TOTAL, 1], True], f"session.total > 1 held: {TOTAL_IS}"),
        (
            ["or", [">=", TOTAL, 100], ["couponValid"]],
            f"none of 2 conditions held: {TOTAL_100} did not hold: {TOTAL_IS}; and others",
        ),
        (
            ["not", [">", TOTAL, 1]],
            f"not (session.total > 1) did not hold: session.total > 1 held: {TOTAL_IS}",
        ),
        (
            ["catch", False, [">", VISITS, 2]],
            'session.attributes["visits"] > 2 failed: visits is not set; it is taken as false',
        ),
        (
            ["contains", [".", "Profile", "Audiences"], "vip"],
            '"vip" in profile.audiences did not hold: profile.audiences is '
            '["a0", "a1", "a2", "a3", "a4" and 2 more]',
        ),
    ],
)
def test_words(document: Any, words: str) -> None:
    assert explained(document).words == words


def test_lists_are_summarised() -> None:
    explanation = explained(kitchen(limit=2))
    assert explanation.outcome == "did not hold"
    assert explanation.operands[0] == Operand("session.cart_items", "15 items, 2 match")
    assert explanation.operands[1].value == "2"
    exists = explained(["exists", CART, [["I"], [">", [".", "I", "Price"], 13]]])
    assert exists.operands == (Operand("session.cart_items", "15 items, 1 matches"),)
    assert exists.held


def test_a_walk_that_fails_says_why() -> None:
    exists = explained(["exists", CART, [["I"], ["=", [".", "I", "Category"], "Garden"]]])
    assert exists.outcome == "failed"
    assert exists.words.endswith("failed: Category is not set")
    assert exists.operands[0].value == "15 items; Category is not set"


def test_children_follow_the_expression() -> None:
    explanation = explained(
        [
            "and",
            ["or", ["couponValid"], [">", TOTAL, 1]],
            ["not", ["couponValid"]],
            [">", TOTAL, 99],
        ]
    )
    assert [child.outcome for child in explanation.children] == ["held", "held", "did not hold"]
    assert [child.held for child in explanation.children[0].children] == [False, True]
    assert explanation.outcome == "did not hold"


def test_first_failure_is_the_first_condition_that_does_not_hold() -> None:
    parts = [tree([">", TOTAL, 1]), tree([">", VISITS, 1]), tree(False)]
    assert first_failure(parts, frame(), SHOP) == (
        1,
        'session.attributes["visits"] > 1 failed: visits is not set',
    )
    assert first_failure(parts[:1], frame(), SHOP) is None


def test_size_is_bounded() -> None:
    wide = explained(["and", *([[">", TOTAL, 1]] * 900)])
    assert len(wide.children) == EXPLANATIONS_MAX - 1
    long = explain(
        tree(["=", [".", "Session", "Store"], "x" * 5000]),
        shop_frame(Session(store="y" * 10_000)),
        SHOP,
    )
    assert len(long.text) == 200
    assert len(long.operands[0].value) == 80
    assert len(msgspec.json.encode(long)) < 1500


def test_budget_of_the_frame_is_left_as_it_was() -> None:
    frame_ = frame()
    frame_.steps_left = 3
    assert explain(tree(kitchen()), frame_, SHOP).held
    assert frame_.steps_left == 3


@settings(max_examples=300, deadline=None)
@given(document=programs(), frame=frames())
def test_outcome_is_that_of_the_evaluation(document: Any, frame: ShopFrame) -> None:
    expression = tree(document)
    try:
        value = compile_expression(expression, SHOP)(frame)
        expected = "held" if value is True else "did not hold"
    except RuleFailed:
        expected = "failed"
    assert explain(expression, frame, SHOP).outcome == expected
