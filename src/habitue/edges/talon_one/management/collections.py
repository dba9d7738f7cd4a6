"""Collections on the wire: of the account or of a campaign, filled by a file with one column."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.csv_files.reading import Column
from habitue.edges.csv_files.writing import csv_answer
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.management.imports import Importing, imported, importing_operation
from habitue.edges.talon_one.management.paging import (
    Page,
    PageQuery,
    PageWithoutTotal,
    ShortPageQuery,
    page_of,
)
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    USER_ID,
    Id,
    ManagementCall,
    fields_of,
    managed,
)
from habitue.model.limits import COLLECTION_ITEM_LENGTH_MAX, COLLECTION_ITEMS_MAX
from habitue.promotions.shop_lists import Collection
from habitue.usecases.configure.shop_lists import (
    ACCOUNT,
    CollectionFields,
    CollectionImport,
    Place,
    check_place,
    create_collection,
    delete_collection,
    found_collection,
    update_collection,
)

#: How many items the answer about one collection shows.
SHOWN_ITEMS_MAX = 50


class CollectionIn(msgspec.Struct, rename="camel"):
    """A collection as it is sent; those of campaigns serve their application."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    subscribed_applications_ids: tuple[Id, ...] | UnsetType | None = UNSET


class CollectionOut(msgspec.Struct, rename="camel"):
    """A collection; only one that is asked for alone shows its first items."""

    id: int
    created: datetime
    modified: datetime
    account_id: int
    created_by: int
    name: str
    description: str
    subscribed_applications_ids: list[int] | UnsetType = UNSET
    application_id: int | UnsetType = UNSET
    campaign_id: int | UnsetType = UNSET
    payload: list[str] | UnsetType = UNSET


class CollectionQuery(PageQuery, rename="camel", kw_only=True):
    """Which collections."""

    name: str | None = None


class ItemOut(msgspec.Struct):
    """What one item of a collection is."""

    item: str


_SORTS = {"id": "id", "name": "name", "created": "created"}


def place_of(call: ManagementCall[Any, Any]) -> Place:
    if "campaignId" not in call.path:
        return ACCOUNT
    return call.integer("applicationId"), call.integer("campaignId")


async def get_collections(call: ManagementCall[CollectionQuery, None]) -> Answer:
    configuration, place = call.services.shop.configuration, place_of(call)
    check_place(configuration, place)
    found = [
        each
        for each in configuration.collections.values()
        if (each.application_id, each.campaign_id) == place
    ]
    return _listed(call, found)


async def get_application_collections(call: ManagementCall[CollectionQuery, None]) -> Answer:
    configuration = call.services.shop.configuration
    application_id = configuration.application(call.integer("applicationId")).id
    found = [each for each in configuration.collections.values() if each.serves(application_id)]
    return _listed(call, found)


async def get_collection(call: ManagementCall[None, None]) -> Answer:
    collection = _found(call)
    first = sorted(collection.items)[:SHOWN_ITEMS_MAX]
    return Answer(200, msgspec.structs.replace(collection_out(collection), payload=first))


async def post_collection(call: ManagementCall[None, CollectionIn]) -> Answer:
    fields = _fields(call.body)
    collection = await create_collection(call.services.shop, place_of(call), fields, call.now)
    return Answer(201, collection_out(collection))


async def put_collection(call: ManagementCall[None, CollectionIn]) -> Answer:
    shop, id_ = call.services.shop, call.integer("collectionId")
    collection = await update_collection(shop, place_of(call), id_, _fields(call.body), call.now)
    return Answer(200, collection_out(collection))


async def remove_collection(call: ManagementCall[None, None]) -> Answer:
    await delete_collection(call.services.shop, place_of(call), call.integer("collectionId"))
    return Answer(204)


async def get_items(call: ManagementCall[ShortPageQuery, None]) -> Answer:
    items = sorted(_found(call).items)
    last = call.query.skip + call.query.page_size
    shown = [ItemOut(each) for each in items[call.query.skip : last]]
    return Answer(200, PageWithoutTotal(last < len(items), shown))


