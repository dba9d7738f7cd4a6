"""Exports that staff have asked for, in the database: added one by one, and listed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from habitue.model.documents import encode
from habitue.store.database import Connection


class PastExport(msgspec.Struct, frozen=True, kw_only=True):
    """One file of rows of an `entity`, chosen by `filter`."""

    at: datetime
    entity: str
    application_id: int | None
    campaign_id: int | None
    filter: Mapping[str, Any]


class PastExportRow(msgspec.Struct, frozen=True):
    """An export as it is kept; its filter is a JSON document."""

    id: int
    at: datetime
    entity: str
    filter: bytes


class PastExportsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which exports; what is None does not matter."""

    entities: tuple[str, ...]
    application_id: int | None = None
    campaign_id: int | None = None
    skip: int = 0
    limit: int = 1000


_ADD = """
INSERT INTO export (at, entity, application_id, campaign_id, filter)
VALUES ($1, $2, $3, $4, $5::jsonb)
"""

_CHOSEN = """
FROM export
WHERE entity = ANY ($1::text[])
    AND ($2::bigint IS NULL OR application_id = $2)
    AND ($3::bigint IS NULL OR campaign_id = $3)
"""

_COUNT = f"SELECT count(*) {_CHOSEN}"

_PAGE = f"SELECT id, at, entity, filter {_CHOSEN} ORDER BY id DESC OFFSET $4 LIMIT $5"


async def add_export(connection: Connection, export: PastExport) -> None:
    """Adds one export."""
    owners = export.application_id, export.campaign_id
    await connection.execute(_ADD, export.at, export.entity, *owners, encode(export.filter))


async def exports_page(
    connection: Connection, page: PastExportsPage
) -> tuple[int, list[PastExportRow]]:
    """How many exports there are on all pages, and those of this one, the last first."""
    chosen = list(page.entities), page.application_id, page.campaign_id
    total = await connection.fetchval(_COUNT, *chosen)
    rows = await connection.fetch(_PAGE, *chosen, page.skip, page.limit)
    return total, [PastExportRow(**row) for row in rows]
