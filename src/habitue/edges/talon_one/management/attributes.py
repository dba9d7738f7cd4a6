"""Definitions of custom attributes on the wire."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.imports import Importing, imported, importing_operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    Id,
    ManagementCall,
    fields_of,
    managed,
    refuse_unsupported,
)
from habitue.model.attributes import AttributeDefinition, AttributeType, Entity, text_of
from habitue.model.errors import NotFound
from habitue.model.limits import ALLOWED_ITEMS_MAX, COLLECTION_ITEM_LENGTH_MAX
from habitue.usecases.configure.allowed_lists import AllowedListImport, listed_attribute
from habitue.usecases.configure.attributes import (
    AttributeFields,
    create_attribute,
    update_attribute,
)


class AttributeIn(msgspec.Struct, rename="camel"):
    """A definition as it is sent."""

    entity: Entity | UnsetType = UNSET
    name: str | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    type: AttributeType | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    suggestions: tuple[str, ...] | UnsetType | None = UNSET
    editable: bool | UnsetType | None = UNSET
    restricted_by_suggestions: bool | UnsetType | None = UNSET
    subscribed_applications_ids: tuple[Id, ...] | UnsetType | None = UNSET
    event_type: str | UnsetType | None = UNSET
    has_allowed_list: bool | UnsetType | None = UNSET
    subscribed_catalogs_ids: tuple[Id, ...] | UnsetType | None = UNSET
    allowed_subscriptions: tuple[str, ...] | UnsetType | None = UNSET


class AttributeOut(msgspec.Struct, rename="camel"):
    """A definition as it is answered."""

    id: int
    created: datetime
    account_id: int
    entity: Entity
    name: str
    title: str
    type: AttributeType
    description: str
    suggestions: list[str]
    has_allowed_list: bool
    restricted_by_suggestions: bool
    editable: bool
    subscribed_applications_ids: list[int]
    subscribed_catalogs_ids: list[int]
    event_type: str | UnsetType = UNSET


class AttributeQuery(PageQuery, rename="camel", kw_only=True):
    """Which definitions to list; several entities or applications are separated by commas."""

    entity: list[str] | None = None
    application_ids: list[Id] | None = None
    type: str = ""
    kind: Literal["builtin", "custom"] | None = None
    search: str = ""


_SORTS = {
    "id": "id",
    "name": "name",
    "title": "title",
    "entity": "entity",
    "type": "type",
    "created": "created",
}
_ONLY: dict[str, tuple[Any, ...]] = {
    "subscribed_catalogs_ids": ((),),
    "allowed_subscriptions": ((), ("application",)),
}


async def get_attributes(call: ManagementCall[AttributeQuery, None]) -> Answer:
    found = _found(call.services.shop.configuration.attributes.values(), call.query)
    return Answer(200, page_of(found, call.query, _SORTS, attribute_out))


async def get_attribute(call: ManagementCall[None, None]) -> Answer:
    id_ = call.integer("attributeId")
    attribute = call.services.shop.configuration.attributes.get(id_)
    if attribute is None:
        raise NotFound("Attribute", id_)
    return Answer(200, attribute_out(attribute))


async def post_attribute(call: ManagementCall[None, AttributeIn]) -> Answer:
    fields = attribute_fields(call.body)
    return Answer(201, attribute_out(await create_attribute(call.services.shop, fields, call.now)))


async def put_attribute(call: ManagementCall[None, AttributeIn]) -> Answer:
    id_, fields = call.integer("attributeId"), attribute_fields(call.body)
    return Answer(200, attribute_out(await update_attribute(call.services.shop, id_, fields)))


async def import_allowed_list(call: ManagementCall[None, None]) -> Answer:
    shop, id_ = call.services.shop, call.integer("attributeId")
    numbers = "number" in listed_attribute(shop.configuration, id_).type
    importing = Importing(
        entity="AttributeAllowedList",
        place=f"attribute {id_}",
        columns=(Column("item", required=True),),
        decode=_number_item if numbers else _item,
        importer=AllowedListImport(shop, id_),
        rows_max=ALLOWED_ITEMS_MAX,
        rows_min=1,
        batch=ALLOWED_ITEMS_MAX,
        replaces=True,
    )
    return await imported(call, importing)


def _item(row: RowReader) -> str:
    return row.required("item", COLLECTION_ITEM_LENGTH_MAX)


def _number_item(row: RowReader) -> str:
    number = row.amount("item") if _item(row) else None
    return "" if number is None else text_of(number)


def attribute_fields(body: AttributeIn) -> AttributeFields:
    """What a body says about an attribute. Raises `InvalidInput` for unsupported features."""
    refuse_unsupported(body, _ONLY)
    subscribed = body.subscribed_applications_ids
    return fields_of(body, AttributeFields, subscribed_application_ids=subscribed)


def attribute_out(attribute: AttributeDefinition) -> AttributeOut:
    """The definition in the protocol's words."""
    return AttributeOut(
        id=attribute.id,
        created=attribute.created,
        account_id=ACCOUNT_ID,
        entity=attribute.entity,
        name=attribute.name,
        title=attribute.title,
        type=attribute.type,
        description=attribute.description,
        suggestions=list(attribute.suggestions),
        has_allowed_list=attribute.has_allowed_list,
        restricted_by_suggestions=attribute.restricted_by_suggestions,
        editable=attribute.editable,
        subscribed_applications_ids=list(attribute.subscribed_application_ids),
        subscribed_catalogs_ids=[],
        event_type=attribute.event_type or UNSET,
    )


def _found(attributes: Any, query: AttributeQuery) -> Iterator[AttributeDefinition]:
    for each in attributes:
        words = f"{each.name}\n{each.description}\n{each.type}".casefold()
        if (
            (not query.entity or each.entity in query.entity)
            and (not query.type or each.type == query.type)
            and (query.kind is None or each.builtin == (query.kind == "builtin"))
            and (not query.application_ids or any(map(each.serves, query.application_ids)))
            and query.search.casefold() in words
        ):
            yield each


def operations() -> list[Operation]:
    """The operations on attributes."""
    one = "/v1/attributes/{attributeId:int}"
    operation = partial(managed, group="Attributes")
    return [
        operation(
            "getAttributes",
            "GET",
            "/v1/attributes",
            get_attributes,
            "List attributes",
            {200: Page[AttributeOut]},
            query=AttributeQuery,
        ),
        operation(
            "createAttribute",
            "POST",
            "/v1/attributes",
            post_attribute,
            "Create a custom attribute",
            {201: AttributeOut},
            body=AttributeIn,
        ),
        operation(
            "getAttribute",
            "GET",
            one,
            get_attribute,
            "Get an attribute",
            {200: AttributeOut},
        ),
        operation(
            "updateAttribute",
            "PUT",
            one,
            put_attribute,
            "Update a custom attribute",
            {200: AttributeOut},
            body=AttributeIn,
            description="Entity, name and type cannot be changed. What is left out keeps its"
            " value.",
        ),
        importing_operation(
            "importAllowedList",
            "POST",
            f"{one}/allowed_list/import",
            import_allowed_list,
            "Replace the values that an attribute may have by those of a CSV file",
            group="Attributes",
        ),
    ]
