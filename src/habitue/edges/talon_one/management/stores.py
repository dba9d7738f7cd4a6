"""Stores on the wire."""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import Id, ManagementCall, fields_of, managed
from habitue.promotions.configuration import Configuration
from habitue.promotions.shop_lists import Store
from habitue.usecases.configure.stores import (
    StoreFields,
    create_store,
    delete_store,
    found_store,
    update_store,
)


class StoreIn(msgspec.Struct, rename="camel"):
    """A store as it is sent."""

    name: str | UnsetType = UNSET
    integration_id: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET


class StoreOut(msgspec.Struct, rename="camel"):
    """A store as it is answered."""

    id: int
    created: datetime
    updated: datetime
    application_id: int
    name: str
    description: str
    attributes: dict[str, Any]
    integration_id: str
    linked_campaign_ids: list[int]


class StoreQuery(PageQuery, rename="camel", kw_only=True):
    """Which stores; `query` is a part of the name or of the integration id."""

    campaign_id: Id | None = None
    name: str | None = None
    integration_id: str | None = None
    query: str | None = None


_SORTS = {"id": "id", "name": "name", "created": "created", "updated": "updated"}


async def get_stores(call: ManagementCall[StoreQuery, None]) -> Answer:
    configuration, query = call.services.shop.configuration, call.query
    application_id = configuration.application(call.integer("applicationId")).id
    stores = [
        each
        for each in configuration.stores.values()
        if each.application_id == application_id and _wanted(configuration, each, query)
    ]
    return Answer(200, page_of(stores, query, _SORTS, partial(_out, configuration)))


async def get_store(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    store = found_store(configuration, call.integer("applicationId"), call.integer("storeId"))
    return Answer(200, _out(configuration, store))


async def post_store(call: ManagementCall[None, StoreIn]) -> Answer:
    fields = fields_of(call.body, StoreFields)
    shop = call.services.shop
    store = await create_store(shop, call.integer("applicationId"), fields, call.now)
    return Answer(201, _out(shop.configuration, store))


async def put_store(call: ManagementCall[None, StoreIn]) -> Answer:
    ids = call.integer("applicationId"), call.integer("storeId")
    shop = call.services.shop
    store = await update_store(shop, *ids, fields_of(call.body, StoreFields), call.now)
    return Answer(200, _out(shop.configuration, store))


async def remove_store(call: ManagementCall[None, None]) -> Answer:
    ids = call.integer("applicationId"), call.integer("storeId")
    await delete_store(call.services.shop, *ids)
    return Answer(204)


def _wanted(configuration: Configuration, store: Store, query: StoreQuery) -> bool:
    linked = query.campaign_id is None or query.campaign_id in _campaign_ids(configuration, store)
    part = (query.query or "").casefold()
    return (
        linked
        and query.name in (None, store.name)
        and query.integration_id in (None, store.integration_id)
        and (part in store.name.casefold() or part in store.integration_id.casefold())
    )


def _campaign_ids(configuration: Configuration, store: Store) -> list[int]:
    campaigns = configuration.campaigns_of(store.application_id)
    return [each.id for each in campaigns if store.id in each.linked_store_ids]


def _out(configuration: Configuration, store: Store) -> StoreOut:
    return StoreOut(
        store.id,
        store.created,
        store.updated,
        store.application_id,
        store.name,
        store.description,
        store.attributes,
        store.integration_id,
        _campaign_ids(configuration, store),
    )


def operations() -> list[Operation]:
    """The operations on stores."""
    many = "/v1/applications/{applicationId:int}/stores"
    one = f"{many}/{{storeId:int}}"
    operation = partial(managed, group="Stores")
    return [
        operation(
            "listStores",
            "GET",
            many,
            get_stores,
            "List stores",
            {200: Page[StoreOut]},
            query=StoreQuery,
        ),
        operation(
            "createStore",
            "POST",
            many,
            post_store,
            "Create a store",
            {201: StoreOut},
            body=StoreIn,
            request_example=b'{"name": "Berlin", "description": "", "integrationId": "BER-1"}',
        ),
        operation("getStore", "GET", one, get_store, "Get a store", {200: StoreOut}),
        operation(
            "updateStore",
            "PUT",
            one,
            put_store,
            "Update a store; its integration id stays",
            {200: StoreOut},
            body=StoreIn,
        ),
        operation(
            "deleteStore",
            "DELETE",
            one,
            remove_store,
            "Delete a store",
            {204: None},
            description="Refused where a campaign is linked to this store alone.",
        ),
    ]
