"""The collector: batches of messages from the script, and the device that a browser is.

`POST /v1/collect` takes JSON, also as text/plain so that browsers ask for nothing first. Every
message counts once; one that cannot be understood is warned about and costs no other one.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from habitue.customers.timeline import is_event_name
from habitue.customers.visitor import Warned
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.operation import Operation
from habitue.edges.tracker.described import CollectIn, DeviceQuery, operation
from habitue.edges.tracker.door import (
    DEVICE,
    VISIT,
    answer,
    checked_device,
    cookie_device,
    cookie_header,
    new_device_id,
    shop_of,
)
from habitue.edges.tracker.plain import Batch, plain_batch, plain_events
from habitue.edges.tracker.receiving import (
    Dialect,
    Received,
    Sender,
    Sent,
    moment,
    page_of,
    receive,
    take,
    told,
)
from habitue.edges.tracker.wire import Fields, body_of, is_form, nested, text_of
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import MESSAGES_PER_REQUEST_MAX
from habitue.usecases.identify_visitor import device_of

_MESSAGE_ID_LENGTH_MAX = 100
_TYPES = ("event", "identify", "subscription", "segment")
_STEP = timedelta(microseconds=1)


class Noted(msgspec.Struct):
    """What was left out of a message, and why."""

    id: str
    field: str
    code: str


class Collected(msgspec.Struct):
    """What came of a batch: the device and the session that it counts for, and how much was new."""

    status: str
    did: str
    sid: str
    stored: int
    duplicates: int
    warnings: list[Noted]


class DeviceOut(msgspec.Struct):
    """The device that the browser is."""

    did: str


def collecting_operations() -> list[Operation]:
    """The operations of the script."""
    return [
        operation(
            "collectEvents",
            "POST",
            "/v1/collect",
            _collect,
            "Take what a page has to say of its visitor",
            Collected,
            body=CollectIn,
        ),
        operation(
            "getDevice",
            "GET",
            "/v1/device",
            _device,
            "Say which device a browser is, and let it remember",
            DeviceOut,
            query=DeviceQuery,
        ),
    ]


async def _collect(call: Call[None, None, None]) -> Answer:
    batch = plain_batch(call.raw_body) if call.raw_body and not is_form(call) else None
    body = batch.fields if batch is not None else _body(call)
    key = await shop_of(call, text_of(body, "shop"))
    settings = call.services.shop.configuration.organisation.settings
    given = text_of(body, "did")
    known = cookie_device(call)
    device_id = checked_device(given) if given else known or new_device_id()
    visit = text_of(body, "sid")
    if VISIT.fullmatch(visit) is None:
        visit = f"{device_id[:40]}.{call.now:%Y%m%d}"
    sender = Sender(key, device_of(device_id, visit, settings), _page(body))
    if batch is not None:
        received = await _taken(call, sender, batch)
    else:
        received = await _received(call, sender, body)
    out = Collected(
        "success",
        device_id,
        visit,
        received.stored,
        received.duplicates,
        [Noted(**each) for each in told(received.warnings)],
    )
    headers = {} if known == device_id else cookie_header(call, device_id)
    return answer(200, out, headers)


def _body(call: Call[None, None, None]) -> Fields:
    body = body_of(call) if call.raw_body else None
    if not isinstance(body, dict):
        raise InvalidInput(Fault("", "Invalid type", "Expected an object"))
    return body


async def _taken(call: Call[None, None, None], sender: Sender, batch: Batch) -> Received:
    if not batch.messages:
        return Received()
    return await take(call, sender, (), plain_events(batch, sender))


async def _received(call: Call[None, None, None], sender: Sender, body: Fields) -> Received:
    noted = Received()
    messages = list(_messages(call, body, noted))
    if not messages:
        return noted
    received = await receive(call, sender, messages)
    received.warnings[:0] = noted.warnings
    return received


def _page(body: Fields) -> Fields:
    page = body.get("page")
    if not isinstance(page, dict):
        page = {}
    return page_of(page.get("url"), page.get("referrer"), body.get("stream"))


def _messages(call: Call[None, None, None], body: Fields, received: Received) -> Iterator[Sent]:
    """The messages that can be understood; the others are warned about."""
    listed = body.get("messages", [])
    if not isinstance(listed, list):
        raise InvalidInput(Fault("/messages", "Invalid type", "Expected an array of messages"))
    if len(listed) > MESSAGES_PER_REQUEST_MAX:
        details = f"at most {MESSAGES_PER_REQUEST_MAX} messages are taken at once"
        raise InvalidInput(Fault("/messages", "Too many", details))
    if body.get("consent") == "denied":
        return
    sent_at = body.get("sent")
    for index, raw in enumerate(listed):
        message = raw if isinstance(raw, dict) else {}
        id_, kind, name = text_of(message, "id"), message.get("type"), message.get("name")
        if wrong := _wrong(id_, kind, name):
            id_ = id_[:_MESSAGE_ID_LENGTH_MAX] or str(index)
            received.warnings.append((id_, Warned(wrong, "invalid")))
            continue
        # Clocks count milliseconds; what was done in one of them keeps its order.
        at = moment(call.now, sent_at, message.get("at")) - (len(listed) - index) * _STEP
        dialect: Dialect = "rr" if message.get("dialect") == "rr" else "r46"
        yield Sent(id_, at, str(kind), str(name or ""), message.get("data"), dialect)


def _wrong(id_: str, kind: Any, name: Any) -> str:
    """The field for which a message cannot be understood; empty where it can."""
    if not 0 < len(id_) <= _MESSAGE_ID_LENGTH_MAX:
        return "id"
    if kind not in _TYPES:
        return "type"
    return "name" if kind == "event" and not is_event_name(name) else ""


async def _device(call: Call[None, None, None]) -> Answer:
    fields = nested(call.query_string)
    await shop_of(call, text_of(fields, "shop"))
    given = text_of(fields, "did")
    fit = given if DEVICE.fullmatch(given) else ""
    device_id = cookie_device(call) or fit or new_device_id()
    return answer(200, DeviceOut(device_id), cookie_header(call, device_id))
