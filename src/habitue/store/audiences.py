"""Members of audiences: read page by page, described together, removed.

Somebody joins and leaves with the rest that the request writes (`write_resource_audiences` of
migration 0013).
"""

from collections.abc import Sequence
from datetime import datetime

from habitue.store.database import Connection

_HOLD = "SELECT id FROM audience WHERE id = $1 FOR UPDATE"

_REMOVE = "DELETE FROM audience_member WHERE audience_id = $1"

_DESCRIBE = "SELECT describe_members($1, $2, $3, $4, $5, $6)"

_REPLACE = "SELECT replace_members($1, $2)"

_COUNT = """
SELECT audience_id, count(DISTINCT customer_id) AS members FROM audience_member
WHERE audience_id = ANY ($1::bigint[]) GROUP BY audience_id
"""


async def hold(connection: Connection, audience_id: int) -> None:
    """Lets nobody join the audience until the end of the transaction."""
    await connection.execute(_HOLD, audience_id)


async def remove_members(connection: Connection, audience_id: int) -> None:
    """Removes everybody from the audience."""
    await connection.execute(_REMOVE, audience_id)


async def describe_members(
    connection: Connection,
    audience_id: int,
    after: int,
    count: int,
    attributes: bytes,
    now: datetime,
    actor: bytes,
) -> int | None:
    """Sets attributes of the next `count` members after that customer; the last of them, or None.

    Null stands for an attribute that goes.
    """
    last: int | None = await connection.fetchval(
        _DESCRIBE, audience_id, after, count, attributes, now, actor
    )
    return last


async def count_members(connection: Connection, audience_ids: Sequence[int]) -> dict[int, int]:
    """How many customers are in each of those audiences; those without any are left out."""
    rows = await connection.fetch(_COUNT, audience_ids)
    return {row["audience_id"]: row["members"] for row in rows}


async def replace_members(connection: Connection, audience_id: int, import_id: int) -> None:
    """Lets those leave who are not in the file, if every row of the import is carried out."""
    await connection.execute(_REPLACE, audience_id, import_id)
