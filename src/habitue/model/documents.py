"""Values as JSON documents in the database, exact in both directions.

Numbers keep every digit: a typed `Decimal` is read from the digits themselves, and so is a number
in an untyped attribute.
"""

from decimal import Decimal
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_UNTYPED = msgspec.json.Decoder(float_hook=Decimal)


def encode(value: Any) -> bytes:
    """`value` as a JSON document."""
    return _ENCODER.encode(value)


def decode_untyped(document: bytes) -> Any:
    """A JSON document as plain Python values, with exact numbers; whole numbers are integers."""
    return _UNTYPED.decode(document)


def decoder_of(type_: type[T]) -> "msgspec.json.Decoder[T]":
    """A decoder of documents that hold values of that type."""
    return msgspec.json.Decoder(type_, float_hook=Decimal)
