"""Rulesets as values, read from the document in which rulesets travel and are stored.

Words: a *rule* has a condition and effects; a *binding* gives a name to an expression that is
evaluated first, for the whole ruleset or for one rule. *Strikethrough rules* are those that mark
prices in catalogs. The names of the members (`title`, `condition`, `effects`, `bindings`,
`strikethroughRules`) are the document's own language (contracts/talon_one/TALANG.md section 2).

Invariants: a ruleset is immutable and within the bounds of `habitue.model.limits`; every expression
carries the JSON pointer of its place; `parse_ruleset(render_ruleset(ruleset)) == ruleset`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import (
    BINDINGS_PER_RULESET_MAX,
    EXPRESSION_NODES_MAX,
    RULES_PER_RULESET_MAX,
)
from habitue.rules.parse import (
    collect_expression,
    node_count,
    number_fault,
    render_expression,
    string_fault,
)
from habitue.rules.tree import Call, Expression, Literal

_T = TypeVar("_T")

#: Parts of all expressions of a ruleset together; keeps checking one within a second or two.
RULESET_NODES_MAX = 20 * EXPRESSION_NODES_MAX

BINDING_TYPES = ("bundle", "cartItemFilter", "subledgerBalance", "templateParameter")
VALUE_TYPES = ("string", "number", "boolean")


@dataclass(frozen=True, slots=True)
class Binding:
    """`name` for the value of `expression`. The rest describes it to whoever edits the ruleset."""

    name: str
    expression: Expression
    type: str | None = None
    value_type: str | None = None
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    attribute_id: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `condition` holds, the `effects` happen in order; `bindings` are evaluated first.

    Where it does not, the `failure_effects` happen. An effect is never a literal: as the first of
    the list it would read as a single effect's name. The last three are for customers' eyes.
    """

    title: str
    condition: Expression
    effects: tuple[Expression, ...]
    bindings: tuple[Binding, ...] = ()
    id: str | None = None
    parent_id: str | None = None
    description: str | None = None
    failure_effects: tuple[Expression, ...] = ()
    display_name: str | None = None
    display_description: str | None = None
    related_data: str | None = None

    @property
    def shown(self) -> dict[str, object]:
        """What may be shown of the rule to customers, as members of its document."""
        return {
            "title": self.title,
            "displayName": self.display_name,
            "displayDescription": self.display_description,
            "relatedData": self.related_data,
        }


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules of one campaign in order; `bindings` are shared by all of them."""

    rules: tuple[Rule, ...]
    bindings: tuple[Binding, ...] = ()
    strikethrough_rules: tuple[Rule, ...] = ()


def conditions(rule: Rule) -> tuple[str, tuple[Expression, ...]]:
    """The rule's condition as "and" or "or" of parts, which are what a condition's index counts."""
    condition = rule.condition
    if isinstance(condition, Call) and condition.name.lower() in ("and", "or"):
        return condition.name.lower(), condition.arguments
    return "and", (condition,)


def parse_ruleset(document: object, at: str = "") -> Ruleset:
    """The ruleset that `document` says; members that a ruleset does not have are ignored.

    Raises `InvalidInput` with every fault of the document.
    """
    reader = _Reader()
    ruleset = reader.ruleset(document, at)
    if reader.faults:
        raise InvalidInput(*reader.faults)
    return ruleset


def render_ruleset(ruleset: Ruleset) -> dict[str, object]:
    """The document that `parse_ruleset` reads as `ruleset`; effects are always a list of lists."""
    return {
        "rules": [_render_rule(rule) for rule in ruleset.rules],
        "bindings": [_render_binding(binding) for binding in ruleset.bindings],
        "strikethroughRules": [_render_rule(rule) for rule in ruleset.strikethrough_rules],
    }


def _render_rule(rule: Rule) -> dict[str, object]:
    return _without_nulls(
        {
            "id": rule.id,
            "parentId": rule.parent_id,
            **rule.shown,
            "description": rule.description,
            "bindings": [_render_binding(binding) for binding in rule.bindings],
            "condition": render_expression(rule.condition),
            "effects": [render_expression(effect) for effect in rule.effects],
            "failureEffects": [render_expression(each) for each in rule.failure_effects] or None,
        },
        kept="condition",
    )


def _render_binding(binding: Binding) -> dict[str, object]:
    return _without_nulls(
        {
            "name": binding.name,
            "type": binding.type,
            "expression": render_expression(binding.expression),
            "valueType": binding.value_type,
            "minValue": binding.min_value,
            "maxValue": binding.max_value,
            "attributeId": binding.attribute_id,
            "description": binding.description,
        },
        kept="expression",
    )


def _without_nulls(members: dict[str, object], kept: str) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None or name == kept}


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._nodes = 0

    def ruleset(self, document: object, at: str) -> Ruleset:
        members = self._members(document, at)
        return Ruleset(
            rules=self._rules(members, "rules", at, required=True),
            bindings=self._bindings(members, at),
            strikethrough_rules=self._rules(members, "strikethroughRules", at),
        )

    def _rules(
        self, members: Mapping[str, object], name: str, at: str, required: bool = False
    ) -> tuple[Rule, ...]:
        if required and name not in members:
            self._fault(f"{at}/{name}", "Missing", f'a ruleset has "{name}"')
        return self._each(members, name, at, RULES_PER_RULESET_MAX, self._rule)

    def _bindings(self, members: Mapping[str, object], at: str) -> tuple[Binding, ...]:
        return self._each(members, "bindings", at, BINDINGS_PER_RULESET_MAX, self._binding)

    def _each(
        self,
        members: Mapping[str, object],
        name: str,
        at: str,
        most: int,
        read: Callable[[object, str], _T],
    ) -> tuple[_T, ...]:
        items = members.get(name)
        at = f"{at}/{name}"
        if items is None:
            return ()
        if not isinstance(items, list | tuple):
            self._fault(at, "Not a list", f'"{name}" is a list')
            return ()
        if len(items) > most:
            self._fault(at, "Too many", f'"{name}" holds at most {most}, this holds {len(items)}')
            return ()
        return tuple(read(item, f"{at}/{index}") for index, item in enumerate(items))

    def _rule(self, document: object, at: str) -> Rule:
        members = self._members(document, at)
        return Rule(
            title=self._required_text(members, "title", at),
            condition=self._expression(members, "condition", at),
            effects=self._effects(members, "effects", at),
            bindings=self._bindings(members, at),
            id=self._text(members, "id", at),
            parent_id=self._text(members, "parentId", at),
            description=self._text(members, "description", at),
            failure_effects=self._failure_effects(members, at),
            display_name=self._text(members, "displayName", at),
            display_description=self._text(members, "displayDescription", at),
            related_data=self._text(members, "relatedData", at),
        )

    def _failure_effects(self, members: Mapping[str, object], at: str) -> tuple[Expression, ...]:
        if members.get("failureEffects") is None:
            return ()
        return self._effects(members, "failureEffects", at)

    def _effects(self, members: Mapping[str, object], name: str, at: str) -> tuple[Expression, ...]:
        effects = members.get(name)
        at = f"{at}/{name}"
        if not isinstance(effects, list | tuple):
            self._fault(at, "Missing", f'"{name}" is a list of effects')
            return ()
        if effects and isinstance(effects[0], str):
            return (self._collected(effects, at),)
        if len(effects) > RULES_PER_RULESET_MAX:
            self._fault(at, "Too many", f"a rule has at most {RULES_PER_RULESET_MAX} effects")
            return ()
        return tuple(self._effect(effect, f"{at}/{index}") for index, effect in enumerate(effects))

    def _effect(self, document: object, at: str) -> Expression:
        if isinstance(document, list | tuple):
            return self._collected(document, at)
        self._fault(at, "Not an effect", "an effect is a list: [name, arguments...]")
        return Literal(None)

    def _binding(self, document: object, at: str) -> Binding:
        members = self._members(document, at)
        return Binding(
            name=self._required_text(members, "name", at),
            expression=self._expression(members, "expression", at),
            type=self._one_of(members, "type", at, BINDING_TYPES),
            value_type=self._one_of(members, "valueType", at, VALUE_TYPES),
            min_value=self._number(members, "minValue", at),
            max_value=self._number(members, "maxValue", at),
            attribute_id=self._integer(members, "attributeId", at),
            description=self._text(members, "description", at),
        )

    def _expression(self, members: Mapping[str, object], name: str, at: str) -> Expression:
        if name not in members:
            self._fault(f"{at}/{name}", "Missing", f'"{name}" is an expression')
            return Literal(None)
        return self._collected(members[name], f"{at}/{name}")

    def _collected(self, document: object, at: str) -> Expression:
        if self._nodes > RULESET_NODES_MAX:
            return Literal(None)
        expression = collect_expression(document, at, self.faults)
        self._nodes += node_count(expression)
        if self._nodes > RULESET_NODES_MAX:
            details = f"a ruleset has at most {RULESET_NODES_MAX} parts in all its expressions"
            self._fault(at, "Too large", details)
        return expression

    def _members(self, document: object, at: str) -> Mapping[str, object]:
        if isinstance(document, Mapping):
            return document
        self._fault(at, "Not an object", "an object with members is wanted here")
        # What is missing from it need not be told as well.
        return {"rules": [], "title": "-", "name": "-", "condition": None, "expression": None,
                "effects": []}  # fmt: skip

    def _required_text(self, members: Mapping[str, object], name: str, at: str) -> str:
        text = self._text(members, name, at)
        if text:
            return text
        if members.get(name) in (None, ""):
            self._fault(f"{at}/{name}", "Missing", f'"{name}" is a text of at least one character')
        return ""

    def _text(self, members: Mapping[str, object], name: str, at: str) -> str | None:
        text = members.get(name)
        if text is None:
            return None
        if not isinstance(text, str):
            self._fault(f"{at}/{name}", "Not a text", f'"{name}" is a text')
            return None
        fault = string_fault(text, f"{at}/{name}")
        if fault is not None:
            self.faults.append(fault)
        return text

    def _one_of(
        self, members: Mapping[str, object], name: str, at: str, values: tuple[str, ...]
    ) -> str | None:
        text = self._text(members, name, at)
        if text is None or text in values:
            return text
        self._fault(f"{at}/{name}", "Unknown value", f'"{name}" is one of {", ".join(values)}')
        return None

    def _number(self, members: Mapping[str, object], name: str, at: str) -> Decimal | None:
        value = members.get(name)
        if value is None:
            return None
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            self._fault(f"{at}/{name}", "Not a number", f'"{name}" is a number')
            return None
        fault = number_fault(Decimal(value), f"{at}/{name}")
        if fault is not None:
            self.faults.append(fault)
        return Decimal(value)

    def _integer(self, members: Mapping[str, object], name: str, at: str) -> int | None:
        number = self._number(members, name, at)
        if number is None:
            return None
        if not number.is_finite() or number.adjusted() > 15 or number != int(number):
            self._fault(f"{at}/{name}", "Not a whole number", f'"{name}" is a whole number')
            return None
        return int(number)

    def _fault(self, at: str, title: str, details: str) -> None:
        self.faults.append(Fault(at, title, details))
