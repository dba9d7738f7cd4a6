"""Types of the special forms inside a formula."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from habitue.rules.check.paths import infer_path
from habitue.rules.check.scope import Scope
from habitue.rules.check.walk import Walk, demand, named
from habitue.rules.special import SpecialForm, fits
from habitue.rules.tree import Block, Call, Expression
from habitue.rules.types import ANY, BOOLEAN, MAP, NUMBER, STRING, Type, list_of

_TRUTHS = frozenset({"any", "boolean", "list", "map"})


def infer_form(walk: Walk, form: SpecialForm, call: Call, scope: Scope) -> Type:
    """The type of a call of a special form in a formula."""
    if not demand_shape(walk, form, call):
        return ANY
    infer = _FORMS.get(form.name.lower())
    if infer is None:
        details = (
            f"{form.name} is an effect and has no value; it stands among the effects of a rule"
        )
        walk.findings.error(call, "Effect in a formula", details)
        return ANY
    return infer(walk, call, scope)


def demand_shape(walk: Walk, form: SpecialForm, call: Call) -> bool:
    """Whether the arguments are written as `form` wants them; reports it where they are not."""
    if any(fits(shape, form.rest, call.arguments) for shape in form.shapes):
        return True
    shapes = [*form.shapes, *form.sugar_shapes]
    wanted = " or ".join(_shape_in_words(shape, form.rest) for shape in shapes)
    walk.findings.error(call, "Wrong arguments", f"{form.name} takes {wanted}")
    return False


def _shape_in_words(shape: tuple[str, ...], rest: str | None) -> str:
    words = ", ".join("value" if kind in ("eager", "lazy") else kind for kind in shape)
    further = f"any number of {'value' if rest == 'lazy' else rest}s" if rest else ""
    return f"({', '.join(part for part in (words, further) if part)})"


def _joined(walk: Walk, call: Call, scope: Scope) -> Type:
    for part in call.arguments:
        given = walk.infer(part, scope)
        if given.kind not in _TRUTHS:
            details = f"{call.name} wants parts that are true or false, not {named(given)}"
            walk.findings.error(part, "Wrong type", details)
    return BOOLEAN


def _not(walk: Walk, call: Call, scope: Scope) -> Type:
    part = call.arguments[0]
    demand(walk, part, walk.infer(part, scope), BOOLEAN)
    return BOOLEAN


def _catch(walk: Walk, call: Call, scope: Scope) -> Type:
    default, body = (walk.infer(part, scope) for part in call.arguments)
    if default == body:
        return body
    # The default [] of a list says nothing about what the list holds.
    return list_of(ANY) if default.kind == body.kind == "list" else ANY


def _do(walk: Walk, call: Call, scope: Scope) -> Type:
    value, block = call.arguments
    return infer_block(walk, block, walk.infer(value, scope), scope)


def infer_block(walk: Walk, block: Expression, given: Type, scope: Scope) -> Type:
    """The type of the body of a `block` of one parameter of type `given`."""
    inner = block_scope(walk, block, given, scope)
    if inner is None or not isinstance(block, Block):
        return ANY
    return walk.infer(block.body, inner)


def block_scope(walk: Walk, block: Expression, given: Type, scope: Scope) -> Scope | None:
    """The scope inside a `block` of one parameter, or None where it has another number."""
    if not isinstance(block, Block) or len(block.parameters) != 1:
        walk.findings.error(block, "Wrong block", "this block has one parameter")
        return None
    walk.findings.typed(block, ANY)
    return scope.bound(block.parameters[0], given, block.at)


def _list_and_body(walk: Walk, call: Call, scope: Scope) -> tuple[Type, Type]:
    """The types of the list that `call` walks over, and of the body of its block."""
    given = walk.infer(call.arguments[0], scope)
    demand(walk, call.arguments[0], given, list_of(ANY))
    return given, infer_block(walk, call.arguments[1], given.item or ANY, scope)


def _over(wanted: Type, result: Type | None) -> Callable[[Walk, Call, Scope], Type]:
    """A form over a list whose body is of type `wanted`; `result` None: the list itself."""

    def infer(walk: Walk, call: Call, scope: Scope) -> Type:
        given, body = _list_and_body(walk, call, scope)
        block = call.arguments[1]
        demand(walk, block.body if isinstance(block, Block) else block, body, wanted)
        if len(call.arguments) == 3:
            descending = call.arguments[2]
            demand(walk, descending, walk.infer(descending, scope), BOOLEAN)
        if result is not None:
            return result
        return given if given.kind == "list" else list_of(ANY)

    return infer


def _map(walk: Walk, call: Call, scope: Scope) -> Type:
    return list_of(_list_and_body(walk, call, scope)[1])


_SUM_OF_BLOCK = _over(NUMBER, NUMBER)


def _sum(walk: Walk, call: Call, scope: Scope) -> Type:
    if len(call.arguments) == 2:
        return _SUM_OF_BLOCK(walk, call, scope)
    numbers = call.arguments[0]
    demand(walk, numbers, walk.infer(numbers, scope), list_of(NUMBER))
    return NUMBER


def _kv(walk: Walk, call: Call, scope: Scope) -> Type:
    for pair in call.arguments:
        if isinstance(pair, Call):
            walk.infer(pair.arguments[0], scope)
    return MAP


_FORMS: Mapping[str, Callable[[Walk, Call, Scope], Type]] = MappingProxyType(
    {
        ".": infer_path,
        "and": _joined,
        "or": _joined,
        "not": _not,
        "catch": _catch,
        ".|": _catch,
        "do": _do,
        "map": _map,
        "filter": _over(BOOLEAN, None),
        "every": _over(BOOLEAN, BOOLEAN),
        "exists": _over(BOOLEAN, BOOLEAN),
        "sum": _sum,
        "sortbynumber": _over(NUMBER, None),
        "sortbystring": _over(STRING, None),
        "kv": _kv,
    }
)
