"""Operations that change a customer's status (contracts/capillary/SPEC.md section 7.1)."""

from functools import partial
from typing import Any

import msgspec

from habitue.customers.card import StatusChange
from habitue.customers.refusals import Named
from habitue.customers.status import StatusWish
from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import StatusSet, status_set, warnings_of
from habitue.edges.capillary.reading import GROUP, TillCall, attribution_in
from habitue.edges.capillary.targets import LookupQuery, PlaceQuery, target_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Operation
from habitue.model.instants import parse_instant
from habitue.model.limits import REASON_LENGTH_MAX
from habitue.usecases.shop import Shop
from habitue.usecases.update_status import update_status
from habitue.usecases.writing import Reply


class StatusIn(msgspec.Struct, rename="camel"):
    """The status that a customer shall have, under one of the shop's labels."""

    label: str | None = None
    reason: str | None = None
    created_on: str | None = None


async def set_status(call: TillCall[Any, StatusIn]) -> Answer:
    shop: Shop = call.services.shop
    attribution = attribution_in(call)
    target, body = target_in(call), call.body
    wish = StatusWish(
        label=_required(body.label, "label"),
        reason=_required(body.reason, "reason"),
        at=call.now,
        told=call.now,
        actor=attribution.actor,
    )
    if body.created_on and body.created_on.strip():
        at = parse_instant(body.created_on.strip())
        if at is None or at > call.now:
            details = "Expected a time that has come, like 2026-03-03T23:59:59+08:00"
            raise Named("/createdOn", "Invalid time", details)
        wish = msgspec.structs.replace(wish, at=at)

    def render(change: StatusChange) -> Reply:
        answer = status_set(warnings_of(attribution.notices, call.operation_id))
        return Reply(answer.status, ENCODER.encode(answer.body))

    reply = await update_status(shop, target, wish, call.now, render, call.idempotency)
    return Answer(reply.status, reply.body)


def _required(text: str | None, name: str) -> str:
    value = (text or "").strip()
    if not value:
        raise RequestFault("details_missing", f"/{name}")
    if len(value) > REASON_LENGTH_MAX:
        details = f"at most {REASON_LENGTH_MAX} characters are possible"
        raise Named(f"/{name}", "Too long", details)
    return value


def status_operations() -> list[Operation]:
    """The operations that change a customer's status."""
    operation = partial(
        Operation,
        method="PUT",
        handler=set_status,
        door=CAPILLARY,
        group=GROUP,
        body=StatusIn,
        responses={200: StatusSet},
        idempotent=True,
        request_example=b'{"label": "Suspended", "reason": "chargeback review"}',
    )
    return [
        operation(
            id="setStatusOfIdentifier",
            path="/v2/customers/lookup/status",
            summary="Change the status of a customer by an identifier",
            query=LookupQuery,
        ),
        operation(
            id="setStatus",
            path="/v2/customers/{customerId:int}/status",
            summary="Change the status of a customer",
            query=PlaceQuery,
        ),
    ]
