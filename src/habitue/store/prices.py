"""Prices that were seen: recorded, read, and excluded from the search for the best prior price.

Also which articles are to be looked at again: those that a synchronisation changed, those of which
a price adjustment begins or ends, and all of an application where something lowers prices anew.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.store.database import Connection, Row


class ObservationRow(msgspec.Struct, frozen=True):
    """A price that was seen; `context_ids` and `metadata` are JSON."""

    id: int
    sku: str
    audience_id: int
    at: datetime
    price: Decimal
    context_ids: bytes
    metadata: bytes
    excluded_at: datetime | None
    exclusion_reason: str | None


class DueRow(msgspec.Struct, frozen=True):
    """An article of which a price adjustment has begun or ended, and when."""

    catalog_id: int
    id: int
    sku: str
    at: datetime


_OBSERVE = "SELECT observe_prices($1, $2)"

_FIRST_OF = """
SELECT to_jsonb(first) AS document FROM (
    SELECT DISTINCT ON (sku) * FROM catalog_item
    WHERE sku = ANY ($2::text[]) AND catalog_id = ANY ($1::bigint[])
    ORDER BY sku, catalog_id
) AS first
"""

_CHANGED = """
SELECT id, sku FROM catalog_item
WHERE catalog_id = $1 AND id > $2 AND ($3::bigint IS NULL OR version = $3) ORDER BY id LIMIT $4
"""

_DUE = """
SELECT catalog_id, id, sku, next_change AS at FROM catalog_item
WHERE next_change <= $1 ORDER BY next_change, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""

_DONE = """
UPDATE catalog_item SET next_change = next_change_of(adjustments, next_change)
WHERE catalog_id = ANY ($1::bigint[]) AND id = ANY ($2::bigint[])
"""

_HOLD_CATALOGS = """
SELECT catalog_id FROM catalog_version WHERE catalog_id = ANY ($1::bigint[])
ORDER BY catalog_id FOR UPDATE
"""

_WATCHED = "SELECT lowered_by FROM price_watch WHERE application_id = $1"

_WATCH = """
INSERT INTO price_watch (application_id, lowered_by) VALUES ($1, $2)
ON CONFLICT (application_id) DO UPDATE SET lowered_by = excluded.lowered_by
"""

_COLUMNS = """
SELECT id, sku, audience_id, at, price, context_ids, metadata, excluded_at, exclusion_reason
FROM price_observation
"""

_SEEN = f"""{_COLUMNS}
WHERE application_id = $1 AND sku = ANY ($2::text[]) AND audience_id = ANY ($3::bigint[])
    AND at <= $4 AND excluded_at IS NULL
ORDER BY sku, audience_id, at, id
"""

_HISTORY = f"""{_COLUMNS}
WHERE application_id = $1 AND sku = $2 AND at >= $3 AND at <= $4 ORDER BY at, id
"""

_EXCLUDABLE = """
SELECT id FROM price_observation
WHERE application_id = $1 AND id = ANY ($2::bigint[]) AND excluded_at IS NULL
ORDER BY id FOR UPDATE
"""

_EXCLUDE = """
UPDATE price_observation SET excluded_at = $3, exclusion_reason = $4
WHERE application_id = $1 AND id = ANY ($2::bigint[])
"""


async def observe(connection: Connection, application_id: int, labels: bytes) -> None:
    """Records what is new of the document of labels."""
    await connection.execute(_OBSERVE, application_id, labels)


async def first_items(
    connection: Connection, catalog_ids: Sequence[int], skus: Sequence[str]
) -> list[bytes]:
    """The documents of the items of those articles, each of the first catalog that has it."""
    rows = await connection.fetch(_FIRST_OF, catalog_ids, skus)
    return [row["document"] for row in rows]


async def changed_skus(
    connection: Connection, catalog_id: int, after: int, version: int | None, limit: int
) -> tuple[int, list[str]]:
    """The articles of the next items after that one that have the version, or any; and the last."""
    rows = await connection.fetch(_CHANGED, catalog_id, after, version, limit)
    return (rows[-1]["id"] if rows else after), [row["sku"] for row in rows]


async def due_items(connection: Connection, now: datetime, limit: int) -> list[DueRow]:
    """Items of which an adjustment has begun or ended, the earliest first; nobody else gets them
    before the end of the transaction."""
    return [DueRow(**dict(row)) for row in await connection.fetch(_DUE, now, limit)]


async def done(connection: Connection, rows: Sequence[DueRow]) -> None:
    """Those items are due again at their next change."""
    ids = [each.id for each in rows]
    await connection.execute(_DONE, sorted({each.catalog_id for each in rows}), ids)


async def hold_catalogs(connection: Connection, catalog_ids: Sequence[int]) -> None:
    """Lets nobody synchronise the catalogs before the end of the transaction."""
    await connection.execute(_HOLD_CATALOGS, catalog_ids)


async def watched(connection: Connection, application_id: int) -> str | None:
    """What lowered the application's prices when they were last looked at; None for never."""
    found: str | None = await connection.fetchval(_WATCHED, application_id)
    return found


async def watch(connection: Connection, application_id: int, lowered_by: str) -> None:
    """The application's prices were looked at, lowered by that."""
    await connection.execute(_WATCH, application_id, lowered_by)


async def seen(
    connection: Connection,
    application_id: int,
    skus: Sequence[str],
    audience_ids: Sequence[int],
    until: datetime,
) -> list[ObservationRow]:
    """What was seen of those articles until then and is not excluded, oldest first of each."""
    rows = await connection.fetch(_SEEN, application_id, skus, audience_ids, until)
    return list(map(_observation, rows))


async def history(
    connection: Connection, application_id: int, sku: str, start: datetime, end: datetime
) -> list[ObservationRow]:
    """What was seen of the article between those moments, excluded or not."""
    rows = await connection.fetch(_HISTORY, application_id, sku, start, end)
    return list(map(_observation, rows))


async def excludable(
    connection: Connection, application_id: int, ids: Sequence[int]
) -> frozenset[int]:
    """Those of the observations that are the application's and not excluded; they are held."""
    rows = await connection.fetch(_EXCLUDABLE, application_id, ids)
    return frozenset(row["id"] for row in rows)


async def exclude(
    connection: Connection, application_id: int, ids: Sequence[int], now: datetime, reason: str
) -> None:
    """Excludes the observations from the search for the best prior price."""
    await connection.execute(_EXCLUDE, application_id, ids, now, reason)


def _observation(row: Row) -> ObservationRow:
    return ObservationRow(*(row[name] for name in ObservationRow.__struct_fields__))
