"""The log of configuration changes: who changed what, before and after."""

from datetime import datetime

import msgspec

from habitue.store.database import Connection


class ChangeRow(msgspec.Struct, frozen=True):
    """One change of one entity; `old` is None where it came to be, `new` where it went."""

    id: int
    at: datetime
    kind: str
    entity_id: int
    application_id: int | None
    campaign_id: int | None
    key_id: int | None
    actor: str
    old: bytes | None
    new: bytes | None
    path: str


class ChangesQuery(msgspec.Struct, frozen=True):
    """Which changes; what is None does not matter. `path` is a part of an entity's path."""

    application_id: int | None = None
    key_id: int | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None
    path: str | None = None
    newest_first: bool = True
    skip: int = 0
    limit: int = 50


# The path of an entity, as the Management API has it.
_PATH = """
    CASE kind
        WHEN 'application' THEN '/v1/applications/' || entity_id
        WHEN 'campaign' THEN concat('/v1/applications/', application_id, '/campaigns/', entity_id)
        WHEN 'ruleset' THEN concat('/v1/campaigns/', campaign_id, '/rulesets/', entity_id)
        ELSE concat('/v1/', replace(kind, '_', ''), 's/', entity_id)
    END
"""

_CHOSEN = f"""
FROM configuration_change
WHERE ($1::bigint IS NULL OR application_id = $1)
    AND ($2::bigint IS NULL OR key_id = $2)
    AND ($3::timestamptz IS NULL OR at < $3)
    AND ($4::timestamptz IS NULL OR at > $4)
    AND ($5::text IS NULL OR strpos(lower({_PATH}), lower($5)) > 0)
"""

_READ = f"""
SELECT id, at, kind, entity_id, application_id, campaign_id, key_id, actor, old, new,
    {_PATH} AS path
{_CHOSEN}
ORDER BY id {{direction}} OFFSET $6 LIMIT $7
"""

_COUNT = f"SELECT count(*) {_CHOSEN}"


async def read_changes(connection: Connection, query: ChangesQuery) -> list[ChangeRow]:
    """The changes of the page, and one more where there are more."""
    statement = _READ.format(direction="DESC" if query.newest_first else "ASC")
    rows = await connection.fetch(statement, *_chosen(query), query.skip, query.limit + 1)
    return [ChangeRow(**row) for row in rows]


async def count_changes(connection: Connection, query: ChangesQuery) -> int:
    """How many changes there are on all pages."""
    count: int = await connection.fetchval(_COUNT, *_chosen(query))
    return count


def _chosen(query: ChangesQuery) -> tuple[object, ...]:
    return (
        query.application_id,
        query.key_id,
        query.created_before,
        query.created_after,
        query.path,
    )
