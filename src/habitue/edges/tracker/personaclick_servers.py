"""PersonaClick's addresses for servers of the shop, and those that tell of letters and orders.

What mail services report ends consents; lists of people and orders are taken; a person is read,
found by a segment, or erased. Shapes that the vendor has not published are ours
(contracts/tracker/SPEC.md section 2.4, docs/decisions/0068).
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from habitue.customers.card import Actor, ConsentEntry
from habitue.customers.consent import MARKETING, TRANSACTIONAL, channel_of
from habitue.customers.readings import Failed, read_flag
from habitue.customers.sources import TRACKER as SOURCE
from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.edges.tracker.described import ShopIn, ShopQuery, operation
from habitue.edges.tracker.door import Malformed, answer, checked_device, opens_everything
from habitue.edges.tracker.offers import segments_in
from habitue.edges.tracker.personaclick import NAMED, moment_of, seen_visitor, sender_of
from habitue.edges.tracker.receiving import Sent, fresh_id, receive
from habitue.edges.tracker.retail_rocket import AnyCall, Done, done
from habitue.edges.tracker.uploading import (
    ToldOrder,
    ToldPerson,
    listed,
    server_of,
    take_orders,
    take_people,
)
from habitue.edges.tracker.wire import Fields, fields_of, opened, text_of
from habitue.model.errors import Fault, InvalidInput, NotAllowed, NotFound
from habitue.model.instants import parse_instant
from habitue.usecases.erase_customer import erase_card
from habitue.usecases.identify_visitor import device_of
from habitue.usecases.read_visitor import Visitor, read_named, read_orders, read_visitor

#: What mail services report, and the purposes that end by it: whom no mail reaches gets none.
_REPORTS = {
    "unsubscribed": (MARKETING,),
    "complained": (MARKETING,),
    "hard_bounced": (MARKETING, TRANSACTIONAL),
    "blacklisted": (MARKETING, TRANSACTIONAL),
}
_LETTERS = ("clicked", "opened", "delivered", "received", "closed", "stories")
_SECONDS_DIGITS_MAX = 11
_UNDERSTOOD = "i_understand_what_i_am_doing"


def personaclick_server_operations() -> list[Operation]:
    """The operations."""
    read = partial(operation, query=ShopQuery)
    write = partial(operation, answer=Done, body=ShopIn)
    return [
        write(
            "pcMailReport",
            "POST",
            "/subscriptions/callback",
            _report,
            "Take what a mail service reports of an address",
        ),
        read(
            "pcInSegment",
            "GET",
            "/segments/includes",
            _includes,
            "Say whether a visitor is in a segment",
            Fields,
        ),
        *(
            write(
                f"pcTrack{name.title()}",
                "POST",
                f"/track/{name}",
                _letter(name),
                "Take what became of a letter",
            )
            for name in _LETTERS
        ),
        read(
            "pcLastOrder",
            "GET",
            "/orders/last_for_user",
            _last_order,
            "Read the last order that a device has told",
            Fields,
        ),
        read(
            "pcOrders",
            "GET",
            "/orders/by_user",
            _orders_of,
            "Read the orders of a person, for servers of the shop",
            Fields,
        ),
        write("pcSyncOrders", "POST", "/sync/orders", _sync_orders, "Take a list of orders"),
        write("pcAudience", "POST", "/import/audience", _audience, "Take a list of people"),
        operation(
            "pcPurge",
            "DELETE",
            "/profile/purge",
            _purge,
            "Erase a person, with a management key",
            Fields,
            query=ShopQuery,
            body=ShopIn,
        ),
    ]


async def _report(call: AnyCall) -> Answer:
    fields = fields_of(call)
    key = await server_of(call, text_of(fields, "shop_id"), fields)
    name = text_of(fields, "event")
    if name not in _REPORTS:
        raise Malformed(f"The event is one of {', '.join(_REPORTS)}")
    phone = bool(text_of(fields, "phone")) and not text_of(fields, "email")
    channel = channel_of(text_of(fields, "channel") or ("sms" if phone else "email"))
    if channel not in ("email", "mobile"):
        raise Malformed("The channel is email or sms")
    address = {"phone" if phone else "email": text_of(fields, "phone" if phone else "email")}
    if not all(address.values()):
        raise Malformed("The address is missing: email or phone")
    if await _found(call, address) is None:
        raise NotFound("Address", next(iter(address.values()))[:80])
    at = moment_of(text_of(fields, "time"), call.now)
    ended = tuple(
        ConsentEntry(channel, purpose, "withdrawn", at, SOURCE, wording=name)
        for purpose in _REPORTS[name]
    )
    return done(await take_people(call, key, [ToldPerson("", address, consents=ended)]))


async def _includes(call: AnyCall) -> Answer:
    fields = fields_of(call)
    segment = text_of(fields, "segment_id")
    if not segment:
        raise Malformed("segment_id is missing")
    visitor = await seen_visitor(call, fields)
    found = visitor is not None and segment in segments_in(visitor.told)
    return answer(200, {"status": "success", "includes": found})


def _letter(name: str) -> Any:
    async def handler(call: AnyCall) -> Answer:
        fields = fields_of(call)
        sender = await sender_of(call, fields)
        kept = {each: fields[each] for each in ("type", "code", "value") if fields.get(each)}
        data = {"custom": {each: text for each, text in kept.items() if isinstance(text, str)}}
        message = Sent(fresh_id(), call.now, "event", f"message_{name}", data)
        return done(await receive(call, sender, [message]))

    return handler


async def _last_order(call: AnyCall) -> Answer:
    fields = fields_of(call)
    sender = await sender_of(call, fields)
    visitor = await read_visitor(call.services.shop, sender.device)
    orders = []
    if visitor is not None and visitor.customer_id is not None:
        key = sender.device.key
        orders = await read_orders(call.services.shop, visitor.customer_id, key)
    return answer(200, {"status": "success", "data": orders[0] if orders else None})


async def _orders_of(call: AnyCall) -> Answer:
    fields = fields_of(call)
    await server_of(call, text_of(fields, "shop_id"), fields)
    visitor = await _somebody(call, fields)
    assert visitor.customer_id is not None
    orders = await read_orders(call.services.shop, visitor.customer_id)
    return answer(200, {"status": "success", "data": orders})


async def _sync_orders(call: AnyCall) -> Answer:
    fields = fields_of(call)
    key = await server_of(call, text_of(fields, "shop_id"), fields)
    sent = listed(opened(fields.get("orders")), "orders")
    orders = [_order(index, each, call.now) for index, each in enumerate(sent)]
    return done(await take_orders(call, key, orders))


def _order(index: int, sent: Any, now: datetime) -> ToldOrder:
    fields: Fields = sent if isinstance(sent, dict) else {}
    who = {name: text for name, _ in NAMED if (text := text_of(fields, name))}
    id_ = text_of(fields, "id", "order_id")
    items = opened(fields.get("items"))
    if not (who and id_ and isinstance(items, list)):
        details = "An order has an id, items, and an email, a phone or an external_id"
        raise InvalidInput(Fault(f"/orders/{index}", "Missing", details))
    told = text_of(fields, "date", "time")
    at = parse_instant(told) if told else now
    if told.isascii() and told.isdecimal() and len(told) <= _SECONDS_DIGITS_MAX:
        at = datetime.fromtimestamp(int(told), UTC)
    if at is None:
        details = "The date is a moment of RFC 3339, or seconds since 1970"
        raise InvalidInput(Fault(f"/orders/{index}/date", "Invalid", details))
    return ToldOrder(f"/orders/{index}", who, at, id_, items)


async def _audience(call: AnyCall) -> Answer:
    fields = fields_of(call)
    key = await server_of(call, text_of(fields, "shop_id"), fields)
    sent = listed(opened(fields.get("audience")), "audience")
    people = []
    for index, each in enumerate(sent):
        if not isinstance(each, dict):
            raise InvalidInput(Fault(f"/audience/{index}", "Invalid type", "Expected an object"))
        people.append(ToldPerson(f"/audience/{index}", each))
    return done(await take_people(call, key, people))


async def _purge(call: AnyCall) -> Answer:
    fields = fields_of(call)
    await server_of(call, text_of(fields, "shop_id"), fields)
    if not await opens_everything(call, fields):
        raise NotAllowed("Erasing a person needs a management key")
    try:
        understood = read_flag(fields.get(_UNDERSTOOD))
    except Failed:
        understood = False
    if not understood:
        raise Malformed(f"{_UNDERSTOOD} must be true")
    visitor = await _somebody(call, fields)
    assert visitor.customer_id is not None
    actor = Actor("SERVER", code="purge")
    await erase_card(call.services.shop, visitor.customer_id, actor, call.now)
    return answer(200, {"status": "success"})


async def _somebody(call: AnyCall, fields: Fields) -> Visitor:
    """Whom a server means. Raises `Malformed` where it names nobody, `NotFound` for a stranger."""
    names = {name: text for name, _ in NAMED if (text := text_of(fields, name))}
    device_id = text_of(fields, "did")
    if not names and not device_id:
        raise Malformed("The person is missing: email, phone, external_id or did")
    if names:
        found = await _found(call, names)
    else:
        settings = call.services.shop.configuration.organisation.settings
        device = device_of(checked_device(device_id), "", settings)
        found = await read_visitor(call.services.shop, device, server=True)
    if found is None:
        raise NotFound("Customer", next(iter([*names.values(), device_id]))[:80])
    return found


async def _found(call: AnyCall, names: Fields) -> Visitor | None:
    kinds = [(kind, names[name]) for name, kind in NAMED if name in names]
    return await read_named(call.services.shop, kinds, call.now)
