"""Types of the rule language, for the checker and the compiler.

Words: *any* is the type of what only evaluation can tell; it fits everywhere and is checked then.
A *record* is a thing with named fields that a dialect declares (Session, Profile, Item). *Missing*
values are not a type: reading an unset attribute is an error of evaluation.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Type:
    """One type: its kind, and for lists what they hold, for records which."""

    kind: str
    item: "Type | None" = None
    record: str = ""

    def __str__(self) -> str:
        if self.kind == "list":
            return f"list of {self.item or ANY}"
        return self.record or self.kind


NUMBER = Type("number")
STRING = Type("string")
BOOLEAN = Type("boolean")
TIME = Type("time")
NULL = Type("null")
MAP = Type("map")
ANY = Type("any")
#: The result of an effect function: legal only as an effect, never inside a formula.
EFFECT = Type("effect")


def list_of(item: Type) -> Type:
    """The type of a list whose elements are of type `item`."""
    return Type("list", item=item)


def per_item(record_name: str, value: Type = NUMBER) -> Type:
    """A parameter of a host function that takes a value, or a block from one record to a value.

    `["setDiscountPerItem", "5 off", 5]` passes the number; `["setDiscountPerItem", "10% off",
    [["Item"], ["*", [".", "Item", "Price"], 0.1]]]` passes a Python function of the record.
    """
    return Type("value or block", item=value, record=record_name)


def record(name: str) -> Type:
    """The type of the record that the dialect declares under `name`."""
    return Type("record", record=name)
