"""Conditions that cannot hold together: `total > 100 and total < 50`, `x == "a" and x == "b"`.

Words: a *term* is any expression that is no literal; within one condition it has one value. A
*demand* is what one part of a conjunction asks of a term: to lie between bounds, to have a text, or
to have any other text. Parts inside `catch(false, ...)` demand as much as parts outside it.

Invariant: a contradiction is reported only where no value of the term satisfies both parts, so that
never a possible rule is called impossible.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from habitue.rules.frame import RuleFailed
from habitue.rules.functions.values import number_text, time_of_text
from habitue.rules.notation import write_text
from habitue.rules.tree import Call, Expression, Literal, Value
from habitue.rules.types import BOOLEAN, NUMBER, TIME, Type

_Bound: TypeAlias = Decimal | datetime
Types: TypeAlias = Mapping[int, Type]

#: Further demands on one term are not compared, so that the time stays linear.
_DEMANDS_PER_TERM = 20
#: Comparisons in one ruleset: enough for all parts of the largest, and for many nested ones again.
_COMPARISONS_MAX = 500_000
_MIRRORED = MappingProxyType({"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="})


@dataclass(frozen=True, slots=True)
class _Demand:
    """What `part` asks of a term; bounds are exclusive where they are `strict`."""

    part: Expression
    low: _Bound | None = None
    low_strict: bool = False
    high: _Bound | None = None
    high_strict: bool = False
    text: str | None = None
    other_than: str | None = None


class Contradictions:
    """Finds contradictions in the conjunctions of one ruleset whose nodes have `types`."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._known: dict[int, list[tuple[str, _Demand]]] = {}
        self._comparisons_left = _COMPARISONS_MAX

    def find(self, conjunction: Call) -> tuple[Expression, Expression] | None:
        """Two parts of an `and` that cannot both be true, or None where none are found."""
        demands: dict[str, list[_Demand]] = {}
        for part in _parts(conjunction):
            for term, demand in self._demands(part):
                earlier = demands.setdefault(term, [])
                self._comparisons_left -= 1 + len(earlier)
                if self._comparisons_left < 0:
                    return None
                for other in earlier:
                    if _excludes(other, demand) or _excludes(demand, other):
                        return other.part, part
                if len(earlier) < _DEMANDS_PER_TERM:
                    earlier.append(demand)
        return None

    def _demands(self, part: Expression) -> list[tuple[str, _Demand]]:
        if id(part) not in self._known:
            self._known[id(part)] = list(_demands(part, self._types))
        return self._known[id(part)]


def never_equal(call: Call, types: Types) -> bool:
    """Whether `call` compares a term with a literal that no value of the term's type equals."""
    compared = _compared(call)
    if compared is None:
        return False
    term, literal, _ = compared
    type_ = types.get(id(term))
    if not isinstance(literal.value, str):
        return False
    if type_ == NUMBER:
        return _number(literal.value) is None
    if type_ == BOOLEAN:
        return literal.value not in ("true", "false")
    return type_ == TIME and _time(literal.value) is None


def _parts(conjunction: Call) -> Iterator[Expression]:
    """The parts of nested conjunctions."""
    for part in conjunction.arguments:
        inner = _uncaught(part)
        if isinstance(inner, Call) and inner.name.lower() == "and":
            yield from _parts(inner)
        else:
            yield part


def _uncaught(part: Expression) -> Expression:
    """What must hold for `part` to hold: the body of `catch(false, body)`."""
    match part:
        case Call(name, (Literal(False), body)) if name.lower() in ("catch", ".|"):
            return _uncaught(body)
    return part


def _demands(part: Expression, types: Types) -> Iterator[tuple[str, _Demand]]:
    inner = _uncaught(part)
    if not isinstance(inner, Call):
        return
    if inner.name.lower() == "between":
        yield from _between(part, inner, types)
        return
    compared = _compared(inner)
    if compared is None:
        return
    term, literal, operator = compared
    key = write_text(term)
    for demand in _demand(part, operator, literal, types.get(id(term)), types):
        yield key, demand


def _compared(call: Call) -> tuple[Expression, Literal, str] | None:
    """The term, the literal and the operator as it reads with the term on the left."""
    match call:
        case Call(name, (Literal() as literal, term)) if not isinstance(term, Literal):
            operator = _MIRRORED.get(name)
            return None if operator is None else (term, literal, operator)
        case Call(name, (term, Literal() as literal)) if not isinstance(term, Literal):
            return (term, literal, name) if name in _MIRRORED else None
    return None


def _between(part: Expression, call: Call, types: Types) -> Iterator[tuple[str, _Demand]]:
    if len(call.arguments) < 3:
        return
    *terms, low, high = call.arguments
    lowest, highest = _bound(low, types), _bound(high, types)
    for term in terms:
        if not isinstance(term, Literal):
            yield write_text(term), _Demand(part, lowest, True, highest, True)


def _demand(
    part: Expression, operator: str, literal: Literal, term_type: Type | None, types: Types
) -> Iterator[_Demand]:
    bound = _bound(literal, types)
    if operator in (">", ">="):
        yield _Demand(part, low=bound, low_strict=operator == ">")
    elif operator in ("<", "<="):
        yield _Demand(part, high=bound, high_strict=operator == "<")
    elif operator == "=":
        if term_type == NUMBER and isinstance(bound, Decimal):
            yield _Demand(part, low=bound, high=bound)
        if term_type not in (TIME, NUMBER):
            yield _Demand(part, text=_text(literal.value))
    elif term_type not in (TIME, NUMBER):
        yield _Demand(part, other_than=_text(literal.value))


def _excludes(one: _Demand, other: _Demand) -> bool:
    """Whether no value that satisfies `one` satisfies `other`; to be asked both ways round."""
    if _is_empty(one.low, other.high, strict=one.low_strict or other.high_strict):
        return True
    if one.text is None:
        return False
    if other.text is None:
        return one.text == other.other_than
    if one.text == other.text:
        return False
    # Different texts may name the same instant.
    return _time(one.text) is None or _time(other.text) is None


def _is_empty(low: _Bound | None, high: _Bound | None, *, strict: bool) -> bool:
    """Whether nothing lies between `low` and `high`; bounds of two kinds say nothing."""
    match low, high:
        case (Decimal(), Decimal()) | (datetime(), datetime()):
            return low > high or (strict and low == high)  # type: ignore[operator]
    return False


def _bound(node: Expression, types: Types) -> _Bound | None:
    match node:
        case Literal(Decimal() as number):
            return number
        case Literal(str() as text) if types.get(id(node)) == TIME:
            return _time(text)
    return None


def _text(value: Value) -> str | None:
    """The text by which a literal is compared; null equals only null and has none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, Decimal) else value


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None


def _time(text: str) -> datetime | None:
    try:
        return time_of_text(text)
    except RuleFailed:
        return None
