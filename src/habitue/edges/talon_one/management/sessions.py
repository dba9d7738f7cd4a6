"""Sessions of an application for staff, and reports of what customers did there."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.effects import shortened
from habitue.edges.talon_one.integration.answers import CartItemOut, items_out
from habitue.edges.talon_one.management.paging import (
    PageQuery,
    PageSize,
    PageWithoutTotal,
    ShortPageQuery,
)
from habitue.edges.talon_one.management.profiles import profile_of_application
from habitue.edges.talon_one.management.shared import Instant, ManagementCall, managed
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import PAGE_SIZE_DEFAULT
from habitue.model.numbers import shortest
from habitue.promotions.session import SessionState
from habitue.store.application_sessions import ActivityRow, SessionsPage
from habitue.store.profile_lists import ProfileFilter
from habitue.usecases.list_profiles import ProfileReading, list_profiles
from habitue.usecases.list_sessions import (
    SessionReading,
    find_session,
    list_sessions,
    read_activities,
    read_activity,
)

#: From how many characters on a text may stand anywhere.
PARTIAL_MIN = 3


class SessionsQuery(PageQuery, rename="camel", kw_only=True):
    """Which sessions; ids grow with time, so both orders are one."""

    sort: Literal["", "id", "-id", "created", "-created"] = ""
    partial_match: bool = False
    profile: str | None = None
    state: SessionState | None = None
    created_before: Instant | None = None
    created_after: Instant | None = None
    coupon: str | None = None
    referral: str | None = None
    integration_id: str | None = None
    store_integration_id: str | None = None


class ReportQuery(ShortPageQuery, rename="camel", kw_only=True):
    """Of which time, both ends included."""

    range_start: Instant
    range_end: Instant


class ReportsQuery(ReportQuery, rename="camel", kw_only=True):
    """Whose reports: those of that very name, or of that id in the shop's systems."""

    page_size: PageSize = PAGE_SIZE_DEFAULT
    sort: Literal["", "id"] = ""
    name: str | None = None
    integration_id: str | None = None


class ApplicationSessionOut(msgspec.Struct, rename="camel"):
    """A session; in lists the sum of its discounts is 0, as the contract has it."""

    id: int
    created: datetime
    integration_id: str
    application_id: int
    coupon: str
    referral: str
    state: SessionState
    cart_items: list[CartItemOut]
    discounts: dict[str, Decimal]
    total_discounts: Decimal
    total: Decimal
    attributes: dict[str, Any]
    profile_id: int | UnsetType = UNSET
    profile_integration_id: str | UnsetType = msgspec.field(
        name="profileintegrationid", default=UNSET
    )
    store_integration_id: str | UnsetType = UNSET


class ActivityReportOut(msgspec.Struct, rename="camel"):
    """What a customer did; no single campaign is meant, so none is named."""

    integration_id: str
    created: datetime
    name: str
    customer_id: int
    last_activity: datetime
    coupon_redemptions: int
    coupon_use_attempts: int
    coupon_failed_attempts: int
    accrued_discounts: Decimal
    accrued_revenue: Decimal
    total_orders: int
    total_orders_no_coupon: int
    campaign_name: str


async def get_sessions(call: ManagementCall[SessionsQuery, None]) -> Answer:
    query = call.query
    page, newest_first = _page(call), query.sort.startswith("-")
    sessions, more = await list_sessions(call.services.shop, page, newest_first=newest_first)
    alone = len(sessions) == 1
    shown = [_session_out(each, discounts=alone) for each in sessions]
    return Answer(200, PageWithoutTotal(more, shown))


async def get_session(call: ManagementCall[None, None]) -> Answer:
    application_id, session_id = call.integer("applicationId"), call.integer("sessionId")
    session = await find_session(call.services.shop, application_id, session_id)
    return Answer(200, _session_out(session, discounts=True))


async def get_report(call: ManagementCall[ReportQuery, None]) -> Answer:
    query, application_id = call.query, call.integer("applicationId")
    _check_range(query)
    profile = await profile_of_application(call)
    customer = profile.customer
    found = await read_activity(
        call.services.shop, customer.id, application_id, query.range_start, query.range_end
    )
    return Answer(200, _report_out(profile, found))


