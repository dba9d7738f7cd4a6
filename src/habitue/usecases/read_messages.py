"""Looking at what left through the outbox, and sending again what was given up."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.model.errors import NotFound
from habitue.store import outbox
from habitue.store.outbox import MessageFilter, MessageRow
from habitue.usecases.shop import Shop


async def read_messages(
    shop: Shop, wanted: MessageFilter, page_size: int
) -> tuple[list[MessageRow], int | None]:
    """A page of messages, newest first, and the id before which the next page begins."""
    found = await outbox.listed(shop.database, wanted, page_size + 1)
    page = found[:page_size]
    return page, page[-1].id if len(found) > page_size else None


async def replay_messages(shop: Shop, ids: Sequence[int], now: datetime) -> int:
    """Dead messages wait again, from the first attempt on; how many did."""
    return len(await outbox.replay(shop.database, ids, now))


async def replay_message(shop: Shop, message_id: int, now: datetime) -> MessageRow:
    """The same with one. Raises `NotFound` unless it is a dead message."""
    replayed = await outbox.replay(shop.database, [message_id], now)
    if not replayed:
        raise NotFound("Dead message", message_id)
    return replayed[0]


async def replay_all(shop: Shop, wanted: MessageFilter, now: datetime) -> int:
    """The same with every dead message of that kind."""
    dead = msgspec.structs.replace(wanted, state="dead")
    count = 0
    while found := await outbox.listed(shop.database, dead, _BATCH):
        count += await replay_messages(shop, [each.id for each in found], now)
    return count


_BATCH = 500
