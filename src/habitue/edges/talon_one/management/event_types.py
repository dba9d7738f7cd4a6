"""Types of custom events on the wire."""

from datetime import datetime
from functools import partial

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import ManagementCall, fields_of, managed
from habitue.promotions.event import EventType
from habitue.usecases.configure.event_types import (
    EventTypeFields,
    create_event_type,
    delete_event_type,
    event_type_of,
    update_event_type,
)


class EventTypeIn(msgspec.Struct):
    """A type as it is sent."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class EventTypeOut(msgspec.Struct):
    """A type as it is answered."""

    id: int
    created: datetime
    title: str
    name: str
    description: str


class EventTypeQuery(PageQuery, rename="camel", kw_only=True):
    """Which types; there is one version of each."""

    name: str | None = None
    include_old_versions: bool = False


_SORTS = {"id": "id", "name": "name", "title": "title", "created": "created"}


async def get_event_types(call: ManagementCall[EventTypeQuery, None]) -> Answer:
    types, name = call.services.shop.configuration.event_types.values(), call.query.name
    found = [each for each in types if name is None or each.name == name]
    return Answer(200, page_of(found, call.query, _SORTS, event_type_out))


async def get_event_type(call: ManagementCall[None, None]) -> Answer:
    type_ = event_type_of(call.services.shop.configuration, call.integer("eventTypeId"))
    return Answer(200, event_type_out(type_))


async def post_event_type(call: ManagementCall[None, EventTypeIn]) -> Answer:
    fields = fields_of(call.body, EventTypeFields)
    return Answer(
        201, event_type_out(await create_event_type(call.services.shop, fields, call.now))
    )


async def put_event_type(call: ManagementCall[None, EventTypeIn]) -> Answer:
    id_, fields = call.integer("eventTypeId"), fields_of(call.body, EventTypeFields)
    return Answer(200, event_type_out(await update_event_type(call.services.shop, id_, fields)))


async def remove_event_type(call: ManagementCall[None, None]) -> Answer:
    await delete_event_type(call.services.shop, call.integer("eventTypeId"))
    return Answer(204)


def event_type_out(type_: EventType) -> EventTypeOut:
    """The type in the protocol's words."""
    return EventTypeOut(type_.id, type_.created, type_.title, type_.name, type_.description)


def operations() -> list[Operation]:
    """The operations on types of events."""
    one, all_ = "/v1/event_types/{eventTypeId:int}", "/v1/event_types"
    operation = partial(managed, group="Events")
    return [
        operation(
            "getEventTypes",
            "GET",
            all_,
            get_event_types,
            "List types of custom events",
            {200: Page[EventTypeOut]},
            query=EventTypeQuery,
        ),
        operation(
            "createEventType",
            "POST",
            all_,
            post_event_type,
            "Create a type of custom events",
            {201: EventTypeOut},
            body=EventTypeIn,
        ),
        operation(
            "getEventType",
            "GET",
            one,
            get_event_type,
            "Get a type of custom events",
            {200: EventTypeOut},
        ),
        operation(
            "updateEventType",
            "PUT",
            one,
            put_event_type,
            "Update a type of custom events",
            {200: EventTypeOut},
            description="The name cannot be changed. What is left out keeps its value.",
            body=EventTypeIn,
        ),
        operation(
            "deleteEventType",
            "DELETE",
            one,
            remove_event_type,
            "Delete a type of custom events",
            {204: None},
            description="Events of the type are refused from then on; those that happened stay.",
        ),
    ]
