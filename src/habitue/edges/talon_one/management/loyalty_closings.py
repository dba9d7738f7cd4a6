"""Daily closings of loyalty programs, for accounting. The operation is ours (decision 0076)."""

from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import PageWithoutTotal
from habitue.edges.talon_one.management.shared import ManagementCall, managed
from habitue.edges.talon_one.pages import PageSize, Skip
from habitue.model.numbers import shortest
from habitue.store.loyalty_closings import DayClosing
from habitue.usecases.change_points import loyalty_program
from habitue.usecases.read_logs import read_closings


class ClosingsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which days, both included, in the program's time zone."""

    start_day: date | None = None
    end_day: date | None = None
    page_size: PageSize = 50
    skip: Skip = 0


class ClosingOut(msgspec.Struct, rename="camel"):
    """What the books came to at the end of a day: issued is the sum of all others."""

    program_id: int
    day: date
    until: datetime
    created: datetime
    issued: Decimal
    spent: Decimal
    expired: Decimal
    voided: Decimal
    held: Decimal
    open: Decimal
    debt: Decimal
    transferred: Decimal


async def get_closings(call: ManagementCall[ClosingsQuery, None]) -> Answer:
    program = loyalty_program(call.services.shop, call.integer("loyaltyProgramId"))
    query = call.query
    days = (query.start_day, query.end_day)
    found = await read_closings(call.services.shop, program, days, query.skip, query.page_size)
    shown = [_out(row) for row in found.rows]
    return Answer(200, PageWithoutTotal(found.has_more, shown))


def _out(closing: DayClosing) -> ClosingOut:
    fields = msgspec.structs.asdict(closing)
    exact: dict[str, Any] = {
        name: shortest(each) if isinstance(each, Decimal) else each for name, each in fields.items()
    }
    return ClosingOut(**exact)


def operations() -> list[Operation]:
    """The operations on closings."""
    operation = partial(managed, group="Loyalty")
    return [
        operation(
            "getLoyaltyProgramClosings",
            "GET",
            "/v1/loyalty_programs/{loyaltyProgramId:int}/closings",
            get_closings,
            "List what the books of a loyalty program came to, day by day",
            {200: PageWithoutTotal[ClosingOut]},
            query=ClosingsQuery,
        )
    ]
