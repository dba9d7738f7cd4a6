"""Numbers on the wire: how a JSON number becomes an exact one, and back.

Words: `Number` is how a wire struct declares an exact amount, and `Integer` a whole number that
every client, store and JavaScript program can hold.

Invariants: a `Number` is finite, within `AMOUNT_MAX`, and has at most `AMOUNT_DECIMALS_MAX`
decimals; a quoted number is not a number; no number, however it is written, costs more than its
length.

Callers compute in binary floating point and send 0.30000000000000004 where they mean 0.3. So what
a number has beyond `AMOUNT_DECIMALS_MAX` decimals is rounded away, here and nowhere else.

`Number` is a `Decimal` to type checkers and to whoever holds the value. It is declared apart
because the decoder would take a quoted "NaN" for a plain `Decimal`.
"""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec

from habitue.model.limits import AMOUNT_DECIMALS_MAX, AMOUNT_MAX

INTEGER_MAX = 2**53 - 1
Integer: TypeAlias = Annotated[int, msgspec.Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]

if TYPE_CHECKING:
    Number: TypeAlias = Decimal
else:

    class _HoldsDecimal(type):
        # The decoder asks this of every value that it makes: bound, so that no Python is run.
        __instancecheck__ = type.__instancecheck__.__get__(Decimal)

    class Number(metaclass=_HoldsDecimal):
        """An exact amount on the wire; its values are plain decimals."""


NUMBER_RULE = f"a number from -{AMOUNT_MAX} to {AMOUNT_MAX}"
ENCODER = msgspec.json.Encoder(decimal_format="number")
BEYOND = Decimal("Infinity")

_LEAST, _MOST = Decimal(-AMOUNT_MAX), Decimal(AMOUNT_MAX)
_SHORT = AMOUNT_DECIMALS_MAX + len("0.")
_LONGEST = 400
_STEP = Decimal(1).scaleb(-AMOUNT_DECIMALS_MAX)
_TINY = Decimal(1).scaleb(-_LONGEST)  # what is too small to count: rounded, it is zero
_EXPONENT = re.compile(r"[eE]([+-]?)0*(\d*)$", re.ASCII)


def exact(text: str) -> Decimal:
    """The number that a JSON literal with a fraction or an exponent stands for, `rounded`.

    Raises ValueError beyond any sane size.
    """
    if len(text) <= _SHORT and "e" not in text and "E" not in text:
        return Decimal(text)
    number = widest(text)
    if number is BEYOND:
        raise ValueError("Number out of range")
    return number


def widest(text: str) -> Decimal:
    """Like `exact`, but a number of insane size is `BEYOND` instead of an error."""
    number = literal(text)
    return number if number is BEYOND else rounded(number)


def literal(text: str) -> Decimal:
    """The number that stands there, to the last digit; `BEYOND` where its size is insane."""
    if len(text) > _LONGEST:
        return BEYOND
    match = _EXPONENT.search(text)
    if match is not None and len(match[2]) > (5 if match[1] == "-" else 2):
        return _TINY if match[1] == "-" else BEYOND
    return Decimal(text)


def rounded(number: Decimal) -> Decimal:
    """`number`, rounded half-even to `AMOUNT_DECIMALS_MAX` decimals where it has more."""
    if abs(number) > AMOUNT_MAX:
        return number
    nearest = number.quantize(_STEP)
    return number if nearest == number else nearest


def decode_special(kind: type, value: Any) -> Any:
    """What the decoder calls for the types it does not know: `Number`."""
    if kind is not Number:
        raise TypeError(f"{kind} is not a type of the wire")
    if type(value) is not Decimal:
        if type(value) is not int:
            raise ValueError("Expected `number`")
        value = Decimal(value)
    if _LEAST <= value <= _MOST:
        return value
    raise ValueError(f"Expected {NUMBER_RULE}")
