"""A type with one field of every kind that bodies have, and bodies for it."""

from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from msgspec import Meta

from habitue.edges.http.numbers import Integer, Number


class Circle(msgspec.Struct, tag="circle"):
    radius: Number


class Square(msgspec.Struct, tag="square"):
    side: Number


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Tree(msgspec.Struct):
    name: str
    children: "list[Tree]" = []


class Everything(msgspec.Struct, rename="camel"):
    """One field of every kind that bodies have."""

    text: Annotated[str, Meta(min_length=1, max_length=3, pattern="^[a-c]*$")] = "a"
    whole: Annotated[int, Meta(gt=0, lt=10)] = 1
    even: Annotated[int, Meta(multiple_of=2, le=100)] = 2
    amount: Number | None = None
    flag: bool = False
    colour: Colour = Colour.RED
    level: Literal[1, 2] = 1
    key: UUID | None = None
    shape: Circle | Square | None = None
    either: str | list[Integer] | bool | None = None
    prices: dict[Annotated[str, Meta(max_length=2)], Number] = {}
    pairs: Annotated[list[list[Integer]], Meta(min_length=1, max_length=2)] | None = None
    tree: Tree | None = None
    anything: Any = None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["a", "abcd", "\0", "red", "square", "2026-03-01T00:00:00Z", "", "é"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "side", "radius", "name", "children", "x"]), inner
        )
    ),
    max_leaves=8,
)
NAMES = [field.encode_name for field in msgspec.structs.fields(Everything)]
