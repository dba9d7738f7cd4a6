"""Catalogs in the database: their versions, and their items by article.

`load` holds the catalog until the end of the transaction, so that two who synchronise it do so one
after the other. What carts need of it is read by `read_resource_catalog` (migration 0033).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.store.database import Connection


class VersionRow(msgspec.Struct, frozen=True):
    """At which version a catalog is, and since when."""

    version: int
    modified: datetime


class ItemQuery(msgspec.Struct, frozen=True):
    """Which items of a catalog, in the order in which they came to be; None for any."""

    catalog_id: int
    skus: Sequence[str] | None
    product_names: Sequence[str] | None
    skip: int
    limit: int


_INSERT = "INSERT INTO catalog_version (catalog_id, version, modified) VALUES ($1, 1, $2)"

_DELETE = """
WITH items AS (DELETE FROM catalog_item WHERE catalog_id = $1)
DELETE FROM catalog_version WHERE catalog_id = $1
"""

_VERSIONS = """
SELECT catalog_id, version, modified FROM catalog_version WHERE catalog_id = ANY ($1::bigint[])
"""

_LOAD = "SELECT load_catalog($1, $2)"

_SAVE = "SELECT save_catalog($1, $2, $3)"

_FOUND = """
FROM catalog_item WHERE catalog_id = $1 AND ($2::text[] IS NULL OR sku = ANY ($2::text[]))
    AND ($3::text[] IS NULL OR product ->> 'name' = ANY ($3::text[]))
"""

_LIST = f"SELECT to_jsonb(catalog_item) AS document {_FOUND} ORDER BY id OFFSET $4 LIMIT $5"

_COUNT = f"SELECT count(*) {_FOUND}"


async def insert_catalog(connection: Connection, catalog_id: int, now: datetime) -> None:
    """An empty catalog, at its first version."""
    await connection.execute(_INSERT, catalog_id, now)


async def delete_catalog(connection: Connection, catalog_id: int) -> None:
    """Removes the catalog with all that is in it."""
    await connection.execute(_DELETE, catalog_id)


async def read_versions(
    connection: Connection, catalog_ids: Sequence[int]
) -> dict[int, VersionRow]:
    """The versions of those catalogs that are there, by id."""
    rows = await connection.fetch(_VERSIONS, catalog_ids)
    return {row["catalog_id"]: VersionRow(row["version"], row["modified"]) for row in rows}


async def load(connection: Connection, catalog_id: int, skus: Sequence[str]) -> bytes | None:
    """A document of the version and of the items of those articles; None for no such catalog.

    Nobody else can synchronise the catalog before the transaction ends. Raises `LockTimeout`.
    """
    document: bytes | None = await connection.fetchval(_LOAD, catalog_id, skus)
    return document


async def save(connection: Connection, catalog_id: int, changes: bytes, now: datetime) -> int:
    """Saves the document of changes; the version that the catalog has now."""
    version: int = await connection.fetchval(_SAVE, catalog_id, changes, now)
    return version


async def list_items(connection: Connection, query: ItemQuery) -> list[bytes]:
    """The documents of one page of items."""
    rows = await connection.fetch(_LIST, *msgspec.structs.astuple(query))
    return [row["document"] for row in rows]


async def count_items(connection: Connection, query: ItemQuery) -> int:
    """How many items the query finds, on all of its pages."""
    found = (query.catalog_id, query.skus, query.product_names)
    total: int = await connection.fetchval(_COUNT, *found)
    return total
