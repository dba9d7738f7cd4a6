"""PersonaClick's and REES46's own addresses, for browsers, mobile programs and servers.

A browser shows the shop's public key and its device; a server shows a key of its own as
`shop_secret` and may name the person instead. Codes are those of the vendor's test matrix
(contracts/tracker/SPEC.md sections 2.2 to 2.6).
"""

import re
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from habitue.customers.timeline import read_event
from habitue.customers.visitor import says_nothing
from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.edges.tracker.described import ShopIn, ShopQuery, operation
from habitue.edges.tracker.door import (
    DEVICE,
    Malformed,
    ShopMissing,
    ShopUnknown,
    answer,
    checked_device,
    cookie_device,
    cookie_header,
    is_server,
    new_device_id,
    shop_of,
)
from habitue.edges.tracker.offers import offer_of, segments_in
from habitue.edges.tracker.profiles import profile_shown
from habitue.edges.tracker.receiving import Received, Sender, Sent, fresh_id, page_of, receive
from habitue.edges.tracker.retail_rocket import AnyCall, Done, done
from habitue.edges.tracker.wire import Fields, fields_of, nested, opened, text_of
from habitue.model.errors import NotAllowed
from habitue.model.limits import EVENT_AGE_DAYS_MAX, ITEM_ID_LENGTH_MAX
from habitue.usecases.identify_visitor import device_of, identify_visitor
from habitue.usecases.read_visitor import Visitor, read_cart, read_named, read_visitor

_EVENTS = (
    *("view", "category", "cart", "remove_from_cart", "wish", "remove_wish", "purchase"),
    "search",
)
_WITH_ITEMS = ("view", "remove_from_cart", "remove_wish", "purchase")
_OPTIONAL = ("stream", "sid", "referer", "segment", "recommended_by", "recommended_code")
_STREAM = re.compile(r"[A-Za-z_]{1,16}", re.ASCII)
_CUSTOM_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
_LETTERS = string.ascii_letters + string.digits
NAMED = (("external_id", "externalId"), ("email", "email"), ("phone", "mobile"))
_WISHES = {
    "subscribe_for_product_price": "product_price_decrease",
    "subscribe_for_product_available": "product_available",
    "unsubscribe_from_product_price": "end_product_price_decrease",
    "unsubscribe_from_product_available": "end_product_available",
}
_CHANNELS = (
    *("email_bulk", "email_chain", "email_transactional", "sms_bulk", "sms_chain"),
    *("sms_transactional", "web_push_bulk", "web_push_chain", "web_push_transactional"),
    *("mobile_push_bulk", "mobile_push_chain", "mobile_push_transactional"),
)


def personaclick_operations() -> list[Operation]:
    """The operations."""
    read = partial(operation, query=ShopQuery)
    write = partial(operation, answer=Done, body=ShopIn)
    listed = list[dict[str, str]]
    return [
        read("pcInit", "GET", "/init", _init, "Begin a visit: the device and the session", Fields),
        write("pcSetProfile", "POST", "/profile/set", _set_profile, "Take a visitor's profile"),
        read("pcProfile", "GET", "/profile", _profile, "Read a visitor's profile", Fields),
        write("pcPush", "POST", "/push", _push, "Take an event"),
        write("pcPushCustom", "POST", "/push/custom", _push_custom, "Take an event of the shop"),
        write("pcManageSubscriptions", "POST", "/subscriptions/manage", _manage, "Opt in or out"),
        read(
            "pcCheckSubscriptions",
            "GET",
            "/subscriptions/check",
            _check,
            "Say what a visitor is subscribed to",
            Fields,
        ),
        write("pcAddSegment", "POST", "/segments/add", _segment("add"), "Add to a segment"),
        write(
            "pcRemoveSegment",
            "POST",
            "/segments/remove",
            _segment("remove"),
            "Take out of a segment",
        ),
        read("pcSegments", "GET", "/segments/get", _segments, "List the segments", listed),
        operation(
            "pcSegmentsPost",
            "POST",
            "/segments/get",
            _segments,
            "List the segments",
            listed,
            body=ShopIn,
        ),
        read("pcCart", "GET", "/products/cart", _cart, "Read what is in the cart", Fields),
        *(
            write(
                f"pc{path.title().replace('_', '')}",
                "POST",
                f"/subscriptions/{path}",
                _wish(name),
                "Take a wish to be told of products, or its end",
            )
            for path, name in _WISHES.items()
        ),
    ]


