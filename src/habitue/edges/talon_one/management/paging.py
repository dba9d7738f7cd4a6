"""Pages of lists: which part, in which order (contracts/talon_one/SEMANTICS.md section 1.6)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from habitue.edges.talon_one.pages import PageSize, PageWithoutTotal, Skip
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX

__all__ = [
    "ListOut",
    "Page",
    "PageQuery",
    "PageSize",
    "PageWithoutTotal",
    "ShortPageQuery",
    "Skip",
    "list_out",
    "ordered",
    "page_of",
    "sort_of",
]

Row = TypeVar("Row")
Shown = TypeVar("Shown")


class PageQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which page of a list; the published default of management lists is a full page."""

    page_size: PageSize = PAGE_SIZE_MAX
    skip: Skip = 0
    sort: str = ""


class ShortPageQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which page of a list that integrations read."""

    page_size: PageSize = PAGE_SIZE_DEFAULT
    skip: Skip = 0


class Page(msgspec.Struct, Generic[Row], rename="camel"):
    """One page, and how many rows there are in all."""

    total_result_size: int
    data: list[Row]


class ListOut(msgspec.Struct, Generic[Row], rename="camel"):
    """One page: with how many rows there are in all where that is asked for, or else with whether
    there are more."""

    data: list[Row]
    has_more: bool | msgspec.UnsetType = msgspec.UNSET
    total_result_size: int | msgspec.UnsetType = msgspec.UNSET


def list_out(data: list[Row], has_more: bool, total: int | None) -> ListOut[Row]:
    """The page, with the total where it was counted."""
    if total is None:
        return ListOut(data, has_more=has_more)
    return ListOut(data, total_result_size=total)


def page_of(
    rows: Iterable[Row], query: PageQuery, sorts: Mapping[str, str], show: Callable[[Row], Shown]
) -> Page[Shown]:
    """The page that was asked for, each row as `show` makes it.

    `sorts` maps what requests may sort by to attributes of the rows; without a wish rows are in the
    order of their ids. Raises `InvalidInput`.
    """
    listed = ordered(list(rows), query.sort, sorts)
    shown = listed[query.skip : query.skip + query.page_size]
    return Page(len(listed), [show(row) for row in shown])


def ordered(rows: list[Row], sort: str, sorts: Mapping[str, str]) -> list[Row]:
    """`rows` in the order that was asked for; what has no value comes last."""
    attribute, descending = sort_of(sort, sorts)

    def key(row: Row) -> tuple[Any, ...]:
        return (getattr(row, attribute), getattr(row, "id", 0))

    valued = [row for row in rows if getattr(row, attribute) is not None]
    others = [row for row in rows if getattr(row, attribute) is None]
    return sorted(valued, key=key, reverse=descending) + others


def sort_of(sort: str, sorts: Mapping[str, str]) -> tuple[str, bool]:
    """The attribute to sort by, and whether descending. Raises `InvalidInput`."""
    name = sort.removeprefix("-") or "id"
    if name not in sorts:
        details = f"{name[:80]} is not one of {', '.join(sorts)}"
        raise InvalidInput(Fault("", "enum", details, parameter="sort"))
    return sorts[name], sort.startswith("-")
