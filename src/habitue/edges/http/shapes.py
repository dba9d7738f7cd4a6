"""The shape of a declared type, as msgspec describes it, with one correction.

msgspec sorts the values of a literal; errors and documentation list them as they were declared,
because that is the order in which the protocols list them.
"""

import typing
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

from msgspec import inspect
from msgspec.structs import force_setattr


@cache
def shape_of(kind: Any) -> inspect.Type:
    """The shape of `kind`."""
    shape = inspect.type_info(kind)
    _reorder(shape, kind, set())
    return shape


def inner(shape: inspect.Type) -> Iterator[tuple[str, inspect.Type]]:
    """The shapes that a value of this one is made of, other than fields: a suffix for each."""
    match shape:
        case inspect.UnionType():
            yield from (("", each) for each in shape.types)
        case (
            inspect.ListType()
            | inspect.SetType()
            | inspect.FrozenSetType()
            | inspect.VarTupleType()
        ):
            yield "[]", shape.item_type
        case inspect.DictType():
            yield "{}", shape.value_type


def _reorder(shape: inspect.Type, declared: Any, seen: set[int]) -> None:
    if id(shape) in seen:
        return
    seen.add(id(shape))
    if isinstance(shape, inspect.LiteralType):
        for values in _literals(declared):
            if set(values) == set(shape.values):
                force_setattr(shape, "values", values)
    elif isinstance(shape, inspect.StructType):
        hints = typing.get_type_hints(shape.cls, include_extras=True)
        for each in shape.fields:
            _reorder(each.type, hints[each.name], seen)
    for _, each_shape in inner(shape):
        _reorder(each_shape, declared, seen)


def _literals(declared: Any) -> Iterator[tuple[Any, ...]]:
    if typing.get_origin(declared) is Literal:
        yield typing.get_args(declared)
        return
    for each in typing.get_args(declared):
        yield from _literals(each)
