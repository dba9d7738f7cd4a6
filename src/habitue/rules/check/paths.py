"""Types of reads: `[".", "Session", "CartItems"]`, through records, attributes and maps."""

from habitue.rules.check.scope import Scope
from habitue.rules.check.walk import Walk, did_you_mean
from habitue.rules.dialect import Record
from habitue.rules.tree import Call, Literal
from habitue.rules.types import ANY, MAP, Type

ATTRIBUTES = "Attributes"


def infer_path(walk: Walk, call: Call, scope: Scope) -> Type:
    """The type of what the path leads to; reports the first name that leads nowhere."""
    names = [str(part.value) for part in call.arguments if isinstance(part, Literal)]
    type_ = _root(walk, call, names[0], scope)
    position = 1
    while type_ is not None and position < len(names):
        type_, taken = _step(walk, call, type_, names, position)
        position += taken
    return ANY if type_ is None else type_


def _root(walk: Walk, call: Call, name: str, scope: Scope) -> Type | None:
    bound = scope.names.get(name)
    if bound is not None:
        walk.read.add(bound.at)
        return bound.type
    variable = walk.dialect.variables.get(name)
    if variable is not None:
        return variable.type
    if name in scope.later:
        details = f'"{name}" is bound here or further down and cannot be read before it has a value'
        walk.findings.error(call, "Read before it is bound", details)
        return None
    suggestion = did_you_mean(walk, name, [*walk.dialect.variables, *scope.names])
    walk.findings.error(call, "Unknown variable", f'there is no variable "{name}"{suggestion}')
    return None


def _step(
    walk: Walk, call: Call, base: Type, names: list[str], position: int
) -> tuple[Type | None, int]:
    """The type after the next step (None after an error), and how many names it took."""
    name = names[position]
    if base.kind in ("any", "map"):
        return ANY, len(names)
    record = walk.dialect.records.get(base.record) if base.kind == "record" else None
    if record is None:
        details = f'"{names[position - 1]}" is {_article(base)} and has no field "{name}"'
        walk.findings.error(call, "Unknown field", details)
        return None, 1
    if name in record.fields:
        return record.fields[name].type, 1
    if name != ATTRIBUTES:
        return _attribute(walk, call, base, record, name), 1
    if position + 1 == len(names):
        return MAP, 1
    return _attribute(walk, call, base, record, names[position + 1]), 2


def _attribute(walk: Walk, call: Call, base: Type, record: Record, name: str) -> Type | None:
    type_ = record.attributes.get(name)
    if type_ is not None:
        return type_
    suggestion = did_you_mean(walk, name, [*record.fields, *record.attributes])
    details = f'{base.record} has neither a field nor an attribute "{name}"{suggestion}'
    walk.findings.error(call, "Unknown field", details)
    return None


def _article(type_: Type) -> str:
    return "null" if type_.kind == "null" else f"a {type_}"
