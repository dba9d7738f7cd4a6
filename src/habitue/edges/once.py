"""`Idempotency-Key` for operations that keep no answers themselves: whatever such an operation
writes is enclosed in one transaction with its answer, so that it happens once.
"""

from typing import Any

import msgspec

from habitue.edges.http.call import Answer, Call
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Handler
from habitue.usecases.answer_once import answer_once
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


def once(handler: Handler) -> Handler:
    """The same handler, which does nothing where the same request was answered before."""

    async def answered(call: Call[Any, Any, Any]) -> Answer:
        promise = call.idempotency
        if promise is None:
            return await handler(call)

        async def work(shop: Shop) -> Reply:
            within = type(call.services)(shop)
            answer = await handler(msgspec.structs.replace(call, services=within))
            body = b"" if answer.body is None else ENCODER.encode(answer.body)
            return Reply(answer.status, body)

        reply = await answer_once(call.services.shop, promise, call.now, work)
        return Answer(reply.status, reply.body or None)

    return answered
