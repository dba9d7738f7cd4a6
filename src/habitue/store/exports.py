"""Rows for files, part by part in the order of their ids: whoever asks names the last id it has."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.model.documents import encode
from habitue.store.database import Connection


class EffectsPart(msgspec.Struct, frozen=True, kw_only=True):
    """Which events that had effects; what is None does not matter."""

    application_id: int
    after: int = 0
    created_after: datetime | None = None
    created_before: datetime | None = None
    campaign_id: int | None = None
    limit: int = 200


class EffectsRow(msgspec.Struct, frozen=True):
    """One event with its effects, a JSON list; without a customer's id it was anonymous."""

    id: int
    created: datetime
    type: str
    effects: bytes
    customer_id: int | None
    profile_id: str
    session_id: int | None
    session_integration_id: str
    total: Decimal | None
    store_integration_id: str


class SessionsPart(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions; what is None does not matter."""

    application_id: int
    after: int = 0
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    profile: str | None = None
    state: str | None = None
    limit: int = 200


class SessionExportRow(msgspec.Struct, frozen=True):
    """One session as stored; without a customer's id it is anonymous."""

    id: int
    customer_id: int | None
    document: bytes


class ReferralsPart(msgspec.Struct, frozen=True, kw_only=True):
    """Which referral codes of a campaign; what is None does not matter."""

    campaign_id: int
    now: datetime
    after: int = 0
    created_after: datetime | None = None
    created_before: datetime | None = None
    valid: str | None = None
    usable: bool | None = None
    batch_id: str | None = None
    limit: int = 1000


class ProgressRow(msgspec.Struct, frozen=True):
    """Where one root of a customer stands in an achievement: its last iteration, a document."""

    customer_id: int
    root_id: int
    profile_id: str
    document: bytes


_EFFECTS = """
SELECT event.id, event.created, event.type, event.effects,
    CASE WHEN NOT customer.anonymous THEN event.customer_id END AS customer_id,
    coalesce(session.document ->> 'profile_id', (
        SELECT value FROM customer_identifier AS known
        WHERE known.customer_id = event.customer_id AND kind = 'integrationId'
        ORDER BY known.root_id IS NOT DISTINCT FROM event.root_id DESC, known.created, value
        LIMIT 1
    ), '') AS profile_id,
    event.session_id, coalesce(session.integration_id, '') AS session_integration_id,
    bought_total(session.document) AS total,
    coalesce(event.store_integration_id, session.document ->> 'store_integration_id', '')
        AS store_integration_id
FROM session_event AS event
JOIN customer ON customer.id = event.customer_id
LEFT JOIN session ON session.customer_id = event.customer_id AND session.id = event.session_id
WHERE event.application_id = $1 AND event.id > $2 AND event.effects <> '[]'
    AND ($3::timestamptz IS NULL OR event.created >= $3)
    AND ($4::timestamptz IS NULL OR event.created <= $4)
    AND ($5::jsonb IS NULL OR event.effects @> $5)
ORDER BY event.id LIMIT $6
"""

_SESSIONS = """
SELECT session.id, document,
    CASE WHEN NOT customer.anonymous THEN session.customer_id END AS customer_id
FROM session JOIN customer ON customer.id = session.customer_id
WHERE session.application_id = $1 AND session.id > $2
    AND ($3::timestamptz IS NULL OR session.created >= $3)
    AND ($4::timestamptz IS NULL OR session.created <= $4)
    AND ($5::timestamptz IS NULL OR session.updated >= $5)
    AND ($6::timestamptz IS NULL OR session.updated <= $6)
    AND ($7::text IS NULL OR document ->> 'profile_id' = $7)
    AND ($8::text IS NULL OR session.state = $8)
ORDER BY session.id LIMIT $9
"""

_REFERRALS = """
SELECT to_jsonb(referral) AS document FROM referral
WHERE campaign_id = $1 AND id > $3
    AND ($4::timestamptz IS NULL OR created >= $4)
    AND ($5::timestamptz IS NULL OR created <= $5)
    AND ($6::text IS NULL OR $6 = CASE
        WHEN expiry_date <= $2 THEN 'expired'
        WHEN start_date > $2 THEN 'validFuture'
        ELSE 'validNow' END)
    AND ($7::boolean IS NULL OR (usage_limit = 0 OR usage_counter < usage_limit) = $7)
    AND ($8::text IS NULL OR batch_id = $8)
ORDER BY id LIMIT $9
"""

_PROGRESS = """
SELECT last.customer_id, last.root_id, coalesce((
        SELECT value FROM customer_identifier AS known
        WHERE known.customer_id = last.customer_id AND kind = 'integrationId'
        ORDER BY coalesce(known.root_id, known.customer_id) = last.root_id DESC,
            known.created, value
        LIMIT 1
    ), '') AS profile_id, to_jsonb(last) AS document
FROM (
    SELECT DISTINCT ON (customer_id, root_id) * FROM achievement_progress
    WHERE achievement_id = $1 AND customer_id >= $2
        AND (customer_id, root_id) > ($2::bigint, $3::bigint)
    ORDER BY customer_id, root_id, number DESC LIMIT $4
) AS last ORDER BY last.customer_id, last.root_id
"""


async def effects(connection: Connection, part: EffectsPart) -> list[EffectsRow]:
    """The next events that had effects."""
    campaign_id = part.campaign_id
    rows = await connection.fetch(
        _EFFECTS,
        part.application_id,
        part.after,
        part.created_after,
        part.created_before,
        None if campaign_id is None else encode([{"campaign_id": campaign_id}]),
        part.limit,
    )
    return [EffectsRow(**row) for row in rows]


async def sessions(connection: Connection, part: SessionsPart) -> list[SessionExportRow]:
    """The next sessions."""
    rows = await connection.fetch(_SESSIONS, *msgspec.structs.astuple(part))
    return [SessionExportRow(**row) for row in rows]


async def referrals(connection: Connection, part: ReferralsPart) -> Sequence[bytes]:
    """The documents of the next codes."""
    rows = await connection.fetch(_REFERRALS, *msgspec.structs.astuple(part))
    return [row["document"] for row in rows]


async def progress(
    connection: Connection, achievement_id: int, after: tuple[int, int], limit: int
) -> list[ProgressRow]:
    """The next customers and roots who have begun with the achievement."""
    rows = await connection.fetch(_PROGRESS, achievement_id, *after, limit)
    return [ProgressRow(**row) for row in rows]
