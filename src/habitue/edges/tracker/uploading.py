"""Lists of people and of orders that a server of the shop hands over: one by one, each once.

Nobody sits before a device there. An order is told as by a device of its own for each person, so
that it stands in that person's timeline and becomes a session as orders of pages do. An order has
an id of its own, so a list that is handed over again stores nothing twice; one that is older than
events are kept apart is left out with a warning, since nobody could know it again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from habitue.customers.card import Actor, ConsentEntry
from habitue.customers.consent import standing
from habitue.customers.visitor import Warned
from habitue.edges.http.call import Call
from habitue.edges.tracker.door import Malformed, is_server, shop_of
from habitue.edges.tracker.offers import offer_of
from habitue.edges.tracker.personaclick import NAMED
from habitue.edges.tracker.receiving import Received, Sender, Sent, receive
from habitue.edges.tracker.wire import Fields, text_of
from habitue.model.documents import encode
from habitue.model.errors import NotAllowed
from habitue.model.limits import EVENT_AGE_DAYS_MAX
from habitue.usecases.identify_visitor import device_of, identify_visitor
from habitue.usecases.read_visitor import read_named

#: How many people or lines one request may hold: some ten seconds of work.
ENTRIES_MAX = 5_000
#: Of how many entries it is told what was left out of them.
_WARNINGS_MAX = 1_000


class ToldPerson(msgspec.Struct, frozen=True):
    """A person by what is said of them, and the place in the list. `assumes` says that whoever is
    new has agreed to marketing mail; `consents` is what they did about it."""

    place: str
    fields: Fields
    assumes: bool = False
    consents: tuple[ConsentEntry, ...] = ()


class ToldOrder(msgspec.Struct, frozen=True):
    """An order or a part of one, and whose it is."""

    place: str
    who: Fields
    at: datetime
    id: str
    items: list[Fields]
    assumes: bool = False


async def server_of(call: Call[Any, Any, Any], key: str, fields: Fields) -> str:
    """The shop's key, where a server of the shop asks. Raises `NotAllowed` for anybody else."""
    short = await shop_of(call, key)
    if not await is_server(call, fields):
        raise NotAllowed("This is for servers of the shop, with their secret")
    return short


def teller_of(call: Call[Any, Any, Any], key: str, who: Fields) -> Sender:
    """Who tells of that person: always the same for one shop and one person."""
    named = encode(sorted((name, str(value).strip().lower()) for name, value in who.items()))
    device_id = f"upload-{blake2b(named, digest_size=12).hexdigest()}"
    settings = call.services.shop.configuration.organisation.settings
    return Sender(key, device_of(device_id, device_id, settings), server=True)


async def take_people(
    call: Call[Any, Any, Any], key: str, people: Iterable[ToldPerson]
) -> Received:
    """Takes what is said of each. Raises `CustomerBusy`; those before are stored then."""
    received = Received()
    for person in people:
        actor = teller_of(call, key, {}).actor
        offer = offer_of(
            person.fields,
            actor,
            assumes_consent=person.assumes,
            free_names=True,
            trust="full",
        )
        consents = await _new_consents(call, person, actor)
        offer = msgspec.structs.replace(offer, consents=consents)
        outcome = await identify_visitor(call.services.shop, offer, None, call.now, call.now)
        received.stored += outcome.card is not None
        _warn(received, person.place, outcome.warnings)
    return received


async def _new_consents(
    call: Call[Any, Any, Any], person: ToldPerson, actor: Actor
) -> tuple[ConsentEntry, ...]:
    """What the person did about mail, as far as that is not how it stands: lists come again."""
    if not person.consents:
        return ()
    named = [(kind, text) for name, kind in NAMED if (text := text_of(person.fields, name))]
    visitor = await read_named(call.services.shop, named, call.now)
    card = None if visitor is None else visitor.card
    return tuple(
        msgspec.structs.replace(each, by=actor)
        for each in person.consents
        if card is None or standing(card, each.channel, each.purpose, call.now).state != each.state
    )


async def take_orders(call: Call[Any, Any, Any], key: str, orders: Iterable[ToldOrder]) -> Received:
    """Stores each order that is new. Raises `CustomerBusy`; those before are stored then."""
    total = Received()
    oldest = call.now - timedelta(days=EVENT_AGE_DAYS_MAX)
    for order in orders:
        if not oldest <= order.at <= call.now:
            _warn(total, order.place, (Warned("date", "out_of_range"),))
            continue
        if order.assumes:
            person = ToldPerson(order.place, order.who, assumes=True)
            told = await take_people(call, key, [person])
            total.warnings += told.warnings
        data = {"order": order.id, "items": order.items, **order.who}
        digest = blake2b(encode([order.id, order.items, order.at.isoformat()]), digest_size=16)
        message = Sent(digest.hexdigest(), order.at, "event", "purchase", data)
        received = await receive(call, teller_of(call, key, order.who), [message])
        total.stored += received.stored
        total.duplicates += received.duplicates
        if not order.assumes:
            _warn(total, order.place, tuple(each for _, each in received.warnings))
    return total


def listed(value: Any, name: str, most: int = ENTRIES_MAX) -> list[Any]:
    """A list of at most that many entries. Raises `Malformed`."""
    if not isinstance(value, list) or len(value) > most:
        raise Malformed(f"{name} is a list of at most {most} entries")
    return value


def _warn(received: Received, place: str, warned: tuple[Warned, ...]) -> None:
    if len(received.warnings) < _WARNINGS_MAX:
        received.warnings += [(place, each) for each in warned]
