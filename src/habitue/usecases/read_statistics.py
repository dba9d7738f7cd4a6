"""What campaigns have brought and given: interval by interval, or in all in a time.

Figures come from what has happened, not from counters, so they can be asked for any time that has
passed (docs/decisions/0120).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import islice

import msgspec

from habitue.model.errors import Fault, InvalidInput
from habitue.model.intervals import Interval, interval_starts
from habitue.model.limits import STATISTICS_DAYS_MAX
from habitue.model.numbers import EXACT, ZERO
from habitue.store import campaign_statistics
from habitue.store.campaign_statistics import CampaignTotals, CustomerTotals, MeasureRow
from habitue.usecases.shop import Shop


class Figures(msgspec.Struct, frozen=True):
    """What a campaign brought and gave: money, numbers, and points without those taken back."""

    revenue: Decimal = ZERO
    refund: Decimal = ZERO
    discounts: Decimal = ZERO
    refunded_discounts: Decimal = ZERO
    free_units: Decimal = ZERO
    redeemed_coupons: Decimal = ZERO
    released_coupons: Decimal = ZERO
    redeemed_referrals: Decimal = ZERO
    created_coupons: Decimal = ZERO
    created_referrals: Decimal = ZERO
    added_points: Decimal = ZERO
    deducted_points: Decimal = ZERO


class IntervalFigures(msgspec.Struct, frozen=True):
    """An interval by its beginning: what fell into it, and everything up to its end."""

    start: datetime
    within: Figures
    through: Figures


class Range(msgspec.Struct, frozen=True):
    """From a moment on, up to another."""

    start: datetime
    end: datetime


async def read_campaign_figures(
    shop: Shop, application_id: int, campaign_id: int, asked: Range, interval: Interval
) -> list[IntervalFigures]:
    """Every interval that has a part in the range, in the application's time zone; of the first and
    the last one only that part counts.

    Raises `NotFound`, or `InvalidInput` where there are too many intervals.
    """
    application = shop.configuration.application(application_id)
    shop.configuration.campaign(application_id, campaign_id)
    check_range(asked)
    listed = interval_starts(asked.start, asked.end, interval, application.zone)
    starts = list(islice(listed, STATISTICS_DAYS_MAX + 1))
    if len(starts) > STATISTICS_DAYS_MAX:
        details = f"at most {STATISTICS_DAYS_MAX} intervals are told at once"
        raise InvalidInput(Fault("", "Out of range", details, parameter="rangeEnd"))
    rows = await campaign_statistics.measures(
        shop.database, application_id, campaign_id, [asked.start, *starts[1:]], asked.end
    )
    return list(_summed(starts, rows))


async def read_campaign_totals(
    shop: Shop, application_id: int, asked: Range, campaign_ids: Sequence[int] | None
) -> list[CampaignTotals]:
    """All orders of a time, those of any of the campaigns, then those of each, in the order asked
    for; of all campaigns that there are where None is asked for. Raises `NotFound`."""
    shop.configuration.application(application_id)
    check_range(asked)
    wanted = [each.id for each in shop.configuration.campaigns_of(application_id)]
    for id_ in campaign_ids or ():
        shop.configuration.campaign(application_id, id_)
    rows = await campaign_statistics.totals(
        shop.database, application_id, asked.start, asked.end, campaign_ids
    )
    found = {row.campaign_id: row for row in rows}
    nothing = CampaignTotals(None, 0, ZERO, 0, 0, ZERO)
    return [
        found.get(id_, msgspec.structs.replace(nothing, campaign_id=id_))
        for id_ in (None, 0, *(wanted if campaign_ids is None else campaign_ids))
    ]


async def read_customer_totals(shop: Shop, customer_id: int, application_id: int) -> CustomerTotals:
    """What that customer has done in the application since ever."""
    return await campaign_statistics.customer_totals(shop.database, customer_id, application_id)


def check_range(asked: Range) -> None:
    """Raises `InvalidInput` unless the range begins before it ends, and can be counted with."""
    if asked.end <= asked.start:
        details = "rangeEnd is not after rangeStart"
        raise InvalidInput(Fault("", "Out of range", details, parameter="rangeEnd"))
    for name, moment in (("rangeStart", asked.start), ("rangeEnd", asked.end)):
        if not 1970 <= moment.year <= 9000:
            details = f"{name} is a moment of the years 1970 to 9000"
            raise InvalidInput(Fault("", "Out of range", details, parameter=name))


def _summed(starts: Sequence[datetime], rows: Sequence[MeasureRow]) -> Iterator[IntervalFigures]:
    by_place: dict[int, dict[str, Decimal]] = {}
    for row in rows:
        by_place.setdefault(row.place, {})[row.measure] = row.amount
    through = dict(by_place.get(0, {}))
    for place, start in enumerate(starts, 1):
        within = by_place.get(place, {})
        with localcontext(EXACT):
            for measure, amount in within.items():
                through[measure] = through.get(measure, ZERO) + amount
        yield IntervalFigures(start, Figures(**within), Figures(**through))
