"""What campaigns bring and cost, on the wire (contracts/talon_one/openapi.json).

In a file the revenue of orders is that before discounts, of the units that were kept.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import partial
from typing import Any, Literal

import msgspec

from habitue.edges.csv_files.writing import csv_answer, number_text
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.management.paging import Page
from habitue.edges.talon_one.management.profiles import profile_of_application
from habitue.edges.talon_one.management.shared import Id, Instant, ManagementCall, managed
from habitue.model.intervals import Interval
from habitue.model.numbers import EXACT, shortest
from habitue.store.campaign_statistics import CampaignTotals
from habitue.usecases.read_statistics import (
    Figures,
    IntervalFigures,
    Range,
    read_campaign_figures,
    read_campaign_totals,
    read_customer_totals,
)

_GRANULARITY: dict[str, Interval] = {
    "1 hour": "hour",
    "1 day": "day",
    "1 week": "week",
    "1 month": "month",
    "1 year": "year",
}


class AnalyticsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Of which time, in which steps."""

    range_start: Instant
    range_end: Instant
    granularity: Literal["1 hour", "1 day", "1 week", "1 month", "1 year"] = "1 day"


class TotalsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Of which time, and of which campaigns."""

    range_start: Instant
    range_end: Instant
    campaign_ids: list[Id] | None = None


class CampaignAnalyticsOut(msgspec.Struct, rename="camel"):
    """One interval: what fell into it, and in the totals everything up to its end."""

    date: datetime
    campaign_revenue: Decimal
    total_campaign_revenue: Decimal
    campaign_refund: Decimal
    total_campaign_refund: Decimal
    campaign_discount_costs: Decimal
    total_campaign_discount_costs: Decimal
    campaign_refunded_discounts: Decimal
    total_campaign_refunded_discounts: Decimal
    campaign_free_items: Decimal
    total_campaign_free_items: Decimal
    coupon_redemptions: Decimal
    total_coupon_redemptions: Decimal
    coupon_rolledback_redemptions: Decimal
    total_coupon_rolledback_redemptions: Decimal
    referral_redemptions: Decimal
    total_referral_redemptions: Decimal
    coupons_created: Decimal
    total_coupons_created: Decimal
    referrals_created: Decimal
    total_referrals_created: Decimal
    added_loyalty_points: Decimal
    total_added_loyalty_points: Decimal
    deducted_loyalty_points: Decimal
    total_deducted_loyalty_points: Decimal


class CustomerAnalyticsOut(msgspec.Struct, rename="camel"):
    """What a customer did in an application since ever."""

    accepted_coupons: int
    created_coupons: int
    free_items: int
    total_orders: int
    total_discounted_orders: int
    total_revenue: Decimal
    total_discounts: Decimal


async def get_analytics(call: ManagementCall[AnalyticsQuery, None]) -> Answer:
    query = call.query
    figures = await read_campaign_figures(
        call.services.shop,
        call.integer("applicationId"),
        call.integer("campaignId"),
        Range(query.range_start, query.range_end),
        _GRANULARITY[query.granularity],
    )
    return Answer(200, Page(len(figures), [_analytics_out(each) for each in figures]))


async def get_customer_analytics(call: ManagementCall[None, None]) -> Answer:
    customer = (await profile_of_application(call)).customer
    found = await read_customer_totals(
        call.services.shop, customer.id, call.integer("applicationId")
    )
    shown = CustomerAnalyticsOut(
        accepted_coupons=found.accepted_coupons,
        created_coupons=found.created_coupons,
        free_items=found.free_units,
        total_orders=found.orders,
        total_discounted_orders=found.discounted_orders,
        total_revenue=shortest(found.revenue),
        total_discounts=shortest(found.discounts),
    )
    return Answer(200, shown)


async def get_totals(call: ManagementCall[TotalsQuery, None]) -> Answer:
    query = call.query
    asked = Range(query.range_start, query.range_end)
    totals = await read_campaign_totals(
        call.services.shop, call.integer("applicationId"), asked, query.campaign_ids
    )
    header = (
        *("campaign_id", "start_date", "end_date", "revenue", "sessions"),
        *("average_session_value", "average_items_per_session", "coupons", "discounts"),
    )
    return csv_answer("campaign-analytics.csv", header, _rows(totals, asked))


async def _rows(totals: Sequence[CampaignTotals], asked: Range) -> AsyncIterator[Sequence[Any]]:
    dates = (asked.start.isoformat(), asked.end.isoformat())
    for each in totals:
        given = (each.coupons, number_text(each.discounts))
        yield (
            {None: "Total", 0: "Influenced"}.get(each.campaign_id, each.campaign_id),
            *dates,
            number_text(each.revenue),
            each.orders,
            _average(each.revenue, each.orders),
            _average(Decimal(each.units), each.orders),
            *(("N/A", "N/A") if each.campaign_id is None else given),
        )


def _average(amount: Decimal, count: int) -> str:
    """To two places, halves up: the one figure here that is no sum."""
    if not count:
        return "0"
    with localcontext(EXACT):
        return str((amount / count).quantize(Decimal("0.01"), ROUND_HALF_UP))


#: What is answered as, for each figure.
_NAMES = {
    "revenue": "campaign_revenue",
    "refund": "campaign_refund",
    "discounts": "campaign_discount_costs",
    "refunded_discounts": "campaign_refunded_discounts",
    "free_units": "campaign_free_items",
    "redeemed_coupons": "coupon_redemptions",
    "released_coupons": "coupon_rolledback_redemptions",
    "redeemed_referrals": "referral_redemptions",
    "created_coupons": "coupons_created",
    "created_referrals": "referrals_created",
    "added_points": "added_loyalty_points",
    "deducted_points": "deducted_loyalty_points",
}


def _analytics_out(interval: IntervalFigures) -> CampaignAnalyticsOut:
    return CampaignAnalyticsOut(
        date=interval.start,
        **_named(interval.within, ""),
        **_named(interval.through, "total_"),
    )


def _named(figures: Figures, prefix: str) -> dict[str, Decimal]:
    return {
        f"{prefix}{name}": shortest(getattr(figures, figure)) for figure, name in _NAMES.items()
    }


def operations() -> list[Operation]:
    """The analytics of campaigns and customers."""
    application = "/v1/applications/{applicationId:int}"
    operation = partial(managed, group="Analytics")
    return [
        operation(
            "getCampaignAnalytics",
            "GET",
            f"{application}/campaigns/{{campaignId:int}}/analytics",
            get_analytics,
            "Tell what a campaign brought and cost, interval by interval",
            {200: Page[CampaignAnalyticsOut]},
            query=AnalyticsQuery,
            description="Intervals are those of the calendar in the Application's time zone; of "
            "the first and the last one only what lies in the range counts.",
        ),
        operation(
            "exportApplicationCampaignAnalytics",
            "GET",
            f"{application}/campaign_analytics/export",
            get_totals,
            "Export what the campaigns of an Application brought and cost",
            {200: CsvFile},
            query=TotalsQuery,
        ),
        operation(
            "getCustomerAnalytics",
            "GET",
            f"{application}/customers/{{customerId:int}}/analytics",
            get_customer_analytics,
            "Tell what a customer did in an Application since ever",
            {200: CustomerAnalyticsOut},
        ),
    ]
