"""The way of every write: load, decide, save; and again when something moved in between.

The first try takes no locks: two round trips, and a guard that fails if the world has moved. The
next tries hold the rows while they decide, so that a busy customer is served in turn and nobody
starves. The wait for a row and the number of tries are bounded; beyond them the request is refused
as busy, with nothing stored.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from habitue.model.errors import Conflict, KeyReused
from habitue.model.idempotency import Idempotency
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed, LockTimeout
from habitue.store.locks import limit_waiting
from habitue.store.receipts import Receipt
from habitue.usecases.shop import Shop

#: A write that holds its rows can only be overtaken by what it claims beside them (a coupon's last
#: use, an id that was new to both); each such loss is final, so few tries settle it.
LOCKED_TRIES_MAX = 8

Result = TypeVar("Result")


class Reply(msgspec.Struct, frozen=True):
    """An answer in the caller's protocol: a status and a body that is sent as it is."""

    status: int
    body: bytes


async def settled(
    shop: Shop,
    attempt: Callable[[Connection, bool], Awaitable[Result]],
    busy: type[Conflict],
) -> Result:
    """The result of the first `attempt(connection, locked)` whose guards hold.

    Raises `busy` when other requests keep the rows for too long.
    """
    try:
        return await attempt(shop.database, False)
    except (GuardFailed, LockTimeout):
        return await settled_locked(shop, attempt, busy)


async def settled_locked(
    shop: Shop,
    attempt: Callable[[Connection, bool], Awaitable[Result]],
    busy: type[Conflict],
) -> Result:
    """The same in a transaction from the first try on, for what is several writes."""
    for _ in range(LOCKED_TRIES_MAX):
        try:
            async with shop.database.transaction() as connection:
                await limit_waiting(connection, shop.settings.lock_wait_seconds)
                return await attempt(connection, True)
        except GuardFailed:
            continue
        except LockTimeout:
            raise busy from None
    raise busy


def earlier_reply(receipt: Receipt | None, idempotency: Idempotency | None) -> Reply | None:
    """The stored answer to the same request. Raises `KeyReused` when the request was another."""
    if receipt is None or idempotency is None:
        return None
    if receipt.request_hash != idempotency.request_hash:
        raise KeyReused
    return Reply(receipt.status, receipt.answer)
