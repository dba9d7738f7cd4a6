"""Value maps on the wire: numbers by text, of one campaign.

Making them is ours, and so is their file, with the columns `item` and `value`; the vendor publishes
only how they are exported.
"""

from datetime import datetime
from decimal import Decimal
from functools import partial

import msgspec

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.csv_files.writing import csv_answer, number_text
from habitue.edges.http.numbers import Number
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.management.collections import CAMPAIGN, place_of, rows_of
from habitue.edges.talon_one.management.imports import Importing, imported, importing_operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import ManagementCall, managed
from habitue.model.limits import COLLECTION_ITEM_LENGTH_MAX, COLLECTION_ITEMS_MAX
from habitue.promotions.shop_lists import ValueMap
from habitue.usecases.configure.shop_lists import (
    ValueMapImport,
    check_place,
    create_value_map,
    delete_value_map,
    found_value_map,
)


class ValueMapIn(msgspec.Struct, rename="camel"):
    """A value map as it is sent."""

    name: str
    values: dict[str, Number] = {}


class ValueMapOut(msgspec.Struct, rename="camel"):
    """A value map; `size` is how many values it has."""

    id: int
    created: datetime
    modified: datetime
    application_id: int
    campaign_id: int
    name: str
    size: int


_SORTS = {"id": "id", "name": "name", "created": "created"}


async def get_value_maps(call: ManagementCall[PageQuery, None]) -> Answer:
    configuration, place = call.services.shop.configuration, place_of(call)
    check_place(configuration, place)
    found = [
        each
        for each in configuration.value_maps.values()
        if (each.application_id, each.campaign_id) == place
    ]
    return Answer(200, page_of(found, call.query, _SORTS, _value_map_out))


async def post_value_map(call: ManagementCall[None, ValueMapIn]) -> Answer:
    values = {key: Decimal(value) for key, value in call.body.values.items()}
    shop, place = call.services.shop, place_of(call)
    value_map = await create_value_map(shop, place, call.body.name, values, call.now)
    return Answer(201, _value_map_out(value_map))


async def remove_value_map(call: ManagementCall[None, None]) -> Answer:
    await delete_value_map(call.services.shop, place_of(call), call.integer("valueMapId"))
    return Answer(204)


async def import_value_map(call: ManagementCall[None, None]) -> Answer:
    place, id_ = place_of(call), call.integer("valueMapId")
    importing = Importing(
        entity="ValueMap",
        place=str(id_),
        columns=(Column("item", required=True), Column("value", required=True)),
        decode=_value,
        importer=ValueMapImport(call.services.shop, place, id_, call.now),
        rows_max=COLLECTION_ITEMS_MAX,
        batch=COLLECTION_ITEMS_MAX,
        replaces=True,
    )
    return await imported(call, importing)


async def export_value_map(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    value_map = found_value_map(configuration, place_of(call), call.integer("valueMapId"))
    pairs = sorted(value_map.values.items())
    rows = rows_of([(key, number_text(value)) for key, value in pairs])
    return csv_answer(f"value-map-{value_map.id}.csv", ("item", "value"), rows)


def _value(row: RowReader) -> tuple[str, Decimal]:
    key = row.required("item", COLLECTION_ITEM_LENGTH_MAX)
    value = row.amount("value")
    if value is None and not row.faults:
        row.fault("value", "Missing", "a value is required")
    return key, value or Decimal(0)


def _value_map_out(value_map: ValueMap) -> ValueMapOut:
    return ValueMapOut(
        value_map.id,
        value_map.created,
        value_map.modified,
        value_map.application_id,
        value_map.campaign_id,
        value_map.name,
        len(value_map.values),
    )


def operations() -> list[Operation]:
    """The operations on value maps."""
    many = f"{CAMPAIGN}/value_maps"
    one, operation = f"{many}/{{valueMapId:int}}", partial(managed, group="Collections")
    return [
        operation(
            "listCampaignValueMaps",
            "GET",
            many,
            get_value_maps,
            "List the value maps of a campaign",
            {200: Page[ValueMapOut]},
            query=PageQuery,
        ),
        operation(
            "createCampaignValueMap",
            "POST",
            many,
            post_value_map,
            "Create a value map",
            {201: ValueMapOut},
            body=ValueMapIn,
            request_example=b'{"name": "fees", "values": {"SKU-1": 2.5}}',
        ),
        operation(
            "deleteCampaignValueMap",
            "DELETE",
            one,
            remove_value_map,
            "Delete a value map",
            {204: None},
        ),
        importing_operation(
            "importCampaignValueMap",
            "POST",
            f"{one}/import",
            import_value_map,
            "Replace the values of a value map by those of a CSV file",
            group="Collections",
        ),
        operation(
            "exportCampaignValueMap",
            "GET",
            f"{one}/export",
            export_value_map,
            "Export the values of a value map as a CSV file",
            {200: CsvFile},
        ),
    ]
