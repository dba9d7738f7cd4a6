"""Giveaways in the database: codes of pools, added and read; awards by customer.

Awarding is done by the functions that save sessions and profiles.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from habitue.store.database import Connection, Database, Row


class NewGiveaway(msgspec.Struct, frozen=True):
    """A code to be added; `attributes` is JSON text."""

    pool_id: int
    code: str
    start_date: datetime | None
    end_date: datetime | None
    attributes: str
    import_id: int
    created: datetime


class GiveawayRow(msgspec.Struct, frozen=True):
    """A code, and who got it; `attributes` is JSON text."""

    id: int
    created: datetime
    code: str
    pool_id: int
    start_date: datetime | None
    end_date: datetime | None
    attributes: bytes
    used: bool
    import_id: int
    profile_id: str | None
    customer_id: int | None


_INSERT = """
INSERT INTO giveaway (pool_id, code, start_date, end_date, attributes, import_id, created)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::jsonb[],
    $6::bigint[], $7::timestamptz[])
"""
_COLUMNS = """
SELECT giveaway.id, created, code, giveaway.pool_id, start_date, end_date, attributes, used,
    import_id, award.profile_id, award.customer_id
"""
_AWARDS = f"""{_COLUMNS}
FROM giveaway_award AS award
JOIN giveaway ON giveaway.pool_id = award.pool_id AND giveaway.id = award.giveaway_id
WHERE award.customer_id = $1 ORDER BY award.at, award.giveaway_id
"""
_PAGE = f"""{_COLUMNS}
FROM giveaway LEFT JOIN giveaway_award AS award
    ON award.pool_id = giveaway.pool_id AND award.giveaway_id = giveaway.id
WHERE giveaway.pool_id = $1 AND giveaway.id > $2
    AND ($3::timestamptz IS NULL OR created <= $3)
    AND ($4::timestamptz IS NULL OR created >= $4)
ORDER BY giveaway.id LIMIT 1000
"""


async def insert_giveaways(connection: Connection, rows: Sequence[NewGiveaway]) -> None:
    """Adds codes to their pools."""
    values = [msgspec.structs.astuple(row) for row in rows]
    columns = [list(column) for column in zip(*values, strict=True)] if values else []
    if columns:
        columns[4] = [text.encode() for text in columns[4]]
        await connection.execute(_INSERT, *columns)


async def read_awards(connection: Connection, customer_id: int) -> list[GiveawayRow]:
    """What was given to a customer, in the order in which it was."""
    return [_giveaway(row) for row in await connection.fetch(_AWARDS, customer_id)]


async def giveaways_of_pool(
    database: Database, pool_id: int, before: datetime | None, after: datetime | None
) -> AsyncIterator[GiveawayRow]:
    """Every code of the pool that was added between those moments, in the order of their ids."""
    last = 0
    while rows := await database.fetch(_PAGE, pool_id, last, before, after):
        for row in rows:
            yield _giveaway(row)
        last = rows[-1]["id"]


def _giveaway(row: Row) -> GiveawayRow:
    return GiveawayRow(*(row[name] for name in GiveawayRow.__struct_fields__))
