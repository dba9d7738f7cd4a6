"""Reading back what is known of a device's visitor.

A device is told what it told itself. What others told of the person is for those who prove that
they may know: a device for which the shop has signed, or a server of the shop.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from habitue.customers.card import Card
from habitue.customers.consent import EMAIL, MARKETING, standing
from habitue.customers.golden import Golden, golden_view
from habitue.customers.identifier import Rejected, key_of, read_identifier
from habitue.customers.sources import TRACKER
from habitue.customers.timeline import Document, cart_after, united_items
from habitue.model.documents import decode_untyped
from habitue.store import card_reading, events, visitors
from habitue.store.events import EventRow
from habitue.usecases.card_state import card_of
from habitue.usecases.identify_visitor import Device
from habitue.usecases.shop import Shop

#: So far back a cart and orders are looked for.
_CART_EVENTS_MAX = 500


class Visitor(msgspec.Struct, frozen=True):
    """What a device told, and the whole of its person where that may be known."""

    told: dict[str, Any]
    customer_id: int | None = None
    card: Card | None = None
    golden: Golden | None = None

    def trait(self, name: str) -> Any:
        """The value of a trait, as far as it may be read."""
        if self.golden is not None and name in self.golden.traits:
            return self.golden.traits[name].value
        return self.told.get(f"told/{name}")

    def fields(self) -> dict[str, Any]:
        """The shop's own values."""
        own = {
            name.removeprefix("fields/"): value
            for name, value in self.told.items()
            if name.startswith("fields/")
        }
        if self.golden is not None:
            own |= {name: each.value for name, each in self.golden.fields.items()}
        return own

    @property
    def has_email(self) -> bool:
        """Whether there is an e-mail address to write to."""
        if self.golden is not None and "email" in self.golden.contacts:
            return True
        return bool(self.told.get("has_email"))

    def agrees(self, now: datetime, channel: str = EMAIL, purpose: str = MARKETING) -> bool:
        """Whether the person may be written to, as far as it may be read."""
        if self.card is not None:
            return standing(self.card, channel, purpose, now).state == "granted"
        return self.told.get(f"consents/{channel}/{purpose}") == "granted"


async def read_visitor(shop: Shop, device: Device, *, server: bool = False) -> Visitor | None:
    """The visitor of a device; None where the device has not been seen."""
    row = await visitors.read_device(shop.database, device.key)
    if row is None:
        return None
    told = decode_untyped(row.told)
    if not (server or row.proven):
        return Visitor(told, row.customer_id)
    return await _whole(shop, told, row.customer_id)


async def read_named(shop: Shop, names: list[tuple[str, str]], now: datetime) -> Visitor | None:
    """The visitor whom a server of the shop names by one of these kinds and values."""
    settings = shop.configuration.organisation.settings
    space = settings.space_of(TRACKER)
    for kind, value in names:
        read = read_identifier(kind, value, TRACKER, settings, now)
        if isinstance(read, Rejected):
            continue
        found = await card_reading.read(shop.database, [key_of(read, space)], [])
        if found.claims:
            return await _whole(shop, {}, found.claims[0].customer_id)
    return None


async def _whole(shop: Shop, told: dict[str, Any], customer_id: int) -> Visitor:
    found = await card_reading.read(shop.database, [], [customer_id])
    card = next((card_of(each) for each in found.cards), None)
    if card is None or not card.parts:
        return Visitor(told, customer_id)
    settings = shop.configuration.organisation.settings
    return Visitor(told, customer_id, card, golden_view(card, settings))


async def read_timeline(
    shop: Shop, customer_id: int, limit: int = 50, offset: int = 0
) -> list[EventRow]:
    """What the customer did, the last first."""
    return await events.read_timeline(shop.database, customer_id, limit, offset)


async def read_cart(shop: Shop, device: Device) -> list[Document]:
    """What is in the cart of a device, as its own events tell."""
    row = await visitors.read_device(shop.database, device.key)
    if row is None:
        return []
    cart: Document = {}
    for event in reversed(await read_timeline(shop, row.customer_id, _CART_EVENTS_MAX)):
        if event.device_key == device.key:
            cart = cart_after(cart, event.name, decode_untyped(event.document))
    return list(cart.values())


async def read_orders(
    shop: Shop, customer_id: int, device_key: UUID | None = None
) -> list[Document]:
    """The orders that were told of the customer, or by one device alone, the last first.

    An order that was told in several events has all their items.
    """
    told: dict[str, list[Document]] = {}
    dates: dict[str, datetime] = {}
    for event in reversed(await read_timeline(shop, customer_id, _CART_EVENTS_MAX)):
        document: Document = decode_untyped(event.document)
        order = document.get("order") if event.name == "purchase" else None
        if order and device_key in (None, event.device_key):
            told.setdefault(order, []).append(document)
            dates.setdefault(order, event.at)
    return [
        {"id": order, "date": dates[order].isoformat(), "items": united_items(told[order])}
        for order in sorted(told, key=lambda each: dates[each], reverse=True)
    ]
