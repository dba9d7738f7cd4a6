"""Calls of functions whose arguments are all evaluated: core functions and those of the host.

Where the static types of the arguments decide the overload, it is called directly, or written out
as an operator for the commonest ones. Where they do not, the overload is chosen at evaluation by
the kinds of the values, in the order of declaration, as Talang does. Text in RFC 3339 becomes a
time where a time is wanted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from habitue.rules.compile.code import Fragment, Writer, guarded
from habitue.rules.compile.reads import failing
from habitue.rules.dialect import Dialect, HostFunction
from habitue.rules.frame import Frame, RuleFailed
from habitue.rules.functions import CORE, lists, logic, numbers, patterns
from habitue.rules.functions.values import as_time, time_of_text, type_of
from habitue.rules.signature import CoreFunction, Overload
from habitue.rules.tree import Block, Call, Expression, Literal
from habitue.rules.types import ANY, BOOLEAN, NUMBER, STRING, TIME, Type, record

#: Literals up to this length are compared without charging the budget.
SHORT_TEXT = 1_000

_OPERATORS: Mapping[Callable[..., Any], str] = MappingProxyType(
    {
        logic.less: "({0} < {1})",
        logic.less_or_equal: "({0} <= {1})",
        logic.greater: "({0} > {1})",
        logic.greater_or_equal: "({0} >= {1})",
    }
)
_ARITHMETIC: Mapping[Callable[..., Any], str] = MappingProxyType(
    {
        numbers.add: "add({0}, {1})",
        numbers.subtract: "subtract({0}, {1})",
        numbers.multiply: "multiply({0}, {1})",
    }
)
_SAFE_ON_LISTS: Mapping[Callable[..., Any], str] = MappingProxyType(
    {lists.count: "counted({0})", lists.is_empty: "(not {0})"}
)
_EXPECTATIONS: Mapping[str, str] = MappingProxyType(
    {
        "number": "number",
        "string": "string",
        "boolean": "boolean",
        "time": "as_time",
        "list": "sequence",
        "map": "mapping",
    }
)


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Chooses an overload of a core function at evaluation."""

    function: CoreFunction

    def __call__(self, frame: Frame, *arguments: Any) -> Any:
        """The result of the first overload that takes the arguments; `RuleFailed` for none."""
        kinds = tuple(type_of(argument) for argument in arguments)
        for overload in self.function.overloads:
            if all(_fit(kinds, overload)):
                fitted = _fitted(arguments, overload)
                if fitted is not None:
                    return overload.call(*((frame,) if overload.framed else ()), *fitted)
        given = ", ".join(kind.kind for kind in kinds) or "nothing"
        raise RuleFailed(f"{self.function.name} cannot be applied to {given}")


_DISPATCHERS: Mapping[str, Dispatcher] = MappingProxyType(
    {name: Dispatcher(function) for name, function in CORE.items()}
)


def _parameters(overload: Overload, count: int) -> tuple[Type, ...] | None:
    """The types of `count` parameters, or None where the overload takes another number."""
    further = count - len(overload.parameters)
    if overload.rest is None:
        return overload.parameters if further == 0 else None
    if further < overload.rest_least:
        return None
    return overload.parameters + (overload.rest,) * further


def _fit(types: tuple[Type, ...], overload: Overload) -> list[bool | None]:
    """For each argument whether it fits: True, False, or None where only evaluation can tell."""
    parameters = _parameters(overload, len(types))
    if parameters is None:
        return [False]
    return [fits(given, wanted) for given, wanted in zip(types, parameters, strict=True)]


def fits(given: Type, wanted: Type) -> bool | None:
    """Whether a value of type `given` fits a parameter; None where only evaluation can tell.

    A string fits where a time is wanted: whether it reads as one, evaluation tells.
    """
    if wanted.kind == "any" or given.kind == wanted.kind:
        return True
    if given.kind == "any":
        return None
    return given.kind == "string" and wanted.kind == "time"


def _fitted(arguments: tuple[Any, ...], overload: Overload) -> list[Any] | None:
    parameters = _parameters(overload, len(arguments)) or ()
    try:
        return [
            as_time(argument) if wanted == TIME else argument
            for argument, wanted in zip(arguments, parameters, strict=True)
        ]
    except RuleFailed:
        return None