async def _init(call: AnyCall) -> Answer:
    fields = nested(call.query_string)
    try:
        await shop_of(call, text_of(fields, "shop_id"))
    except ShopUnknown as unknown:
        raise NotAllowed(unknown.message) from None
    settings = call.services.shop.configuration.organisation.settings
    given = text_of(fields, "did")
    device_id = given if DEVICE.fullmatch(given) else cookie_device(call) or new_device_id()
    visit = text_of(fields, "sid", "seance") or "".join(secrets.choice(_LETTERS) for _ in range(10))
    known = await read_visitor(call.services.shop, device_of(device_id, visit, settings))
    shown: Fields = {
        "status": "success",
        "did": device_id,
        "sid": visit,
        "seance": visit,
        "currency": None,
        "has_email": known is not None and known.has_email,
        "recommendations": False,
        "snippets": [],
        "search": {},
        "popup": None,
        "web_push_settings": {},
        "recone": False,
    }
    return answer(200, shown, cookie_header(call, device_id))


async def _set_profile(call: AnyCall) -> Answer:
    fields = fields_of(call)
    if not await _is_named_by_server(call, fields):
        sender = await sender_of(call, fields)
        message = Sent(fresh_id(), call.now, "identify", "set", fields, "r46")
        return done(await receive(call, sender, [message]))
    # A server without a device says who it speaks of.
    sender = Sender("", device_of("server", "", _settings(call)), server=True)
    offer = offer_of(fields, sender.actor, assumes_consent=False, free_names=True, trust="full")
    outcome = await identify_visitor(call.services.shop, offer, None, call.now, call.now)
    received = Received(stored=int(outcome.card is not None))
    received.warnings = [("", each) for each in outcome.warnings]
    return done(received)


async def _profile(call: AnyCall) -> Answer:
    fields = fields_of(call)
    server = await is_server(call, fields)
    if await _is_named_by_server(call, fields):
        named = [(kind, text_of(fields, name)) for name, kind in NAMED if text_of(fields, name)]
        visitor = await read_named(call.services.shop, named, call.now)
    else:
        visitor = await _visitor(call, fields, server=server)
    return answer(200, profile_shown(visitor, call.now, server=server))


async def _push(call: AnyCall) -> Answer:
    fields = fields_of(call)
    sender = await sender_of(call, fields)
    name = text_of(fields, "event")
    if name not in _EVENTS:
        raise Malformed(f"The event is one of {', '.join(_EVENTS)}")
    for optional in _OPTIONAL:
        if optional in fields and says_nothing(fields[optional]):
            raise Malformed(f"{optional} is empty; leave it out")
    if "segment" in fields and text_of(fields, "segment") not in ("A", "B"):
        raise Malformed("segment is A or B")
    if "stream" in fields and _STREAM.fullmatch(text_of(fields, "stream")) is None:
        raise Malformed("stream has at most 16 Latin letters")
    if len(text_of(fields, "order_id")) > ITEM_ID_LENGTH_MAX:
        raise Malformed(f"order_id has at most {ITEM_ID_LENGTH_MAX} characters")
    data = _without_envelope(fields)
    document = read_event(name, data)
    if not document.get("items") and (name in _WITH_ITEMS or fields.get("items")):
        raise Malformed("There is no item with a usable id")
    if name == "category" and "category" not in document:
        raise Malformed("category_id is missing")
    if name == "search" and "query" not in document:
        raise Malformed("search_query is missing")
    return done(await receive(call, sender, [Sent(fresh_id(), call.now, "event", name, data)]))


async def _push_custom(call: AnyCall) -> Answer:
    fields = fields_of(call)
    sender = await sender_of(call, fields)
    name = text_of(fields, "event")
    if _CUSTOM_NAME.fullmatch(name) is None:
        raise Malformed("event is a name of letters, digits and _")
    value = text_of(fields, "value")
    if "value" in fields and re.fullmatch(r"-?\d{1,15}", value, re.ASCII) is None:
        raise Malformed("value is an integer")
    data = _without_envelope(fields)
    if value:
        data["value"] = int(value)
    at = moment_of(text_of(fields, "time"), call.now)
    return done(await receive(call, sender, [Sent(fresh_id(), at, "event", name, data)]))


async def _manage(call: AnyCall) -> Answer:
    fields = fields_of(call)
    sender = await sender_of(call, fields)
    message = Sent(fresh_id(), call.now, "subscription", "manage", fields, "r46")
    return done(await receive(call, sender, [message]))


