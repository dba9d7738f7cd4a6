"""Registering customers, changing them, and changing their identifiers.

contracts/capillary/SPEC.md sections 3 to 5. `WAIT_FOR_DOWNSTREAM`, `X-CAP-DIRECT-REPLAY` and
`SKIP-DOWNSTREAM` say what shall follow from a write; what was said is kept with the record of the
change, for those who act upon it.
"""

import secrets
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from habitue.customers.card import Actor
from habitue.customers.change_identifiers import IdentifierCommand
from habitue.customers.identifier import CARD, canonical_kind
from habitue.customers.lookup import lookup_of, place_of
from habitue.customers.loyalty_card import CardWish
from habitue.customers.refusals import IdentifiersMissing
from habitue.customers.registration import OfferedIdentifier, Registration
from habitue.edges.capillary.attribution import Attribution, TillPrincipal, attribution_of
from habitue.edges.capillary.codes import coded_card
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import (
    Created,
    IdentifierChanged,
    Item,
    identifier_changed,
    item_of,
    success,
    warnings_of,
)
from habitue.edges.capillary.requests import CustomerIn, IdentifierIn
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Operation
from habitue.model.errors import Fault, InvalidInput
from habitue.model.numbers import shortest
from habitue.usecases.card_writing import Render, Written
from habitue.usecases.enrolments import Award
from habitue.usecases.find_customer import Target
from habitue.usecases.issue_card import CardOrder
from habitue.usecases.register_customer import register_customer
from habitue.usecases.shop import Shop
from habitue.usecases.update_customer import change_identifiers, update_customer
from habitue.usecases.writing import Reply

_GROUP = "Customers"
_DOWNSTREAM = ("WAIT_FOR_DOWNSTREAM", "X-CAP-DIRECT-REPLAY", "SKIP-DOWNSTREAM")


class SourceQuery(msgspec.Struct, rename="camel"):
    """Where the customer was told of; a profile's own source goes before."""

    source: str | None = None
    account_id: str | None = None
    use_async: bool | None = msgspec.field(default=None, name="use_async")
    raw_side_effects: bool | None = None
    mlp_single_enroll: bool | None = msgspec.field(default=None, name="mlp_single_enroll")


class LookupQuery(SourceQuery, rename="camel"):
    """Whom it is about, by an identifier."""

    identifier_name: str | None = None
    identifier_value: str | None = None


class ChangeIn(msgspec.Struct):
    """Identifiers to add and to remove."""

    add: list[IdentifierIn] | None = None
    remove: list[IdentifierIn] | None = None


AddCall: TypeAlias = Call[TillPrincipal, SourceQuery, CustomerIn]
LookupCall: TypeAlias = Call[TillPrincipal, LookupQuery, CustomerIn]
ChangeCall: TypeAlias = Call[TillPrincipal, SourceQuery, ChangeIn]


def registering_operations() -> list[Operation]:
    """The operations that write customers."""
    return [
        Operation(
            id="addCustomer",
            method="POST",
            path="/v2/customers",
            handler=_add,
            door=CAPILLARY,
            summary="Register a customer, or attach a source to one who is known",
            group=_GROUP,
            body=CustomerIn,
            query=SourceQuery,
            responses={200: Created},
            idempotent=True,
            request_example=_EXAMPLE,
        ),
        Operation(
            id="updateCustomerByIdentifier",
            method="PUT",
            path="/v2/customers/lookup",
            handler=_update_by_identifier,
            door=CAPILLARY,
            summary="Change what a source tells of a customer, found by an identifier",
            group=_GROUP,
            body=CustomerIn,
            query=LookupQuery,
            responses={200: Created},
            idempotent=True,
        ),
        Operation(
            id="updateCustomer",
            method="PUT",
            path="/v2/customers/{customerId:int}",
            handler=_update,
            door=CAPILLARY,
            summary="Change what a source tells of a customer",
            group=_GROUP,
            body=CustomerIn,
            query=SourceQuery,
            responses={200: Created},
            idempotent=True,
        ),
        Operation(
            id="changeIdentifiers",
            method="POST",
            path="/v2/customers/{customerId:int}/changeIdentifier",
            handler=_change,
            door=CAPILLARY,
            summary="Add and remove identifiers of a customer",
            group=_GROUP,
            body=ChangeIn,
            query=SourceQuery,
            responses={200: IdentifierChanged},
            idempotent=True,
        ),
    ]


_EXAMPLE = b"""{
  "loyaltyInfo": {"loyaltyType": "loyalty"},
  "profiles": [{
    "firstName": "Meera", "lastName": "Tan", "source": "INSTORE",
    "identifiers": [
      {"type": "mobile", "value": "6591234567"},
      {"type": "externalId", "value": "ORC0001042"}
    ],
    "commChannels": [
      {"type": "mobile", "value": "6591234567", "primary": true, "verified": true}
    ]
  }]
}"""


async def _add(call: AddCall) -> Answer:
    shop, attribution = call.services.shop, _attribution(call)
    registration = call.body.registration(
        call.query.source, call.query.account_id, attribution.actor, call.now
    )
    reply = await register_customer(
        shop,
        registration,
        call.now,
        _rendered(call, attribution),
        call.idempotency,
        _registration_order(shop, registration),
    )
    return Answer(reply.status, reply.body)


