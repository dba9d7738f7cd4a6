"""The dialect described: what rules may read and call, for people and for editors of rules.

Words: a *slot* is a dotted name that has a value, such as `Session.Total`; a *word* is one function
or special form. Everything here is read off the dialect itself, so that nothing can be told that is
not so.
"""

from collections.abc import Iterator, Mapping

import msgspec

from habitue.rules.dialect import Dialect, HostFunction
from habitue.rules.functions import CORE
from habitue.rules.signature import CoreFunction
from habitue.rules.special import SPECIAL_FORMS, SpecialForm
from habitue.rules.types import EFFECT, Type

#: What rules may set by `updateAttribute`.
_WRITABLE = (
    "Session.Attributes.",
    "Profile.Attributes.",
    "Coupon.Attributes.",
    "Referral.Attributes.",
)


class Slot(msgspec.Struct, frozen=True):
    """Something that rules read. `writable` says that an effect may set it."""

    name: str
    type: str
    writable: bool = False


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a word."""

    name: str
    type: str
    optional: bool = False


class Word(msgspec.Struct, frozen=True):
    """Something that rules call; `feature` is what a campaign must have for it."""

    name: str
    type: str
    parameters: tuple[Parameter, ...]
    description: str
    feature: str | None = None


def slots_of(dialect: Dialect) -> list[Slot]:
    """The variables and their fields and attributes; those of items and bundles under the name of
    their record, under which blocks usually bind them."""
    slots = []
    for name, variable in dialect.variables.items():
        if variable.type.kind != "record":
            slots.append(Slot(name, str(variable.type)))
    for name in dialect.records:
        slots += _fields(name, dialect)
    return slots


def host_words(functions: Mapping[str, HostFunction]) -> list[Word]:
    """The functions of the host, conditions and formulas before effects."""
    words = [_host(each) for each in functions.values()]
    return sorted(words, key=lambda each: (each.type == str(EFFECT), each.name.lower()))


def core_words() -> list[Word]:
    """The functions and special forms that every dialect has."""
    words = [_core(each) for each in CORE.values()]
    words += [_form(each) for each in SPECIAL_FORMS.values()]
    return sorted(words, key=lambda each: each.name.lower())


def page_of(dialect: Dialect) -> str:
    """The page of documentation about everything that the host adds."""
    return "\n".join(_lines(dialect)) + "\n"


def _lines(dialect: Dialect) -> Iterator[str]:
    yield "# The words of promotion rules"
    yield ""
    yield "What rules may read and call beside the core of the language, which"
    yield "`src/habitue/rules/README.md` describes. This page is generated from the tables by which"
    yield "rules are checked; a test keeps it true."
    yield ""
    yield "## What rules read"
    yield "A shop's own attributes are `Session.Attributes.<name>`, and likewise for the others."
    yield ""
    yield "| name | type |"
    yield "|---|---|"
    for slot in slots_of(dialect):
        yield f"| `{slot.name}` | {slot.type} |"
    for effects, title in ((False, "Conditions and formulas"), (True, "Effects")):
        yield ""
        yield f"## {title}"
        yield "| call | gives | needs | what it does |"
        yield "|---|---|---|---|"
        for word in host_words(dialect.functions):
            if (word.type == str(EFFECT)) == effects:
                gives = "" if effects else word.type
                yield f"| `{_call(word)}` | {gives} | {word.feature or ''} | {word.description} |"


def _call(word: Word) -> str:
    shown = [f"{each.name}?" if each.optional else each.name for each in word.parameters]
    return f"{word.name}({', '.join(shown)})"


def _fields(name: str, dialect: Dialect) -> Iterator[Slot]:
    record = dialect.records[name]
    for field, described in record.fields.items():
        yield Slot(f"{name}.{field}", str(described.type))
    for attribute, type_ in record.attributes.items():
        path = f"{name}.Attributes.{attribute}"
        yield Slot(path, str(type_), path.startswith(_WRITABLE))


def _host(function: HostFunction) -> Word:
    least = len(function.parameters) - function.optional
    parameters = tuple(
        Parameter(name, str(type_), position >= least)
        for position, (name, type_) in enumerate(function.parameters)
    )
    return Word(
        function.name,
        str(function.result),
        parameters,
        function.description,
        function.feature,
    )


def _core(function: CoreFunction) -> Word:
    overload = function.overloads[0]
    types: list[Type] = list(overload.parameters)
    if overload.rest is not None:
        types.append(overload.rest)
    parameters = tuple(Parameter(f"value{index}", str(each)) for index, each in enumerate(types, 1))
    return Word(function.name, str(overload.result), parameters, function.description)


def _form(form: SpecialForm) -> Word:
    shape = form.shapes[0] if form.shapes else ()
    kinds = (*shape, form.rest) if form.rest else shape
    parameters = tuple(Parameter(f"part{index}", kind) for index, kind in enumerate(kinds, 1))
    return Word(form.name, "any", parameters, form.description)
