"""What is wrong with a single value: a string, a number, a boolean, a time.

The decoder is asked whether it takes the value; only the words are made here, out of the declared
type. Invariant: a fault is reported exactly where the decoder refuses the value.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import inspect as shapes

from habitue.edges.http.numbers import BEYOND, NUMBER_RULE, Number, decode_special
from habitue.model.errors import Fault

_WORDS: dict[type[shapes.Type], str] = {
    shapes.NoneType: "null",
    shapes.BoolType: "a boolean",
    shapes.IntType: "an integer",
    shapes.FloatType: "a number",
    shapes.StrType: "a string",
    shapes.BytesType: "a base64 string",
    shapes.DateTimeType: "a time (RFC 3339, with an offset)",
    shapes.DateType: "a date (YYYY-MM-DD)",
    shapes.TimeType: "a time of day",
    shapes.TimeDeltaType: "a duration (ISO 8601)",
    shapes.UUIDType: "a UUID",
    shapes.CustomType: "a number",
    shapes.StructType: "an object",
    shapes.DictType: "an object",
    shapes.ListType: "an array",
}
_PLAIN: dict[type[shapes.Type], Any] = {
    shapes.NoneType: None,
    shapes.BoolType: bool,
    shapes.BytesType: bytes,
    shapes.DateType: date,
    shapes.TimeType: time,
    shapes.TimeDeltaType: timedelta,
    shapes.UUIDType: UUID,
}


def words_of(shape: shapes.Type) -> str:
    """A type in words, with its article."""
    if isinstance(shape, (shapes.EnumType, shapes.LiteralType)):
        return "one of " + _options(shape)
    return _WORDS.get(type(shape), "of the declared type")


def shown(name: str, value: Any) -> str:
    """A value in words: 'Value of "quantity" (false)'; long ones are cut."""
    match value:
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case dict():
            text = "an object"
        case list():
            text = "an array"
        case Decimal() if value is BEYOND:
            text = "a huge number"
        case _:
            text = str(value)
    text = text if len(text) <= 80 else text[:77] + "..."
    return f"{name} ({text})" if name == "The body" else f'Value of "{name}" ({text})'


def leaf_fault(value: Any, shape: shapes.Type, pointer: str, name: str) -> Fault | None:
    """What is wrong with `value`, or None where the decoder takes it."""
    if value is not BEYOND and _is_taken(value, shape):
        return None
    if isinstance(shape, (shapes.EnumType, shapes.LiteralType)):
        details = f"{name} must be one of the following: {_options(shape)}"
        return Fault(pointer, "enum", details)
    if not _is_of_kind(value, shape):
        return Fault(pointer, "Invalid type", f"{shown(name, value)} is not {words_of(shape)}")
    title, rule = _broken_rule(value, shape)
    return Fault(pointer, title, f"{name} {rule}")


def _is_taken(value: Any, shape: shapes.Type) -> bool:
    try:
        msgspec.convert(value, _annotation(shape), dec_hook=decode_special)
    except (ValueError, OverflowError, ArithmeticError):
        return False
    return True


def _annotation(shape: shapes.Type) -> Any:
    match shape:
        case shapes.IntType() | shapes.FloatType():
            rules = {rule: getattr(shape, rule) for rule in ("gt", "ge", "lt", "le", "multiple_of")}
            kind = int if isinstance(shape, shapes.IntType) else float
            return Annotated[kind, msgspec.Meta(**rules)]
        case shapes.StrType():
            lengths = msgspec.Meta(min_length=shape.min_length, max_length=shape.max_length)
            return Annotated[str, lengths, msgspec.Meta(pattern=shape.pattern)]
        case shapes.DateTimeType():
            return Annotated[datetime, msgspec.Meta(tz=shape.tz)]
        case shapes.LiteralType():
            return Literal[shape.values]
        case shapes.EnumType() | shapes.CustomType():
            return shape.cls
    return _PLAIN.get(type(shape), Any)


def _is_of_kind(value: Any, shape: shapes.Type) -> bool:
    if isinstance(shape, shapes.IntType):
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(shape, (shapes.FloatType, shapes.CustomType)):
        return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return isinstance(shape, shapes.StrType) and isinstance(value, str)


def _broken_rule(value: Any, shape: shapes.Type) -> tuple[str, str]:
    if isinstance(shape, shapes.StrType):
        return _broken_text_rule(value, shape)
    if isinstance(shape, shapes.CustomType) and shape.cls is Number:
        return "maximum", f"is not {NUMBER_RULE}"
    return _broken_number_rule(value, shape)


def _broken_text_rule(value: str, shape: shapes.StrType) -> tuple[str, str]:
    if shape.min_length is not None and len(value) < shape.min_length:
        return "minLength", f"must have at least {shape.min_length} characters"
    if shape.max_length is not None and len(value) > shape.max_length:
        details = f"may have at most {shape.max_length} characters, not {len(value)}"
        return "maxLength", details
    return "pattern", f"must match {shape.pattern}"


def _broken_number_rule(value: Any, shape: Any) -> tuple[str, str]:
    if shape.ge is not None and value < shape.ge:
        return "minimum", f"must be at least {shape.ge}"
    if shape.gt is not None and value <= shape.gt:
        return "exclusiveMinimum", f"must be greater than {shape.gt}"
    if shape.le is not None and value > shape.le:
        return "maximum", f"may be at most {shape.le}"
    if shape.lt is not None and value >= shape.lt:
        return "exclusiveMaximum", f"must be less than {shape.lt}"
    return "multipleOf", f"must be a multiple of {shape.multiple_of}"


def _options(shape: shapes.EnumType | shapes.LiteralType) -> str:
    values = (
        shape.values
        if isinstance(shape, shapes.LiteralType)
        else [each.value for each in shape.cls]
    )
    return ", ".join(f'"{each}"' if isinstance(each, str) else str(each) for each in values)