async def _update_by_identifier(call: LookupCall) -> Answer:
    query = call.query
    place = place_of(query.source, query.account_id)
    lookup = lookup_of(place, query.identifier_name, query.identifier_value)
    return await _updated(call, lookup)


async def _update(call: AddCall) -> Answer:
    return await _updated(call, call.integer("customerId"))


async def _updated(call: AddCall | LookupCall, named: Target) -> Answer:
    attribution = _attribution(call)
    registration = call.body.registration(
        call.query.source, call.query.account_id, attribution.actor, call.now
    )
    reply = await update_customer(
        call.services.shop,
        named,
        registration,
        call.now,
        _rendered(call, attribution),
        call.idempotency,
    )
    return Answer(reply.status, reply.body)


async def _change(call: ChangeCall) -> Answer:
    attribution = _attribution(call)
    command = _identifier_command(call, attribution.actor)

    def render(written: Written) -> Reply:
        warnings = _warnings(call, written, attribution)
        return _reply(identifier_changed(written.customer_id, warnings))

    reply = await change_identifiers(
        call.services.shop,
        call.integer("customerId"),
        command,
        call.now,
        render,
        call.idempotency,
        _change_order(call, command),
    )
    return Answer(reply.status, reply.body)


def _identifier_command(call: ChangeCall, actor: Actor) -> IdentifierCommand:
    place = place_of(call.query.source, call.query.account_id)
    add, remove = call.body.add or [], call.body.remove or []
    if not add and not remove:
        raise IdentifiersMissing("/add")
    return IdentifierCommand(
        source=place.source,
        account_id=place.account_id,
        add=tuple(each.offered(f"/add/{index}") for index, each in enumerate(add)),
        remove=tuple(each.offered(f"/remove/{index}") for index, each in enumerate(remove)),
        actor=actor,
    )


def _attribution(call: Call[TillPrincipal, Any, Any]) -> Attribution:
    shop: Shop = call.services.shop
    organisation = shop.configuration.organisation
    found = attribution_of(call.principal, call.headers, organisation)
    told = [found.actor.context, *_downstream(call)]
    context = ", ".join(each for each in told if each)
    return msgspec.structs.replace(
        found, actor=msgspec.structs.replace(found.actor, context=context)
    )


def _downstream(call: Call[TillPrincipal, Any, Any]) -> list[str]:
    told = []
    for name in _DOWNSTREAM:
        value = call.headers.get(name, "").strip().lower()
        if value not in ("", "true", "false"):
            raise InvalidInput(Fault("", "Invalid", "Expected true or false", parameter=name))
        if value:
            told.append(f"{name}={value}")
    return told


def _registration_order(shop: Shop, registration: Registration) -> CardOrder:
    wishes = [
        _wish(each, f"/profiles/{profile_index}/identifiers/{index}")
        for profile_index, profile in enumerate(registration.profiles)
        for index, each in enumerate(profile.identifiers)
        if canonical_kind(each.kind) == CARD
    ]
    return CardOrder(draw=secrets.randbelow, link=tuple(wishes))


def _change_order(call: ChangeCall, command: IdentifierCommand) -> CardOrder:
    """Cards to link and to delink; where nothing else is asked for, refusals are errors."""
    link, delink = (
        tuple(
            _wish(each, f"/{name}/{index}")
            for index, each in enumerate(offered)
            if canonical_kind(each.kind) == CARD
        )
        for name, offered in (("add", command.add), ("remove", command.remove))
    )
    alone = len(link) + len(delink) == len(command.add) + len(command.remove)
    return CardOrder(
        draw=secrets.randbelow, link=link, delink=delink, strict=alone, several="several_links"
    )


def _wish(offered: OfferedIdentifier, pointer: str) -> CardWish:
    return CardWish(
        number=offered.value.strip(),
        series_id=offered.series_id or 0,
        series_code=offered.series_code,
        external_id=offered.external_id,
        label=offered.status_label,
        custom_fields=offered.custom_fields,
        extended_fields=offered.extended_fields,
        pointer=pointer,
    )


class PointsEffect(msgspec.Struct, rename="camel"):
    """Points that came with it; `rawAwardedPoints` is the number before any rounding."""

    entity_type: str
    raw_awarded_points: Decimal
    awarded_points: Decimal
    type: str = "points"


def _points_effect(award: Award) -> PointsEffect:
    points = shortest(award.points)
    return PointsEffect("USER", points, points)


def _rendered(call: AddCall | LookupCall, attribution: Attribution) -> Render:
    def render(written: Written) -> Reply:
        warnings = _warnings(call, written, attribution)
        effects = [_points_effect(each) for each in written.awards]
        return _reply(success(written.customer_id, warnings, effects))

    return render


def _warnings(
    call: Call[TillPrincipal, Any, Any], written: Written, attribution: Attribution
) -> list[Item]:
    notices = (*written.decision.notices, *attribution.notices)
    told = warnings_of(notices, call.operation_id)
    return [*told, *(item_of(coded_card(fact)) for fact in written.card_facts)]


def _reply(answer: Answer) -> Reply:
    return Reply(answer.status, ENCODER.encode(answer.body))
