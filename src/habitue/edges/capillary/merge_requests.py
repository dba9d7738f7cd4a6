"""Operations on requests to merge two customers (contracts/capillary/SPEC.md section 7.3).

The protocol does not say how a merge is asked for on this path. The body here has the names of its
first version: `customer` is the victim, `targetCustomer` the survivor, each by its id or by one
identifier. Undoing an approved request is an operation of our own.
"""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from habitue.customers.lookup import Place, lookup_of
from habitue.customers.merge_request import (
    MergeRequest,
    MergeRequestRefused,
    MergeRequestState,
)
from habitue.customers.refusals import Named
from habitue.customers.sources import ALL
from habitue.edges.capillary.answers import ORGANISATION_ID, AttributionOut, attribution_out, moment
from habitue.edges.capillary.codes import RequestFault, coded_refusal
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import (
    Bulk,
    BulkRow,
    IdentifierChanged,
    Item,
    bulk,
    identifier_changed,
    item_of,
)
from habitue.edges.capillary.reading import TillCall, attribution_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import ENCODER, Integer
from habitue.edges.http.operation import Operation
from habitue.model.errors import Refusal, StoreUnavailable
from habitue.model.limits import MERGE_REQUESTS_PER_CALL_MAX, REASON_LENGTH_MAX
from habitue.usecases.find_customer import Target
from habitue.usecases.request_merge import decide_request, read_request, request_merge
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply

TYPE, BASE_TYPE = "CHANGE_IDENTIFIER", "MERGE"
_WANTED: dict[str, MergeRequestState] = {
    "APPROVED": "APPROVED",
    "REJECTED": "REJECTED",
    "PENDING": "PENDING",
}
#: How far the change itself is, by the request's state.
_CHANGE_STATUS: dict[MergeRequestState, str] = {
    "PENDING": "PROCESSING",
    "APPROVED": "PROCESSED",
    "REJECTED": "REJECTED",
    "UNDONE": "UNDONE",
}


class CustomerNamed(msgspec.Struct, rename="camel"):
    """A customer by id, or by one identifier of any source."""

    id: Integer | None = None
    type: str | None = None
    value: str | Integer | None = None
    mobile: str | Integer | None = None
    email: str | None = None
    external_id: str | Integer | None = None


class MergeRequestIn(msgspec.Struct, rename="camel"):
    """Asks for `customer` to be merged into `targetCustomer`."""

    type: str | None = None
    base_type: str | None = None
    customer: CustomerNamed | None = None
    customer_id: Integer | None = None
    target_customer: CustomerNamed | None = None
    target_customer_id: Integer | None = None
    comments: str | None = None
    reason: str | None = None


class DecisionIn(msgspec.Struct, rename="camel"):
    """What is to become of one request."""

    type: str | None = None
    base_type: str | None = None
    id: Integer | None = None
    status: str | None = None
    comments: str | None = None


class UndoIn(msgspec.Struct):
    """Why a merge is taken back."""

    comments: str | None = None


class NamedValue(msgspec.Struct):
    """A customer's id as an identifier."""

    type: str
    value: str


class ChangedIdentifiers(msgspec.Struct):
    """The survivor and the victim."""

    add: list[NamedValue]
    remove: list[NamedValue]


class ChangeOut(msgspec.Struct, rename="camel"):
    """The merge itself."""

    id: int
    user_id: int
    request_id: int
    change_type: str
    change_status: str
    change_identifiers: ChangedIdentifiers
    one_step: bool


class MergeRequestOut(msgspec.Struct, rename="camel"):
    """A request."""

    type: str
    base_type: str
    status: str
    attribution: AttributionOut
    id: int
    org_id: int
    added_on: str
    user_id: int
    comments: str
    change_identifier_request: ChangeOut
    one_step: bool
    warnings: list[Item]


async def add_request(call: TillCall[None, MergeRequestIn]) -> Answer:
    body, shop = call.body, call.services.shop
    _check_type(body.type, body.base_type)
    comments = _text(body.comments or body.reason, "/comments")
    actor = attribution_in(call).actor
    reply = await request_merge(
        shop,
        _named(body.customer, body.customer_id),
        _named(body.target_customer, body.target_customer_id),
        comments,
        actor,
        call.now,
        _created,
        call.idempotency,
    )
    return Answer(reply.status, reply.body)


async def set_requests(call: TillCall[None, list[DecisionIn]]) -> Answer:
    if len(call.body) > MERGE_REQUESTS_PER_CALL_MAX:
        raise RequestFault("batch_too_large", subject=str(MERGE_REQUESTS_PER_CALL_MAX))
    if not call.body:
        raise RequestFault("details_missing")
    for index, each in enumerate(call.body):
        _text(each.comments, f"/{index}/comments")
    return bulk([await _decided(call, each) for each in call.body])


async def get_request(call: TillCall[None, None]) -> Answer:
    shop: Shop = call.services.shop
    request = await read_request(shop, call.integer("requestId"))
    return Answer(200, _request_out(request, shop))


