"""Sessions of an application as staff look for them, and what one customer has done there."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.store.database import Connection, Row


class SessionsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions; what is None does not matter. With `partial` a text may stand anywhere, in
    whatever case."""

    application_id: int
    profile: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    coupon: str | None = None
    referral: str | None = None
    integration_id: str | None = None
    store: str | None = None
    partial: bool = False
    skip: int = 0
    limit: int = 1000


class SessionListing(msgspec.Struct, frozen=True):
    """A session as it is stored; `customer_id` is None for an anonymous one."""

    customer_id: int | None
    document: bytes


class ActivityRow(msgspec.Struct, frozen=True):
    """What a customer has done in an application in a time."""

    coupon_redemptions: int
    coupon_attempts: int
    coupon_failures: int
    orders: int
    orders_without_coupon: int
    total: Decimal
    discounts: Decimal


_PAGE = """
SELECT CASE WHEN NOT customer.anonymous THEN session.customer_id END AS customer_id, document
FROM session JOIN customer ON customer.id = session.customer_id
WHERE session.application_id = $1
    AND ($2::text IS NULL OR text_matches(document ->> 'profile_id', $2, $10))
    AND ($3::text IS NULL OR state = $3)
    AND ($4::timestamptz IS NULL OR session.created > $4)
    AND ($5::timestamptz IS NULL OR session.created < $5)
    AND ($6::text IS NULL OR EXISTS (
        SELECT FROM unnest(coupon_codes) AS codes (code) WHERE text_matches(code, $6, $10)))
    AND ($7::text IS NULL OR text_matches(document ->> 'referral_code', $7, $10))
    AND ($8::text IS NULL OR text_matches(integration_id, $8, $10))
    AND ($9::text IS NULL OR text_matches(document ->> 'store_integration_id', $9, $10))
ORDER BY session.id {direction} OFFSET $11 LIMIT $12 + 1
"""

_ONE = """
SELECT CASE WHEN NOT customer.anonymous THEN session.customer_id END AS customer_id, document
FROM session JOIN customer ON customer.id = session.customer_id
WHERE session.application_id = $1 AND session.id = $2
"""

# Orders are the sessions that were closed in that time and were not taken back.
_ACTIVITY = """
WITH orders AS (
    SELECT id, document, coupon_codes FROM session
    WHERE customer_id = $1 AND application_id = $2 AND state IN ('closed', 'partially_returned')
        AND (document ->> 'closed_at')::timestamptz BETWEEN $3 AND $4
), tries AS (
    SELECT event.session_id, effect -> 'outcome' ->> 'value' AS code,
        bool_or(effect -> 'outcome' ->> 'type' = 'RejectCoupon') AS failed
    FROM session_event AS event CROSS JOIN jsonb_array_elements(effects) AS given (effect)
    WHERE customer_id = $1 AND application_id = $2 AND created BETWEEN $3 AND $4
        AND effect -> 'outcome' ->> 'type' IN ('AcceptCoupon', 'RejectCoupon')
    GROUP BY 1, 2
), redeemed AS (
    SELECT session_id FROM redemption
    WHERE customer_id = $1 AND application_id = $2 AND redeemed_at BETWEEN $3 AND $4
)
SELECT
    (SELECT count(*) FROM redeemed) AS coupon_redemptions,
    (SELECT count(*) FROM tries) AS coupon_attempts,
    (SELECT count(*) FROM tries WHERE failed) AS coupon_failures,
    (SELECT count(*) FROM orders) AS orders,
    (SELECT count(*) FROM orders WHERE NOT EXISTS (
        SELECT FROM redemption
        WHERE customer_id = $1 AND session_id = orders.id)) AS orders_without_coupon,
    coalesce((SELECT sum(session_total(document)) FROM orders), 0) AS total,
    coalesce((
        SELECT sum((effect -> 'outcome' ->> 'value')::numeric)
        FROM orders CROSS JOIN jsonb_array_elements(document -> 'effects') AS given (effect)
        WHERE effect -> 'outcome' ->> 'type' LIKE 'SetDiscount%'
    ), 0) AS discounts
"""


_ACTIVITIES = f"""
SELECT owner.id AS customer_id, activity.* FROM unnest($1::bigint[]) AS owner (id)
CROSS JOIN LATERAL ({_ACTIVITY.replace("$1", "owner.id")}) AS activity
"""

_LAST_EVENT = """
SELECT id FROM session_event
WHERE customer_id = $1 AND application_id = $2 AND session_id = $3
ORDER BY id DESC LIMIT 1
"""


async def sessions_page(
    connection: Connection, page: SessionsPage, *, newest_first: bool
) -> list[SessionListing]:
    """The sessions in the order in which they came to be, and one more where there are more."""
    statement = _PAGE.format(direction="DESC" if newest_first else "ASC")
    rows = await connection.fetch(statement, *msgspec.structs.astuple(page))
    return [_listing(row) for row in rows]


async def one_session(
    connection: Connection, application_id: int, session_id: int
) -> SessionListing | None:
    """The session of that id of ours."""
    row = await connection.fetchrow(_ONE, application_id, session_id)
    return None if row is None else _listing(row)


async def activity(
    connection: Connection,
    customer_id: int,
    application_id: int,
    since: datetime,
    until: datetime,
) -> ActivityRow:
    """What the customer has done in the application in that time, both ends included."""
    row = await connection.fetchrow(_ACTIVITY, customer_id, application_id, since, until)
    assert row is not None, "the query always gives one row"
    return ActivityRow(**row)


async def activities(
    connection: Connection,
    customer_ids: Sequence[int],
    application_id: int,
    since: datetime,
    until: datetime,
) -> dict[int, ActivityRow]:
    """The same for many customers, by their ids."""
    rows = await connection.fetch(_ACTIVITIES, customer_ids, application_id, since, until)
    return {
        row["customer_id"]: ActivityRow(**{k: v for k, v in row.items() if k != "customer_id"})
        for row in rows
    }


async def last_event(
    connection: Connection, customer_id: int, application_id: int, session_id: int
) -> int:
    """The newest event of the session; 0 where there is none."""
    found = await connection.fetchval(_LAST_EVENT, customer_id, application_id, session_id)
    return int(found or 0)


def _listing(row: Row) -> SessionListing:
    return SessionListing(row["customer_id"], row["document"])
