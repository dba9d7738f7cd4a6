"""Requests that an application's systems have made, for staff who look for what went wrong."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import PageQuery, PageWithoutTotal
from habitue.edges.talon_one.management.shared import Instant, ManagementCall, managed
from habitue.model.errors import Fault, InvalidInput
from habitue.store.access_log import AccessPage, AccessRow
from habitue.usecases.access_log import read_access_log


class AccessQuery(PageQuery, rename="camel", kw_only=True):
    """Which requests; `path` is a regular expression."""

    range_start: Instant
    range_end: Instant
    path: Annotated[str, Meta(max_length=200)] | None = None
    method: Literal["get", "put", "post", "delete", "patch"] | None = None
    status: Literal["success", "error"] | None = None
    sort: Literal["", "time", "-time", "created", "-created"] = ""


class AccessLogEntryOut(msgspec.Struct, rename="camel"):
    """One request with the beginning of its body, and of that of its answer."""

    uuid: str
    status: int
    method: str
    request_uri: str
    time: datetime
    request_payload: str
    response_payload: str


async def get_access_logs(call: ManagementCall[AccessQuery, None]) -> Answer:
    query, application_id = call.query, call.integer("applicationId")
    call.services.shop.configuration.application(application_id)
    if query.path is not None and "\0" in query.path:
        raise InvalidInput(Fault("", "Invalid", "a path holds no NUL", parameter="path"))
    wanted = AccessPage(
        application_id=application_id,
        since=query.range_start,
        until=query.range_end,
        path=query.path,
        method=None if query.method is None else query.method.upper(),
        failed=None if query.status is None else query.status == "error",
        skip=query.skip,
        limit=query.page_size,
    )
    newest_first = query.sort.startswith("-")
    rows, more = await read_access_log(
        call.services.shop.database, wanted, newest_first=newest_first
    )
    return Answer(200, PageWithoutTotal(more, [_entry(each) for each in rows]))


def _entry(row: AccessRow) -> AccessLogEntryOut:
    return AccessLogEntryOut(
        uuid=str(row.id),
        status=row.status,
        method=row.method,
        request_uri=row.uri,
        time=row.at,
        request_payload=row.request.decode(errors="replace"),
        response_payload=row.response.decode(errors="replace"),
    )


def operations() -> list[Operation]:
    """The log of requests."""
    return [
        managed(
            "getAccessLogsWithoutTotalCount",
            "GET",
            "/v1/applications/{applicationId:int}/access_logs/no_total",
            get_access_logs,
            "List requests to the Integration API",
            {200: PageWithoutTotal[AccessLogEntryOut]},
            group="Logs",
            query=AccessQuery,
            description="Which requests are noted is up to the operator: refused and failed ones "
            "(the default), all, or none. They are kept for three days.",
        )
    ]
