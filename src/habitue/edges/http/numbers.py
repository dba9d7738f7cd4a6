"""Numbers on the wire: how a JSON number becomes an exact one, and back.

Words: `Number` is how a wire struct declares an exact amount, and `Integer` a whole number that
every client, store and JavaScript program can hold. *Noise* is the tail of a number that a caller
computed in binary floating point, such as 0.30000000000000004.

Invariants: a `Number` is finite, within `AMOUNT_MAX`, and has at most `AMOUNT_DECIMALS_MAX`
decimals; a quoted number is not a number; no number, however it is written, costs more than its
length.

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
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, Decimal)

    class Number(metaclass=_HoldsDecimal):
        """An exact amount on the wire; its values are plain decimals."""


NUMBER_RULE = f"a number of at most {AMOUNT_MAX} with at most {AMOUNT_DECIMALS_MAX} decimals"
ENCODER = msgspec.json.Encoder(decimal_format="number")
BEYOND = Decimal("Infinity")

_SHORT = 15  # a double keeps every number of 15 digits as it was written
_LONGEST = 400
_STEP = Decimal(1).scaleb(-AMOUNT_DECIMALS_MAX)
_EXPONENT = re.compile(r"[eE][+-]?0*(\d*)$", re.ASCII)


def exact(text: str) -> Decimal:
    """The number that a JSON literal with a fraction or an exponent stands for.

    Noise is rounded away: a literal of 16 digits or more that has more than `AMOUNT_DECIMALS_MAX`
    decimals is rounded half-even to that many. Raises ValueError beyond any sane size.
    """
    if len(text) <= _SHORT and "e" not in text and "E" not in text:
        return Decimal(text)
    number = widest(text)
    if number is BEYOND:
        raise ValueError("Number out of range")
    return number


def widest(text: str) -> Decimal:
    """Like `exact`, but a number of insane size is `BEYOND` instead of an error."""
    if len(text) > _LONGEST or _is_huge(text):
        return BEYOND
    number = Decimal(text)
    return _without_noise(number) if len(text) > _SHORT else number


def decode_special(kind: type, value: Any) -> Any:
    """What the decoder calls for the types it does not know: `Number`."""
    if kind is not Number:
        raise NotImplementedError(f"{kind} is not a type of the wire")
    if type(value) is int:
        value = Decimal(value)
    elif type(value) is not Decimal:
        raise ValueError("Expected `number`")
    if not fits(value):
        raise ValueError(f"Expected {NUMBER_RULE}")
    return value


def fits(value: Decimal) -> bool:
    """Whether `value` is within the bounds of a `Number`."""
    if -AMOUNT_MAX <= value <= AMOUNT_MAX:
        return value.quantize(_STEP) == value
    return False


def _is_huge(text: str) -> bool:
    match = _EXPONENT.search(text)
    return match is not None and len(match[1]) > 2


def _without_noise(number: Decimal) -> Decimal:
    if len(number.as_tuple().digits) <= _SHORT or abs(number) > AMOUNT_MAX:
        return number
    rounded = number.quantize(_STEP)
    return number if rounded == number else rounded
