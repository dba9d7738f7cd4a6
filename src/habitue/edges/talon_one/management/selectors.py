"""Selectors: bindings that are pipelines over the units of a cart, in the typed form of rulesets.

A pipeline begins with the units of the cart or with the application's filter, and each step works
on what the one before has left (contracts/talon_one/TALANG.md section 7). A binding that says
anything else is a parameter, as it stands.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from habitue.edges.talon_one.management.typed_blocks import Fields, condition_block
from habitue.model.numbers import shortest
from habitue.rules.ruleset import Binding
from habitue.rules.tree import Block, Call, Expression, Literal

SOURCE = "$Session.CartItems"
_PATH = (Literal("Session"), Literal("CartItems"))
_REDUCERS = {"count": "count", "isempty": "empty"}


def selector_of(binding: Binding) -> Fields | None:
    """The binding as a selector; None where it is none."""
    steps = _steps(binding.expression)
    if not steps:
        return None
    return {"name": binding.name, "type": "selector", "source": SOURCE, "steps": steps}


def _steps(expression: Expression) -> list[Fields] | None:
    if not isinstance(expression, Call):
        return None
    if expression.name == "." and expression.arguments == _PATH:
        return []
    make = _STEPS.get(expression.name.lower())
    if make is None or not expression.arguments:
        return None
    before = _steps(expression.arguments[0])
    step = make(expression.name.lower(), expression.arguments[1:])
    return None if before is None or step is None else [*before, step]


def _filter(name: str, arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Block((parameter,), body),):
            named = _renamed(body, parameter, "Item")
            return {"type": "filter", "predicate": condition_block(_caught(named), "predicate")}
    return None


def _caught(body: Expression) -> Expression:
    """What stands in a `catch` that makes a failure false, as a check fails anyway."""
    match body:
        case Call("catch", (Literal(False), inner)):
            return inner
    return body


def _renamed(body: Expression, old: str, new: str) -> Expression:
    match body:
        case Call(".", (Literal(str() as first), *rest)) if first == old:
            return replace(body, arguments=(Literal(new), *rest))
        case Call(_, arguments):
            return replace(body, arguments=tuple(_renamed(each, old, new) for each in arguments))
        case Block(parameters, inner) if old not in parameters:
            return replace(body, body=_renamed(inner, old, new))
    return body


def _reverse(name: str, arguments: tuple[Expression, ...]) -> Fields | None:
    return None if arguments else {"type": "reverse"}


def _reduce(name: str, arguments: tuple[Expression, ...]) -> Fields | None:
    return None if arguments else {"type": "reduce", "operator": _REDUCERS[name]}


def _many(name: str, arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal(Decimal() as count),):
            start = "start"
        case (Literal(Decimal() as count), Literal("start" | "end" as start)):
            pass
        case _:
            return None
    return {"type": "select", "operator": "many", "from": start, "count": shortest(count)}


def _between(name: str, arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal(Decimal() as first), Literal(Decimal() as last)):
            ends = {"from": shortest(first), "to": shortest(last)}
            return {"type": "select", "operator": "between", **ends}
    return None


def _one(name: str, arguments: tuple[Expression, ...]) -> Fields | None:
    match arguments:
        case (Literal(Decimal() as position),):
            return {"type": "select", "operator": "one", "index": shortest(position)}
    return None


_STEPS: dict[str, Callable[[str, tuple[Expression, ...]], Any]] = {
    "filter": _filter,
    "reverse": _reverse,
    "count": _reduce,
    "isempty": _reduce,
    "takemany": _many,
    "takebetween": _between,
    "takeone": _one,
}
