"""Price types for staff, in the published schema at a path of ours: the vendor publishes none."""

from datetime import datetime
from functools import partial

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import ACCOUNT_ID, Id, ManagementCall, managed
from habitue.promotions.catalog import PriceType
from habitue.promotions.configuration import Configuration
from habitue.usecases.configure.catalogs import (
    PriceTypeFields,
    create_price_type,
    delete_price_type,
    update_price_type,
)


class PriceTypeIn(msgspec.Struct, rename="camel"):
    """A price type as it is sent."""

    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    targeted_audiences_ids: tuple[Id, ...] | UnsetType | None = UNSET


class PriceTypeOut(msgspec.Struct, rename="camel"):
    """A price type; every catalog may use it."""

    id: int
    created: datetime
    account_id: int
    name: str
    title: str
    description: str
    modified: datetime
    subscribed_catalogs_ids: list[int]
    targeted_audiences_ids: list[int]


_SORTS = {"id": "id", "name": "name", "title": "title", "created": "created"}


async def post_price_type(call: ManagementCall[None, PriceTypeIn]) -> Answer:
    shop = call.services.shop
    price_type = await create_price_type(shop, _fields(call.body), call.now)
    return Answer(201, _out(price_type, shop.configuration))


async def put_price_type(call: ManagementCall[None, PriceTypeIn]) -> Answer:
    shop, id_ = call.services.shop, call.integer("priceTypeId")
    price_type = await update_price_type(shop, id_, _fields(call.body), call.now)
    return Answer(200, _out(price_type, shop.configuration))


async def get_price_types(call: ManagementCall[PageQuery, None]) -> Answer:
    configuration: Configuration = call.services.shop.configuration
    price_types = configuration.price_types.values()
    page = page_of(price_types, call.query, _SORTS, lambda each: _out(each, configuration))
    return Answer(200, page)


async def get_price_type(call: ManagementCall[None, None]) -> Answer:
    configuration: Configuration = call.services.shop.configuration
    price_type = configuration.price_type(call.integer("priceTypeId"))
    return Answer(200, _out(price_type, configuration))


async def remove_price_type(call: ManagementCall[None, None]) -> Answer:
    await delete_price_type(call.services.shop, call.integer("priceTypeId"))
    return Answer(204)


def _fields(body: PriceTypeIn) -> PriceTypeFields:
    return PriceTypeFields(
        name=body.name,
        title=body.title,
        description=body.description,
        targeted_audience_ids=body.targeted_audiences_ids,
    )


def _out(price_type: PriceType, configuration: Configuration) -> PriceTypeOut:
    return PriceTypeOut(
        id=price_type.id,
        created=price_type.created,
        account_id=ACCOUNT_ID,
        name=price_type.name,
        title=price_type.title,
        description=price_type.description,
        modified=price_type.modified,
        subscribed_catalogs_ids=sorted(configuration.catalogs),
        targeted_audiences_ids=list(price_type.targeted_audience_ids),
    )


def operations() -> list[Operation]:
    """The operations on price types."""
    many, one = "/v1/price_types", "/v1/price_types/{priceTypeId:int}"
    operation = partial(managed, group="Catalogs")
    return [
        operation(
            "createPriceType",
            "POST",
            many,
            post_price_type,
            "Create a price type",
            {201: PriceTypeOut},
            body=PriceTypeIn,
        ),
        operation(
            "getPriceTypes",
            "GET",
            many,
            get_price_types,
            "List price types",
            {200: Page[PriceTypeOut]},
            query=PageQuery,
        ),
        operation(
            "getPriceType", "GET", one, get_price_type, "Get a price type", {200: PriceTypeOut}
        ),
        operation(
            "updatePriceType",
            "PUT",
            one,
            put_price_type,
            "Change a price type",
            {200: PriceTypeOut},
            body=PriceTypeIn,
        ),
        operation(
            "deletePriceType", "DELETE", one, remove_price_type, "Delete a price type", {204: None}
        ),
    ]
