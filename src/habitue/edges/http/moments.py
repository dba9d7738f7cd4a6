"""Moments that requests name: in UTC from here on, and inside the calendar.

A moment may be sent with any offset (contracts/talon_one/SEMANTICS.md section 1.8). One at the edge
of the calendar falls out of it when it is brought to UTC, or is beyond what the store writes and
reads; it is refused by name, like any other value that cannot be taken.
"""

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import inspect as shapes

from habitue.edges.http.shapes import shape_of
from habitue.model.errors import Fault, InvalidInput

#: The first year that is taken, beyond every doubt about how the store writes it.
YEAR_MIN = 1000
#: The last year that is taken; clients write its last second for "never".
YEAR_MAX = 9999
_YEARS = f"{YEAR_MIN} to {YEAR_MAX} in UTC"

Value = TypeVar("Value")


def moment_fields(kind: Any) -> tuple[tuple[str, str], ...]:
    """The fields of a Struct that hold a moment: their names here and on the wire."""
    shape = shape_of(kind)
    if not isinstance(shape, shapes.StructType):
        return ()
    return tuple((each.name, each.encode_name) for each in shape.fields if _is_moment(each.type))


def in_utc(value: Value, fields: tuple[tuple[str, str], ...]) -> Value:
    """`value` with its moments in UTC. Raises InvalidInput for those outside the calendar."""
    sent = {name: getattr(value, name) for name, _ in fields}
    moved = {name: _moved(each) for name, each in sent.items() if isinstance(each, datetime)}
    faults = [
        Fault(f"/{wire_name}", "Out of range", f"{wire_name} is not in the years {_YEARS}")
        for name, wire_name in fields
        if name in moved and moved[name] is None
    ]
    if faults:
        raise InvalidInput(*faults)
    return msgspec.structs.replace(value, **moved) if moved else value  # type: ignore[type-var]


def _is_moment(shape: shapes.Type) -> bool:
    if isinstance(shape, shapes.UnionType):
        return any(map(_is_moment, shape.types))
    return isinstance(shape, shapes.DateTimeType)


def _moved(moment: datetime) -> datetime | None:
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment if moment.year >= YEAR_MIN else None
