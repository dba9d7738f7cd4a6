"""Requests as structs of optional fields, laid over what is stored.

Words: a field that was not *sent* keeps its value, or takes its default in something new; a field
that was sent as null is set back to its default. Fields have the names of the value type that they
belong to.
"""

from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value", bound=msgspec.Struct)


def sent(fields: msgspec.Struct) -> dict[str, Any]:
    """The fields that were sent, by name."""
    values = {name: getattr(fields, name) for name in fields.__struct_fields__}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}


def laid_over(value: Value, changes: dict[str, Any]) -> Value:
    """`value` with those fields changed; a change to None takes the default of the type."""
    defaults = {field.name: field for field in msgspec.structs.fields(type(value))}
    settled = {
        name: _default(defaults[name]) if change is None else change
        for name, change in changes.items()
    }
    return msgspec.structs.replace(value, **settled)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None if field.default is msgspec.NODEFAULT else field.default
