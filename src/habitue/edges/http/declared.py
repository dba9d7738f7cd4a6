"""Checks of the types that operations declare, made once when the application is built.

A plain `Decimal` would take a quoted "NaN", and a plain `int` a number that no database column
holds; both would fail far from the edge. So a request's amounts are declared as `Number` and its
whole numbers as `Integer`, or with an upper bound of their own.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import inspect as shapes

from habitue.edges.http.numbers import INTEGER_MAX, Number
from habitue.edges.http.operation import Operation
from habitue.edges.http.shapes import inner, shape_of


def check_operation(operation: Operation) -> None:
    """Raise TypeError naming every field of a request that is declared too loosely."""
    found = [
        f"{operation.id}: {path} {complaint}"
        for kind in (operation.body, operation.query)
        if kind is not None
        for path, complaint in _complaints(shape_of(kind), kind_name(kind), ())
    ]
    if found:
        raise TypeError("\n".join(found))


def kind_name(kind: Any) -> str:
    """What a declared type is called."""
    return getattr(kind, "__name__", str(kind))


def _complaints(
    shape: shapes.Type, path: str, above: tuple[type, ...]
) -> Iterator[tuple[str, str]]:
    match shape:
        case shapes.DecimalType():
            yield path, "is a Decimal; declare it as habitue.edges.http.numbers.Number"
        case shapes.FloatType():
            yield path, "is a float; declare it as habitue.edges.http.numbers.Number"
        case shapes.IntType(le=le, lt=lt) if le is None and lt is None:
            yield path, "is an unbounded int; declare it as habitue.edges.http.numbers.Integer"
        case shapes.IntType(le=le) if le is not None and le > INTEGER_MAX:
            yield path, f"may be greater than {INTEGER_MAX}"
        case shapes.CustomType() if shape.cls is not Number:
            yield path, "is of a type that bodies do not have"
        case shapes.StructType() if shape.cls not in above:
            for each in shape.fields:
                yield from _complaints(each.type, f"{path}.{each.encode_name}", (*above, shape.cls))
        case _:
            for name, each_shape in inner(shape):
                yield from _complaints(each_shape, path + name, above)
