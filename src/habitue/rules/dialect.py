"""What a host adds to the core language: its variables, their fields, and its own functions.

Words: a *field* is a readable name of a record, with the type and the name of the Python attribute
that holds it. *Attributes* are the fields that a shop defines itself; they live in a dictionary and
may be unset. A *host function* is implemented by the host and receives the frame of the evaluation
first. The core language (`habitue.rules.functions`) is always there.

The promotion engine declares its dialect in `habitue.promotions.dialect`; this room knows none of
its words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from habitue.rules.types import Type


@dataclass(frozen=True, slots=True)
class Field:
    """A readable field of a record.

    `attribute` is the Python attribute that holds it. `stable` promises that no effect changes the
    value during an evaluation, so that campaigns may be found through it by an index. `nullable`
    says that the Python value may be None, which a rule sees as unset.
    """

    type: Type
    attribute: str
    stable: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A thing with fields; `attributes` are the custom ones, held in the dictionary `.attributes`.

    A custom attribute is read as `[".", "Item", "Attributes", "color"]` and, where no field has
    that name, also as `[".", "Item", "color"]`.
    """

    fields: Mapping[str, Field]
    attributes: Mapping[str, Type] = field(default_factory=dict)
    stable_attributes: bool = False


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function of the host: `call(frame, *arguments)`.

    `parameters` are positional; the last `optional` of them may be left out. A parameter of the
    type `types.per_item("Item")` also takes a block, which `call` gets as a Python function.
    `feature` names what a campaign must have switched on for the function to be allowed, for
    instance "coupons". `on_items` says of an effect that it is about units of the cart, and
    `on_failure` that it may also happen where a rule's condition does not hold.
    """

    name: str
    parameters: tuple[tuple[str, Type], ...]
    result: Type
    call: Callable[..., Any]
    optional: int = 0
    feature: str | None = None
    description: str = ""
    on_items: bool = False
    on_failure: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """The host's variables and functions.

    `variables` maps the name that rules read (`Session`) to its record type and to the attribute of
    the frame that holds it (`session`); None there means that the evaluation has no such thing.
    """

    variables: Mapping[str, Field]
    records: Mapping[str, Record]
    functions: Mapping[str, HostFunction]
