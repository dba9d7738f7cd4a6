"""Catalogs for staff: made, described, deleted, and their items read.

Only the list of items is published; the rest are the published schemas at the paths next to it
(contracts/talon_one/MANAGEMENT.md).
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.catalogs import CatalogOut, catalog_out
from habitue.edges.talon_one.effects import shortened
from habitue.edges.talon_one.management.paging import ListOut, Page, PageQuery, list_out, page_of
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.edges.talon_one.pages import PageSize, Skip
from habitue.model.attributes import Definitions
from habitue.model.limits import PAGE_SIZE_MAX
from habitue.model.numbers import shortest
from habitue.promotions.catalog import Catalog, CatalogItem
from habitue.store.catalogs import ItemQuery
from habitue.usecases.configure.catalogs import (
    CatalogFields,
    create_catalog,
    delete_catalog,
    update_catalog,
)
from habitue.usecases.read_catalogs import read_items, versions_of
from habitue.usecases.sync_catalog import item_attributes


class CatalogIn(msgspec.Struct, rename="camel"):
    """A catalog as it is sent."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    subscribed_applications_ids: tuple[Id, ...] | UnsetType | None = UNSET


class ItemsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which items of a catalog, and whether they are counted."""

    page_size: PageSize = PAGE_SIZE_MAX
    skip: Skip = 0
    with_total_result_size: bool = False
    sku: list[str] | None = None
    product_names: list[str] | None = None


class ItemAttributeOut(msgspec.Struct):
    """One attribute of an item."""

    attributeid: int
    name: str
    value: Any


class CatalogItemOut(msgspec.Struct, omit_defaults=True):
    """An item of a catalog."""

    id: int
    created: datetime
    sku: str
    catalogid: int
    version: int
    attributes: list[ItemAttributeOut]
    price: Any = None
    product: dict[str, Any] | None = None


_SORTS = {"id": "id", "name": "name", "created": "created"}


async def post_catalog(call: ManagementCall[None, CatalogIn]) -> Answer:
    catalog = await create_catalog(call.services.shop, _fields(call.body), call.now)
    return Answer(201, (await _shown(call, [catalog]))[catalog.id])


async def put_catalog(call: ManagementCall[None, CatalogIn]) -> Answer:
    id_, fields = call.integer("catalogId"), _fields(call.body)
    catalog = await update_catalog(call.services.shop, id_, fields, call.now)
    return Answer(200, (await _shown(call, [catalog]))[catalog.id])


async def get_catalogs(call: ManagementCall[PageQuery, None]) -> Answer:
    catalogs = list(call.services.shop.configuration.catalogs.values())
    shown = await _shown(call, catalogs)
    known = [each for each in catalogs if each.id in shown]
    return Answer(200, page_of(known, call.query, _SORTS, lambda each: shown[each.id]))


async def get_catalog(call: ManagementCall[None, None]) -> Answer:
    catalog = _catalog(call)
    return Answer(200, (await _shown(call, [catalog]))[catalog.id])


async def remove_catalog(call: ManagementCall[None, None]) -> Answer:
    await delete_catalog(call.services.shop, call.integer("catalogId"))
    return Answer(204)


async def get_items(call: ManagementCall[ItemsQuery, None]) -> Answer:
    catalog, query, shop = _catalog(call), call.query, call.services.shop
    wanted = ItemQuery(catalog.id, query.sku, query.product_names, query.skip, query.page_size)
    page = await read_items(shop, wanted, counted=query.with_total_result_size)
    definitions = item_attributes(shop.configuration, catalog)
    shown = [_item_out(each, definitions) for each in page.items]
    return Answer(200, list_out(shown, page.has_more, page.total))


async def _shown(
    call: ManagementCall[Any, Any], catalogs: Iterable[Catalog]
) -> dict[int, CatalogOut]:
    listed = {each.id: each for each in catalogs}
    versions = await versions_of(call.services.shop, listed)
    return {id_: catalog_out(listed[id_], version) for id_, version in versions.items()}


def _catalog(call: ManagementCall[Any, Any]) -> Catalog:
    catalog: Catalog = call.services.shop.configuration.catalog(call.integer("catalogId"))
    return catalog


def _fields(body: CatalogIn) -> CatalogFields:
    return CatalogFields(
        name=body.name,
        description=body.description,
        subscribed_application_ids=body.subscribed_applications_ids,
    )


def _item_out(item: CatalogItem, definitions: Definitions) -> CatalogItemOut:
    attributes = [
        ItemAttributeOut(definitions[name].id, name, value)
        for name, value in shortened(item.attributes).items()
        if name in definitions
    ]
    price = None if item.price is None else shortest(item.price)
    version, id_ = item.version, item.catalog_id
    return CatalogItemOut(
        item.id, item.created, item.sku, id_, version, attributes, price, item.product
    )


def operations() -> list[Operation]:
    """The operations on catalogs."""
    many, one = "/v1/catalogs", "/v1/catalogs/{catalogId:int}"
    operation = partial(managed, group="Catalogs")
    return [
        operation(
            "createCatalog",
            "POST",
            many,
            post_catalog,
            "Create a catalog of cart items",
            {201: CatalogOut},
            body=CatalogIn,
        ),
        operation(
            "getCatalogs",
            "GET",
            many,
            get_catalogs,
            "List catalogs",
            {200: Page[CatalogOut]},
            query=PageQuery,
        ),
        operation("getCatalog", "GET", one, get_catalog, "Get a catalog", {200: CatalogOut}),
        operation(
            "updateCatalog",
            "PUT",
            one,
            put_catalog,
            "Change what is said about a catalog",
            {200: CatalogOut},
            body=CatalogIn,
        ),
        operation("deleteCatalog", "DELETE", one, remove_catalog, "Delete a catalog", {204: None}),
        operation(
            "listCatalogItems",
            "GET",
            f"{one}/items",
            get_items,
            "List the items of a catalog",
            {200: ListOut[CatalogItemOut]},
            query=ItemsQuery,
        ),
    ]
