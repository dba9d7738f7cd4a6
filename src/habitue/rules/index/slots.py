"""Where facts are: paths from the frame to values that no effect changes.

Words: a *slot* is such a path. Its *steps* read a field (a Python attribute), a custom attribute,
or every element of a list. `Session.CartItems` with every element's `Sku` is one slot; its values
in one evaluation are the articles of the cart. What is unset has no value. Several fields of the
same element, read *together*, are one slot as well: its values are tuples.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from habitue.rules.compile.reads import ATTRIBUTES
from habitue.rules.dialect import Dialect, Field, Record
from habitue.rules.frame import Frame
from habitue.rules.types import Type

FIELD = "field"
ATTRIBUTE = "attribute"
EACH = "each"
TOGETHER = "together"
Step: TypeAlias = tuple[str, Any]
Steps: TypeAlias = tuple[Step, ...]
Read: TypeAlias = Callable[[Frame], Iterable[Any]]

EVERY: Step = (EACH, "")


class Place(msgspec.Struct, frozen=True):
    """A slot, and the type of what is there."""

    steps: Steps
    type: Type

    def elements(self) -> "Place | None":
        """The place of every element, where this is a list of known elements."""
        if self.type.kind != "list" or self.type.item is None:
            return None
        return Place((*self.steps, EVERY), self.type.item)


def variable_place(dialect: Dialect, name: str) -> Place | None:
    """The place of a variable of the dialect, unless it may change during an evaluation."""
    declared = dialect.variables.get(name)
    return _field_place((), declared) if declared is not None else None


def follow(dialect: Dialect, place: Place | None, names: Sequence[str]) -> Place | None:
    """The place that `names` lead to from `place`; None where it is not stable or not known."""
    while names and place is not None:
        record = dialect.records.get(place.type.record) if place.type.kind == "record" else None
        if record is None:
            return None
        declared = record.fields.get(names[0])
        if declared is not None:
            place, names = _field_place(place.steps, declared), names[1:]
        elif names[0] != ATTRIBUTES:
            place, names = _attribute_place(place.steps, record, names[0]), names[1:]
        elif len(names) > 1:
            place, names = _attribute_place(place.steps, record, names[1]), names[2:]
        else:
            return None
    return place


def _field_place(steps: Steps, declared: Field) -> Place | None:
    if not declared.stable:
        return None
    return Place((*steps, (FIELD, declared.attribute)), declared.type)


def _attribute_place(steps: Steps, record: Record, name: str) -> Place | None:
    declared = record.attributes.get(name)
    if declared is None or not record.stable_attributes:
        return None
    return Place((*steps, (ATTRIBUTE, name)), declared)


def reader(steps: Steps) -> Read:
    """The function that reads the values of a slot; unset ones may be among them as None."""
    leading = 0
    while leading < len(steps) and steps[leading][0] == FIELD:
        leading += 1
    prefix = [name for _, name in steps[:leading]]
    rest = _rest_reader(steps[leading:])

    def read(frame: Frame) -> Iterable[Any]:
        value: Any = frame
        for name in prefix:
            value = getattr(value, name)
            if value is None:
                return ()
        return rest(value)

    return read


def _rest_reader(steps: Steps) -> Callable[[Any], Iterable[Any]]:
    """Reads on from one value; the shapes that nearly all slots have are read without detours."""
    match steps:
        case ():
            return lambda value: (value,)
        case ((str() as kind, str() as name),):
            if kind == ATTRIBUTE:
                return lambda value: (value.attributes.get(name),)
            return _itself
        case (("each", _), ("field", str() as name)):
            field = attrgetter(name)
            return lambda values: map(field, values)
        case (("each", _), ("attribute", str() as name)):
            return lambda values: [each.attributes.get(name) for each in values]
        case (("each", _), ("together", tuple() as fields)):
            reads = [_rest_reader((EVERY, each)) for each in fields]
            return lambda values: zip(*[read(values) for read in reads], strict=True)
    return lambda value: _all_of([value], steps)


def _itself(values: Any) -> Iterable[Any]:
    return values  # type: ignore[no-any-return]


def _all_of(values: list[Any], steps: Steps) -> list[Any]:
    for kind, name in steps:
        if kind == EACH:
            values = [element for each in values for element in each]
        elif kind == ATTRIBUTE:
            values = [each.attributes.get(name) for each in values]
        else:
            values = [getattr(each, name) for each in values]
        values = [each for each in values if each is not None]
    return values
