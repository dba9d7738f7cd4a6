"""The tree written as text for people, in the grammar of Python expressions.

Words: *binding strength* says which operator takes its operands first; an operand that binds less
tightly than its place wants stands in parentheses.

Invariant: `read_text(write_text(expression)) == expression`, for every expression, and equal
expressions are written equally but for trailing zeros of numbers (1.10 stays 1.10).
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from habitue.rules.notation.names import (
    GENERIC_BLOCK,
    GENERIC_CALL,
    GENERIC_VARIABLE,
    written_function,
    written_part,
    written_root,
)
from habitue.rules.tree import Block, Call, Expression, Literal, Value

_LAMBDA, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _UNARY, _ATOM = range(9)

#: function -> (operator, strength of the whole, of the left and of the right operand)
_BINARY: Mapping[str, tuple[str, int, int, int]] = MappingProxyType(
    {
        **{
            name: (operator, _COMPARE, _SUM, _SUM)
            for name, operator in (
                ("=", "=="),
                ("!=", "!="),
                ("<", "<"),
                ("<=", "<="),
                (">", ">"),
                (">=", ">="),
            )
        },
        "+": ("+", _SUM, _SUM, _PRODUCT),
        "-": ("-", _SUM, _SUM, _PRODUCT),
        "*": ("*", _PRODUCT, _PRODUCT, _UNARY),
        "/": ("/", _PRODUCT, _PRODUCT, _UNARY),
        "mod": ("%", _PRODUCT, _PRODUCT, _UNARY),
    }
)
_MEMBERSHIP = MappingProxyType({"contains": "in", "notContains": "not in"})
_BOOLEAN = MappingProxyType({"and": _AND, "or": _OR})


def write_text(expression: Expression) -> str:
    """`expression` as one line of text."""
    return _write(expression)[0]


def _write(expression: Expression) -> tuple[str, int]:
    """The text of `expression`, and its binding strength."""
    match expression:
        case Literal(value):
            return _literal(value)
        case Block(parameters, body):
            return _block(parameters, body)
        case Call(".", arguments):
            return _path(arguments) or _generic(expression)
        case Call(name, (left, right)) if name in _BINARY:
            return _binary(name, left, right)
        case Call(name, (left, right)) if name in _MEMBERSHIP:
            operator = _MEMBERSHIP[name]
            return f"{_operand(right, _SUM)} {operator} {_operand(left, _SUM)}", _COMPARE
        case Call(name, arguments) if name in _BOOLEAN and len(arguments) > 1:
            return _boolean(name, arguments)
        case Call("not", (part,)):
            return f"not {_operand(part, _SUM)}", _NOT
        case Call("list", arguments):
            return f"[{_listed(arguments)}]", _ATOM
        case Call("kv", arguments):
            return _map(arguments) or _generic(expression)
    return _generic(expression)


def _operand(expression: Expression, least: int) -> str:
    text, strength = _write(expression)
    return text if strength >= least else f"({text})"


def _listed(expressions: tuple[Expression, ...]) -> str:
    return ", ".join(write_text(expression) for expression in expressions)


def _literal(value: Value) -> tuple[str, int]:
    if isinstance(value, bool):
        return ("true" if value else "false"), _ATOM
    if isinstance(value, Decimal):
        return str(value), _UNARY if value.is_signed() else _ATOM
    if value is None:
        return "none", _ATOM
    return _quoted(value), _ATOM


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _path(arguments: tuple[Expression, ...]) -> tuple[str, int] | None:
    names = [
        argument.value
        for argument in arguments
        if isinstance(argument, Literal) and isinstance(argument.value, str)
    ]
    if not names or len(names) != len(arguments):
        return None
    root = written_root(names[0]) or f"{GENERIC_VARIABLE}({_quoted(names[0])})"
    return root + "".join(_part(name) for name in names[1:]), _ATOM


def _part(name: str) -> str:
    identifier = written_part(name)
    return f"[{_quoted(name)}]" if identifier is None else f".{identifier}"


def _block(parameters: tuple[str, ...], body: Expression) -> tuple[str, int]:
    names = [written_root(parameter) for parameter in parameters]
    plain = [name for name in names if name is not None]
    if len(plain) == len(parameters):
        listed = f" {', '.join(plain)}" if plain else ""
        return f"lambda{listed}: {write_text(body)}", _LAMBDA
    quoted = ", ".join(_quoted(parameter) for parameter in parameters)
    return f"{GENERIC_BLOCK}({quoted}, {write_text(body)})", _ATOM


def _binary(name: str, left: Expression, right: Expression) -> tuple[str, int]:
    operator, strength, left_least, right_least = _BINARY[name]
    text = f"{_operand(left, left_least)} {operator} {_operand(right, right_least)}"
    return text, strength


def _boolean(name: str, parts: tuple[Expression, ...]) -> tuple[str, int]:
    strength = _BOOLEAN[name]
    return f" {name} ".join(_operand(part, strength + 1) for part in parts), strength


def _map(pairs: tuple[Expression, ...]) -> tuple[str, int] | None:
    written = []
    for pair in pairs:
        match pair:
            case Call(key, (value,)):
                written.append(f"{_quoted(key)}: {write_text(value)}")
            case _:
                return None
    return f"{{{', '.join(written)}}}", _ATOM


def _generic(call: Call) -> tuple[str, int]:
    name = written_function(call.name)
    if name is not None:
        return f"{name}({_listed(call.arguments)})", _ATOM
    listed = ", ".join([_quoted(call.name), *map(write_text, call.arguments)])
    return f"{GENERIC_CALL}({listed})", _ATOM