def emit_core(writer: Writer, function: CoreFunction, call: Call) -> Fragment:
    """The fragment of a call of a core function."""
    if any(isinstance(argument, Block) for argument in call.arguments):
        return failing(writer, f"{call.name} takes no block")
    arguments = [writer.emit(argument) for argument in call.arguments]
    types = tuple(argument.type for argument in arguments)
    for overload in function.overloads:
        fit = _fit(types, overload)
        if all(fit):
            return _emit_overload(writer, overload, arguments)
        if None in fit and False not in fit:
            break
    dispatcher = writer.lift(_DISPATCHERS[function.name.lower()])
    result = _shared_result(function)
    return Fragment(f"{dispatcher}({_listed('frame', arguments)})", result)


def _shared_result(function: CoreFunction) -> Type:
    results = {overload.result for overload in function.overloads}
    return results.pop() if len(results) == 1 else ANY


def _listed(first: str, arguments: Sequence[Fragment]) -> str:
    return ", ".join([first, *(argument.code for argument in arguments)])


def _emit_overload(writer: Writer, overload: Overload, given: Sequence[Fragment]) -> Fragment:
    parameters = _parameters(overload, len(given)) or ()
    arguments = [
        as_wanted(writer, argument, wanted)
        for argument, wanted in zip(given, parameters, strict=True)
    ]
    result = overload.result_type(tuple(argument.type for argument in given))
    known = _folded(writer, overload, arguments) or _inline(overload, arguments)
    if known is not None:
        return known
    function = writer.lift(_cheaper(writer, overload, arguments))
    codes = ", ".join(argument.code for argument in arguments)
    prefix = "frame, " if overload.framed and codes else "frame" if overload.framed else ""
    return Fragment(f"{function}({prefix}{codes})", result)


def _cheaper(
    writer: Writer, overload: Overload, arguments: Sequence[Fragment]
) -> Callable[..., Any]:
    """What to call: a regular expression that is a literal need not be charged as a new one."""
    if overload.call is not patterns.matches or not arguments[0].constant:
        return overload.call
    writer.literal_patterns += 1
    few = writer.literal_patterns <= patterns.LITERALS_MAX
    return patterns.matches_literal if few else overload.call


def _folded(writer: Writer, overload: Overload, arguments: Sequence[Fragment]) -> Fragment | None:
    """The result of a call of literals, such as `["/", 10, 100]`, computed once and for all."""
    if overload.framed or not all(argument.constant for argument in arguments):
        return None
    try:
        value = overload.call(*(argument.value for argument in arguments))
    except RuleFailed:
        return None
    code = writer.lift(value)
    return Fragment(code, overload.result, fails=False, constant=True, value=value)


def _inline(overload: Overload, arguments: Sequence[Fragment]) -> Fragment | None:
    """The overload written out as an operator, for those that have one."""
    codes = [argument.code for argument in arguments]
    fails = any(argument.fails for argument in arguments)
    if len(arguments) == 1 and overload.call in _SAFE_ON_LISTS:
        return Fragment(_SAFE_ON_LISTS[overload.call].format(*codes), overload.result, fails)
    if len(arguments) != 2:
        return None
    if overload.call in _OPERATORS:
        return Fragment(_OPERATORS[overload.call].format(*codes), BOOLEAN, fails)
    if overload.call in _ARITHMETIC:
        return Fragment(_ARITHMETIC[overload.call].format(*codes), NUMBER)
    if overload.call is logic.all_equal:
        return emit_equal(*arguments)
    if overload.call is logic.all_differ:
        alike = emit_equal(*arguments)
        return Fragment(f"(not {alike.code})", BOOLEAN, alike.fails)
    return None


def emit_equal(left: Fragment, right: Fragment) -> Fragment:
    """The comparison of two atoms: by `==` where that is the same as by their text."""
    fails = left.fails or right.fails
    if compares_plainly(left, right):
        return Fragment(f"({left.code} == {right.code})", BOOLEAN, fails)
    return Fragment(f"equal(frame, {left.code}, {right.code})", BOOLEAN)


