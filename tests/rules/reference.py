"""The rule language once more, as the plainest interpreter that walks the tree.

Written from the contract and not from the compiler: no types, no generated code, no shortcuts. It
shares the library of core functions, each of which has tests of its own, and nothing else.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from habitue.model.numbers import EXACT
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.functions import CORE
from habitue.rules.functions.values import time_of_text
from habitue.rules.signature import Overload
from habitue.rules.tree import Block, Call, Expression, Literal
from tests.rules.shop import SHOP, Item, Profile, Session

Scope = Mapping[str, Any]
RECORDS: dict[type, str] = {Session: "Session", Profile: "Profile", Item: "Item"}


def reference(expression: Expression, frame: Frame, scope: Scope | None = None) -> Any:
    """The value of `expression`. Raises `RuleFailed` where it has none."""
    scope = scope or {}
    if isinstance(expression, Literal):
        return expression.value
    assert isinstance(expression, Call)
    form = FORMS.get(expression.name)
    if form is not None:
        return form(expression.arguments, frame, scope)
    values = [
        _function(argument, frame, scope)
        if isinstance(argument, Block)
        else reference(argument, frame, scope)
        for argument in expression.arguments
    ]
    if expression.name in SHOP.functions:
        return _host(SHOP.functions[expression.name], frame, values)
    return _core(expression.name, frame, values)


def _function(block: Block, frame: Frame, scope: Scope) -> Callable[[Any], Any]:
    return lambda value: reference(block.body, frame, {**scope, block.parameters[0]: value})


def _host(function: HostFunction, frame: Frame, values: list[Any]) -> Any:
    wanted = [type_.kind for _, type_ in function.parameters[: len(values)]]
    if not all(_is_a(value, kind) for value, kind in zip(values, wanted, strict=True)):
        raise RuleFailed("not what the function takes")
    return function.call(frame, *values)


def _core(name: str, frame: Frame, values: list[Any]) -> Any:
    for overload in CORE[name.lower()].overloads:
        arguments = _arguments(overload, values)
        if arguments is not None:
            return overload.call(*([frame] if overload.framed else []), *arguments)
    raise RuleFailed("no overload")


def _arguments(overload: Overload, values: list[Any]) -> list[Any] | None:
    wanted = list(overload.parameters)
    if len(values) < len(wanted) + overload.rest_least:
        return None
    if overload.rest is not None:
        wanted += [overload.rest] * (len(values) - len(wanted))
    if len(values) != len(wanted):
        return None
    converted = []
    for value, type_ in zip(values, wanted, strict=True):
        if type_.kind == "time" and isinstance(value, str):
            try:
                value = time_of_text(value)
            except RuleFailed:
                return None
        if not _is_a(value, type_.kind):
            return None
        converted.append(value)
    return converted


def _is_a(value: Any, kind: str) -> bool:
    classes: dict[str, tuple[type, ...]] = {
        "number": (Decimal,),
        "string": (str,),
        "boolean": (bool,),
        "time": (datetime,),
        "list": (list, tuple),
        "map": (dict,),
        "any": (object,),
    }
    return isinstance(value, classes[kind])


def _read(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> Any:
    names = [argument.value for argument in arguments if isinstance(argument, Literal)]
    first = str(names[0])
    if first in scope:
        value = scope[first]
    elif first in SHOP.variables:
        value = getattr(frame, SHOP.variables[first].attribute)
    else:
        value = frame.bindings.get(first)
    for name in names[1:]:
        value = _member(value, str(name))
    if value is None and (len(names) > 1 or first not in scope):
        raise RuleFailed("unset")
    return value


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    record = RECORDS.get(type(value))
    if record is None:
        raise RuleFailed("not a record")
    declared = SHOP.records[record].fields.get(name)
    if declared is not None:
        return getattr(value, declared.attribute)
    return value.attributes if name == "Attributes" else value.attributes.get(name)


def _part(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, list | dict):
        return True
    raise RuleFailed("not a boolean")


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise RuleFailed("not a boolean")
    return value


def _number(value: Any) -> Decimal:
    if not isinstance(value, Decimal):
        raise RuleFailed("not a number")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise RuleFailed("not a string")
    return value


def _and(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> bool:
    return all(_part(reference(argument, frame, scope)) for argument in arguments)


def _or(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> bool:
    return any(_part(reference(argument, frame, scope)) for argument in arguments)


def _not(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> bool:
    return not _boolean(reference(arguments[0], frame, scope))


def _catch(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> Any:
    try:
        return reference(arguments[1], frame, scope)
    except RuleFailed:
        return reference(arguments[0], frame, scope)


def _walked(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> list[tuple[Any, Any]]:
    """The elements of a list, each with a function that evaluates the block for it."""
    values = reference(arguments[0], frame, scope)
    block = arguments[1]
    assert isinstance(block, Block)
    if not isinstance(values, list):
        raise RuleFailed("not a list")
    body = _function(block, frame, scope)
    return [(value, lambda value=value: body(value)) for value in values]


def _map(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> list[Any]:
    return [body() for _, body in _walked(arguments, frame, scope)]


def _filter(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> list[Any]:
    return [value for value, body in _walked(arguments, frame, scope) if _boolean(body())]


def _every(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> bool:
    return all(_boolean(body()) for _, body in _walked(arguments, frame, scope))


def _exists(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> bool:
    return any(_boolean(body()) for _, body in _walked(arguments, frame, scope))


def _sum(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> Decimal:
    if len(arguments) == 1:
        values = reference(arguments[0], frame, scope)
    else:
        values = _map(arguments, frame, scope)
    if not isinstance(values, list):
        raise RuleFailed("not a list")
    result = Decimal(0)
    for value in values:
        result = EXACT.add(result, _number(value))
    return result


def _sorted_by(check: Callable[[Any], Any]) -> Callable[..., Any]:
    def form(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> list[Any]:
        keyed = [(check(body()), value) for value, body in _walked(arguments, frame, scope)]
        down = len(arguments) == 3 and _boolean(reference(arguments[2], frame, scope))
        return [value for _, value in sorted(keyed, key=lambda pair: pair[0], reverse=down)]

    return form


def _do(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> Any:
    value, block = reference(arguments[0], frame, scope), arguments[1]
    assert isinstance(block, Block)
    return _function(block, frame, scope)(value)


def _kv(arguments: tuple[Expression, ...], frame: Frame, scope: Scope) -> dict[str, Any]:
    pairs = [argument for argument in arguments if isinstance(argument, Call)]
    return {pair.name: reference(pair.arguments[0], frame, scope) for pair in pairs}


FORMS: dict[str, Callable[[tuple[Expression, ...], Frame, Scope], Any]] = {
    ".": _read,
    "and": _and,
    "or": _or,
    "not": _not,
    "catch": _catch,
    ".|": _catch,
    "map": _map,
    "filter": _filter,
    "every": _every,
    "exists": _exists,
    "sum": _sum,
    "sortByNumber": _sorted_by(_number),
    "sortByString": _sorted_by(_string),
    "do": _do,
    "kv": _kv,
}
