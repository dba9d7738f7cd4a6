"""The list of files that staff have exported."""

from datetime import datetime
from typing import Any, get_args

import msgspec

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.noted_exports import ExportedEntity
from habitue.edges.talon_one.management.paging import Page, PageSize, Skip
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    USER_ID,
    Id,
    ManagementCall,
    managed,
)
from habitue.model.documents import decode_untyped
from habitue.model.limits import PAGE_SIZE_MAX
from habitue.store.past_exports import PastExportRow, PastExportsPage
from habitue.usecases.past_exports import read_past_exports

#: The published answers do not have them, and strict clients refuse what they do not know.
_ONLY_IF_ASKED_FOR = "AudienceMembership"


class ExportsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which exports."""

    page_size: PageSize = PAGE_SIZE_MAX
    skip: Skip = 0
    application_id: Id | None = None
    campaign_id: Id | None = None
    entity: ExportedEntity | None = None


class ExportOut(msgspec.Struct, rename="camel"):
    """One export, with what its rows were chosen by."""

    id: int
    created: datetime
    account_id: int
    user_id: int
    entity: ExportedEntity
    filter: dict[str, Any]


async def get_exports(call: ManagementCall[ExportsQuery, None]) -> Answer:
    query = call.query
    usual = tuple(each for each in get_args(ExportedEntity) if each != _ONLY_IF_ASKED_FOR)
    page = PastExportsPage(
        entities=(query.entity,) if query.entity else usual,
        application_id=query.application_id,
        campaign_id=query.campaign_id,
        skip=query.skip,
        limit=query.page_size,
    )
    total, rows = await read_past_exports(call.services.shop, page)
    return Answer(200, Page(total, [_export_out(each) for each in rows]))


def _export_out(row: PastExportRow) -> ExportOut:
    entity: Any = row.entity
    return ExportOut(row.id, row.at, ACCOUNT_ID, USER_ID, entity, decode_untyped(row.filter))


def operations() -> list[Operation]:
    """The list of exports."""
    return [
        managed(
            "getExports",
            "GET",
            "/v1/exports",
            get_exports,
            "List the files that were exported, the last first",
            {200: Page[ExportOut]},
            group="Logs",
            query=ExportsQuery,
            description="Exports of audiences' members are listed where they are asked for.",
        )
    ]