async def import_collection(call: ManagementCall[None, None]) -> Answer:
    place, id_ = place_of(call), call.integer("collectionId")
    importing = Importing(
        entity="Collection",
        place=str(id_),
        columns=(Column("item", required=True),),
        decode=lambda row: row.required("item", COLLECTION_ITEM_LENGTH_MAX),
        importer=CollectionImport(call.services.shop, place, id_, call.now),
        rows_max=COLLECTION_ITEMS_MAX,
        batch=COLLECTION_ITEMS_MAX,
        replaces=True,
    )
    return await imported(call, importing)


async def export_collection(call: ManagementCall[None, None]) -> Answer:
    collection = _found(call)
    rows = rows_of([(each,) for each in sorted(collection.items)])
    return csv_answer(f"collection-{collection.id}.csv", ("item",), rows)


async def rows_of(rows: Sequence[Sequence[Any]]) -> AsyncIterator[Sequence[Any]]:
    for row in rows:
        yield row


def _found(call: ManagementCall[Any, Any]) -> Collection:
    configuration = call.services.shop.configuration
    return found_collection(configuration, place_of(call), call.integer("collectionId"))


def _listed(call: ManagementCall[CollectionQuery, None], found: list[Collection]) -> Answer:
    name = call.query.name
    wanted = [each for each in found if name in (None, each.name)]
    return Answer(200, page_of(wanted, call.query, _SORTS, collection_out))


def _fields(body: CollectionIn) -> CollectionFields:
    ids = body.subscribed_applications_ids
    return fields_of(body, CollectionFields, subscribed_application_ids=ids)


def collection_out(collection: Collection) -> CollectionOut:
    """The collection in the protocol's words."""
    own = collection.campaign_id != 0
    return CollectionOut(
        id=collection.id,
        created=collection.created,
        modified=collection.modified,
        account_id=ACCOUNT_ID,
        created_by=USER_ID,
        name=collection.name,
        description=collection.description,
        subscribed_applications_ids=UNSET if own else list(collection.subscribed_application_ids),
        application_id=collection.application_id if own else UNSET,
        campaign_id=collection.campaign_id if own else UNSET,
    )


CAMPAIGN = "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}"


def operations() -> list[Operation]:
    """The operations on collections."""
    operation = partial(managed, group="Collections")
    return [
        *_collection_operations("/v1/collections", "AccountCollection", "a collection"),
        *_collection_operations(
            f"{CAMPAIGN}/collections", "Collection", "a collection of a campaign"
        ),
        operation(
            "listCollectionsInApplication",
            "GET",
            "/v1/applications/{applicationId:int}/collections",
            get_application_collections,
            "List the collections that rules of an Application see",
            {200: Page[CollectionOut]},
            query=CollectionQuery,
        ),
    ]


def _collection_operations(many: str, noun: str, what: str) -> list[Operation]:
    one, operation = f"{many}/{{collectionId:int}}", partial(managed, group="Collections")
    account = noun == "AccountCollection"
    return [
        operation(
            f"list{noun}s",
            "GET",
            many,
            get_collections,
            f"List each that is {what}",
            {200: Page[CollectionOut]},
            query=CollectionQuery,
        ),
        operation(
            f"create{noun}",
            "POST",
            many,
            post_collection,
            f"Create {what}",
            {201: CollectionOut},
            body=CollectionIn,
            request_example=b'{"name": "Winter", "description": "Articles of the winter"}',
        ),
        operation(f"get{noun}", "GET", one, get_collection, f"Get {what}", {200: CollectionOut}),
        operation(
            f"update{noun}",
            "PUT",
            one,
            put_collection,
            f"Describe {what}; its name stays",
            {200: CollectionOut},
            body=CollectionIn,
        ),
        operation(f"delete{noun}", "DELETE", one, remove_collection, f"Delete {what}", {204: None}),
        operation(
            "getCollectionItems" if account else "getCampaignCollectionItems",
            "GET",
            f"{one}/items",
            get_items,
            f"List the items of {what}",
            {200: PageWithoutTotal[ItemOut]},
            query=ShortPageQuery,
        ),
        importing_operation(
            f"import{noun}",
            "POST",
            f"{one}/import",
            import_collection,
            f"Replace the items of {what} by those of a CSV file",
            group="Collections",
        ),
        operation(
            f"export{noun}Items",
            "GET",
            f"{one}/export",
            export_collection,
            f"Export the items of {what} as a CSV file",
            {200: CsvFile},
        ),
    ]
