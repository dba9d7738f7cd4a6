"""`Idempotency-Key` for every write of the registration protocol, by one way.

Operations that keep their answers themselves are left as they are; every other one that writes is
enclosed in a transaction with its answer. The protocol knows no such header, so that whoever sends
none meets what the vendor has.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from habitue.edges.http.call import Answer, Call
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Handler, Operation
from habitue.edges.services import Services
from habitue.usecases.answer_once import answer_once
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply

#: Operations that are sent a body and write nothing.
READING_IDS = ("getCustomersInBulk", "generateAccessToken")


def written_once(operations: Iterable[Operation]) -> list[Operation]:
    """The operations, each of which takes an Idempotency-Key if it writes."""
    return [
        replace(each, handler=_once(each.handler), idempotent=True) if _needs_it(each) else each
        for each in operations
    ]


def _needs_it(operation: Operation) -> bool:
    reads = operation.method in ("GET", "HEAD") or operation.id in READING_IDS
    return not (reads or operation.idempotent)


def _once(handler: Handler) -> Handler:
    async def answered(call: Call[Any, Any, Any]) -> Answer:
        promise = call.idempotency
        if promise is None:
            return await handler(call)

        async def work(shop: Shop) -> Reply:
            answer = await handler(msgspec.structs.replace(call, services=Services(shop)))
            return Reply(answer.status, ENCODER.encode(answer.body))

        reply = await answer_once(call.services.shop, promise, call.now, work)
        return Answer(reply.status, reply.body)

    return answered
