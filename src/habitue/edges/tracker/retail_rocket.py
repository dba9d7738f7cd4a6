"""Retail Rocket's own addresses, so that a browser's old script keeps working by its host alone.

`/1.0/event/{name}/{partnerId}[/{id}]` with everything in the query; the session first; wishes to be
told of products; what a browser reads and writes of its visitor
(contracts/tracker/SPEC.md sections 1.3 and 1.5).
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec

from habitue.customers.card import ConsentEntry
from habitue.customers.consent import EMAIL, MARKETING
from habitue.customers.readings import Failed, read_flag
from habitue.customers.sources import TRACKER as SOURCE
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.operation import Operation
from habitue.edges.http.refusals import PathUnknown
from habitue.edges.tracker.described import EventQuery, PartnerQuery, VisitorIn, operation
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
from habitue.edges.tracker.offers import offer_of, trust_of
from habitue.edges.tracker.receiving import (
    Received,
    Sender,
    Sent,
    fresh_id,
    page_of,
    receive,
    told,
)
from habitue.edges.tracker.wire import Fields, fields_of, nested, opened, text_of
from habitue.model.errors import Fault, InvalidInput, NotAllowed
from habitue.usecases.identify_visitor import device_of, identify_visitor
from habitue.usecases.read_visitor import read_visitor

AnyCall: TypeAlias = Call[None, None, None]
#: The names of events on this wire, and ours.
EVENTS: Mapping[str, str] = {
    "view": "view",
    "groupView": "view",
    "addToBasket": "cart",
    "recomAddToBasket": "cart",
    "removeFromBasket": "remove_from_cart",
    "categoryView": "category",
    "order": "purchase",
    "search": "search",
    "pageView": "page_view",
    "recomMouseDown": "recommendation_click",
    "recomTrack": "recommendation_view",
    "mailrequest": "mail_request",
    "viewsubscriptionform": "subscription_form_view",
    "emailclick": "email_click",
    "webpushsubscription": "web_push_subscription",
    "impressionContentViewed": "content_view",
    "impressionContentClicked": "content_click",
}
_IDENTIFIES = ("setEmail", "setCustomer", "setProfile")
_WISHES = {
    "backinstock": "product_available",
    "pricedrop": "product_price_decrease",
    "welcomesequence": "welcome",
}
_WISHED = re.compile(r"items\[(\d{1,4})\]\.(ItemId|Price)", re.ASCII)
_BLOCKS = ("recomBlockId", "impressionContentId")
_GENDERS = {"male": "m", "female": "f"}


class SessionOut(msgspec.Struct):
    """The session, which is the device; under its old name too."""

    session_id: str = msgspec.field(name="sessionId")
    rr_session_id: str = msgspec.field(name="RrSessionId")


class VisitorOut(msgspec.Struct):
    """What a browser may know of its visitor."""

    has_email: bool = msgspec.field(name="HasEmail")
    agreed: bool = msgspec.field(name="IsAgreedToReceiveMarketingMail")


class Done(msgspec.Struct):
    """What came of a call, and what of it was left out."""

    status: str
    stored: int
    warnings: list[dict[str, str]]


def retail_rocket_operations() -> list[Operation]:
    """The operations of a browser."""
    event, wish = "/1.0/event/{name}/{partnerId}", "/1.0/partner/{partnerId}/subscribe/{kind}"
    told = partial(operation, answer=Done, query=EventQuery)
    body = dict[str, Any]
    return [
        operation(
            "rrInitialize",
            "GET",
            "/1.0/event/initialize/{partnerId}",
            _initialize,
            "Say which session a browser has, which is its device",
            SessionOut,
            query=EventQuery,
        ),
        told("rrEvent", "GET", event, _event, "Take an event of a page"),
        told("rrEventPost", "POST", event, _event, "Take an event of a page", body=body),
        told("rrEventOf", "GET", event + "/{id}", _event, "Take an event about a product"),
        told(
            "rrEventOfPost",
            "POST",
            event + "/{id}",
            _event,
            "Take an event about a product",
            body=body,
        ),
        told("rrSubscribe", "GET", wish, _subscribe, "Take a wish to be told of products"),
        told(
            "rrSubscribePost",
            "POST",
            wish,
            _subscribe,
            "Take a wish to be told of products",
            body=body,
        ),
        *_visitor_operations(),
    ]


def _visitor_operations() -> list[Operation]:
    again = "/2.0/partner/{partnerId}/emailResubscription/visitors/{rcuid}"
    visitor = "/api/2.1/visitor/{rcuid}"
    return [
        operation(
            "rrReadVisitor",
            "GET",
            "/api/1.0/visitor/{rcuid}",
            read_agreement,
            "Say whether a browser's visitor has agreed to marketing mail",
            VisitorOut,
            query=PartnerQuery,
        ),
        *(
            operation(
                id_,
                method,
                visitor,
                _write_visitor,
                "Take what a browser says of its visitor, a refusal of marketing mail included",
                Done,
                query=PartnerQuery,
                body=VisitorIn,
            )
            for id_, method in (("rrWriteVisitor", "POST"), ("rrPatchVisitor", "PATCH"))
        ),
        operation(
            "rrReadResubscription",
            "GET",
            f"/api{again}",
            read_agreement,
            "Say whether a browser's visitor has agreed to marketing mail",
            VisitorOut,
        ),
        operation(
            "rrResubscribe",
            "POST",
            f"{again}/resubscription",
            _resubscribe,
            "Take a visitor's wish to be written to again",
            Done,
        ),
    ]


async def _initialize(call: AnyCall) -> Answer:
    await shop_of(call, call.path["partnerId"])
    given = text_of(nested(call.query_string), "session")
    fit = given if DEVICE.fullmatch(given) else ""
    device_id = fit or cookie_device(call) or new_device_id()
    return answer(200, SessionOut(device_id, device_id), cookie_header(call, device_id))


async def _event(call: AnyCall) -> Answer:
    name = call.path["name"]
    if name not in EVENTS and name not in _IDENTIFIES:
        raise PathUnknown
    fields = fields_of(call)
    sender, headers = await _sender(call, call.path["partnerId"], fields)
    if name in _IDENTIFIES:
        said = _said(fields) if name == "setEmail" else fields
        if name == "setProfile":
            said = {key: each for key, each in said.items() if key not in ("customerId", "id")}
        messages = [Sent(fresh_id(), call.now, "identify", name, said)]
    else:
        data = event_fields(name, fields, call.path.get("id", ""))
        messages = [Sent(fresh_id(), call.now, "event", EVENTS[name], data)]
        if name == "mailrequest" and fields.get("email"):
            messages.insert(0, Sent(fresh_id(), call.now, "identify", name, _said(fields)))
    return done(await receive(call, sender, messages), headers)


def event_fields(name: str, fields: Fields, id_: str) -> Fields:
    """What an event of this wire carries, under our names."""
    product = id_ or text_of(fields, "productId", "itemId")
    stock = text_of(fields, "stockId")
    data: Fields = {"stock": stock} if stock else {}
    ids = opened(fields.get("productIds")) if name in ("groupView", "recomTrack") else None
    if name.startswith("categoryView"):
        return {**data, "category": product or text_of(fields, "categoryId", "categoryPath")}
    if name == "search":
        return {**data, "query": text_of(fields, "searchPhrase")}
    if name == "recomTrack" and ids is None:
        ids = opened(fields.get("itemIds"))
    if ids is not None:
        many = ids if isinstance(ids, list) else str(ids).split(",")
        return {**data, "items": [{"id": each, **data} for each in many]}
    item = {**data, "id": product} if product else {}
    if name == "order":
        quantity = fields.get("qnt", fields.get("quantity", 1))
        item |= {"quantity": quantity, "price": fields.get("price")}
        data["order"] = text_of(fields, "transaction")
        data |= {key: fields[key] for key in ("email", "contactExternalId") if fields.get(key)}
    for key in ("suggester", "suggestMethod", "methodName", "mailTrackingId", *_BLOCKS):
        if text := text_of(fields, key):
            data[key] = text
    return {**data, "items": [item]} if item else data


def _said(fields: Fields) -> Fields:
    """What setEmail says: the address, and flat values under `d.`."""
    said: Fields = {"email": fields.get("email")}
    agreed = fields.get("isAgreedToReceiveMarketingMail")
    said["isAgreedToReceiveMarketingMail"] = str(agreed).strip().lower() != "false"
    custom: Fields = {}
    for name, value in fields.items():
        key = name.removeprefix("d.")
        if key == name:
            continue
        if key in ("birthday", "age"):
            said[key] = value
        elif key == "gender":
            said["gender"] = _GENDERS.get(str(value).lower(), value)
        elif key == "name":
            said["first_name"] = value
        else:
            custom[key] = value
    return {**said, "custom": custom}


async def _subscribe(call: AnyCall) -> Answer:
    kind = _WISHES.get(call.path["kind"].lower())
    if kind is None:
        raise PathUnknown
    fields = fields_of(call)
    sender, headers = await _sender(call, call.path["partnerId"], fields)
    items: dict[str, Fields] = {}
    for name, value in fields.items():
        if match := _WISHED.fullmatch(name):
            key = "id" if match[2] == "ItemId" else "price"
            items.setdefault(match[1], {})[key] = value
    if item := text_of(fields, "itemId", "ItemId", "productId"):
        items["0"] = {"id": item}
    data = {"email": fields.get("email"), "items": list(items.values())}
    messages = [Sent(fresh_id(), call.now, "subscription", kind, data)]
    return done(await receive(call, sender, messages), headers)


async def read_agreement(call: AnyCall) -> Answer:
    """Whether the visitor has agreed to marketing mail, as far as the browser may know."""
    fields = nested(call.query_string)
    await shop_of(call, call.path.get("partnerId") or text_of(fields, "partnerId"))
    settings = call.services.shop.configuration.organisation.settings
    device = device_of(checked_device(call.path["rcuid"]), "", settings)
    found = await read_visitor(call.services.shop, device)
    if found is None:
        return answer(200, VisitorOut(False, False))
    return answer(200, VisitorOut(found.has_email, found.agrees(call.now)))


async def _resubscribe(call: AnyCall) -> Answer:
    """The visitor wants mail again, which is an act of theirs."""
    fields = fields_of(call)
    wanted = {"isAgreedToReceiveMarketingMail": True, "partnerId": call.path["partnerId"]}
    return await _written(call, {**fields, **wanted})


async def _write_visitor(call: AnyCall) -> Answer:
    return await _written(call, fields_of(call))


async def _written(call: AnyCall, fields: Fields) -> Answer:
    key = await shop_of(call, text_of(fields, "partnerId"))
    settings = call.services.shop.configuration.organisation.settings
    device_id = checked_device(call.path["rcuid"])
    if settings.tracker_secret and not text_of(fields, "signature"):
        raise NotAllowed("This shop wants its visitors signed")
    trust, wrong = trust_of(fields, settings.tracker_secret, call.now)
    if wrong and settings.tracker_secret:
        raise InvalidInput(
            Fault("/signature", "Invalid", f"The signature is no proof: {wrong[0].code}")
        )
    sender = Sender(key, device_of(device_id, f"{device_id[:40]}.write", settings))
    # Here a no is not said in passing: it is how one opts out.
    consents = _act(fields, sender, call)
    data = fields.get("data")
    said = {"email": fields.get("email"), "custom": data if isinstance(data, dict) else {}}
    offer = offer_of(said, sender.actor, assumes_consent=False, trust=trust)
    offer = msgspec.structs.replace(offer, consents=consents)
    outcome = await identify_visitor(call.services.shop, offer, sender.device, call.now, call.now)
    received = Received(stored=int(outcome.card is not None))
    received.warnings = [("", each) for each in outcome.warnings]
    return done(received)


def _act(fields: Fields, sender: Sender, call: AnyCall) -> tuple[ConsentEntry, ...]:
    try:
        agreed = read_flag(fields.get("isAgreedToReceiveMarketingMail"))
    except Failed:
        return ()
    state: Any = "granted" if agreed else "withdrawn"
    return (ConsentEntry(EMAIL, MARKETING, state, call.now, SOURCE, by=sender.actor),)


async def _sender(call: AnyCall, partner: str, fields: Fields) -> tuple[Sender, dict[str, str]]:
    """Who sends, and the headers that let the browser remember a new device."""
    key = await shop_of(call, partner)
    settings = call.services.shop.configuration.organisation.settings
    given = text_of(fields, "session")
    known = cookie_device(call)
    device_id = checked_device(given) if given else known or new_device_id()
    visit = text_of(fields, "pvid")
    # There are no visits on this wire: a day is one.
    visit = visit if VISIT.fullmatch(visit) else device_id[:40]
    page = page_of(fields.get("pageUrl"), fields.get("referrer"), None)
    sender = Sender(key, device_of(device_id, f"{visit[:40]}.{call.now:%Y%m%d}", settings), page)
    return sender, {} if known == device_id else cookie_header(call, device_id)


def done(received: Received, headers: Mapping[str, str] | None = None) -> Answer:
    """What came of the messages."""
    warnings = [dict(each) for each in told(received.warnings)]
    return answer(200, Done("success", received.stored, warnings), headers)
