"""How the modules of the library declare their functions.

A declaration is read by three parties: the checker tests arguments against the overloads, the
compiler picks the overload and calls it, the documentation prints the description.
"""

from collections.abc import Callable
from typing import Any

from habitue.rules.signature import CoreFunction, Overload
from habitue.rules.types import ANY, BOOLEAN, NUMBER, STRING, TIME, Type, list_of

__all__ = [
    "ANY",
    "ANY_LIST",
    "BOOLEAN",
    "NUMBER",
    "STRING",
    "TIME",
    "framed",
    "function",
    "plain",
    "same_list",
    "the_item",
]

ANY_LIST = list_of(ANY)


def plain(
    call: Callable[..., Any],
    *parameters: Type,
    result: Type,
    rest: Type | None = None,
    least: int = 0,
    result_of: Callable[[tuple[Type, ...]], Type] | None = None,
) -> Overload:
    """An overload whose `call` needs only its arguments, at least `least` of type `rest`."""
    return Overload(parameters, result, call, rest, least, result_of=result_of)


def framed(
    call: Callable[..., Any],
    *parameters: Type,
    result: Type,
    rest: Type | None = None,
    least: int = 0,
    result_of: Callable[[tuple[Type, ...]], Type] | None = None,
) -> Overload:
    """An overload whose `call` gets the frame first: for the clock, the zone or the budget."""
    return Overload(parameters, result, call, rest, least, framed=True, result_of=result_of)


def function(name: str, description: str, *overloads: Overload) -> CoreFunction:
    """A core function called `name`."""
    return CoreFunction(name, overloads, description)


def same_list(arguments: tuple[Type, ...]) -> Type:
    """The result is a list of what the first argument is a list of."""
    return arguments[0] if arguments[0].kind == "list" else ANY_LIST


def the_item(arguments: tuple[Type, ...]) -> Type:
    """The result is an element of the first argument."""
    return arguments[0].item or ANY
