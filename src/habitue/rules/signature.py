"""Signatures of the core functions: what the checker tests and the compiler calls.

Words: a parameter is *eager* (its value is passed), *lazy* (the unevaluated expression, passed as a
function without arguments) or a *block* (passed as a function of its parameters). Overloads of one
name are tried in the order in which they were declared. Names are matched without regard to case,
as Talang does (contracts/talon_one/TALANG.md section 4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from habitue.rules.types import Type


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function: eager parameter types, and the result.

    `rest` is the type of any further arguments, of which there must be at least `rest_least`.
    `call(*arguments)` gets plain values; with `framed` it gets the frame first. Where the result
    depends on the arguments (the head of a list of items is an item), `result_of` computes it.
    """

    parameters: tuple[Type, ...]
    result: Type
    call: Callable[..., Any]
    rest: Type | None = None
    rest_least: int = 0
    framed: bool = False
    result_of: Callable[[tuple[Type, ...]], Type] | None = None

    def result_type(self, arguments: tuple[Type, ...]) -> Type:
        """The type of the result for arguments of these types."""
        return self.result if self.result_of is None else self.result_of(arguments)


@dataclass(frozen=True, slots=True)
class CoreFunction:
    """A core function, all of whose parameters are eager; the rest are special forms."""

    name: str
    overloads: tuple[Overload, ...]
    description: str
