"""Reading variables: `[".", "Session", "Total"]` becomes `frame.session.total`.

The first name is, in this order: a parameter of a block around it, a name the caller bound, a
variable of the dialect, or else a name that may be bound at evaluation. Every further name is a
field or a custom attribute of a record, or a key of a map. What turns out to be unset fails.
"""

from collections.abc import Mapping
from types import MappingProxyType

from habitue.rules.compile.code import Fragment, Writer
from habitue.rules.compile.runtime import DynamicRead
from habitue.rules.dialect import Field, Record
from habitue.rules.tree import Call, Literal
from habitue.rules.types import ANY, MAP

_ATTRIBUTE_READERS: Mapping[str, str] = MappingProxyType(
    {
        "string": "string_attribute",
        "number": "number_attribute",
        "boolean": "boolean_attribute",
        "time": "time_attribute",
        "list": "list_attribute",
    }
)
ATTRIBUTES = "Attributes"


def failing(writer: Writer, reason: str) -> Fragment:
    """Code that fails for `reason`."""
    return Fragment(f"fail({writer.lift(reason)})", ANY)


def emit_read(writer: Writer, call: Call) -> Fragment:
    """The fragment of a call of `.`."""
    names = names_of(call)
    if not names:
        return failing(writer, "a variable is read by its name")
    fragment = _first(writer, names[0])
    position = 1
    while position < len(names):
        fragment, taken = _step(writer, fragment, names[position:])
        position += taken
    return fragment


def names_of(call: Call) -> tuple[str, ...]:
    """The names that a call of `.` follows; empty where one of them is no literal string."""
    names = tuple(
        argument.value
        for argument in call.arguments
        if isinstance(argument, Literal) and isinstance(argument.value, str)
    )
    return names if len(names) == len(call.arguments) else ()


def _first(writer: Writer, name: str) -> Fragment:
    parameter = writer.variable(name)
    if parameter is not None:
        return parameter
    declared = writer.dialect.variables.get(name)
    if declared is None or name in writer.bound:
        code = f"read_binding(frame, {writer.lift(name)})"
        return Fragment(code, writer.bound.get(name, ANY))
    return _field(writer, Fragment("frame", ANY, fails=False), declared, name)


def _step(writer: Writer, base: Fragment, names: tuple[str, ...]) -> tuple[Fragment, int]:
    """The fragment after one step from `base`, and how many of `names` the step used."""
    if base.type.kind == "record":
        return _record_step(writer, base, names)
    if base.type.kind == "map":
        return Fragment(f"any_attribute({base.code}, {writer.lift(names[0])})", ANY), 1
    if base.type.kind == "any":
        reader = writer.lift(DynamicRead(writer.dialect, names))
        return Fragment(f"{reader}({base.code})", ANY), len(names)
    return failing(writer, f"a {base.type} has no {names[0]}"), len(names)


def _record_step(writer: Writer, base: Fragment, names: tuple[str, ...]) -> tuple[Fragment, int]:
    record = writer.dialect.records[base.type.record]
    declared = record.fields.get(names[0])
    if declared is not None:
        return _field(writer, base, declared, names[0]), 1
    if names[0] != ATTRIBUTES:
        return _attribute(writer, base, record, names[0]), 1
    if len(names) == 1:
        return Fragment(f"{base.code}.attributes", MAP, base.fails), 1
    return _attribute(writer, base, record, names[1]), 2


def _field(writer: Writer, base: Fragment, declared: Field, name: str) -> Fragment:
    if not declared.attribute.isidentifier():
        return failing(writer, f"{name} cannot be read")
    code = f"{base.code}.{declared.attribute}"
    if not declared.nullable:
        return Fragment(code, declared.type, base.fails)
    checked = f"required({code}, {writer.lift(name)})"
    if base.fails:
        return Fragment(checked, declared.type)
    # Most values count as true, which spares them the call.
    return Fragment(f"({code} or {checked})", declared.type, unchecked=code)


def _attribute(writer: Writer, base: Fragment, record: Record, name: str) -> Fragment:
    declared = record.attributes.get(name, ANY)
    reader = _ATTRIBUTE_READERS.get(declared.kind, "any_attribute")
    key = writer.lift(name)
    unchecked = None if base.fails else f"{base.code}.attributes.get({key})"
    return Fragment(f"{reader}({base.code}.attributes, {key})", declared, unchecked=unchecked)
