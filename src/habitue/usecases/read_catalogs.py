"""What is in catalogs, for staff."""

from collections.abc import Iterable

import msgspec

from habitue.model.documents import decoder_of
from habitue.promotions.catalog import CatalogItem
from habitue.store import catalogs
from habitue.store.catalogs import ItemQuery, VersionRow
from habitue.usecases.shop import Shop

_ITEM = decoder_of(CatalogItem)


class ItemPage(msgspec.Struct, frozen=True):
    """A page of items; `total` is None where they were not counted."""

    items: list[CatalogItem]
    has_more: bool
    total: int | None = None


async def versions_of(shop: Shop, catalog_ids: Iterable[int]) -> dict[int, VersionRow]:
    """The versions of those catalogs that are there, by id."""
    return await catalogs.read_versions(shop.database, list(catalog_ids))


async def read_items(shop: Shop, query: ItemQuery, *, counted: bool) -> ItemPage:
    """The page that the query asks for."""
    more = msgspec.structs.replace(query, limit=query.limit + 1)
    documents = await catalogs.list_items(shop.database, more)
    items = [_ITEM.decode(each) for each in documents[: query.limit]]
    total = await catalogs.count_items(shop.database, query) if counted else None
    return ItemPage(items, len(documents) > query.limit, total)
