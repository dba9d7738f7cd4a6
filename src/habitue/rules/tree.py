"""The tree of a Talang expression: what both notations are read into and written from.

Words: an *expression* is a literal, a call or a block. A *call* is a function name with arguments;
reading a variable is the call `.`. A *block* is an expression with parameters, passed to list
functions and evaluated by them. `at` is the JSON pointer of the node inside the ruleset it came
from, so that every complaint can say where.

Invariant: a tree is immutable, and `at` takes no part in equality: the same expression read from
JSON and from text is equal.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

Value: TypeAlias = Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A number (always a `Decimal`), a string, a boolean or null."""

    value: Value
    at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """Function `name` applied to `arguments`, in the spelling of the ruleset."""

    name: str
    arguments: tuple["Expression", ...]
    at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """`body` with `parameters` bound by whoever evaluates it."""

    parameters: tuple[str, ...]
    body: "Expression"
    at: str = field(default="", compare=False)


Expression: TypeAlias = Literal | Call | Block


def path(*names: str) -> Call:
    """The call that reads a variable: `path("Session", "Total")`."""
    return Call(".", tuple(Literal(name) for name in names))


def texts_in(expression: Expression) -> Iterator[str]:
    """Every text that stands in the expression, in order."""
    match expression:
        case Literal(str() as text):
            yield text
        case Call(_, arguments):
            for each in arguments:
                yield from texts_in(each)
        case Block(_, body):
            yield from texts_in(body)
