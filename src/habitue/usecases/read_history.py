"""Reading what has happened to a customer card: every change, with who and when."""

from datetime import datetime
from typing import Any

import msgspec

from habitue.customers.card import Actor
from habitue.model.documents import decode_untyped, decoder_of
from habitue.store import card_reading
from habitue.usecases.find_customer import find_customer
from habitue.usecases.shop import Shop

_ACTOR = decoder_of(Actor)


class RecordedChange(msgspec.Struct, frozen=True):
    """One change: of which root, what kind, by whom, and the values before and after."""

    id: int
    root_id: int
    kind: str
    at: datetime
    actor: Actor
    changes: Any


class History(msgspec.Struct, frozen=True):
    """Some of the changes, the last first, and how many there are in all."""

    changes: tuple[RecordedChange, ...]
    total: int


async def read_history(
    shop: Shop, customer_id: int, limit: int, offset: int, now: datetime
) -> History:
    """What has happened to the card and to what was joined in it.

    Raises `CustomerNotFound`, `CustomerMerged` or `CustomerErased`.
    """
    await find_customer(shop, customer_id, now)
    page = await card_reading.read_changes(shop.database, customer_id, limit, offset)
    changes = (
        RecordedChange(
            each.id,
            each.root_id,
            each.kind,
            each.at,
            _ACTOR.decode(each.actor),
            decode_untyped(each.changes),
        )
        for each in page.changes
    )
    return History(tuple(changes), page.total)
