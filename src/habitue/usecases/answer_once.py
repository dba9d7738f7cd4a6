"""Writing once, however often the same request comes, whatever it is that is written.

The key is claimed first and the answer noted last, in the one transaction that encloses the write.
So whoever comes with the same key meanwhile waits for that answer and is given it. A write that is
refused or lost leaves the key free, and so does an answer that says that nothing was done. Use
cases that keep their answers in their own save, in no round trip more, do not need this.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from habitue.model.errors import Conflict
from habitue.model.idempotency import Idempotency
from habitue.store import receipts
from habitue.store.failures import GuardFailed, LockTimeout
from habitue.usecases.session_state import receipt_key
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, earlier_reply

_TRIES_MAX = 3
_STATUS_REFUSED_MIN = 400

Work = Callable[[Shop], Awaitable[Reply]]


class KeyBusy(Conflict):
    """A request with the same idempotency key is still being answered."""

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is being answered; try again")


async def answer_once(shop: Shop, idempotency: Idempotency, now: datetime, work: Work) -> Reply:
    """What `work` answers in the shop that it is handed, or what it has answered before.

    Raises what `work` raises, with nothing stored; `KeyReused`, and `KeyBusy`.
    """
    key = receipt_key(idempotency)
    assert key is not None
    for _ in range(_TRIES_MAX):
        earlier = earlier_reply(await receipts.find(shop.database, key, now), idempotency)
        if earlier is not None:
            return earlier
        try:
            async with shop.database.transaction() as transaction:
                await receipts.claim(transaction, key, idempotency.request_hash, now)
                reply = await work(shop.within(transaction))
                if reply.status < _STATUS_REFUSED_MIN:
                    await receipts.complete(transaction, key, reply.status, reply.body)
                else:
                    await receipts.release(transaction, key)
        except GuardFailed:
            continue
        except LockTimeout:
            break
        await shop.refresh()
        return reply
    raise KeyBusy
