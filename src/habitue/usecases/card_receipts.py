"""Making loyalty cards once, however often the same request comes.

The answer is stored in the transaction that makes the cards; a request that comes again under its
key is given that answer.
"""

from datetime import datetime

from habitue.model.idempotency import Idempotency
from habitue.store import loyalty_cards
from habitue.store.database import Connection
from habitue.store.receipts import Receipt
from habitue.usecases.session_state import receipt_key
from habitue.usecases.writing import Reply, earlier_reply


async def answered_before(
    connection: Connection, idempotency: Idempotency | None, now: datetime
) -> Reply | None:
    """The stored answer to the same request. Raises `KeyReused` when the request was another."""
    key = receipt_key(idempotency)
    if key is None:
        return None
    return earlier_reply(await loyalty_cards.find_receipt(connection, key, now), idempotency)


async def keep_answer(
    connection: Connection, idempotency: Idempotency | None, reply: Reply, now: datetime
) -> None:
    """Stores the answer, if the caller gave a key. Raises `GuardFailed` when it is taken."""
    key = receipt_key(idempotency)
    if key is not None and idempotency is not None:
        receipt = Receipt(idempotency.request_hash, reply.status, reply.body)
        await loyalty_cards.save_receipt(connection, key, receipt, now)
