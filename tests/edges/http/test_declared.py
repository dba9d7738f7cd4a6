"""Requests whose types are too loose are found when the application is built."""

from decimal import Decimal
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from habitue.edges.http.application import build
from habitue.edges.http.numbers import Integer, Number
from habitue.edges.http.operation import Operation
from tests.edges.http.shop import DOOR, echo


class Loose(msgspec.Struct, rename="camel"):
    unit_price: list[Decimal | None]
    weight: float
    limit: dict[str, int]
    below: "Loose | None" = None
    huge: Annotated[int, Meta(le=2**60)] = 0


class Tight(msgspec.Struct):
    price: Number
    count: Integer
    small: Annotated[int, Meta(lt=5)]
    below: "Tight | None" = None


def test_every_loose_field_is_named() -> None:
    operation = Operation("save", "POST", "/save", echo, DOOR, body=Loose)
    with pytest.raises(TypeError) as error:
        build([operation], None)
    number = "declare it as habitue.edges.http.numbers.Number"
    integer = "declare it as habitue.edges.http.numbers.Integer"
    assert str(error.value).splitlines() == [
        f"save: Loose.unitPrice[] is a Decimal; {number}",
        f"save: Loose.weight is a float; {number}",
        f"save: Loose.limit{{}} is an unbounded int; {integer}",
        "save: Loose.huge may be greater than 9007199254740991",
    ]


def test_bounded_fields_pass() -> None:
    operation = Operation("save", "POST", "/save", echo, DOOR, body=Tight, query=Tight)
    assert build([operation], None).services is None
