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
    if not number.is_finite():
        return False
    if not number:
        return True
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int), "the number is finite"
    if number.adjusted() > _AMOUNT_DIGITS or abs(number) > AMOUNT_MAX:
        return False
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return -(exponent + zeros) <= AMOUNT_DECIMALS_MAX


_AMOUNT_DIGITS = AMOUNT_MAX.adjusted()
