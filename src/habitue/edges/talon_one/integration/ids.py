"""Ids of sessions and profiles as they stand in paths."""

from typing import Any

from habitue.edges.http.operation import Call
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import INTEGRATION_ID_LENGTH_MAX


def integration_id(call: Call[Any, Any, Any], name: str) -> str:
    """The id that the path names so. Raises `InvalidInput`."""
    found = call.path[name]
    if 0 < len(found) <= INTEGRATION_ID_LENGTH_MAX and "\0" not in found:
        return found
    details = f"an id has 1 to {INTEGRATION_ID_LENGTH_MAX} characters, none of them zero"
    raise InvalidInput(Fault("", "Invalid id", details, parameter=name))
