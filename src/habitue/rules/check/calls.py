"""Types of ordinary calls: core functions by overloads, host functions by parameters."""

from habitue.rules.check.literals import check_literals
from habitue.rules.check.scope import Scope
from habitue.rules.check.walk import Walk, demand, did_you_mean, fits, is_time, named
from habitue.rules.dialect import HostFunction
from habitue.rules.functions import CORE
from habitue.rules.signature import CoreFunction, Overload
from habitue.rules.special import SPECIAL_FORMS
from habitue.rules.tree import Block, Call, Expression, Literal
from habitue.rules.types import ANY, BOOLEAN, EFFECT, NULL, NUMBER, TIME, Type, record

_TEXT_COMPARISONS = frozenset({"=", "!="})
_ATOMS = frozenset({"any", "number", "string", "boolean", "time", "null"})


def infer_core(walk: Walk, function: CoreFunction, call: Call, scope: Scope) -> Type:
    """The type of a call of a core function."""
    types = [walk.infer(argument, scope) for argument in call.arguments]
    candidates = [
        (overload, wanted)
        for overload in function.overloads
        if (wanted := _wanted(overload, len(types))) is not None
    ]
    if not candidates:
        return _wrong_count(walk, call, _counts(function))
    fitting = [
        (overload, wanted) for overload, wanted in candidates if _all_fit(call, types, wanted)
    ]
    if not fitting:
        return _wrong_type(walk, call, types, [wanted for _, wanted in candidates])
    chosen, parameters = fitting[0]
    for argument, given, parameter in zip(call.arguments, types, parameters, strict=True):
        demand(walk, argument, given, parameter)
    check_literals(walk, call)
    if function.name in _TEXT_COMPARISONS:
        _demand_atoms(walk, call, types)
    if not any(given.kind == "any" for given in types):
        return chosen.result_type(tuple(types))
    return _result([overload for overload, _ in fitting], types)


def _wanted(overload: Overload, count: int) -> tuple[Type, ...] | None:
    """The types of `count` parameters, or None where the overload takes another number."""
    further = count - len(overload.parameters)
    if overload.rest is None:
        return overload.parameters if further == 0 else None
    return (
        overload.parameters + (overload.rest,) * further if further >= overload.rest_least else None
    )


def _all_fit(call: Call, types: list[Type], wanted: tuple[Type, ...]) -> bool:
    return all(map(_fits, call.arguments, types, wanted))


def _fits(argument: Expression, given: Type, wanted: Type) -> bool:
    if wanted == TIME and isinstance(argument, Literal):
        return isinstance(argument.value, str) and is_time(argument.value)
    return fits(given, wanted)


def _counts(function: CoreFunction) -> str:
    counts = []
    for overload in function.overloads:
        least = len(overload.parameters) + (overload.rest_least if overload.rest else 0)
        counts.append(f"{least} or more" if overload.rest else str(least))
    return " or ".join(dict.fromkeys(counts))


def _wrong_count(walk: Walk, call: Call, counts: str) -> Type:
    details = f"{call.name} takes {counts} arguments, not {len(call.arguments)}"
    walk.findings.error(call, "Wrong number of arguments", details)
    return ANY


def _wrong_type(
    walk: Walk, call: Call, types: list[Type], candidates: list[tuple[Type, ...]]
) -> Type:
    """Reports the arguments that do not fit the overload that most of them fit."""
    closest = max(candidates, key=lambda wanted: sum(map(fits, types, wanted)))
    for argument, given, wanted in zip(call.arguments, types, closest, strict=True):
        demand(walk, argument, given, wanted)
    return ANY


def _demand_atoms(walk: Walk, call: Call, types: list[Type]) -> None:
    for argument, given in zip(call.arguments, types, strict=True):
        if given.kind not in _ATOMS:
            details = f"{call.name} compares single values, this is {named(given)}"
            walk.findings.error(argument, "Wrong type", details)


def _result(fitting: list[Overload], types: list[Type]) -> Type:
    """What all overloads that may be chosen at evaluation agree on."""
    results = {overload.result_type(tuple(types)) for overload in fitting}
    return results.pop() if len(results) == 1 else ANY


def infer_host(walk: Walk, function: HostFunction, call: Call, scope: Scope) -> Type:
    """The type of a call of a function of the host, which may be `EFFECT`."""
    _demand_feature(walk, function, call)
    most = len(function.parameters)
    least = most - function.optional
    if not least <= len(call.arguments) <= most:
        counts = str(most) if least == most else f"{least} to {most}"
        _wrong_count(walk, call, counts)
        return function.result
    parameters = zip(call.arguments, function.parameters, strict=False)
    for position, (argument, (_, wanted)) in enumerate(parameters):
        optional = position >= least
        _host_argument(walk, argument, wanted, scope, optional=optional)
    return function.result


def _demand_feature(walk: Walk, function: HostFunction, call: Call) -> None:
    feature = function.feature
    if feature is None or feature in walk.features:
        return
    details = f'{function.name} needs the feature "{feature}", which the campaign does not have'
    if function.result == BOOLEAN:
        # The rule can be stored and waits for the feature; until then it does nothing.
        walk.findings.warn(call, "Feature is off", f"{details}, and is never true")
    else:
        walk.findings.error(call, "Feature is off", details)


def _host_argument(
    walk: Walk, argument: Expression, wanted: Type, scope: Scope, *, optional: bool
) -> None:
    if isinstance(argument, Block):
        _host_block(walk, argument, wanted, scope)
        return
    given = walk.infer(argument, scope)
    if optional and given == NULL:
        return
    demand(walk, argument, given, _plain(wanted))


def _plain(wanted: Type) -> Type:
    return wanted.item or NUMBER if wanted.kind == "value or block" else wanted


def _host_block(walk: Walk, block: Block, wanted: Type, scope: Scope) -> None:
    if wanted.kind != "value or block" or len(block.parameters) != 1:
        details = "a block of one parameter stands only where a value for each item is wanted"
        walk.findings.error(block, "Misplaced block", details)
        return
    of_record = record(wanted.record)
    walk.findings.typed(block, ANY)
    body = walk.infer(block.body, scope.bound(block.parameters[0], of_record, block.at))
    demand(walk, block.body, body, _plain(wanted))


def unknown_function(walk: Walk, call: Call) -> Type:
    """Reports a function that does not exist, with the name that was probably meant."""
    known = [
        *(form.name for form in SPECIAL_FORMS.values()),
        *(function.name for function in CORE.values()),
        *walk.dialect.functions,
    ]
    suggestion = did_you_mean(walk, call.name, known)
    details = f'there is no function "{call.name[:100]}"{suggestion}'
    walk.findings.error(call, "Unknown function", details)
    return ANY


def is_effect(function: HostFunction | None) -> bool:
    """Whether the host function is an effect."""
    return function is not None and function.result == EFFECT
