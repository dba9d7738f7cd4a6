"""Arithmetic, exact: every operation names its decimal context and fails where it has no result.

`-`, `/` and `mod` fold from the left. Division by zero, and results beyond the range of
`model.numbers.EXACT`, are `RuleFailed`; a quotient is rounded to 50 digits.
"""

from collections.abc import Callable, Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import reduce

from habitue.model.numbers import EXACT, ZERO
from habitue.rules.frame import RuleFailed
from habitue.rules.functions.declare import NUMBER, function, plain
from habitue.rules.signature import CoreFunction

Operation = Callable[[Decimal, Decimal], Decimal]


def add(first: Decimal, *others: Decimal) -> Decimal:
    """The sum of the arguments."""
    return _fold(EXACT.add, first, others)


def subtract(first: Decimal, *others: Decimal) -> Decimal:
    """The first argument less all later ones."""
    return _fold(EXACT.subtract, first, others)


def multiply(first: Decimal, *others: Decimal) -> Decimal:
    """The product of the arguments."""
    return _fold(EXACT.multiply, first, others)


def divide(first: Decimal, *others: Decimal) -> Decimal:
    """The first argument divided by each later one in turn."""
    if not all(others):
        raise RuleFailed("division by zero")
    return _fold(EXACT.divide, first, others)


def remainder(first: Decimal, *others: Decimal) -> Decimal:
    """What is left of the first argument after dividing by each later one; it keeps its sign."""
    if not all(others):
        raise RuleFailed("division by zero")
    return _fold(EXACT.remainder, first, others)


def _fold(operation: Operation, first: Decimal, others: tuple[Decimal, ...]) -> Decimal:
    try:
        return reduce(operation, others, first)
    except ArithmeticError as failure:
        raise RuleFailed("the result is outside the range of numbers") from failure


def total(numbers: Iterable[Decimal]) -> Decimal:
    """The exact sum of `numbers`, 0 for none."""
    try:
        return reduce(EXACT.add, numbers, ZERO)
    except ArithmeticError as failure:
        raise RuleFailed("the sum is outside the range of numbers") from failure


def ceiling(number: Decimal) -> Decimal:
    """The least whole number that is not below `number`."""
    return Decimal(number).to_integral_value(ROUND_CEILING, EXACT)


def floor(number: Decimal) -> Decimal:
    """The greatest whole number that is not above `number`."""
    return Decimal(number).to_integral_value(ROUND_FLOOR, EXACT)


def _arithmetic(name: str, operation: Callable[..., Decimal], description: str) -> CoreFunction:
    return function(
        name, description, plain(operation, NUMBER, result=NUMBER, rest=NUMBER, least=1)
    )


ADD = plain(add, NUMBER, result=NUMBER, rest=NUMBER, least=1)

FUNCTIONS = (
    _arithmetic("-", subtract, "The first number less the later ones."),
    _arithmetic("*", multiply, "The product of the numbers."),
    _arithmetic("/", divide, "The first number divided by the later ones in turn."),
    _arithmetic("mod", remainder, "The remainder of dividing the first by the later ones in turn."),
    function("ceil", "The number, rounded up.", plain(ceiling, NUMBER, result=NUMBER)),
    function("floor", "The number, rounded down.", plain(floor, NUMBER, result=NUMBER)),
)
