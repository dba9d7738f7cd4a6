"""Events of an application: one by its id, or a page of them.

An event stands with the customer whom it happened to; `profile_id` is one of the ids that the
customer has in the shop's own systems, that of the event's root if there is one.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.database import Connection, Row


class EventRow(msgspec.Struct, frozen=True):
    """One event as stored; `effects` and `attributes` are JSON documents.

    `customer_id` is None for an event of an anonymous session.
    """

    id: int
    created: datetime
    application_id: int
    customer_id: int | None
    profile_id: str
    session_id: int | None
    type: str
    effects: bytes
    attributes: bytes | None
    store_integration_id: str | None
    integration_id: str | None
    connected_session: str | None


class EventsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of an application; what is None does not matter.

    Names and addresses are looked for anywhere in the attributes, in whatever case; `outcomes` are
    the names of outcomes as they are stored, `campaign_ids` and `rule` are of an effect.
    """

    application_id: int
    types: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    session: str | None = None
    profile: str | None = None
    name: str | None = None
    email: str | None = None
    coupon: str | None = None
    referral: str | None = None
    rule: str | None = None
    campaign_ids: Sequence[int] | None = None
    outcomes: Sequence[str] | None = None
    skip: int = 0
    limit: int = 1000


_COLUMNS = """
SELECT event.id, event.created, event.application_id,
    CASE WHEN NOT customer.anonymous THEN event.customer_id END AS customer_id,
    coalesce((
        SELECT value FROM customer_identifier AS known
        WHERE known.customer_id = event.customer_id AND kind = 'integrationId'
        ORDER BY known.root_id IS NOT DISTINCT FROM event.root_id DESC, known.created, value
        LIMIT 1
    ), '') AS profile_id,
    event.session_id, event.type, event.effects, event.attributes, event.store_integration_id,
    event.integration_id, event.connected_session
FROM session_event AS event
JOIN customer ON customer.id = event.customer_id
"""

_PAGE = (
    _COLUMNS
    + """
LEFT JOIN session ON session.customer_id = event.customer_id AND session.id = event.session_id
WHERE event.application_id = $1
    AND ($2::text[] IS NULL OR event.type = ANY ($2))
    AND ($3::timestamptz IS NULL OR event.created > $3)
    AND ($4::timestamptz IS NULL OR event.created < $4)
    AND ($5::text IS NULL OR session.integration_id = $5)
    AND ($6::text IS NULL OR EXISTS (
        SELECT FROM customer_identifier AS known
        WHERE known.customer_id = event.customer_id AND kind = 'integrationId' AND value = $6))
    AND ($7::text IS NULL
        OR strpos(lower(customer.attributes ->> 'Name'), lower($7)) > 0)
    AND ($8::text IS NULL
        OR strpos(lower(customer.attributes ->> 'Email'), lower($8)) > 0)
    AND ($9::text IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements(event.effects) AS effects (effect)
        WHERE effect -> 'outcome' ->> 'type' IN ('AcceptCoupon', 'RejectCoupon', 'RollbackCoupon')
            AND effect -> 'outcome' ->> 'value' = $9))
    AND ($10::text IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements(event.effects) AS effects (effect)
        WHERE effect -> 'outcome' ->> 'type' IN ('AcceptReferral', 'RejectReferral',
                'RollbackReferral')
            AND effect -> 'outcome' ->> 'value' = $10))
    AND ($11::text IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements(event.effects) AS effects (effect)
        WHERE strpos(lower(effect ->> 'rule_name'), lower($11)) > 0))
    AND ($12::bigint[] IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements(event.effects) AS effects (effect)
        WHERE (effect ->> 'campaign_id')::bigint = ANY ($12)))
    AND ($13::text[] IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements(event.effects) AS effects (effect)
        WHERE effect -> 'outcome' ->> 'type' = ANY ($13)))
ORDER BY event.id {direction} OFFSET $14 LIMIT $15 + 1
"""
)

_BY_ID = (
    _COLUMNS
    + """
JOIN claim ON claim.claim_key = $1 AND claim.customer_id = event.customer_id
WHERE event.application_id = $2 AND event.integration_id = $3
"""
)

_TYPES = "SELECT DISTINCT type FROM session_event WHERE application_id = $1 ORDER BY type"


async def events_page(
    connection: Connection, page: EventsPage, *, newest_first: bool
) -> list[EventRow]:
    """The events in the order of their ids, and one more where there are more."""
    statement = _PAGE.format(direction="DESC" if newest_first else "ASC")
    rows = await connection.fetch(statement, *msgspec.structs.astuple(page))
    return [_event_row(row) for row in rows]


async def event_of_claim(
    connection: Connection, key: UUID, application_id: int, integration_id: str
) -> EventRow | None:
    """The advanced event of that id, which has that claim."""
    row = await connection.fetchrow(_BY_ID, key, application_id, integration_id)
    return None if row is None else _event_row(row)


async def types_of_events(connection: Connection, application_id: int) -> list[str]:
    """The types of all events of the application, in alphabetical order."""
    return [row["type"] for row in await connection.fetch(_TYPES, application_id)]


def _event_row(row: Row) -> EventRow:
    return EventRow(*row)