async def get_reports(call: ManagementCall[ReportsQuery, None]) -> Answer:
    query, shop = call.query, call.services.shop
    application = shop.configuration.application(call.integer("applicationId"))
    _check_range(query)
    wanted = ProfileFilter(
        attributes=None if query.name is None else ENCODER.encode({"Name": query.name}),
        profile_ids=None if query.integration_id is None else [query.integration_id],
    )
    page = await list_profiles(
        shop,
        wanted,
        call.now,
        sandbox=application.sandbox,
        skip=query.skip,
        limit=query.page_size,
    )
    ids = [each.customer.id for each in page.profiles]
    found = await read_activities(shop, ids, application.id, query.range_start, query.range_end)
    shown = [_report_out(each, found[each.customer.id]) for each in page.profiles]
    return Answer(200, PageWithoutTotal(page.has_more, shown))


def _check_range(query: ReportQuery) -> None:
    if query.range_end < query.range_start:
        details = "rangeEnd is before rangeStart"
        raise InvalidInput(Fault("", "Out of range", details, parameter="rangeEnd"))


def _report_out(profile: ProfileReading, found: ActivityRow) -> ActivityReportOut:
    customer = profile.customer
    return ActivityReportOut(
        integration_id=profile.profile_id,
        created=customer.created,
        name=str(customer.attributes.get("Name", "")),
        customer_id=customer.id,
        last_activity=customer.last_activity,
        coupon_redemptions=found.coupon_redemptions,
        coupon_use_attempts=found.coupon_attempts,
        coupon_failed_attempts=found.coupon_failures,
        accrued_discounts=shortest(found.discounts),
        accrued_revenue=shortest(found.total - found.discounts),
        total_orders=found.orders,
        total_orders_no_coupon=found.orders_without_coupon,
        campaign_name="",
    )


def _page(call: ManagementCall[SessionsQuery, None]) -> SessionsPage:
    query = call.query
    texts = (
        query.profile,
        query.coupon,
        query.referral,
        query.integration_id,
        query.store_integration_id,
    )
    long = all(text is None or len(text) >= PARTIAL_MIN for text in texts)
    return SessionsPage(
        application_id=call.integer("applicationId"),
        profile=query.profile,
        state=query.state,
        since=query.created_after,
        until=query.created_before,
        coupon=query.coupon,
        referral=query.referral,
        integration_id=query.integration_id,
        store=query.store_integration_id,
        partial=query.partial_match and long,
        skip=query.skip,
        limit=query.page_size,
    )


def _session_out(reading: SessionReading, *, discounts: bool) -> ApplicationSessionOut:
    session = reading.session
    return ApplicationSessionOut(
        id=session.id,
        created=session.created,
        integration_id=session.integration_id,
        application_id=session.application_id,
        coupon=session.coupon_codes[0] if session.coupon_codes else "",
        referral=session.referral_code,
        state=session.state,
        cart_items=items_out(session),
        discounts={},
        total_discounts=shortest(reading.discounts) if discounts else Decimal(0),
        total=shortest(session.totals.total),
        attributes=shortened(session.attributes),
        profile_id=UNSET if reading.customer_id is None else reading.customer_id,
        profile_integration_id=session.profile_id or UNSET,
        store_integration_id=session.store_integration_id or UNSET,
    )


def operations() -> list[Operation]:
    """The operations on sessions and reports."""
    application = "/v1/applications/{applicationId:int}"
    operation = partial(managed, group="Customer sessions")
    return [
        operation(
            "getApplicationSessions",
            "GET",
            f"{application}/sessions",
            get_sessions,
            "List the sessions of an Application",
            {200: PageWithoutTotal[ApplicationSessionOut]},
            query=SessionsQuery,
        ),
        operation(
            "getApplicationSession",
            "GET",
            f"{application}/sessions/{{sessionId:int}}",
            get_session,
            "Get a session of an Application",
            {200: ApplicationSessionOut},
        ),
        operation(
            "getCustomerActivityReportsWithoutTotalCount",
            "GET",
            f"{application}/customer_activity_reports/no_total",
            get_reports,
            "List what customers did in an Application",
            {200: PageWithoutTotal[ActivityReportOut]},
            query=ReportsQuery,
        ),
        operation(
            "getCustomerActivityReport",
            "GET",
            f"{application}/customer_activity_reports/{{customerId:int}}",
            get_report,
            "Tell what a customer did in an Application",
            {200: ActivityReportOut},
            query=ReportQuery,
        ),
    ]