async def _check(call: AnyCall) -> Answer:
    fields = fields_of(call)
    visitor = await seen_visitor(call, fields)
    return answer(
        200, {"status": "success", **subscriptions_shown(visitor or Visitor({}), call.now)}
    )


def subscriptions_shown(visitor: Visitor, now: datetime) -> dict[str, bool]:
    """Whether the person may be written to, by every channel and kind of letter."""
    shown = {}
    for name in _CHANNELS:
        channel, _, kind = name.rpartition("_")
        channel = {"sms": "mobile", "mobile_push": "mobilePush"}.get(channel, channel)
        purpose = "TRANS" if kind == "transactional" else "BULK"
        shown[name] = visitor.agrees(now, channel, purpose)
    return shown


def _segment(name: str) -> Any:
    async def handler(call: AnyCall) -> Answer:
        fields = fields_of(call)
        sender = await sender_of(call, fields)
        if not text_of(fields, "segment_id"):
            raise Malformed("segment_id is missing")
        return done(
            await receive(
                call, sender, [Sent(fresh_id(), call.now, "segment", name, fields, "r46")]
            )
        )

    return handler


async def _segments(call: AnyCall) -> Answer:
    fields = fields_of(call)
    visitor = await seen_visitor(call, fields)
    ids = segments_in(visitor.told) if visitor is not None else []
    return answer(200, [{"id": each} for each in ids])


async def _cart(call: AnyCall) -> Answer:
    fields = fields_of(call)
    sender = await sender_of(call, fields)
    items = await read_cart(call.services.shop, sender.device)
    shown = [{"uniqid": each["id"], "quantity": each.get("quantity", 1)} for each in items]
    return answer(200, {"status": "success", "data": {"items": shown}})


def _wish(name: str) -> Any:
    async def handler(call: AnyCall) -> Answer:
        fields = fields_of(call)
        sender = await sender_of(call, fields)
        listed = opened(fields.get("item_ids", fields.get("item", fields.get("items"))))
        data = {"email": fields.get("email"), "phone": fields.get("phone"), "items": listed}
        message = Sent(fresh_id(), call.now, "subscription", name, data)
        return done(await receive(call, sender, [message]))

    return handler


async def sender_of(call: AnyCall, fields: Fields) -> Sender:
    """Who sends. Raises `ShopMissing` where the shop or the device is missing."""
    key = await shop_of(call, text_of(fields, "shop_id"))
    server = await is_server(call, fields)
    given = text_of(fields, "did") or cookie_device(call)
    if not given:
        raise ShopMissing("did is missing")
    device_id = checked_device(given)
    visit = text_of(fields, "sid", "seance")[:64] or f"{device_id[:40]}.{call.now:%Y%m%d}"
    stream = text_of(fields, "stream")
    page = page_of(fields.get("url"), text_of(fields, "referer", "referrer"), stream)
    return Sender(key, device_of(device_id, visit, _settings(call)), page, server)


async def _visitor(call: AnyCall, fields: Fields, *, server: bool) -> Visitor | None:
    sender = await sender_of(call, fields)
    return await read_visitor(call.services.shop, sender.device, server=server)


async def seen_visitor(call: AnyCall, fields: Fields) -> Visitor | None:
    """The visitor of the device that is named, as far as whoever asks may know."""
    return await _visitor(call, fields, server=await is_server(call, fields))


async def _is_named_by_server(call: AnyCall, fields: Fields) -> bool:
    """Whether a server of the shop speaks of somebody without a device."""
    if text_of(fields, "did"):
        return False
    await shop_of(call, text_of(fields, "shop_id"))
    return await is_server(call, fields)


def _settings(call: AnyCall) -> Any:
    return call.services.shop.configuration.organisation.settings


def _without_envelope(fields: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in fields.items() if name not in _ENVELOPE}


_ENVELOPE = frozenset(
    {
        *("shop_id", "shop_secret", "did", "sid", "seance", "segment", "stream", "event", "time"),
        *("referer", "referrer", "url"),
    }
)


def moment_of(text: str, now: datetime) -> datetime:
    """A time in seconds since 1970, within bounds; now where it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 11):
        return now
    told = datetime.fromtimestamp(int(text), UTC)
    return min(max(told, now - timedelta(days=EVENT_AGE_DAYS_MAX)), now)
