"""The special forms: calls that do not simply receive the values of their arguments.

Words: every parameter has a *kind*. EAGER: the value of the argument. LAZY: the argument is
evaluated when the form asks for it, or not at all. BLOCK: an expression with parameters. NAME: a
literal string that names something and is never evaluated. PAIR: a key with its value, which both
notations read as a call of one argument (`["kv", ["Key", 1]]`).

Every other name is a core function (`habitue.rules.functions`) or a function of the host; all of
those are eager. Names are matched without regard to case (contracts/talon_one/TALANG.md section 4).

Invariant: after `habitue.rules.desugar` no form marked `sugar` is left in a ruleset, and no call
uses one of `sugar_shapes`; the checker and the compiler know only the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from habitue.rules.tree import Block, Call, Expression, Literal

EAGER = "eager"
LAZY = "lazy"
BLOCK = "block"
NAME = "name"
PAIR = "pair"

Shape = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpecialForm:
    """One form: the sequences of parameter kinds that it takes, and the kind of any further ones.

    `sugar_shapes` are sequences that are rewritten into one of `shapes` before anything is checked.
    """

    name: str
    shapes: tuple[Shape, ...]
    description: str
    rest: str | None = None
    sugar_shapes: tuple[Shape, ...] = ()
    sugar: bool = False


_OVER_LIST = (EAGER, BLOCK)
_OVER_LIST_NAMED = (EAGER, NAME, LAZY)

_FORMS = (
    SpecialForm(".", ((NAME,),), "Reads a variable, and through its fields.", rest=NAME),
    SpecialForm("and", ((),), "True unless a part is false; stops at the first.", rest=LAZY),
    SpecialForm("or", ((),), "False unless a part is true; stops at the first.", rest=LAZY),
    SpecialForm("not", ((EAGER,),), "True where its part is false."),
    SpecialForm("catch", ((LAZY, LAZY),), "The second part; the first where that one fails."),
    SpecialForm(".|", ((LAZY, LAZY),), "The second part; the first where that one fails."),
    SpecialForm(
        "do",
        ((EAGER, BLOCK),),
        "The body, with a value bound to a name.",
        sugar_shapes=(_OVER_LIST_NAMED,),
    ),
    *(
        SpecialForm(name, (_OVER_LIST,), description, sugar_shapes=(_OVER_LIST_NAMED,))
        for name, description in (
            ("map", "The list of what the body is for each element."),
            ("filter", "The elements for which the body is true."),
            ("every", "Whether the body is true for all elements."),
            ("exists", "Whether the body is true for at least one element."),
        )
    ),
    SpecialForm(
        "sum",
        ((EAGER,), _OVER_LIST),
        "The sum of a list of numbers, or of what the body is for each element.",
        sugar_shapes=(_OVER_LIST_NAMED,),
    ),
    *(
        SpecialForm(name, (_OVER_LIST, (EAGER, BLOCK, EAGER)), description)
        for name, description in (
            ("sortByNumber", "The list ordered by a number of each element; true: descending."),
            ("sortByString", "The list ordered by a string of each element; true: descending."),
        )
    ),
    SpecialForm("kv", ((),), "A map of the given keys and values.", rest=PAIR),
    SpecialForm("noop", ((),), "An effect that does nothing."),
    SpecialForm("set", ((NAME, EAGER),), "An effect: binds a name for the effects after it."),
    SpecialForm("setTemplate", ((NAME, LAZY),), "Declares an expression with holes.", sugar=True),
    SpecialForm("!", ((NAME,),), "A declared template, its holes filled.", rest=LAZY, sugar=True),
    SpecialForm("#", ((EAGER,),), "A hole of a template, by its number from 0.", sugar=True),
)

#: Every special form under its lower-case name.
SPECIAL_FORMS: Mapping[str, SpecialForm] = MappingProxyType(
    {form.name.lower(): form for form in _FORMS}
)


def special_form(name: str) -> SpecialForm | None:
    """The special form called `name` in any spelling, or None for an ordinary function."""
    return SPECIAL_FORMS.get(name.lower())


def fits(shape: Shape, rest: str | None, arguments: tuple[Expression, ...]) -> bool:
    """Whether `arguments` have the number and the kinds that `shape` asks for."""
    if len(arguments) < len(shape) or (rest is None and len(arguments) > len(shape)):
        return False
    kinds = shape + (rest or "",) * (len(arguments) - len(shape))
    return all(is_kind(kind, argument) for kind, argument in zip(kinds, arguments, strict=True))


def is_kind(kind: str, argument: Expression) -> bool:
    """Whether `argument` is written as a parameter of `kind` wants it."""
    if kind == BLOCK:
        return isinstance(argument, Block)
    if kind == NAME:
        return isinstance(argument, Literal) and isinstance(argument.value, str)
    if kind == PAIR:
        return isinstance(argument, Call) and len(argument.arguments) == 1
    return not isinstance(argument, Block)
