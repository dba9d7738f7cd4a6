"""Progress in achievements beside what sessions read and write of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from habitue.store.database import Connection

_REMOVE = "DELETE FROM achievement_progress WHERE achievement_id = $1"

_LAST = """
SELECT coalesce(jsonb_agg(to_jsonb(found)), '[]') FROM (
    SELECT DISTINCT ON (achievement_id, root_id) * FROM achievement_progress
    WHERE customer_id = $1 AND achievement_id = ANY ($2::bigint[])
    ORDER BY achievement_id, root_id, number DESC
) AS found
"""

_STATUS = """
    CASE WHEN completed IS NOT NULL THEN 'completed' WHEN ends <= $3::timestamptz THEN 'expired'
        ELSE 'inprogress' END
"""

_HISTORY = f"""
SELECT count(*) AS total, coalesce((
    SELECT jsonb_agg(to_jsonb(page)) FROM (
        SELECT * FROM achievement_progress
        WHERE customer_id = $1 AND achievement_id = $2
            AND ($4::text[] IS NULL OR {_STATUS} = ANY ($4))
            AND ($5::timestamptz IS NULL OR started >= $5)
            AND ($6::timestamptz IS NULL OR started <= $6)
        ORDER BY started DESC, number DESC OFFSET $7 LIMIT $8
    ) AS page), '[]') AS iterations
FROM achievement_progress
WHERE customer_id = $1 AND achievement_id = $2
    AND ($4::text[] IS NULL OR {_STATUS} = ANY ($4))
    AND ($5::timestamptz IS NULL OR started >= $5)
    AND ($6::timestamptz IS NULL OR started <= $6)
"""


async def remove_progress(connection: Connection, achievement_id: int) -> None:
    """Everybody's progress in the achievement goes."""
    await connection.execute(_REMOVE, achievement_id)


async def owner_of(connection: Connection, profile_key: UUID) -> int | None:
    """Whose profile that is, if anybody's."""
    found: int | None = await connection.fetchval(
        "SELECT customer_id FROM claim WHERE claim_key = $1", profile_key
    )
    return found


async def last_iterations(
    connection: Connection, customer_id: int, achievement_ids: Sequence[int]
) -> bytes:
    """The last iteration of each root in each of the achievements, as a JSON list."""
    found: bytes = await connection.fetchval(_LAST, customer_id, achievement_ids)
    return found


async def history(
    connection: Connection,
    customer_id: int,
    achievement_id: int,
    now: datetime,
    statuses: Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
    skip: int,
    limit: int,
) -> tuple[int, bytes]:
    """How many iterations there are of those statuses and that time, and a page of them, latest
    first, as a JSON list."""
    row = await connection.fetchrow(
        _HISTORY, customer_id, achievement_id, now, statuses, since, until, skip, limit
    )
    assert row is not None, "a count is one row"
    return row["total"], row["iterations"]
