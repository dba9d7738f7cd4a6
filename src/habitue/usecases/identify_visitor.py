"""Telling who a visitor is: find or make the card, and give it the device.

Two round trips, as with every write of a card; one where the page says what it said before, which
is the usual case. A message that was taken before does nothing again.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from habitue.customers.card import Card, Told
from habitue.customers.claims import claim_key
from habitue.customers.identifier import DEVICE
from habitue.customers.identify import IdentifyDecision, claim_keys, decide_identify
from habitue.customers.refusals import CustomerBlocked, CustomerBusy
from habitue.customers.settings import RegistrationSettings
from habitue.customers.sources import TRACKER
from habitue.customers.visitor import Offer, ReadOffer, Warned, locations_of, read_offer
from habitue.model.documents import encode
from habitue.store import cards, events, stocks, visitors
from habitue.store.cards import CardQuery
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.store.receipts import valid_since
from habitue.store.visitors import DeviceWrite
from habitue.usecases.card_state import write_of
from habitue.usecases.card_writing import found_in
from habitue.usecases.merge_customers import merge_within
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

#: A visit is what was done without a longer pause; its ids are not used longer than this.
VISIT = timedelta(hours=24)


class Device(msgspec.Struct, frozen=True):
    """A browser or a program that a visitor uses, and the visit in which it is now."""

    key: UUID
    id: str
    visit: str


class Identified(msgspec.Struct, frozen=True):
    """What came of an offer. `card` is None where nothing was done with it."""

    card: Card | None
    root_id: int = 0
    warnings: tuple[Warned, ...] = ()
    duplicate: bool = False
    refused: bool = False
    created: bool = False


def device_of(device_id: str, visit: str, settings: RegistrationSettings) -> Device:
    """The device of that id."""
    return Device(claim_key(settings.space_of(TRACKER), DEVICE, device_id), device_id, visit)


async def identify_visitor(
    shop: Shop,
    offer: Offer,
    device: Device | None,
    at: datetime,
    now: datetime,
    message_key: UUID | None = None,
) -> Identified:
    """The customer whom the offer is about, with everything in it that can be believed.

    `at` is when it was said. Without a device it is a server of the shop that speaks. Raises
    `CustomerBusy`; nothing is stored then.
    """
    organisation = shop.configuration.organisation
    read = await _read_offer(shop, offer, at)
    keys = list(claim_keys(read, organisation.settings))
    if not keys and (device is None or read.is_empty):
        return Identified(None, warnings=read.warnings)

    async def attempt(connection: Connection, locked: bool) -> Identified:
        current = read
        if shop.configuration.organisation is not organisation:
            current = await _read_offer(shop, offer, at)
        return await _attempt(shop, connection, locked, current, device, at, now, message_key)

    turns = keys if device is None else [*keys, device.key]
    async with shop.queue.turn(turns, CustomerBusy):
        try:
            return await settled(shop, attempt, CustomerBusy)
        except CustomerBlocked:
            warning = Warned("external_id", "customer_blocked")
            return Identified(None, warnings=(*read.warnings, warning), refused=True)


async def _read_offer(shop: Shop, offer: Offer, at: datetime) -> ReadOffer:
    settings = shop.configuration.organisation.settings
    named = locations_of(offer)
    known = frozenset(named) & frozenset(settings.tracker_stocks)
    if named and not known >= frozenset(named):
        known |= await stocks.known(shop.database, named)
    return read_offer(offer, settings, known, at)


async def _attempt(
    shop: Shop,
    connection: Connection,
    locked: bool,
    read: ReadOffer,
    device: Device | None,
    at: datetime,
    now: datetime,
    message_key: UUID | None,
) -> Identified:
    if message_key is not None and await events.known_messages(connection, [message_key]):
        return Identified(None, duplicate=True)
    organisation = shop.configuration.organisation
    known = None if device is None else await visitors.read_device(connection, device.key)
    if known is not None and known.since is not None and at < known.since:
        # The device has told of its visitor since; this arrives late, and is about the card alone.
        device = None
    keys = list(claim_keys(read, organisation.settings))
    if device is None and not keys:
        return Identified(None, warnings=(*read.warnings, Warned("", "outdated")))
    asked = keys if device is None else [*keys, device.key]
    query = CardQuery(asked, (), None, valid_since(now))
    if locked:
        await cards.lock(connection, query)
    row = await cards.load(connection, query)
    if row.configuration_version > shop.configuration.version:
        await shop.refresh()
        raise GuardFailed("configuration")
    found = found_in(row)
    device_key = None if device is None else device.key
    decision = decide_identify(read, device_key, found, organisation, now)
    if decision.victims and not locked:
        # Several statements make one write: they need the transaction of the next try.
        raise GuardFailed("several statements")
    if decision.reason is not None:
        survivor = found.cards[decision.change.customer_id]
        for victim_id in decision.victims:
            actor, victim = decision.change.actor, found.cards[victim_id]
            survivor = await merge_within(
                connection, survivor, victim, actor, decision.reason, organisation, now
            )
    await visitors.save(
        connection,
        write_of(decision.change, now),
        _device_write(device, decision, read, at, now),
        decision.anonymous,
        message_key,
        changes_card=decision.changes_card,
    )
    created = device is not None and decision.device_from is None
    return Identified(decision.card, decision.change.root_id, decision.warnings, created=created)


def _device_write(
    device: Device | None, decision: IdentifyDecision, read: ReadOffer, at: datetime, now: datetime
) -> DeviceWrite | None:
    if device is None:
        return None
    return DeviceWrite(
        key=device.key,
        device=device.id,
        from_id=decision.device_from,
        visit=device.visit,
        since=now - VISIT,
        at=at,
        proven=decision.proven,
        told=encode(told_by(read)),
    )


def told_by(read: ReadOffer) -> dict[str, object]:
    """What the device may read back: what it told itself, without anything to reach anybody by."""
    told: dict[str, object] = {f"told/{name}": each.value for name, each in _values(read.told)}
    told |= {f"fields/{name}": each.value for name, each in _values(read.fields)}
    if any(each.held.kind == "email" and each.held.identity for each in read.identifiers):
        told["has_email"] = True
    for each in read.identifiers:
        if each.held.kind == "externalId":
            told["external_id"] = each.held.normal_form
    for entry in read.consents:
        told[f"consents/{entry.channel}/{entry.purpose}"] = entry.state
    return told


def _values(told: dict[str, Told]) -> list[tuple[str, Told]]:
    return list(told.items())
