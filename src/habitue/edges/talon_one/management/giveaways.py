"""Giveaway pools for staff, with their codes as files.

Making and listing pools are ours: the vendor keeps them behind its own pages. Their paths are those
of the published operations on one pool (contracts/talon_one/MANAGEMENT.md).
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.csv_files.writing import csv_answer
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.management.imports import Importing, imported, importing_operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import Id, Instant, ManagementCall, managed
from habitue.model.limits import CODE_LENGTH_MAX
from habitue.promotions.giveaways import GiveawayPool
from habitue.store.giveaways import GiveawayRow
from habitue.usecases.configure.giveaways import PoolFields, create_pool, giveaways_of
from habitue.usecases.import_giveaways import GiveawayFileLine, GiveawayImporter


class PoolIn(msgspec.Struct, rename="camel", kw_only=True):
    """A pool as it is sent."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    sandbox: bool | UnsetType | None = UNSET
    subscribed_application_ids: tuple[Id, ...] | UnsetType | None = msgspec.field(
        name="subscribedApplicationsIds", default=UNSET
    )


class PoolOut(msgspec.Struct, rename="camel", kw_only=True):
    """A pool as it is answered."""

    id: int
    created: datetime
    name: str
    description: str
    sandbox: bool
    subscribed_application_ids: list[int] = msgspec.field(name="subscribedApplicationsIds")


class ExportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Codes that were added between these moments."""

    created_before: Instant | None = None
    created_after: Instant | None = None


_SORTS = {"id": "id", "name": "name", "created": "created"}
_COLUMNS = (Column("code", required=True), Column("startdate"), Column("enddate"))
_EXPORTED = (
    "id", "created", "poolid", "code", "startdate", "enddate", "attributes", "used", "importid",
    "profileintegrationid",
)  # fmt: skip


async def post_pool(call: ManagementCall[None, PoolIn]) -> Answer:
    body = call.body
    fields = PoolFields(
        name=body.name,
        description=body.description,
        sandbox=body.sandbox,
        subscribed_application_ids=body.subscribed_application_ids,
    )
    return Answer(201, _pool_out(await create_pool(call.services.shop, fields, call.now)))


async def get_pools(call: ManagementCall[PageQuery, None]) -> Answer:
    pools = list(call.services.shop.configuration.giveaway_pools.values())
    return Answer(200, page_of(pools, call.query, _SORTS, _pool_out))


async def get_pool(call: ManagementCall[None, None]) -> Answer:
    return Answer(200, _pool_out(_pool(call)))


async def post_giveaways(call: ManagementCall[None, None]) -> Answer:
    pool = _pool(call)
    columns = [*_COLUMNS, Column("attributes")]
    importer = GiveawayImporter(pool)
    return await imported(
        call, Importing("Giveaway", f"giveaway pool {pool.id}", columns, _line, importer)
    )


async def export_giveaways(call: ManagementCall[ExportQuery, None]) -> Answer:
    pool, query = _pool(call), call.query
    found = giveaways_of(call.services.shop, pool.id, query.created_before, query.created_after)
    return csv_answer(f"giveaways-{pool.id}.csv", _EXPORTED, _rows(found))


def _pool(call: ManagementCall[Any, Any]) -> GiveawayPool:
    pool: GiveawayPool = call.services.shop.configuration.pool(call.integer("poolId"))
    return pool


def _line(row: RowReader) -> GiveawayFileLine:
    return GiveawayFileLine(
        row.line,
        row.required("code", CODE_LENGTH_MAX),
        row.moment("startdate"),
        row.moment("enddate"),
        row.json_object("attributes"),
    )


async def _rows(found: AsyncIterator[GiveawayRow]) -> AsyncIterator[Sequence[str]]:
    async for each in found:
        yield (
            str(each.id),
            each.created.isoformat(),
            str(each.pool_id),
            each.code,
            each.start_date.isoformat() if each.start_date else "",
            each.end_date.isoformat() if each.end_date else "",
            each.attributes.decode(),
            "true" if each.used else "false",
            str(each.import_id or ""),
            each.profile_id or "",
        )


def _pool_out(pool: GiveawayPool) -> PoolOut:
    return PoolOut(
        id=pool.id,
        created=pool.created,
        name=pool.name,
        description=pool.description,
        sandbox=pool.sandbox,
        subscribed_application_ids=list(pool.subscribed_application_ids),
    )


def operations() -> list[Operation]:
    """The operations on giveaway pools."""
    many, one = "/v1/giveaways/pools", "/v1/giveaways/pools/{poolId:int}"
    operation = partial(managed, group="Giveaways")
    return [
        operation(
            "createGiveawaysPool",
            "POST",
            many,
            post_pool,
            "Create a giveaway pool",
            {201: PoolOut},
            body=PoolIn,
        ),
        operation(
            "getGiveawaysPools",
            "GET",
            many,
            get_pools,
            "List giveaway pools",
            {200: Page[PoolOut]},
            query=PageQuery,
        ),
        operation(
            "getGiveawaysPool",
            "GET",
            one,
            get_pool,
            "Get a giveaway pool",
            {200: PoolOut},
        ),
        importing_operation(
            "importPoolGiveaways",
            "POST",
            f"{one}/import",
            post_giveaways,
            "Import codes into a giveaway pool",
            group="Giveaways",
        ),
        operation(
            "exportPoolGiveaways",
            "GET",
            f"{one}/export",
            export_giveaways,
            "Export the codes of a giveaway pool",
            {200: CsvFile},
            query=ExportQuery,
        ),
    ]
