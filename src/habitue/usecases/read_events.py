"""Reading events as they were stored: one advanced event, or those of an application."""

from datetime import datetime

import msgspec

from habitue.customers.claims import event_key
from habitue.model.attributes import Attributes
from habitue.model.documents import decode_untyped, decoder_of
from habitue.model.errors import NotFound
from habitue.promotions.effects import Effect
from habitue.store import application_events
from habitue.store.application_events import EventRow, EventsPage
from habitue.usecases.shop import Shop

_EFFECTS = decoder_of(tuple[Effect, ...])


class StoredEvent(msgspec.Struct, frozen=True):
    """An event with the effects that it caused; what it does not have is None or empty."""

    id: int
    created: datetime
    application_id: int
    customer_id: int | None
    profile_id: str
    session_id: int | None
    type: str
    effects: tuple[Effect, ...]
    attributes: Attributes
    store_integration_id: str
    integration_id: str
    connected_session_id: str


async def read_event(shop: Shop, application_id: int, integration_id: str) -> StoredEvent:
    """The advanced event of that id. Raises `NotFound`."""
    row = await application_events.event_of_claim(
        shop.database, event_key(application_id, integration_id), application_id, integration_id
    )
    if row is None:
        raise NotFound("Event", integration_id)
    return _stored(row)


async def read_events(
    shop: Shop, page: EventsPage, *, newest_first: bool
) -> tuple[list[StoredEvent], bool]:
    """The events of one page, and whether there are more. Raises `NotFound`."""
    shop.configuration.application(page.application_id)
    rows = await application_events.events_page(shop.database, page, newest_first=newest_first)
    return [_stored(row) for row in rows[: page.limit]], len(rows) > page.limit


async def read_event_types(shop: Shop, application_id: int) -> list[str]:
    """The types of the events that have happened in the application. Raises `NotFound`."""
    shop.configuration.application(application_id)
    return await application_events.types_of_events(shop.database, application_id)


def _stored(row: EventRow) -> StoredEvent:
    return StoredEvent(
        id=row.id,
        created=row.created,
        application_id=row.application_id,
        customer_id=row.customer_id,
        profile_id=row.profile_id,
        session_id=row.session_id,
        type=row.type,
        effects=_EFFECTS.decode(row.effects),
        attributes=decode_untyped(row.attributes) if row.attributes else {},
        store_integration_id=row.store_integration_id or "",
        integration_id=row.integration_id or "",
        connected_session_id=row.connected_session or "",
    )
