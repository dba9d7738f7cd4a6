"""Messages of a device, whichever address they came by: who the visitor is, and what they did.

Words: a *sender* is a device of a shop with what the request says of itself; a *sent* message has
an id of the sender's (so that it counts once), a time, a type and a name. What is said of the
visitor counts first, in the order in which it was sent; then all events are stored at once, so they
belong to whom the device belongs by then, as events of one visit do.

Times are those of our clock: a message is as much older than the request as the sender's own clock
says, within bounds.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from habitue.customers.card import Actor
from habitue.customers.claims import MessageKeys, claim_key
from habitue.customers.timeline import Document, is_event_name, read_event
from habitue.customers.visitor import Offer, Trust, Warned
from habitue.edges.http.call import Call
from habitue.edges.tracker.addresses import NewDevices, address_of
from habitue.edges.tracker.offers import offer_of, segment_offer, subscribing_offer, trust_of
from habitue.edges.tracker.wire import Fields, text_of
from habitue.model.limits import EVENT_AGE_DAYS_MAX, NAME_LENGTH_MAX
from habitue.usecases.collect_events import Collected, Message, collect_events
from habitue.usecases.identify_visitor import Device, Identified, identify_visitor
from habitue.usecases.shop import Shop

Dialect = Literal["rr", "r46"]
NEW_DEVICES = NewDevices()
#: Who is named beside an order is told apart by these alone.
_NAMED = ("email", "phone", "external_id", "contactExternalId")
_PAGE_URL_LENGTH_MAX = 2_000
_NOTHING = Collected(0, 0)
TIME_MAX = 10**14
AGE_MS_MAX = EVENT_AGE_DAYS_MAX * 24 * 3600 * 1000
_MICROSECOND = timedelta(microseconds=1)


class Sender(msgspec.Struct, frozen=True):
    """Who sends: the shop's key, the device, and what is known of page and stream."""

    shop: str
    device: Device
    page: Document = {}
    server: bool = False

    @property
    def actor(self) -> Actor:
        """Who is noted in the history: the device, by a name that says nothing else."""
        kind = "SERVER" if self.server else "BROWSER"
        return Actor(kind, code=self.device.key.hex[:16])


class Sent(msgspec.Struct, frozen=True):
    """A message as it was sent; `fields` is whatever an event carries."""

    id: str
    at: datetime
    type: str
    name: str
    fields: Any
    dialect: Dialect = "rr"


class Received(msgspec.Struct):
    """What came of the messages; warnings are by the message's id."""

    stored: int = 0
    duplicates: int = 0
    warnings: list[tuple[str, Warned]] = msgspec.field(default_factory=list)

    def warn(self, message: Sent, *warned: Warned) -> None:
        """Notes what the sender should know of a message."""
        self.warnings += [(message.id, each) for each in warned]


def moment(now: datetime, sent: Any, at: Any) -> datetime:
    """When it happened by our clock, from the sender's clock in milliseconds."""
    if not (_is_time(sent) and _is_time(at)):
        return now
    age_ms = int(sent) - int(at)
    if age_ms <= 0:
        return now
    return now - timedelta(0, 0, 0, min(age_ms, AGE_MS_MAX))


def _is_time(value: Any) -> bool:
    kind = type(value)
    return (kind is int or kind is Decimal) and 0 <= value < TIME_MAX


def fresh_id() -> str:
    """An id for a message that came without one."""
    return secrets.token_hex(12)


async def receive(call: Call[Any, Any, Any], sender: Sender, messages: Sequence[Sent]) -> Received:
    """Does what the messages say, each once. Raises `TooManyRequests` and `CustomerBusy`."""
    said = [each for each in messages if each.type != "event" or each.name == "purchase"]
    return await take(call, sender, said, _events(call.now, sender, messages))


async def take(
    call: Call[Any, Any, Any], sender: Sender, said: Sequence[Sent], events: Iterable[Message]
) -> Received:
    """Does what is said of the visitor, then stores the events. Raises what `receive` raises."""
    shop: Shop = call.services.shop
    settings = shop.configuration.organisation.settings
    address = address_of(call.client, call.headers, settings.tracker_proxies)
    limit = settings.tracker_new_devices_per_minute
    limited = limit > 0 and not sender.server
    counted = limited and await NEW_DEVICES.admit(shop, sender.device, address, limit, call.now)
    received = Received()
    created = False
    for message in said:
        created |= await _identify(call, sender, message, received)
    collected = _NOTHING
    if stored := list(events):
        collected = await collect_events(shop, sender.device, stored, call.now)
    received.stored += collected.stored
    received.duplicates += collected.duplicates
    if counted and not (created or collected.created):
        await NEW_DEVICES.give_back(shop, address)
    elif limited:
        NEW_DEVICES.meet(sender.device)
    return received


