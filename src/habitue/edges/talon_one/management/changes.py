"""The log of changes on the wire: what staff changed, before and after.

An entity is shown as it is kept, with names as the wire writes them, and without secrets.
"""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import USER_ID, Id, ManagementCall, managed
from habitue.edges.talon_one.pages import PageSize, Skip
from habitue.model.documents import decode_untyped
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import PAGE_SIZE_DEFAULT
from habitue.store.changes import ChangeRow, ChangesQuery
from habitue.usecases.read_logs import Part, count_changes, read_changes

_SORTS = {"": True, "created": False, "-created": True, "id": False, "-id": True}


class ChangesPageQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which changes."""

    page_size: PageSize = PAGE_SIZE_DEFAULT
    skip: Skip = 0
    sort: str = ""
    application_id: Id | None = None
    entity_path: str = ""
    user_id: Id | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None
    with_total_result_size: bool = False
    management_key_id: Id | None = None
    include_old: bool = True


class ChangeOut(msgspec.Struct, rename="camel"):
    """One change of one entity."""

    id: int
    created: datetime
    user_id: int
    entity: str
    application_id: int | UnsetType = UNSET
    old: dict[str, Any] | UnsetType = UNSET
    new: dict[str, Any] | UnsetType = UNSET
    management_key_id: int | UnsetType = UNSET


class ChangesOut(msgspec.Struct, rename="camel"):
    """A page of changes, newest first."""

    data: list[ChangeOut]
    total_result_size: int | UnsetType = UNSET
    has_more: bool | UnsetType = UNSET


async def get_changes(call: ManagementCall[ChangesPageQuery, None]) -> Answer:
    query, shop = call.query, call.services.shop
    wanted = _wanted(query)
    nobody = query.user_id not in (None, USER_ID)
    found = Part[ChangeRow]([], False) if nobody else await read_changes(shop, wanted)
    shown = [_out(each, include_old=query.include_old) for each in found.rows]
    if query.with_total_result_size:
        count = await count_changes(shop, wanted) if shown else 0
        return Answer(200, ChangesOut(shown, total_result_size=count))
    return Answer(200, ChangesOut(shown, has_more=found.has_more))


def _wanted(query: ChangesPageQuery) -> ChangesQuery:
    if query.sort not in _SORTS:
        details = "changes are sorted by created or id, with - for the newest first"
        raise InvalidInput(Fault("", "Unknown", details, parameter="sort"))
    return ChangesQuery(
        application_id=query.application_id,
        key_id=query.management_key_id,
        created_before=query.created_before,
        created_after=query.created_after,
        path=query.entity_path or None,
        newest_first=_SORTS[query.sort],
        skip=query.skip,
        limit=query.page_size,
    )


def _out(row: ChangeRow, *, include_old: bool) -> ChangeOut:
    return ChangeOut(
        id=row.id,
        created=row.at,
        user_id=USER_ID,
        entity=row.path,
        application_id=UNSET if row.application_id is None else row.application_id,
        old=_shown(row.old) if include_old else UNSET,
        new=_shown(row.new),
        management_key_id=UNSET if row.key_id is None else row.key_id,
    )


def _shown(document: bytes | None) -> dict[str, Any] | UnsetType:
    if document is None:
        return UNSET
    found: dict[str, Any] = _camel(decode_untyped(document))
    return found


def _camel(value: Any) -> Any:
    """A document with its names as the wire writes them; what callers named stays as it is."""
    if not isinstance(value, dict):
        return [_camel(each) for each in value] if isinstance(value, list) else value
    return {_name(name): each if name in _FREE else _camel(each) for name, each in value.items()}


#: Parts whose names are the callers'.
_FREE = frozenset({"attributes", "document", "coupon_attributes", "ui"})


def _name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)


def operations() -> list[Operation]:
    """The operation on changes."""
    operation = partial(managed, group="Logs")
    return [
        operation(
            "getChanges",
            "GET",
            "/v1/changes",
            get_changes,
            "List changes of the configuration",
            {200: ChangesOut},
            query=ChangesPageQuery,
        )
    ]
