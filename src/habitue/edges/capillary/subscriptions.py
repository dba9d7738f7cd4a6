"""Operations on subscriptions (contracts/capillary/SPEC.md section 7.2).

What is sent is echoed as it was sent. `MOBILE` and `SMS` are one channel, which reads call `SMS`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from habitue.customers.card import Card, ConsentEntry
from habitue.customers.refusals import Named
from habitue.customers.sources import ALL
from habitue.customers.subscriptions import subscriptions_of
from habitue.edges.capillary.answers import SubscriptionOut, subscription_out
from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import Item, warnings_of
from habitue.edges.capillary.reading import GROUP, TillCall, attribution_in
from habitue.edges.capillary.requests import SubscriptionIn, consent_entries
from habitue.edges.capillary.targets import LookupQuery, PlaceQuery, target_in
from habitue.edges.http.call import Answer
from habitue.edges.http.numbers import ENCODER, Integer
from habitue.edges.http.operation import Operation
from habitue.model.limits import REASON_LENGTH_MAX
from habitue.usecases.find_customer import find_customer
from habitue.usecases.update_subscriptions import update_subscriptions
from habitue.usecases.writing import Reply

_NOBODY = -1


class Scope(msgspec.Struct, rename="camel"):
    """Whose subscriptions they are: one user's, always."""

    scope: str = "USER"
    sub_scope: str = "NONE"


class SubscriptionsIn(msgspec.Struct, rename="camel"):
    """What a customer opts in to or out of."""

    subscriptions: list[SubscriptionIn] | None = None
    scope: Scope | None = None
    reason: str | None = None
    communication_id: Integer | None = None
    campaign_id: Integer | None = None


class SubscriptionsSet(msgspec.Struct, rename="camel"):
    """What was sent, echoed."""

    scope: Scope
    subscriptions: list[SubscriptionIn]
    campaign_id: int
    communication_id: int
    reason: str
    warnings: list[Item]


class SubscriptionsOut(msgspec.Struct):
    """A customer's subscriptions."""

    scope: Scope
    subscriptions: list[SubscriptionOut]
    warnings: list[Item]


async def set_subscriptions(call: TillCall[Any, SubscriptionsIn]) -> Answer:
    target, body = target_in(call), call.body
    attribution = attribution_in(call)
    sent = body.subscriptions or []
    _check(body, sent)
    echo = SubscriptionsSet(
        scope=body.scope or Scope(),
        subscriptions=sent,
        campaign_id=_NOBODY if body.campaign_id is None else body.campaign_id,
        communication_id=_NOBODY if body.communication_id is None else body.communication_id,
        reason=body.reason or "",
        warnings=warnings_of(attribution.notices, call.operation_id),
    )

    def render(card: Card) -> Reply:
        return Reply(200, ENCODER.encode(echo))

    said = consent_entries(sent, "/subscriptions", attribution.actor, call.now)
    said = tuple(_told(each, call.query.source, body.reason) for each in said)
    shop = call.services.shop
    reply = await update_subscriptions(shop, target, said, call.now, render, call.idempotency)
    return Answer(reply.status, reply.body)


async def get_subscriptions(call: TillCall[Any, None]) -> Answer:
    card = (await find_customer(call.services.shop, target_in(call), call.now)).card
    told = [subscription_out(each) for each in subscriptions_of(card, call.now)]
    return Answer(200, SubscriptionsOut(Scope(), told, []))


def _check(body: SubscriptionsIn, sent: Sequence[SubscriptionIn]) -> None:
    """Raises `RequestFault` or `InvalidInput` for what a subscription cannot be."""
    if not sent:
        raise RequestFault("subscriptions_missing")
    if body.scope is not None and body.scope.scope.upper() != "USER":
        raise RequestFault("subscription_scope_invalid", subject=body.scope.scope)
    if len(body.reason or "") > REASON_LENGTH_MAX:
        details = f"at most {REASON_LENGTH_MAX} characters are possible"
        raise Named("/reason", "Too long", details)


def _told(entry: ConsentEntry, source: str | None, reason: str | None) -> ConsentEntry:
    """The entry with where it was told: its own source, else the one of the query."""
    place = (entry.source or source or "").strip().upper()
    return msgspec.structs.replace(
        entry, source="" if place == ALL else place, wording=reason or ""
    )


def subscription_operations() -> list[Operation]:
    """The operations on a customer's subscriptions."""
    write = partial(
        Operation,
        method="POST",
        handler=set_subscriptions,
        door=CAPILLARY,
        group=GROUP,
        body=SubscriptionsIn,
        responses={200: SubscriptionsSet},
        idempotent=True,
    )
    read = partial(
        Operation,
        method="GET",
        handler=get_subscriptions,
        door=CAPILLARY,
        group=GROUP,
        responses={200: SubscriptionsOut},
    )
    one = "/v2/customers/{customerId:int}/subscriptions"
    by_identifier = "/v2/customers/lookup/subscriptions"
    opt, show = "Opt a customer in or out", "Read a customer's subscriptions"
    return [
        write(id="setSubscriptions", path=one, query=PlaceQuery, summary=opt),
        write(
            id="setSubscriptionsByIdentifier",
            path=by_identifier,
            query=LookupQuery,
            summary=f"{opt}, by an identifier",
        ),
        read(id="getSubscriptions", path=one, query=PlaceQuery, summary=show),
        read(
            id="getSubscriptionsByIdentifier",
            path=by_identifier,
            query=LookupQuery,
            summary=f"{show}, by an identifier",
        ),
    ]
