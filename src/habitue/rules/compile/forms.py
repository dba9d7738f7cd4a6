"""Special forms: what does not simply receive the values of its arguments.

List forms become comprehensions over `items(...)`, which charges the budget for the whole walk; a
block that needs inner functions becomes an inner function itself. `catch` becomes an inner function
with a `try`, unless its body cannot fail. `["catch", false, ...]` around comparisons of values that
may be unset, which is how rules test attributes of items, becomes a comparison with None.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from habitue.rules.compile.calls import (
    as_wanted,
    compares_plainly,
    emit_function,
    weight_of,
)
from habitue.rules.compile.code import Fragment, Writer
from habitue.rules.compile.reads import emit_read, failing
from habitue.rules.tree import Block, Call, Expression, Literal
from habitue.rules.types import ANY, BOOLEAN, EFFECT, MAP, NUMBER, STRING, Type, list_of

Form = Callable[[Writer, Call], Fragment]


def emit_form(writer: Writer, call: Call, shape_fits: bool) -> Fragment:
    """The fragment of a special form."""
    form = FORMS.get(call.name.lower())
    if form is None or not shape_fits:
        return failing(writer, f"{call.name} is not used as it is meant to be")
    return form(writer, call)


def _predicate(writer: Writer, fragment: Fragment) -> Fragment:
    """`fragment` where a boolean is wanted."""
    return as_wanted(writer, fragment, BOOLEAN)


def _truth(fragment: Fragment) -> Fragment:
    if fragment.type == BOOLEAN:
        return fragment
    return Fragment(f"truth({fragment.code})", BOOLEAN)


def _joined(word: str, empty: bool) -> Form:
    def emit(writer: Writer, call: Call) -> Fragment:
        if not call.arguments:
            return Fragment(writer.lift(empty), BOOLEAN, fails=False)
        parts = [_truth(writer.emit(argument)) for argument in call.arguments]
        return _join(word, parts)

    return emit


def _join(word: str, parts: list[Fragment]) -> Fragment:
    code = f" {word} ".join(part.code for part in parts)
    fails = any(part.fails for part in parts)
    return Fragment(f"({code})", BOOLEAN, fails)


def _not(writer: Writer, call: Call) -> Fragment:
    part = _predicate(writer, writer.emit(call.arguments[0]))
    return Fragment(f"(not {part.code})", BOOLEAN, part.fails)


def _catch(writer: Writer, call: Call) -> Fragment:
    default, body = call.arguments
    if isinstance(default, Literal) and default.value is False:
        return emit_or_false(writer, body)
    return _emit_catch(writer, default, body)


def emit_or_false(writer: Writer, body: Expression) -> Fragment:
    """`body`, or false where it fails.

    An `and` is false where the first part that is not true fails, so that each of its parts may be
    caught by itself.
    """
    if not isinstance(body, Call):
        return _emit_catch(writer, Literal(False), body)
    if body.name.lower() == "and" and body.arguments:
        return _join("and", [_part_or_false(writer, part) for part in body.arguments])
    return _unset_is_different(writer, body) or _emit_catch(writer, Literal(False), body)


def _part_or_false(writer: Writer, part: Expression) -> Fragment:
    fragment = emit_or_false(writer, part)
    if fragment.type == BOOLEAN:
        return fragment
    # What may be no boolean fails as a part of `and`, and that too is caught.
    return _emit_catch(writer, Literal(False), Call("and", (part,)))


def _unset_is_different(writer: Writer, call: Call) -> Fragment | None:
    """`["=", read, literal]` that is false where what it reads is unset."""
    if call.name != "=" or len(call.arguments) != 2:
        return None
    read, literal = call.arguments
    if isinstance(read, Literal):
        read, literal = literal, read
    if not _is_read(read) or not isinstance(literal, Literal) or literal.value is None:
        return None
    lifted = len(writer.constants)
    left, right = writer.emit(read), writer.emit(literal)
    if left.unchecked is None or not compares_plainly(left, right):
        del writer.constants[lifted:]
        return None
    return Fragment(f"({left.unchecked} == {right.code})", BOOLEAN, fails=False)


def _is_read(expression: Expression) -> bool:
    return isinstance(expression, Call) and expression.name == "."


def _emit_catch(writer: Writer, default: Expression, body: Expression) -> Fragment:
    writer.lines.append([])
    caught = writer.emit(body)
    if not caught.fails:
        inner = writer.lines.pop()
        writer.lines[-1] += inner
        return caught
    otherwise = writer.emit(default)
    inner = writer.lines.pop()
    name = writer.fresh("k")
    attempt = [f"try: return {caught.code}", f"except CAUGHT: return {otherwise.code}"]
    writer.define(f"def {name}():", [*inner, *attempt])
    type_ = caught.type if caught.type == otherwise.type else ANY
    return Fragment(f"{name}()", type_, otherwise.fails)


def _do(writer: Writer, call: Call) -> Fragment:
    value = writer.emit(call.arguments[0])
    block = call.arguments[1]
    if not isinstance(block, Block) or len(block.parameters) != 1:
        return failing(writer, "the block of do has one parameter")
    parameter, name, body = _body(writer, block, value.type)
    code = f"{name}({value.code})" if name else f"(lambda {parameter}: {body.code})({value.code})"
    return Fragment(code, body.type, value.fails or body.fails)


def _body(writer: Writer, block: Block, given: Type) -> tuple[str, str | None, Fragment]:
    """The parameter of a block and its body; the name of the inner function, if it needs one."""
    parameter = writer.fresh("p")
    writer.lines.append([])
    writer.variables.append((block.parameters[0], Fragment(parameter, given, fails=False)))
    body = writer.emit(block.body)
    writer.variables.pop()
    inner = writer.lines.pop()
    if not inner:
        return parameter, None, body
    name = writer.fresh("b")
    writer.define(f"def {name}({parameter}):", [*inner, f"return {body.code}"])
    return parameter, name, body


def _walk(writer: Writer, call: Call, wanted: Type, template: str, result: Type | None) -> Fragment:
    """A list form: `template` is given the parameter, the body and the list to walk."""
    walked, block = (
        as_wanted(writer, writer.emit(call.arguments[0]), list_of(ANY)),
        call.arguments[1],
    )
    if not isinstance(block, Block) or len(block.parameters) != 1:
        return failing(writer, f"the block of {call.name} has one parameter")
    parameter, name, body = _body(writer, block, walked.type.item or ANY)
    called = body if name is None else Fragment(f"{name}({parameter})", body.type, body.fails)
    each = as_wanted(writer, called, wanted)
    steps = f"items(frame, {walked.code}, {weight_of(block.body)})"
    code = template.format(parameter=parameter, body=each.code, steps=steps)
    fails = walked.fails or each.fails or wanted == NUMBER
    return Fragment(code, result or _held(call, walked.type, each.type), fails)


def _held(call: Call, walked: Type, body: Type) -> Type:
    return list_of(body) if call.name.lower() == "map" else walked


def _list_form(wanted: Type, template: str, result: Type | None = None) -> Form:
    return lambda writer, call: _walk(writer, call, wanted, template, result)


_TOTAL = _list_form(NUMBER, "total([{body} for {parameter} in {steps}])", NUMBER)


def _sum(writer: Writer, call: Call) -> Fragment:
    if len(call.arguments) == 2:
        return _TOTAL(writer, call)
    values = as_wanted(writer, writer.emit(call.arguments[0]), list_of(ANY))
    item = values.type.item
    each = "n" if item == NUMBER else "number(n)"
    return Fragment(f"total([{each} for n in items(frame, {values.code}, 1)])", NUMBER)


def _sort_by(runtime_name: str, wanted: Type) -> Form:
    def emit(writer: Writer, call: Call) -> Fragment:
        values = as_wanted(writer, writer.emit(call.arguments[0]), list_of(ANY))
        block = call.arguments[1]
        if not isinstance(block, Block) or len(block.parameters) != 1:
            return failing(writer, f"the block of {call.name} has one parameter")
        key = emit_function(writer, block, values.type.item or ANY, wanted)
        codes = ["frame", values.code, key.code]
        if len(call.arguments) == 3:
            codes.append(_predicate(writer, writer.emit(call.arguments[2])).code)
        return Fragment(f"{runtime_name}({', '.join(codes)})", values.type)

    return emit


def _kv(writer: Writer, call: Call) -> Fragment:
    entries = []
    for pair in call.arguments:
        if isinstance(pair, Call) and len(pair.arguments) == 1:
            key = writer.lift(pair.name)
            entries.append(f"{key}: {writer.emit(pair.arguments[0]).code}")
    return Fragment(f"{{{', '.join(entries)}}}", MAP)


def _noop(writer: Writer, call: Call) -> Fragment:
    return Fragment("None", EFFECT, fails=False)


def _set(writer: Writer, call: Call) -> Fragment:
    name, value = call.arguments
    key = writer.lift(name.value if isinstance(name, Literal) else None)
    return Fragment(f"assign(frame, {key}, {writer.emit(value).code})", EFFECT)


#: How each special form is written, under its lower-case name.
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        ".": emit_read,
        "and": _joined("and", True),
        "or": _joined("or", False),
        "not": _not,
        "catch": _catch,
        ".|": _catch,
        "do": _do,
        "map": _list_form(ANY, "[{body} for {parameter} in {steps}]"),
        "filter": _list_form(BOOLEAN, "[{parameter} for {parameter} in {steps} if {body}]"),
        "every": _list_form(BOOLEAN, "all({body} for {parameter} in {steps})", BOOLEAN),
        "exists": _list_form(BOOLEAN, "any({body} for {parameter} in {steps})", BOOLEAN),
        "sum": _sum,
        "sortbynumber": _sort_by("sort_by_number", NUMBER),
        "sortbystring": _sort_by("sort_by_string", STRING),
        "kv": _kv,
        "noop": _noop,
        "set": _set,
    }
)