def compares_plainly(left: Fragment, right: Fragment) -> bool:
    """Whether `==` decides equality of the two, and at a cost that need not be charged."""
    if left.type != right.type:
        return False
    if left.type == STRING:
        return _is_short_literal(left) or _is_short_literal(right)
    return left.type in (NUMBER, BOOLEAN, TIME)


def _is_short_literal(fragment: Fragment) -> bool:
    return fragment.constant and len(fragment.value) <= SHORT_TEXT


def as_wanted(writer: Writer, given: Fragment, wanted: Type) -> Fragment:
    """`given`, checked or converted where its static type does not already fit `wanted`."""
    if wanted.kind == "any" or given.type.kind == wanted.kind:
        return given
    if wanted.kind == "time" and given.type.kind == "string":
        return _literal_time(writer, given) or Fragment(f"as_time({given.code})", TIME)
    if given.type.kind != "any":
        return failing(writer, f"a {given.type} is not a {wanted}")
    expectation = _EXPECTATIONS.get(wanted.kind)
    if expectation is None:
        return given
    return Fragment(f"{expectation}({given.code})", wanted)


def _literal_time(writer: Writer, given: Fragment) -> Fragment | None:
    if not given.constant:
        return None
    try:
        time = time_of_text(given.value)
    except RuleFailed:
        return None
    return Fragment(writer.lift(time), TIME, fails=False, constant=True, value=time)


def host_function(dialect: Dialect, name: str) -> HostFunction | None:
    """The host's function called `name` in any spelling, or None."""
    exact = dialect.functions.get(name) or dialect.functions.get(name.lower())
    if exact is not None:
        return exact
    lowered = name.lower()
    matching = (each for key, each in dialect.functions.items() if key.lower() == lowered)
    return next(matching, None)


def emit_host(writer: Writer, function: HostFunction, call: Call) -> Fragment:
    """The fragment of a call of a function of the host."""
    least = len(function.parameters) - function.optional
    if not least <= len(call.arguments) <= len(function.parameters):
        return failing(writer, f"{function.name} takes {least} arguments at least")
    arguments = [
        _host_argument(writer, argument, wanted, optional=position >= least)
        for position, (argument, (_, wanted)) in enumerate(
            zip(call.arguments, function.parameters, strict=False)
        )
    ]
    name = writer.lift(function.call)
    return Fragment(f"{name}({_listed('frame', arguments)})", function.result)


def _host_argument(
    writer: Writer, argument: Expression, wanted: Type, *, optional: bool
) -> Fragment:
    if isinstance(argument, Block):
        if wanted.kind != "value or block" or len(argument.parameters) != 1:
            return failing(writer, "a block does not fit here")
        return emit_function(writer, argument, record(wanted.record), wanted.item or ANY)
    if optional and isinstance(argument, Literal) and argument.value is None:
        return writer.emit(argument)
    item = wanted.item if wanted.kind == "value or block" else None
    return as_wanted(writer, writer.emit(argument), item or wanted)


def emit_function(writer: Writer, block: Block, given: Type, wanted: Type) -> Fragment:
    """A Python function of one argument that evaluates `block`; each call charges the budget."""
    parameter, name = writer.fresh("p"), writer.fresh("f")
    writer.lines.append([])
    writer.variables.append((block.parameters[0], Fragment(parameter, given, fails=False)))
    body = as_wanted(writer, writer.emit(block.body), wanted)
    writer.variables.pop()
    inner = writer.lines.pop()
    charge = f"frame.charge({weight_of(block.body)})"
    writer.define(f"def {name}({parameter}):", [charge, *inner, *guarded(body.code)])
    return Fragment(name, ANY, fails=False)


def weight_of(expression: Expression) -> int:
    """The steps that one evaluation of `expression` costs: one for every eight nodes."""
    return 1 + nodes_in(expression) // 8


def nodes_in(expression: Expression) -> int:
    """How many nodes the tree of `expression` has."""
    match expression:
        case Call(_, arguments):
            return 1 + sum(map(nodes_in, arguments))
        case Block(_, body):
            return 1 + nodes_in(body)
        case _:
            return 1
