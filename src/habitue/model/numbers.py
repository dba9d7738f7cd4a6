"""Exact numbers: every amount is a `Decimal` and every sum of bounded amounts is exact.

Words: *exact context* is the arithmetic in which all rules and totals are computed (50 digits, so
that products of bounded amounts never round; overflow, division by zero and invalid operations
raise). *Shortest* is the form in which a number leaves the house: without trailing zeros.
"""

from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from habitue.model.limits import AMOUNT_DECIMALS_MAX, AMOUNT_MAX

EXACT = Context(
    prec=50,
    rounding=ROUND_HALF_EVEN,
    Emin=-99,
    Emax=99,
    traps=[DivisionByZero, InvalidOperation, Overflow],
)
ZERO = Decimal(0)


def shortest(number: Decimal) -> Decimal:
    """`number` without trailing zeros, whole ones without an exponent: 25.00 -> 25, 1E+2 -> 100."""
    if number == number.to_integral_value():
        return Decimal(int(number))
    return number.normalize(EXACT)


def is_amount(number: Decimal) -> bool:
    """Whether `number` is finite and within the bounds in which arithmetic stays exact."""
    if not number.is_finite() or not -AMOUNT_MAX <= number <= AMOUNT_MAX:
        return False
    return EXACT.quantize(number, _FINEST) == number


_FINEST = Decimal(1).scaleb(-AMOUNT_DECIMALS_MAX)
