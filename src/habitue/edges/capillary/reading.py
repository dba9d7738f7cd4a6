"""Operations that read customers (contracts/capillary/SPEC.md section 6).

The id of a customer who was merged into another one is answered with the warning that says so.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from starlette.datastructures import Headers

from habitue.customers.card import Card
from habitue.customers.lookup import Place
from habitue.customers.loyalty_card import LoyaltyCard
from habitue.customers.notices import Notice
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerMerged
from habitue.customers.sources import ALL
from habitue.customers.status import current_status, status_log
from habitue.customers.subscriptions import subscriptions_of
from habitue.edges.capillary.answers import (
    CustomerOut,
    customer_out,
    identifier_spelling,
    logged_status_out,
    status_out,
    subscription_info_out,
)
from habitue.edges.capillary.attribution import Attribution, TillPrincipal, attribution_of
from habitue.edges.capillary.card_answers import card_out
from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.capillary.envelopes import (
    EntityFound,
    Item,
    Listing,
    Pagination,
    entity,
    listing,
    warnings_of,
)
from habitue.edges.capillary.points_answers import expiries_of, summary_of
from habitue.edges.capillary.targets import (
    DetailsQuery,
    LookupQuery,
    ReadQuery,
    embeds_in,
    lookup_in,
    place_in,
    target_in,
)
from habitue.edges.http.call import Answer, Call
from habitue.edges.http.numbers import INTEGER_MAX, Integer
from habitue.edges.http.operation import Operation
from habitue.model.limits import CUSTOMERS_PER_REQUEST_MAX, SEARCH_PAGE_SIZE_MAX
from habitue.usecases.find_customer import find_customer, identify_customer, read_customers
from habitue.usecases.read_customer import read_customer, read_held_cards
from habitue.usecases.read_programs import Membership, programs_of, read_memberships
from habitue.usecases.search_customers import FoundCard, search_customers
from habitue.usecases.shop import Shop

Query = TypeVar("Query")
Body = TypeVar("Body")
TillCall: TypeAlias = Call[TillPrincipal, Query, Body]
CustomerId: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_MAX)]

GROUP = "Customers of tills"
_FIELDS = {"first_name": "firstName", "last_name": "lastName"}


class MergedOut(msgspec.Struct):
    """The customer was merged into another one."""

    warnings: list[Item]


class SearchQuery(msgspec.Struct):
    """What a name or an identifier begins with, and which of those who were found to show."""

    q: str = ""
    limit: Integer = 10
    offset: Integer = 0


class MatchOut(msgspec.Struct, rename="camel"):
    """What of a customer begins so."""

    id_type: str
    id_value: str
    source: str
    account_id: str


class FoundProfileOut(msgspec.Struct, rename="camel"):
    """A profile of a customer who was found."""

    source: str
    first_name: str
    last_name: str


class FoundOut(msgspec.Struct, rename="camel"):
    """A customer who was found."""

    user_id: int
    matched_identifiers: list[MatchOut]
    profiles: list[FoundProfileOut]


async def lookup_customer(call: TillCall[LookupQuery, None]) -> Answer:
    return entity(await identify_customer(call.services.shop, lookup_in(call.query), call.now))


async def get_customer(call: TillCall[ReadQuery | DetailsQuery, None]) -> Answer:
    shop: Shop = call.services.shop
    place, target, embeds = place_in(call.query), target_in(call), embeds_in(call.query)
    try:
        card = await read_customer(shop, target, place, call.now)
    except CustomerMerged as merged:
        notice = Notice("merged_customer", str(merged.survivor_id))
        return Answer(200, MergedOut(warnings_of([notice], call.operation_id)))
    organisation = shop.configuration.organisation
    out = customer_out(card, place, organisation)
    if "ignoreCardDetails" not in embeds:
        held = await read_held_cards(shop, [card.id])
        out.card_details = _cards(held[card.id], organisation, call.now)
    if "customerStatus" in embeds:
        out.customer_status = status_out(current_status(card, organisation))
    if "subscriptions" in embeds:
        out.subscription_info = subscription_info_out(subscriptions_of(card, call.now))
    if embeds & _OF_POINTS:
        memberships = await read_memberships(shop, card.id, await programs_of(shop), call.now)
        _embed_points(out, card, memberships, embeds)
    return Answer(200, out)


_OF_POINTS = frozenset({"points", "mlp", "expirySchedules"})


def _embed_points(
    out: CustomerOut, card: Card, memberships: list[Membership], embeds: frozenset[str]
) -> None:
    """The default program as a summary, all as details, and what ends when."""
    if "points" in embeds and memberships:
        out.points_summary = summary_of(card, memberships[0])
    if "mlp" in embeds:
        out.loyalty_program_details = [summary_of(card, each) for each in memberships]
    if "expirySchedules" in embeds:
        out.expiry_schedules = list(expiries_of(memberships))


async def search(call: TillCall[SearchQuery, None]) -> Answer:
    limit, offset = call.query.limit, call.query.offset
    if offset < 0:
        raise RequestFault("offset_negative", "offset")
    if limit <= 0:
        raise RequestFault("limit_too_small", "limit")
    if limit > SEARCH_PAGE_SIZE_MAX:
        raise RequestFault("limit_too_large", "limit")
    result = await search_customers(call.services.shop, call.query.q, limit, offset)
    return listing([_found(each) for each in result.found], Pagination(limit, offset, result.total))


async def get_customers(call: TillCall[None, list[CustomerId]]) -> Answer:
    """Ids that nobody has are left out; merged and erased customers too."""
    shop: Shop = call.services.shop
    if not call.body:
        raise RequestFault("ids_missing")
    if len(call.body) > CUSTOMERS_PER_REQUEST_MAX:
        raise RequestFault("ids_too_many")
    cards = await read_customers(shop, list(dict.fromkeys(call.body)))
    organisation = shop.configuration.organisation
    standing = [cards[id_] for id_ in dict.fromkeys(call.body) if _stands(cards.get(id_))]
    held = await read_held_cards(shop, [card.id for card in standing])
    shown = [customer_out(card, _EVERYWHERE, organisation) for card in standing]
    for out in shown:
        out.card_details = _cards(held[out.id], organisation, call.now)
    return listing(shown)


async def get_status_log(call: TillCall[Any, None]) -> Answer:
    shop: Shop = call.services.shop
    card = (await find_customer(shop, target_in(call), call.now)).card
    organisation = shop.configuration.organisation
    lines = status_log(card, organisation)
    return listing([logged_status_out(line, card.id, organisation) for line in lines])


def attribution_in(call: TillCall[Any, Any]) -> Attribution:
    """Whom a write is attributed to. Raises as `attribution_of` does."""
    organisation = call.services.shop.configuration.organisation
    return attribution_of(call.principal, Headers(call.headers), organisation)


_EVERYWHERE = Place(ALL)


def _cards(
    cards: Iterable[LoyaltyCard], organisation: Organisation, now: datetime
) -> list[dict[str, Any]]:
    """Cards as they are read, without the warnings that an answer of their own would have."""
    shown = [
        msgspec.to_builtins(card_out(card, organisation, now), builtin_types=(Decimal,))
        for card in cards
    ]
    return [{name: value for name, value in card.items() if name != "warnings"} for card in shown]


def _stands(card: Card | None) -> bool:
    return card is not None and card.merged_into is None and card.erased is None


def _found(found: FoundCard) -> FoundOut:
    matches = [
        MatchOut(
            _FIELDS.get(each.kind) or identifier_spelling(each.kind),
            each.value,
            each.source,
            each.account_id,
        )
        for each in found.matches
    ]
    profiles = [
        FoundProfileOut(
            profile.source,
            *(str(profile.told[name].value) if name in profile.told else "" for name in _FIELDS),
        )
        for _, profile in found.card.profiles()
    ]
    return FoundOut(found.card.id, matches, profiles)


def reading_operations() -> list[Operation]:
    """The operations that read customers."""
    operation = partial(Operation, door=CAPILLARY, group=GROUP)
    one = "/v2/customers/{customerId:int}"
    return [
        operation(
            id="lookupCustomer",
            method="GET",
            path="/v2/customers/lookup",
            handler=lookup_customer,
            summary="Find a customer's id by an identifier",
            query=LookupQuery,
            responses={200: EntityFound},
        ),
        operation(
            id="getCustomer",
            method="GET",
            path=one,
            handler=get_customer,
            summary="Read a customer",
            query=ReadQuery,
            responses={200: CustomerOut},
        ),
        operation(
            id="getCustomerDetails",
            method="GET",
            path="/v2/customers/lookup/customerDetails",
            handler=get_customer,
            summary="Read a customer by an identifier",
            query=DetailsQuery,
            responses={200: CustomerOut},
        ),
        operation(
            id="searchCustomers",
            method="GET",
            path="/v2/customers/search",
            handler=search,
            summary="Search customers by how their names and identifiers begin",
            query=SearchQuery,
            responses={200: Listing},
        ),
        operation(
            id="getCustomersInBulk",
            method="POST",
            path="/v2/bulk/getCustomers",
            handler=get_customers,
            summary="Read many customers by their ids",
            body=list[CustomerId],
            responses={200: Listing},
        ),
        operation(
            id="getCustomerStatusLog",
            method="GET",
            path=f"{one}/statusLog",
            handler=get_status_log,
            summary="Read every status that a customer had",
            responses={200: Listing},
        ),
    ]
