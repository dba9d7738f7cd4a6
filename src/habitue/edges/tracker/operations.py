"""The operations of the tracker's collector."""

from habitue.edges.http.operation import Operation
from habitue.edges.tracker.collecting import collecting_operations
from habitue.edges.tracker.door import with_preflights


def tracker_operations() -> list[Operation]:
    """The script's own protocol, and the addresses of both vendors."""
    return with_preflights([*collecting_operations()])
