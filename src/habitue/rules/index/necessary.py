"""What must be so for a condition to hold, as far as an index can look it up.

Words: a *token* is the fact that a slot has a value (this article is in the cart), or a fact of the
host (the session brings a coupon of this campaign). A *threshold* is the fact that a number is at
least so much. A *conjunction* is a set of tokens and thresholds that are all necessary together; a
condition gives a list of *alternatives*, of which one must be so. The conjunction without members
says nothing; no alternatives at all say that the condition can never hold.

Invariant: everything here is necessary and nothing is claimed to be sufficient, so that a rule
found through it is still evaluated, and a rule not found through it cannot hold. Whatever is not
understood says nothing. Only stable facts are used.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from habitue.rules.compile.reads import names_of
from habitue.rules.dialect import Dialect
from habitue.rules.index.slots import EACH, EVERY, TOGETHER, Place, Steps, follow, variable_place
from habitue.rules.tree import Block, Call, Expression, Literal
from habitue.rules.types import BOOLEAN

#: More alternatives than these are not kept apart: they say nothing.
ALTERNATIVES_MAX = 16
#: Bindings are looked into up to this depth.
BINDINGS_DEPTH_MAX = 10

HOST: Steps = (("host", ""),)
Token: TypeAlias = tuple[Steps, Hashable]
Threshold: TypeAlias = tuple[Steps, Decimal]
#: The fact behind a call of a host function in the rule of a key, or None.
HostToken: TypeAlias = Callable[[Call, Any], Hashable | None]


class Conjunction(msgspec.Struct, frozen=True):
    """Facts that are all necessary."""

    tokens: frozenset[Token] = frozenset()
    thresholds: frozenset[Threshold] = frozenset()

    def __and__(self, other: "Conjunction") -> "Conjunction":
        return Conjunction(self.tokens | other.tokens, self.thresholds | other.thresholds)

    @property
    def says_nothing(self) -> bool:
        return not self.tokens and not self.thresholds


Alternatives: TypeAlias = tuple[Conjunction, ...]
ALWAYS: Alternatives = (Conjunction(),)
NEVER: Alternatives = ()


def both(left: Alternatives, right: Alternatives) -> Alternatives:
    """What is necessary for both to hold."""
    if len(left) * len(right) > ALTERNATIVES_MAX:
        return min(left, right, key=len)
    return tuple(dict.fromkeys(one & other for one in left for other in right))


def either(left: Alternatives, right: Alternatives) -> Alternatives:
    """What is necessary for one of them to hold."""
    found = tuple(dict.fromkeys(left + right))
    if len(found) > ALTERNATIVES_MAX or any(each.says_nothing for each in found):
        return ALWAYS
    return found


Scope: TypeAlias = Mapping[str, Place | None]
_EMPTY: Scope = MappingProxyType({})
_COMPARED_KINDS = frozenset({"string", "number", "boolean"})
_SAME_ELEMENTS = frozenset({"tail", "drop", "reverse", "sort", "sortbynumber", "sortbystring"})
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


class Extractor:
    """Extracts from the conditions of one rule.

    `bindings` are the expressions behind bound names. Names that are bound twice, or that the
    dialect has as variables, must not be among them.
    """

    def __init__(
        self,
        dialect: Dialect,
        key: Hashable,
        host_token: HostToken | None = None,
        bindings: Mapping[str, Expression] | None = None,
    ) -> None:
        self._dialect = dialect
        self._key = key
        self._host_token = host_token
        self._bindings = bindings or {}
        self._depth = 0

    def alternatives(self, condition: Expression, scope: Scope = _EMPTY) -> Alternatives:
        """What is necessary for `condition` to be true."""
        if isinstance(condition, Literal):
            return NEVER if condition.value is False else ALWAYS
        if not isinstance(condition, Call):
            return ALWAYS
        name = condition.name.lower()
        form = _FORMS.get(name)
        if form is not None:
            return form(self, condition, scope)
        if name in _MIRRORED:
            return self._comparison(condition, name, scope)
        fact = self._host_token(condition, self._key) if self._host_token else None
        return ALWAYS if fact is None else _token(HOST, fact)

    def _and(self, call: Call, scope: Scope) -> Alternatives:
        found = ALWAYS
        for part in call.arguments:
            found = both(found, self.alternatives(part, scope))
        return found

    def _or(self, call: Call, scope: Scope) -> Alternatives:
        found = NEVER
        for part in call.arguments:
            found = either(found, self.alternatives(part, scope))
        return found

    def _not(self, call: Call, scope: Scope) -> Alternatives:
        part = call.arguments[0] if call.arguments else None
        if isinstance(part, Call) and part.name.lower() == "isempty" and part.arguments:
            return self._some(part.arguments[0], scope)[1]
        return ALWAYS

    def _do(self, call: Call, scope: Scope) -> Alternatives:
        value, block = call.arguments if len(call.arguments) == 2 else (None, None)
        if value is None or not isinstance(block, Block):
            return ALWAYS
        bound = self._place(value, scope)
        inner = {**scope, **dict.fromkeys(block.parameters, bound)}
        return self.alternatives(block.body, inner)

    def _exists(self, call: Call, scope: Scope) -> Alternatives:
        if len(call.arguments) != 2 or not isinstance(call.arguments[1], Block):
            return ALWAYS
        return self._some(Call("filter", call.arguments), scope)[1]

    def _read(self, call: Call, scope: Scope) -> Alternatives:
        bound = self._bound(call, scope)
        if bound is not None:
            self._depth += 1
            found = self.alternatives(bound) if self._depth < BINDINGS_DEPTH_MAX else ALWAYS
            self._depth -= 1
            return found
        place = self._place(call, scope)
        return _token(place.steps, True) if place and place.type == BOOLEAN else ALWAYS

    def _contains(self, call: Call, scope: Scope) -> Alternatives:
        if not call.arguments:
            return ALWAYS
        place = self._place(call.arguments[0], scope)
        elements = place.elements() if place is not None else None
        found = ALWAYS
        for wanted in call.arguments[1:]:
            found = both(found, _equality(elements, wanted))
        return found

    def _between(self, call: Call, scope: Scope) -> Alternatives:
        if len(call.arguments) < 3:
            return ALWAYS
        *between, low, _ = call.arguments
        found = ALWAYS
        for each in between:
            found = both(found, self._compared(each, ">", low, scope))
        return found

    def _comparison(self, call: Call, name: str, scope: Scope) -> Alternatives:
        """The first argument against each later one."""
        found = ALWAYS
        for other in call.arguments[1:]:
            found = both(found, self._compared(call.arguments[0], name, other, scope))
        return found

    def _compared(
        self, left: Expression, name: str, right: Expression, scope: Scope
    ) -> Alternatives:
        if isinstance(left, Literal):
            left, name, right = right, _MIRRORED[name], left
        if not isinstance(right, Literal) or not isinstance(left, Call):
            return ALWAYS
        if _excludes_zero(name, right.value) and left.name.lower() in ("count", "sum"):
            return self._some_counted(left, scope)
        place = self._place(left, scope)
        if name == "=":
            return _equality(place, right)
        return _at_least(place, right) if name in (">", ">=") else ALWAYS

    def _some_counted(self, call: Call, scope: Scope) -> Alternatives:
        return self._some(call.arguments[0], scope)[1] if call.arguments else ALWAYS

    def _some(self, values: Expression, scope: Scope) -> tuple[Place | None, Alternatives]:
        """The place of the elements of a list, and what is necessary for there to be some."""
        if not isinstance(values, Call) or not values.arguments:
            return None, ALWAYS
        name = values.name.lower()
        bound = self._bound(values, scope)
        if bound is not None:
            return self._some_of_binding(bound)
        if name == "filter" and len(values.arguments) == 2:
            return self._some_filtered(values, scope)
        if name in _SAME_ELEMENTS:
            return self._some(values.arguments[0], scope)
        if name == "map":
            return None, self._some(values.arguments[0], scope)[1]
        place = self._place(values, scope)
        return (place.elements() if place is not None else None), ALWAYS

    def _some_of_binding(self, bound: Expression) -> tuple[Place | None, Alternatives]:
        self._depth += 1
        found = self._some(bound, _EMPTY) if self._depth < BINDINGS_DEPTH_MAX else (None, ALWAYS)
        self._depth -= 1
        return found

    def _some_filtered(self, call: Call, scope: Scope) -> tuple[Place | None, Alternatives]:
        values, block = call.arguments
        place, found = self._some(values, scope)
        if not isinstance(block, Block):
            return place, found
        inner = {**scope, **dict.fromkeys(block.parameters, place)}
        kept = self.alternatives(block.body, inner)
        if place is not None and place.steps[-1] == EVERY:
            kept = tuple(_of_one_element(each, place.steps) for each in kept)
        return place, both(found, kept)

    def _bound(self, call: Call, scope: Scope) -> Expression | None:
        """The expression behind a bound name, where the call reads nothing more than that."""
        names = names_of(call) if call.name == "." else ()
        if len(names) != 1 or names[0] in scope:
            return None
        return self._bindings.get(names[0])

    def _place(self, expression: Expression, scope: Scope) -> Place | None:
        if not isinstance(expression, Call) or expression.name != ".":
            return None
        names = names_of(expression)
        if not names:
            return None
        if names[0] in scope:
            return follow(self._dialect, scope[names[0]], names[1:])
        return follow(self._dialect, variable_place(self._dialect, names[0]), names[1:])

    def _catch(self, call: Call, scope: Scope) -> Alternatives:
        if len(call.arguments) != 2:
            return ALWAYS
        default, body = call.arguments
        return either(self.alternatives(default, scope), self.alternatives(body, scope))


def _token(steps: Steps, value: Hashable) -> Alternatives:
    return (Conjunction(tokens=frozenset({(steps, value)})),)


def _of_one_element(conjunction: Conjunction, element: Steps) -> Conjunction:
    """The same, with one token for all that is said of fields of the same element: that one article
    has this category and another one that brand is not enough."""
    depth = len(element)
    said = [
        (steps[depth], value, (steps, value))
        for steps, value in conjunction.tokens
        if len(steps) == depth + 1 and steps[:depth] == element and steps[depth] != EVERY
    ]
    fields = {field for field, _, _ in said}
    if len(said) < 2 or len(fields) < len(said) or any(kind == TOGETHER for kind, _ in fields):
        return conjunction
    said.sort(key=itemgetter(0))
    together = (TOGETHER, tuple(field for field, _, _ in said))
    token = ((*element, together), tuple(value for _, value, _ in said))
    return Conjunction(
        conjunction.tokens.difference(told for _, _, told in said) | {token},
        conjunction.thresholds,
    )


def _equality(place: Place | None, wanted: Expression) -> Alternatives:
    """A slot has a value; only where both are of one kind, so that text and value agree."""
    if place is None or not isinstance(wanted, Literal) or wanted.value is None:
        return ALWAYS
    kind = _kind_of(wanted.value)
    if place.type.kind != kind or kind not in _COMPARED_KINDS:
        return ALWAYS
    return _token(place.steps, wanted.value)


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, Decimal | int) else "string"


def _at_least(place: Place | None, bound: Literal) -> Alternatives:
    """A number is at least so much; one among many elements cannot be looked up that way."""
    if place is None or place.type.kind != "number" or not isinstance(bound.value, Decimal):
        return ALWAYS
    if any(kind == EACH for kind, _ in place.steps):
        return ALWAYS
    return (Conjunction(thresholds=frozenset({(place.steps, bound.value)})),)


def _excludes_zero(name: str, bound: object) -> bool:
    """Whether a number that compares so to `bound` cannot be 0."""
    if not isinstance(bound, Decimal):
        return False
    zero = Decimal(0)
    allows = {
        "=": zero == bound,
        "!=": zero != bound,
        "<": zero < bound,
        "<=": zero <= bound,
        ">": zero > bound,
        ">=": zero >= bound,
    }
    return not allows[name]


_FORMS: Mapping[str, Callable[[Extractor, Call, Scope], Alternatives]] = MappingProxyType(
    {
        "and": Extractor._and,
        "or": Extractor._or,
        "not": Extractor._not,
        "catch": Extractor._catch,
        ".|": Extractor._catch,
        "do": Extractor._do,
        "exists": Extractor._exists,
        "contains": Extractor._contains,
        "between": Extractor._between,
        ".": Extractor._read,
    }
)


def usable_bindings(
    dialect: Dialect, bindings: Sequence[tuple[str, Expression]]
) -> dict[str, Expression]:
    """The bindings that a name stands for unmistakably."""
    names = [name for name, _ in bindings]
    return {
        name: expression
        for name, expression in bindings
        if names.count(name) == 1 and name not in dialect.variables
    }
