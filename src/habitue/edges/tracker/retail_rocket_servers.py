"""Retail Rocket's addresses for programs and servers: `POST /1.0/{name}?apiKey=&partnerId=`.

The device is `sessionExternalId`. With a key of the shop as `apiKey` a server speaks, who is
believed; with any other one the call can do what a browser can, so that programs with a key of the
vendor's go on. A call with a timestamp counts once, however often it is repeated
(contracts/tracker/SPEC.md section 1.6).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from habitue.customers.visitor import Warned
from habitue.edges.http.call import Answer
from habitue.edges.http.operation import Operation
from habitue.edges.tracker.described import ContactIn, PartnerQuery, operation
from habitue.edges.tracker.door import ShopMissing, checked_device, is_server, shop_of
from habitue.edges.tracker.receiving import Sender, Sent, fresh_id, receive
from habitue.edges.tracker.retail_rocket import EVENTS, AnyCall, Done, done, event_fields
from habitue.edges.tracker.wire import Fields, body_of, nested, text_of
from habitue.model.documents import encode
from habitue.model.errors import Fault, InvalidInput, NotAllowed
from habitue.model.instants import parse_instant
from habitue.model.limits import EVENT_AGE_DAYS_MAX, MESSAGES_PER_REQUEST_MAX
from habitue.usecases.identify_visitor import device_of

_NAMES = {
    **{name: name for name in EVENTS if name[0].islower()},
    "categoryViewByCategoryPath": "categoryView",
    "emailClick": "emailclick",
    "recomBlockViewed": "recomTrack",
    "recomTap": "recomMouseDown",
}
_OTHERS = ("setContact", "welcomeSequence")


def retail_rocket_server_operations() -> list[Operation]:
    """One operation for each name, and the one for many at once."""
    return [
        *(_operation(f"rrServer{name[0].upper()}{name[1:]}", name) for name in (*_NAMES, *_OTHERS)),
        operation(
            "rrVisitorEvents",
            "POST",
            "/1.0/visitorEvents",
            _many,
            "Take events of programs and servers, in their order",
            Done,
            query=PartnerQuery,
            body=list[dict[str, ContactIn]],
        ),
    ]


def _operation(id_: str, name: str) -> Operation:
    async def handler(call: AnyCall) -> Answer:
        body = body_of(call) if call.raw_body else {}
        if not isinstance(body, dict):
            raise InvalidInput(Fault("", "Invalid type", "Expected an object"))
        return await _take(call, [(name, body)])

    summary = f"Take what a program or a server tells: {name}"
    path = f"/1.0/{name}"
    return operation(id_, "POST", path, handler, summary, Done, query=PartnerQuery, body=ContactIn)


async def _many(call: AnyCall) -> Answer:
    body = body_of(call) if call.raw_body else None
    if not isinstance(body, list) or len(body) > MESSAGES_PER_REQUEST_MAX:
        details = f"Expected an array of at most {MESSAGES_PER_REQUEST_MAX} envelopes"
        raise InvalidInput(Fault("", "Invalid type", details))
    return await _take(call, list(_envelopes(body)))


def _envelopes(body: list[Any]) -> Iterator[tuple[str, Fields]]:
    for index, each in enumerate(body):
        if not isinstance(each, dict) or len(each) != 1:
            raise _wrong(index, "Expected an object with one event")
        ((name, fields),) = each.items()
        if name not in _NAMES and name not in _OTHERS:
            raise _wrong(index, f'There is no event "{name[:80]}"')
        if not isinstance(fields, dict):
            raise _wrong(index, "Expected an object")
        yield name, fields


def _wrong(index: int, details: str) -> InvalidInput:
    return InvalidInput(Fault(f"/{index}", "Invalid", details))


async def _take(call: AnyCall, events: list[tuple[str, Fields]]) -> Answer:
    """Takes the events, device by device, in the order in which they were sent."""
    query = nested(call.query_string)
    key = await shop_of(call, text_of(query, "partnerId"))
    try:
        server = await is_server(call, query)
        unknown: tuple[Warned, ...] = ()
    except NotAllowed:
        server, unknown = False, (Warned("apiKey", "unknown"),)
    by_device: dict[str, list[Sent]] = {}
    for name, fields in events:
        device_id = text_of(fields, "sessionExternalId")
        if not device_id:
            raise ShopMissing("sessionExternalId is missing")
        by_device.setdefault(checked_device(device_id), []).append(_sent(call, name, fields))
    settings = call.services.shop.configuration.organisation.settings
    total = None
    for device_id, messages in by_device.items():
        device = device_of(device_id, f"{device_id[:40]}.{call.now:%Y%m%d}", settings)
        received = await receive(call, Sender(key, device, server=server), messages)
        if total is None:
            total = received
        else:
            total.stored += received.stored
            total.warnings += received.warnings
    if total is None:
        raise InvalidInput(Fault("", "Missing", "There is no event"))
    total.warnings += [("", each) for each in unknown]
    return done(total)


def _sent(call: AnyCall, name: str, fields: Fields) -> Sent:
    timed = text_of(fields, "timestamp")
    at = _moment(timed, call.now)
    id_ = blake2b(encode([name, fields]), digest_size=16).hexdigest() if timed else fresh_id()
    if name == "setContact":
        # Nothing is said about consent here, so nothing is assumed.
        return Sent(id_, at, "identify", name, fields, "r46")
    if name == "welcomeSequence":
        return Sent(id_, at, "subscription", "welcome", {"email": fields.get("email")})
    wire = _NAMES[name]
    return Sent(id_, at, "event", EVENTS[wire], event_fields(wire, fields, ""))


def _moment(text: str, now: datetime) -> datetime:
    found = parse_instant(text) if text else None
    if found is None:
        return now
    return min(max(found, now - timedelta(days=EVENT_AGE_DAYS_MAX)), now)