async def _identify(
    call: Call[Any, Any, Any], sender: Sender, message: Sent, received: Received
) -> bool:
    """Does what a message says of the visitor; whether the device is new by that."""
    fields = message.fields if isinstance(message.fields, dict) else {}
    if message.type == "event":
        named = {name: fields[name] for name in _NAMED if fields.get(name)}
        if not named:
            return False
        who = offer_of(named, sender.actor, assumes_consent=False)
        outcome = await _say(call, sender, message, who, None)
        received.warn(message, *outcome.warnings)
        return outcome.created
    offer, warnings = _offer(call, sender, message, fields)
    received.warn(message, *warnings)
    if offer is None:
        return False
    outcome = await _say(call, sender, message, offer, _key(sender, message))
    received.warn(message, *outcome.warnings)
    received.duplicates += outcome.duplicate
    received.stored += not outcome.duplicate
    return outcome.created


async def _say(
    call: Call[Any, Any, Any], sender: Sender, message: Sent, offer: Offer, key: UUID | None
) -> Identified:
    return await identify_visitor(
        call.services.shop, offer, sender.device, message.at, call.now, key
    )


def _offer(
    call: Call[Any, Any, Any], sender: Sender, message: Sent, fields: Fields
) -> tuple[Offer | None, tuple[Warned, ...]]:
    settings = call.services.shop.configuration.organisation.settings
    trust: Trust = "full"
    warnings: tuple[Warned, ...] = ()
    if not sender.server:
        trust, warnings = trust_of(fields, settings.tracker_secret, call.now)
    if message.type == "identify":
        is_rr = message.dialect == "rr"
        offer = offer_of(
            fields, sender.actor, assumes_consent=is_rr, free_names=not is_rr, trust=trust
        )
        return offer, warnings
    if message.type == "subscription":
        offer, more = subscribing_offer(fields, sender.actor, message.at, trust)
        return offer, (*warnings, *more)
    if message.type == "segment" and message.name in ("add", "remove"):
        offer, more = segment_offer(message.name, fields, sender.actor, trust)
        return offer, (*warnings, *more)
    return None, (*warnings, Warned("type", "unknown"))


def _event_of(message: Sent) -> tuple[str, Document] | None:
    """The event that a message is, if it is one: wishing to be told of a product is one too."""
    if message.type == "event" and is_event_name(message.name):
        return message.name, read_event(message.name, message.fields)
    is_wish = message.type == "subscription" and message.name != "manage"
    if is_wish and isinstance(message.fields, dict) and is_event_name(message.name):
        return f"subscribe_{message.name}"[:NAME_LENGTH_MAX], read_event("", message.fields)
    return None


def _events(now: datetime, sender: Sender, messages: Sequence[Sent]) -> Iterator[Message]:
    """Those of the messages that are events, each with what is known of the page."""
    keys = MessageKeys(sender.shop, sender.device.id)
    page = sender.page
    for message in messages:
        event = _event_of(message)
        if event is None:
            continue
        name, document = event
        key = keys.key(message.id)
        if message.type == "subscription":
            # The same message says who wishes it, and counts for that by itself.
            key = claim_key("wish", sender.shop, key).hex
        age_us = (now - message.at) // _MICROSECOND
        yield Message(key, age_us, name, {**document, **page} if page else document)


def _key(sender: Sender, message: Sent) -> UUID:
    """A message counts once for a device of a shop."""
    return UUID(MessageKeys(sender.shop, sender.device.id).key(message.id))


def page_of(url: Any, referrer: Any, stream: Any) -> Document:
    """What is kept of the page with every event of a request."""
    kept = {"url": url, "referrer": referrer, "stream": stream if stream != "web" else None}
    texts = {name: text_of({"value": value}, "value") for name, value in kept.items()}
    return {name: _printable(text[:_PAGE_URL_LENGTH_MAX]) for name, text in texts.items() if text}


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def told(warnings: Sequence[tuple[str, Warned]]) -> Iterator[Mapping[str, str]]:
    """Warnings as they go on the wire."""
    for id_, warned in warnings:
        yield {"id": id_, "field": warned.field, "code": warned.code}
