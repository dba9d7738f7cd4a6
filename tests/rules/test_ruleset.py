"""Rulesets as documents: the shapes of the contract, what is kept, and what is refused where."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.errors import Fault, InvalidInput
from habitue.rules.parse import parse_expression
from habitue.rules.ruleset import (
    RULESET_NODES_MAX,
    Binding,
    Rule,
    Ruleset,
    conditions,
    parse_ruleset,
    render_ruleset,
)
from habitue.rules.tree import Call, Expression, Literal, path
from tests.rules.trees import documents, expressions, texts

TRUE = Literal(True)


def _faults(document: object, at: str = "") -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        parse_ruleset(document, at)
    return [(fault.pointer, fault.title) for fault in caught.value.faults]


def test_the_ruleset_of_the_contract_is_read() -> None:
    document = {
        "rules": [
            {
                "title": "Free money for all!",
                "condition": ["and", ["couponValid"]],
                "effects": [["setDiscount", "Free money", Decimal("45.55")]],
            }
        ]
    }
    ruleset = parse_ruleset(document)
    discount = Call("setDiscount", (Literal("Free money"), Literal(Decimal("45.55"))))
    condition = Call("and", (Call("couponValid", ()),))
    assert ruleset == Ruleset((Rule("Free money for all!", condition, (discount,)),))
    assert ruleset.rules[0].condition.at == "/rules/0/condition"
    assert ruleset.rules[0].effects[0].at == "/rules/0/effects/0"


def test_a_single_wrapped_effect_is_one_effect() -> None:
    effects = [
        "catch",
        ["noop"],
        ["setDiscount", "10% off", ["*", [".", "Session", "Total"], ["/", 10, 100]]],
    ]
    rule = {"title": "t", "condition": ["and", ["couponValid"]], "effects": effects}
    (read,) = parse_ruleset({"rules": [rule]}).rules
    assert read.effects == (parse_expression(effects),)
    assert read.effects[0].at == "/rules/0/effects"
    wrapped = {"rules": [{**rule, "effects": [effects]}]}
    assert parse_ruleset(wrapped) == parse_ruleset({"rules": [rule]})


def test_everything_of_a_rule_is_kept() -> None:
    document = {
        "rules": [
            {
                "id": "1f0e",
                "parentId": "2a",
                "title": "t",
                "description": "d",
                "bindings": [{"name": "Mine", "expression": [".", "Min"]}],
                "condition": None,
                "effects": [],
            }
        ],
        "bindings": [
            {
                "name": "Min",
                "type": "templateParameter",
                "expression": Decimal(5),
                "valueType": "number",
                "minValue": Decimal(1),
                "maxValue": Decimal("9.5"),
                "attributeId": 77,
                "description": "the least total",
            }
        ],
        "strikethroughRules": [
            {"title": "s", "bindings": [], "condition": True, "effects": [["noop"]]}
        ],
    }
    ruleset = parse_ruleset(document)
    assert ruleset.bindings == (
        Binding(
            name="Min",
            expression=Literal(Decimal(5)),
            type="templateParameter",
            value_type="number",
            min_value=Decimal(1),
            max_value=Decimal("9.5"),
            attribute_id=77,
            description="the least total",
        ),
    )
    mine = Binding("Mine", path("Min"))
    assert ruleset.rules == (Rule("t", Literal(None), (), (mine,), "1f0e", "2a", "d"),)
    assert render_ruleset(ruleset) == document


def test_unknown_members_are_ignored() -> None:
    document = {"rules": [], "rbVersion": "v2", "activate": True, "bindings": None}
    assert parse_ruleset(document) == Ruleset(())


@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_what_is_no_object_is_no_ruleset(document: object) -> None:
    assert _faults(document) == [("", "Not an object")]


def test_all_faults_are_reported_with_their_pointers() -> None:
    document = {
        "rules": [
            {"title": "", "condition": ["and", []], "effects": [["f", {}], ["g"], "h"]},
            {"title": 5, "effects": "x", "bindings": [{"expression": True, "type": "odd"}]},
            7,
        ],
        "bindings": {"name": "x"},
        "strikethroughRules": [{"title": "t", "condition": True, "effects": ["f", []]}],
    }
    assert _faults(document, "/r") == [
        ("/r/rules/0/title", "Missing"),
        ("/r/rules/0/condition/1", "Empty list"),
        ("/r/rules/0/effects/0/1", "Not an expression"),
        ("/r/rules/0/effects/2", "Not an effect"),
        ("/r/rules/1/title", "Not a text"),
        ("/r/rules/1/condition", "Missing"),
        ("/r/rules/1/effects", "Missing"),
        ("/r/rules/1/bindings/0/name", "Missing"),
        ("/r/rules/1/bindings/0/type", "Unknown value"),
        ("/r/rules/2", "Not an object"),
        ("/r/bindings", "Not a list"),
        ("/r/strikethroughRules/0/effects/1", "Empty list"),
    ]


@pytest.mark.parametrize(
    ("member", "value", "title"),
    [
        ("minValue", "5", "Not a number"),
        ("minValue", True, "Not a number"),
        ("maxValue", Decimal("1e99"), "Number out of range"),
        ("attributeId", Decimal("1.5"), "Not a whole number"),
        ("valueType", "time", "Unknown value"),
        ("description", "a\0", "Invalid text"),
        ("name", "\ud800", "Invalid text"),
    ],
)
def test_members_of_a_binding_are_tested(member: str, value: object, title: str) -> None:
    binding = {"name": "n", "expression": True, member: value}
    assert _faults({"rules": [], "bindings": [binding]}) == [(f"/bindings/0/{member}", title)]


def test_rules_bindings_and_effects_are_bounded() -> None:
    rule = {"title": "t", "condition": True, "effects": [["noop"]] * 201}
    document = {
        "rules": [rule],
        "bindings": [{"name": "n", "expression": 1}] * 201,
        "strikethroughRules": [rule] * 201,
    }
    assert _faults(document) == [
        ("/rules/0/effects", "Too many"),
        ("/bindings", "Too many"),
        ("/strikethroughRules", "Too many"),
    ]


def test_the_size_of_a_ruleset_is_bounded() -> None:
    rule = {"title": "t", "condition": ["and", *[True] * 4_999], "effects": []}
    assert len(parse_ruleset({"rules": [rule] * 20}).rules) == 20
    with pytest.raises(InvalidInput) as caught:
        parse_ruleset({"rules": [rule] * 30})
    details = f"a ruleset has at most {RULESET_NODES_MAX} parts in all its expressions"
    assert caught.value.faults == (Fault("/rules/20/condition", "Too large", details),)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Call("and", (TRUE, path("A"))), ("and", (TRUE, path("A")))),
        (Call("OR", (TRUE,)), ("or", (TRUE,))),
        (Call("and", ()), ("and", ())),
        (Call("not", (TRUE,)), ("and", (Call("not", (TRUE,)),))),
        (TRUE, ("and", (TRUE,))),
    ],
)
def test_conditions_are_the_parts_that_an_index_counts(
    condition: Expression, expected: tuple[str, tuple[Expression, ...]]
) -> None:
    assert conditions(Rule("t", condition, ())) == expected


_titles = texts.filter(bool)
_effects = expressions.filter(lambda effect: not isinstance(effect, Literal))
_bindings = st.lists(st.builds(Binding, _titles, expressions), max_size=2).map(tuple)
_rules = st.lists(
    st.builds(Rule, _titles, expressions, st.lists(_effects, max_size=2).map(tuple), _bindings),
    max_size=3,
).map(tuple)


@settings(max_examples=100, deadline=None)
@given(st.builds(Ruleset, _rules, _bindings, _rules))
def test_rendering_and_parsing_are_inverse(ruleset: Ruleset) -> None:
    document = render_ruleset(ruleset)
    assert parse_ruleset(document) == ruleset
    assert render_ruleset(parse_ruleset(document)) == document


_members = st.dictionaries(
    st.sampled_from(
        ["rules", "bindings", "title", "condition", "effects", "name", "expression", "minValue"]
    ),
    documents | st.lists(documents, max_size=2),
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {"rules": st.lists(_members, max_size=3) | documents},
        optional={"bindings": st.lists(_members, max_size=2), "strikethroughRules": documents},
    )
)
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    try:
        ruleset = parse_ruleset(document)
    except InvalidInput as refusal:
        told = [fault.details for fault in refusal.faults]
    else:
        told = ["accepted"]
        assert parse_ruleset(render_ruleset(ruleset)) == ruleset
    assert told
    assert all(told)
