"""Events of an application, built-in and custom, with the effects that they caused."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.effects import OUTCOMES, EffectOut, effect_out, shortened
from habitue.edges.talon_one.management.paging import Page, PageQuery, PageWithoutTotal
from habitue.edges.talon_one.management.shared import Instant, ManagementCall, managed
from habitue.store.application_events import EventsPage
from habitue.usecases.read_events import StoredEvent, read_event_types, read_events

Part = Annotated[str, Meta(min_length=2)]
Sort = Literal["", "id", "-id", "created", "-created"]


class EventsQuery(PageQuery, rename="camel", kw_only=True):
    """Which events; ids grow with time, so both orders are one."""

    sort: Sort = ""
    type: list[str] | None = None
    created_before: Instant | None = None
    created_after: Instant | None = None
    session: str | None = None
    profile: str | None = None
    customer_name: Part | None = None
    customer_email: Part | None = None
    coupon_code: str | None = None
    referral_code: str | None = None
    rule_query: str | None = None
    campaign_query: str | None = None
    effect_type: str | None = None


class TypesQuery(PageQuery, rename="camel", kw_only=True):
    """Which types of events; they have but a name."""

    sort: Literal["", "type", "-type"] = ""


class ApplicationEventOut(msgspec.Struct, rename="camel"):
    """One event; that of an anonymous session names no profile."""

    id: int
    created: datetime
    application_id: int
    type: str
    attributes: dict[str, Any]
    effects: list[EffectOut]
    profile_id: int | UnsetType = UNSET
    store_integration_id: str | UnsetType = UNSET
    session_id: int | UnsetType = UNSET
    integration_id: str | UnsetType = UNSET


async def get_events(call: ManagementCall[EventsQuery, None]) -> Answer:
    query = call.query
    page, newest_first = _page(call), query.sort.startswith("-")
    events, more = await read_events(call.services.shop, page, newest_first=newest_first)
    return Answer(200, PageWithoutTotal(more, [application_event_out(each) for each in events]))


async def get_types(call: ManagementCall[TypesQuery, None]) -> Answer:
    query = call.query
    types = await read_event_types(call.services.shop, call.integer("applicationId"))
    ordered = types[::-1] if query.sort.startswith("-") else types
    return Answer(200, Page(len(types), ordered[query.skip : query.skip + query.page_size]))


def _page(call: ManagementCall[EventsQuery, None]) -> EventsPage:
    query, id_ = call.query, call.integer("applicationId")
    wanted = query.campaign_query
    campaigns = call.services.shop.configuration.campaigns_of(id_)
    ids = [each.id for each in campaigns if (wanted or "").casefold() in each.name.casefold()]
    effect_type = query.effect_type
    return EventsPage(
        application_id=id_,
        types=query.type,
        since=query.created_after,
        until=query.created_before,
        session=query.session,
        profile=query.profile,
        name=query.customer_name,
        email=query.customer_email,
        coupon=query.coupon_code,
        referral=query.referral_code,
        rule=query.rule_query,
        campaign_ids=None if wanted is None else ids,
        outcomes=None if effect_type is None else OUTCOMES.get(effect_type, ()),
        skip=query.skip,
        limit=query.page_size,
    )


def application_event_out(event: StoredEvent) -> ApplicationEventOut:
    """The event in the protocol's words."""
    return ApplicationEventOut(
        id=event.id,
        created=event.created,
        application_id=event.application_id,
        type=event.type,
        attributes=shortened(event.attributes),
        effects=[effect_out(each) for each in event.effects],
        profile_id=UNSET if event.customer_id is None else event.customer_id,
        store_integration_id=event.store_integration_id or UNSET,
        session_id=UNSET if event.session_id is None else event.session_id,
        integration_id=event.integration_id or UNSET,
    )


def operations() -> list[Operation]:
    """The operations on events that have happened."""
    application = "/v1/applications/{applicationId:int}"
    operation = partial(managed, group="Events")
    return [
        operation(
            "getApplicationEventsWithoutTotalCount",
            "GET",
            f"{application}/events/no_total",
            get_events,
            "List events of an Application",
            {200: PageWithoutTotal[ApplicationEventOut]},
            query=EventsQuery,
        ),
        operation(
            "getApplicationEventTypes",
            "GET",
            f"{application}/event_types",
            get_types,
            "List the types of events that have happened in an Application",
            {200: Page[str]},
            query=TypesQuery,
        ),
    ]
