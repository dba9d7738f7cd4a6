"""Fetching best prior prices (contracts/talon_one/integration-openapi.json, bestPriorPrice).

Earlier clients say `strictEndDate` in place of `timeframeEndDateType`; both are understood.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.prices import BestPriorPriceOut, best_out
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import (
    PRIOR_PRICE_DAYS_MAX,
    PRIOR_PRICE_SKUS_MAX,
    PRIOR_PRICE_YEAR_MIN,
)
from habitue.promotions.price_labels import EVERYBODY
from habitue.promotions.prior_price import EndType
from habitue.usecases.read_prices import PriorPriceQuery, find_best_prior_prices

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Skus = Annotated[list[str], Meta(min_length=1, max_length=PRIOR_PRICE_SKUS_MAX)]


class TargetIn(msgspec.Struct, rename={"target_type": "targetType", "audience_id": "audienceID"}):
    """For whom: everybody, or an audience."""

    target_type: Literal["NONE", "AUDIENCE"]
    audience_id: Integer | None = None


class BestPriorPriceIn(msgspec.Struct, rename="camel"):
    """Which articles, and over which days; `timeframe` is a number of days, as text."""

    skus: Skus
    timeframe_end_date: Instant
    timeframe: str
    timeframe_end_date_type: EndType | None = None
    strict_end_date: bool | None = None
    target: TargetIn | None = None

    def query(self) -> PriorPriceQuery:
        """What is asked for. Raises `InvalidInput`."""
        return PriorPriceQuery(
            tuple(self.skus),
            _audience_of(self.target),
            _end_of(self.timeframe_end_date),
            _days_of(self.timeframe),
            self._end_type(),
        )

    def _end_type(self) -> EndType:
        if self.timeframe_end_date_type is not None:
            return self.timeframe_end_date_type
        if self.strict_end_date is None:
            details = "timeframeEndDateType is required"
            raise InvalidInput(Fault("/timeframeEndDateType", "required", details))
        return "strict" if self.strict_end_date else "sale"


async def post_best_prior_price(call: Call[Principal, None, BestPriorPriceIn]) -> Answer:
    shop, application_id = call.services.shop, call.principal.application_id
    await shop.refresh()
    found = await find_best_prior_prices(shop, application_id, call.body.query(), call.now)
    return Answer(200, [best_out(each, shop.configuration) for each in found])


def _audience_of(target: TargetIn | None) -> int:
    if target is None or target.target_type == "NONE":
        return EVERYBODY
    if target.audience_id is None or target.audience_id <= 0:
        details = "an AUDIENCE target names its audience"
        raise InvalidInput(Fault("/target/audienceID", "required", details))
    return target.audience_id


def _end_of(moment: datetime) -> datetime:
    if moment.year < PRIOR_PRICE_YEAR_MIN:
        details = f"the end is not before the year {PRIOR_PRICE_YEAR_MIN}"
        raise InvalidInput(Fault("/timeframeEndDate", "Out of range", details))
    return moment


def _days_of(text: str) -> int:
    days = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= days <= PRIOR_PRICE_DAYS_MAX:
        details = f"timeframe is a number of days from 1 to {PRIOR_PRICE_DAYS_MAX}"
        raise InvalidInput(Fault("/timeframe", "Out of range", details))
    return days


def price_operations() -> list[Operation]:
    """What integrations ask about prices."""
    return [
        Operation(
            id="bestPriorPrice",
            method="POST",
            path="/v1/best_prior_price",
            handler=post_best_prior_price,
            door=INTEGRATION,
            group="Catalogs",
            summary="Fetch best prior prices",
            body=BestPriorPriceIn,
            responses={200: list[BestPriorPriceOut]},
            request_example=b'{"skus": ["TEA-1"], "timeframe": "30",'
            b' "timeframeEndDate": "2026-11-27T00:00:00Z", "timeframeEndDateType": "sale"}',
        ),
    ]
