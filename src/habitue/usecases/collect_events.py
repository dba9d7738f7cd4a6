"""What visitors did: messages become events of their customers' timelines, each exactly once.

A device that nobody has seen is an anonymous customer of its own from then on. Events do not move
the customer's version: nothing that is decided about a customer rests on them.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.customers.timeline import Document
from habitue.model.documents import encode
from habitue.store import events
from habitue.store.events import EventsWrite
from habitue.store.failures import GuardFailed
from habitue.usecases.identify_visitor import Device
from habitue.usecases.order_sessions import Buyer, close_order
from habitue.usecases.shop import Shop

_TRIES_MAX = 5


class Message(msgspec.Struct, frozen=True):
    """One event on its way: the key under which it is stored once, its age and name, what it says.

    The document holds what JSON is written from: plain values, or structs that stand for them.
    """

    key: str
    age_us: int
    name: str
    document: Document


class Collected(msgspec.Struct, frozen=True):
    """How many messages were new and how many were not; whether the device was new."""

    stored: int
    duplicates: int
    created: bool = False


async def collect_events(
    shop: Shop, device: Device, messages: Sequence[Message], now: datetime
) -> Collected:
    """Stores what is new of the messages."""
    by_key = {each.key: each for each in messages}
    keys = sorted(by_key)
    ordered = [by_key[key] for key in keys]
    settings = shop.configuration.organisation.settings
    write = EventsWrite(
        device_key=device.key,
        device=device.id,
        visit=device.visit,
        shared_max=settings.shared_cards_max,
        now=now,
        messages=keys,
        ages_us=[each.age_us for each in ordered],
        names=[each.name for each in ordered],
        documents=encode([each.document for each in ordered]),
    )
    done = await _stored(shop, write)
    for order in dict.fromkeys(_orders(ordered)):
        await close_order(shop, Buyer(done.owner, device.key), order, now)
    return Collected(done.stored, len(messages) - done.stored, done.created)


async def _stored(shop: Shop, write: EventsWrite) -> events.EventsStored:
    for _ in range(_TRIES_MAX - 1):
        try:
            return await events.store(shop.database, write)
        except GuardFailed:
            continue
    return await events.store(shop.database, write)


def _orders(messages: Sequence[Message]) -> list[str]:
    return [
        each.document["order"]
        for each in messages
        if each.name == "purchase" and each.document.get("order")
    ]