async def undo_request(call: TillCall[None, UndoIn | None]) -> Answer:
    shop: Shop = call.services.shop
    comments = _text(call.body.comments if call.body else None, "/comments")
    request_id = call.integer("requestId")
    request = await _decide(call, request_id, "UNDONE", comments, call.now)
    return Answer(200, _request_out(request, shop))


async def _decided(call: TillCall[None, Any], wish: DecisionIn) -> BulkRow:
    """One of many: what is refused is told beside the others."""
    try:
        _check_type(wish.type, wish.base_type)
        if wish.id is None:
            raise MergeRequestRefused("request_unknown")
        state = _WANTED.get((wish.status or "").strip().upper())
        if state is None:
            raise MergeRequestRefused("status_invalid", wish.status or "")
        await _decide(call, wish.id, state, wish.comments or "", call.now)
    except StoreUnavailable:
        raise
    except Refusal as refusal:
        errors = [item_of(each) for each in coded_refusal(refusal, call.operation_id)]
        return BulkRow(wish.id, errors, [])
    return BulkRow(wish.id, [], [], True)


async def _decide(
    call: TillCall[None, Any],
    request_id: int,
    state: MergeRequestState,
    comments: str,
    now: datetime,
) -> MergeRequest:
    actor = attribution_in(call).actor
    shop: Shop = call.services.shop
    return await decide_request(shop, request_id, state, comments, actor, now)


def _check_type(type_: str | None, base_type: str | None) -> None:
    if (type_ or "").strip().upper() != TYPE:
        raise MergeRequestRefused("type_invalid")
    if (base_type or "").strip().upper() != BASE_TYPE:
        raise MergeRequestRefused("base_type_invalid")


def _named(named: CustomerNamed | None, id_: int | None) -> Target:
    """Whom a request names. Raises `MergeRequestRefused`, and what `lookup_of` raises."""
    named = named or CustomerNamed(id=id_)
    if named.id is not None:
        return named.id
    pairs = (
        (named.type, named.value),
        ("mobile", named.mobile),
        ("email", named.email),
        ("externalId", named.external_id),
    )
    for kind, value in pairs:
        text = "" if value is None else str(value).strip()
        if text:
            return lookup_of(Place(ALL), kind, text)
    raise MergeRequestRefused("identifiers_missing")


def _text(text: str | None, pointer: str) -> str:
    if text is not None and len(text) > REASON_LENGTH_MAX:
        raise Named(pointer, "Too long", f"at most {REASON_LENGTH_MAX} characters are possible")
    return text or ""


def _created(request: MergeRequest) -> Reply:
    answer = identifier_changed(request.id)
    return Reply(answer.status, ENCODER.encode(answer.body))


def _request_out(request: MergeRequest, shop: Shop) -> MergeRequestOut:
    organisation = shop.configuration.organisation
    change = ChangeOut(
        id=request.id,
        user_id=-1,
        request_id=request.id,
        change_type=BASE_TYPE,
        change_status=_CHANGE_STATUS[request.state],
        change_identifiers=ChangedIdentifiers(
            [NamedValue("id", str(request.survivor_id))],
            [NamedValue("id", str(request.victim_id))],
        ),
        one_step=False,
    )
    return MergeRequestOut(
        type=TYPE,
        base_type=BASE_TYPE,
        status=request.state,
        attribution=attribution_out(
            request.created,
            request.created_by,
            request.modified,
            request.modified_by,
            organisation,
        ),
        id=request.id,
        org_id=ORGANISATION_ID,
        added_on=moment(request.created),
        user_id=request.victim_id,
        comments=request.comments,
        change_identifier_request=change,
        one_step=False,
        warnings=[],
    )


def merge_request_operations() -> list[Operation]:
    """The operations on requests to merge two customers."""
    operation = partial(Operation, door=CAPILLARY, group="Merge requests")
    return [
        operation(
            id="addMergeRequest",
            method="POST",
            path="/v2/requests",
            handler=add_request,
            summary="Ask for two customers to be merged",
            body=MergeRequestIn,
            responses={200: IdentifierChanged},
            idempotent=True,
            request_example=_EXAMPLE,
        ),
        operation(
            id="setMergeRequests",
            method="PUT",
            path="/v2/requests",
            handler=set_requests,
            summary="Approve or reject requests, or take rejected ones back to pending",
            body=list[DecisionIn],
            responses={200: Bulk, 201: Bulk, 500: Bulk},
        ),
        operation(
            id="getMergeRequest",
            method="GET",
            path="/v2/requests/{requestId:int}",
            handler=get_request,
            summary="Read a request",
            responses={200: MergeRequestOut},
        ),
        operation(
            id="undoMergeRequest",
            method="POST",
            path="/v2/requests/{requestId:int}/undo",
            handler=undo_request,
            summary="Take apart what an approved request has merged",
            description="Not part of the vendor's protocol. Both customers are again what they"
            " were, with all that has arrived since at the one that it named.",
            body=UndoIn,
            body_optional=True,
            responses={200: MergeRequestOut},
        ),
    ]


_EXAMPLE = b"""{
  "type": "CHANGE_IDENTIFIER",
  "baseType": "MERGE",
  "customer": {"id": 880100300},
  "targetCustomer": {"mobile": "6591234567"},
  "comments": "the same person, two phones"
}"""
