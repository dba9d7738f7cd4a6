"""Audiences and their members for staff; audiences are made through the Integration API."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.csv_files.writing import csv_answer
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.audiences import AudienceOut, audience_out
from habitue.edges.talon_one.integration.answers import CustomerProfileOut
from habitue.edges.talon_one.management.imports import Importing, imported, importing_operation
from habitue.edges.talon_one.management.paging import (
    ListOut,
    PageQuery,
    PageWithoutTotal,
    list_out,
    ordered,
)
from habitue.edges.talon_one.management.profiles import reading_out
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import AUDIENCE_CHANGES_MAX, INTEGRATION_ID_LENGTH_MAX
from habitue.promotions.audiences import Audience
from habitue.usecases.describe_members import count_members
from habitue.usecases.import_audience import AudienceImporter, MemberLine
from habitue.usecases.list_profiles import export_members, list_members

COLUMN = "profileintegrationid"


class AudiencesQuery(PageQuery, rename="camel", kw_only=True):
    """Which audiences, and whether they are counted."""

    with_total_result_size: bool = False


class MembersQuery(PageQuery, rename="camel", kw_only=True):
    """Which members: those who have an id with that text in it."""

    sort: Literal["", "id", "-id"] = ""
    profile_query: str | None = None


class AnalyticsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """The audiences whose members are counted."""

    audience_ids: list[Id]
    sort: Literal["", "audienceId", "-audienceId", "membersCount", "-membersCount"] = ""


class AudienceAnalyticsOut(msgspec.Struct, rename="camel"):
    """How many are in an audience."""

    audience_id: int
    members_count: int


class AnalyticsOut(msgspec.Struct, rename="camel"):
    """Audiences that exist, with how many are in each."""

    has_more: bool
    data: list[AudienceAnalyticsOut]


_SORTS = {"id": "id", "name": "name", "created": "created"}


async def get_audiences(call: ManagementCall[AudiencesQuery, None]) -> Answer:
    query = call.query
    audiences = list(call.services.shop.configuration.audiences.values())
    found = ordered(audiences, query.sort, _SORTS)
    shown = [audience_out(each) for each in found[query.skip : query.skip + query.page_size]]
    more = len(found) > query.skip + query.page_size
    return Answer(200, list_out(shown, more, len(found) if query.with_total_result_size else None))


async def get_memberships(call: ManagementCall[MembersQuery, None]) -> Answer:
    query, shop = call.query, call.services.shop
    page = await list_members(
        shop,
        call.integer("audienceId"),
        query.profile_query or None,
        call.now,
        skip=query.skip,
        limit=query.page_size,
        newest_first=query.sort.startswith("-"),
    )
    shown = [reading_out(each, shop.configuration) for each in page.profiles]
    return Answer(200, PageWithoutTotal(page.has_more, shown))


async def get_analytics(call: ManagementCall[AnalyticsQuery, None]) -> Answer:
    query, shop = call.query, call.services.shop
    if len(query.audience_ids) > AUDIENCE_CHANGES_MAX:
        details = f"at most {AUDIENCE_CHANGES_MAX} audiences are counted at once"
        raise InvalidInput(Fault("", "Too many", details, parameter="audienceIds"))
    counts = await count_members(shop, query.audience_ids)
    rows = [AudienceAnalyticsOut(*each) for each in sorted(counts.items())]
    if query.sort.endswith("membersCount"):
        rows.sort(key=lambda each: each.members_count)
    return Answer(200, AnalyticsOut(False, rows[::-1] if query.sort.startswith("-") else rows))


async def post_memberships(call: ManagementCall[None, None]) -> Answer:
    audience = _audience(call)
    importer = AudienceImporter(audience)
    columns = [Column(COLUMN, required=True)]
    place = f"audience {audience.id}"
    importing = Importing("AudienceMembership", place, columns, _member_line, importer, batch=500)
    return await imported(call, importing)


async def export_memberships(call: ManagementCall[None, None]) -> Answer:
    audience = _audience(call)
    rows = _rows(export_members(call.services.shop, audience.id))
    return csv_answer(f"audience-{audience.id}.csv", (COLUMN,), rows)


async def _rows(profile_ids: AsyncIterator[str]) -> AsyncIterator[Sequence[str]]:
    async for each in profile_ids:
        yield (each,)


def _audience(call: ManagementCall[Any, Any]) -> Audience:
    audience: Audience = call.services.shop.configuration.audience(call.integer("audienceId"))
    return audience


def _member_line(row: RowReader) -> MemberLine:
    return MemberLine(row.line, row.required(COLUMN, INTEGRATION_ID_LENGTH_MAX))


def operations() -> list[Operation]:
    """The operations on audiences."""
    memberships = "/v1/audiences/{audienceId:int}/memberships"
    operation = partial(managed, group="Audiences")
    return [
        operation(
            "getAudiences",
            "GET",
            "/v1/audiences",
            get_audiences,
            "List audiences",
            {200: ListOut[AudienceOut]},
            query=AudiencesQuery,
        ),
        operation(
            "getAudiencesAnalytics",
            "GET",
            "/v1/audiences/analytics",
            get_analytics,
            "Count the members of audiences",
            {200: AnalyticsOut},
            query=AnalyticsQuery,
        ),
        operation(
            "getAudienceMemberships",
            "GET",
            memberships,
            get_memberships,
            "List the members of an audience",
            {200: PageWithoutTotal[CustomerProfileOut]},
            query=MembersQuery,
        ),
        importing_operation(
            "importAudiencesMemberships",
            "POST",
            f"{memberships}/import",
            post_memberships,
            "Import the members of an audience, in place of those that it has",
            group="Audiences",
        ),
        operation(
            "exportAudiencesMemberships",
            "GET",
            f"{memberships}/export",
            export_memberships,
            "Export the members of an audience",
            {200: CsvFile},
        ),
    ]
