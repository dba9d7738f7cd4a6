"""`Idempotency-Key` for every write of the registration protocol, by one way.

Operations that keep their answers themselves are left as they are; every other one that writes is
enclosed in a transaction with its answer. The protocol knows no such header, so that whoever sends
none meets what the vendor has.
"""

from collections.abc import Iterable
from dataclasses import replace

from habitue.edges.http.operation import Operation
from habitue.edges.once import once

#: Operations that are sent a body and write nothing.
READING_IDS = ("getCustomersInBulk", "generateAccessToken")


def written_once(operations: Iterable[Operation]) -> list[Operation]:
    """The operations, each of which takes an Idempotency-Key if it writes."""
    return [
        replace(each, handler=once(each.handler), idempotent=True) if _needs_it(each) else each
        for each in operations
    ]


def _needs_it(operation: Operation) -> bool:
    reads = operation.method in ("GET", "HEAD") or operation.id in READING_IDS
    return not (reads or operation.idempotent)
