"""Expressions compiled to Python functions of the frame.

`compile_expression` writes Python source for the *shape* of an expression, compiles it once per
shape, and closes it over the constants (see `code`). A compiled expression returns a value or
raises `RuleFailed` or `StepsExhausted`, and nothing else. What only evaluation can tell (a value of
type *any*) is checked then; a call that can never work compiles to code that fails.

An expression must have passed the parser, which bounds its depth, and `habitue.rules.desugar`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from habitue.rules.compile.bindings import CompiledBinding, assign, bind, read_binding
from habitue.rules.compile.calls import emit_core, emit_host, host_function
from habitue.rules.compile.code import Evaluate, Fragment, Writer, factory
from habitue.rules.compile.forms import emit_form
from habitue.rules.compile.reads import failing, names_of
from habitue.rules.dialect import Dialect
from habitue.rules.functions import core_function
from habitue.rules.functions.values import type_of
from habitue.rules.special import fits, special_form
from habitue.rules.tree import Block, Call, Expression, Literal
from habitue.rules.types import Type

__all__ = [
    "CompiledBinding",
    "Evaluate",
    "assign",
    "bind",
    "bound_names",
    "compile_binding",
    "compile_expression",
    "read_binding",
]

_NONE_BOUND: Mapping[str, Type] = MappingProxyType({})


def compile_expression(
    expression: Expression, dialect: Dialect, types: Mapping[str, Type] | None = None
) -> Evaluate:
    """The function that evaluates `expression` in a frame of the host of `dialect`.

    `types` are the types of the names that are bound around the expression (`ANY` where unknown);
    such a name hides a variable of the dialect. Other names are looked up at evaluation.
    """
    writer = Writer(dialect, types or _NONE_BOUND, _emit)
    fragment = writer.emit(expression)
    return factory(writer.source(fragment))(*writer.constants)


def compile_binding(
    name: str, expression: Expression, dialect: Dialect, types: Mapping[str, Type] | None = None
) -> CompiledBinding:
    """The binding of `name` to `expression`, for `bind`."""
    evaluate = compile_expression(expression, dialect, types)
    return CompiledBinding(name, evaluate, bound_names(expression))


def bound_names(expression: Expression) -> tuple[str, ...]:
    """The first names of all variables that `expression` reads, each once, in order."""
    found: dict[str, None] = {}
    _collect_names(expression, found)
    return tuple(found)


def _collect_names(expression: Expression, found: dict[str, None]) -> None:
    match expression:
        case Call(name, arguments):
            names = names_of(expression) if name == "." else ()
            found.update(dict.fromkeys(names[:1]))
            for argument in arguments:
                _collect_names(argument, found)
        case Block(_, body):
            _collect_names(body, found)


def _emit(writer: Writer, expression: Expression) -> Fragment:
    match expression:
        case Literal(value):
            name = writer.lift(value)
            return Fragment(name, type_of(value), fails=False, constant=True, value=value)
        case Block():
            return failing(writer, "a block stands where a value is wanted")
        case Call():
            return _emit_call(writer, expression)


def _emit_call(writer: Writer, call: Call) -> Fragment:
    special = special_form(call.name)
    if special is not None:
        shapes = special.shapes
        return emit_form(
            writer, call, any(fits(shape, special.rest, call.arguments) for shape in shapes)
        )
    host = host_function(writer.dialect, call.name)
    if host is not None:
        return emit_host(writer, host, call)
    core = core_function(call.name)
    if core is not None:
        return emit_core(writer, core, call)
    return failing(writer, f"there is no function {call.name}")
