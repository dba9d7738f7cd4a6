"""The history of prices for staff: read, and cleared of what must not count."""

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from habitue.edges.http.numbers import INTEGER_MAX
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import Instant, ManagementCall, managed
from habitue.edges.talon_one.prices import HistoryOut, history_out
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import PRICE_EXCLUSIONS_MAX, REASON_LENGTH_MAX
from habitue.usecases.read_prices import exclude_prices, read_price_history

ObservationId = Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
ObservationIds = Annotated[list[ObservationId], Meta(min_length=1, max_length=PRICE_EXCLUSIONS_MAX)]


class PriceHistoryIn(msgspec.Struct, rename="camel"):
    """Which article, and between which moments."""

    sku: str
    start_date: Instant
    end_date: Instant


class PriceHistoryOut(msgspec.Struct):
    """What an article has cost, oldest first."""

    sku: str
    history: list[HistoryOut]


class ExclusionsIn(msgspec.Struct):
    """Observations that must not count, and why."""

    ids: ObservationIds
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_LENGTH_MAX)]


async def post_history(call: ManagementCall[None, PriceHistoryIn]) -> Answer:
    shop, body = call.services.shop, call.body
    start, end = _period(body.start_date, body.end_date)
    id_ = call.integer("applicationId")
    found = await read_price_history(shop, id_, body.sku, start, end, call.now)
    shown = [history_out(each, shop.configuration) for each in found]
    return Answer(200, PriceHistoryOut(body.sku, shown))


async def post_exclusions(call: ManagementCall[None, ExclusionsIn]) -> Answer:
    ids, id_ = call.body.ids, call.integer("applicationId")
    repeated = tuple(
        Fault(f"/ids/{index}", "Duplicate", "every id is named once")
        for index, each in enumerate(ids)
        if each in ids[:index]
    )
    if repeated:
        raise InvalidInput(*repeated)
    await exclude_prices(call.services.shop, id_, ids, call.body.reason, call.now)
    return Answer(200)


def _period(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    if end < start:
        details = "a period ends after it has begun"
        raise InvalidInput(Fault("/endDate", "Invalid period", details))
    return start, end


def operations() -> list[Operation]:
    """The operations on the history of prices."""
    history = "/v1/applications/{applicationId:int}/price_history"
    operation = partial(managed, group="Catalogs")
    return [
        operation(
            "priceHistory",
            "POST",
            history,
            post_history,
            "Read what an article has cost",
            {200: PriceHistoryOut},
            body=PriceHistoryIn,
        ),
        operation(
            "excludePriceHistory",
            "POST",
            f"{history}/exclusions",
            post_exclusions,
            "Exclude prices from the search for the best prior price",
            {200: None},
            body=ExclusionsIn,
        ),
    ]
