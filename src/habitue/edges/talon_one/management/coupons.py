"""Creating and finding coupons."""

import secrets
from functools import partial
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.numbers import ENCODER, Integer
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.coupon_wire import (
    ApplicationCouponCriteria,
    CouponCriteria,
    CouponIn,
    CouponOut,
    column_of,
    coupon_fields,
    coupon_out,
    filter_of,
)
from habitue.edges.talon_one.management.paging import Page, PageWithoutTotal
from habitue.edges.talon_one.management.shared import (
    ManagementCall,
    managed,
    refuse_unsupported,
)
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import COUPONS_PER_REQUEST_MAX
from habitue.store.coupon_filters import CouponFilter
from habitue.usecases.configure.campaign_search import CampaignFilter, find_campaigns
from habitue.usecases.configure.coupon_checks import CouponOrder
from habitue.usecases.configure.coupons import create_coupons, search_coupons


class NewCoupons(CouponIn, rename="camel", kw_only=True):
    """Coupons by pattern."""

    number_of_coupons: Integer
    coupon_pattern: str | UnsetType | None = UNSET
    valid_characters: tuple[str, ...] | UnsetType | None = UNSET
    unique_prefix: str | UnsetType | None = UNSET


class NewCouponsForMultipleRecipients(CouponIn, rename="camel", kw_only=True):
    """A coupon by pattern for each recipient."""

    recipients_integration_ids: tuple[str, ...]
    coupon_pattern: str | UnsetType | None = UNSET
    valid_characters: tuple[str, ...] | UnsetType | None = UNSET


class SilentQuery(msgspec.Struct):
    """`yes` for an empty answer."""

    silent: Literal["yes", "no"] = "yes"


#: Attributes that coupons must have, with these values.
CouponSearch: TypeAlias = dict[str, Any]


async def post_coupons(call: ManagementCall[SilentQuery, NewCoupons]) -> Answer:
    body = call.body
    refuse_unsupported(body, {"unique_prefix": ("",)})
    number = body.number_of_coupons
    if not 1 <= number <= COUPONS_PER_REQUEST_MAX:
        details = f"from 1 to {COUPONS_PER_REQUEST_MAX} coupons are made at once"
        raise InvalidInput(Fault("/numberOfCoupons", "Out of range", details))
    return await _create(call, (body.recipient_integration_id or "",) * number, False)


async def post_coupons_for_recipients(
    call: ManagementCall[SilentQuery, NewCouponsForMultipleRecipients],
) -> Answer:
    return await _create(call, call.body.recipients_integration_ids, True)


async def get_coupons(call: ManagementCall[CouponCriteria, None]) -> Answer:
    return await _found(call, _in_campaign(call))


async def search_campaign_coupons(
    call: ManagementCall[CouponCriteria, CouponSearch],
) -> Answer:
    return await _found(call, _in_campaign(call, _attributes(call.body)))


async def search_application_coupons(
    call: ManagementCall[ApplicationCouponCriteria, CouponSearch],
) -> Answer:
    configuration, application_id = call.services.shop.configuration, call.integer("applicationId")
    wanted = CampaignFilter(state=call.query.campaign_state)
    campaigns = find_campaigns(configuration, application_id, wanted, call.now)
    ids = tuple(campaign.id for campaign in campaigns)
    attributes = _attributes(call.body)
    return await _found(call, filter_of(call.query, application_id, ids, call.now, attributes))


async def _create(
    call: ManagementCall[SilentQuery, Any], recipients: tuple[str, ...], by_recipient: bool
) -> Answer:
    body, ids = call.body, (call.integer("applicationId"), call.integer("campaignId"))
    characters = body.valid_characters
    order = CouponOrder(
        fields=coupon_fields(body),
        recipients=recipients,
        pattern=body.coupon_pattern or None,
        valid_characters=characters if isinstance(characters, tuple) else None,
        by_recipient=by_recipient,
    )
    shop = call.services.shop
    coupons = await create_coupons(shop, *ids, order, secrets.randbelow, call.now)
    if call.query.silent == "yes":
        return Answer(204)
    return Answer(200, Page(len(coupons), list(map(coupon_out, coupons))))


def _in_campaign(
    call: ManagementCall[CouponCriteria, Any], attributes: bytes | None = None
) -> CouponFilter:
    application_id, campaign_id = call.integer("applicationId"), call.integer("campaignId")
    call.services.shop.configuration.campaign(application_id, campaign_id)
    return filter_of(call.query, application_id, (campaign_id,), call.now, attributes)


def _attributes(body: CouponSearch) -> bytes | None:
    return ENCODER.encode(body) if body else None


async def _found(call: ManagementCall[Any, Any], wanted: CouponFilter) -> Answer:
    shop, query = call.services.shop, call.query
    page = await search_coupons(shop, wanted, column_of(query.sort), query.skip, query.page_size)
    return Answer(200, PageWithoutTotal(page.has_more, list(map(coupon_out, page.coupons))))


def operations() -> list[Operation]:
    """The operations that create and find coupons."""
    application = "/v1/applications/{applicationId:int}"
    operation = partial(managed, group="Coupons")
    campaign = f"{application}/campaigns/{{campaignId:int}}"
    created = {200: Page[CouponOut], 204: None}
    found = {200: PageWithoutTotal[CouponOut]}
    return [
        operation(
            "createCoupons",
            "POST",
            f"{campaign}/coupons",
            post_coupons,
            "Create coupons by a pattern",
            created,
            body=NewCoupons,
            query=SilentQuery,
            request_example=b'{"numberOfCoupons": 1, "couponPattern": "WELCOME10"}',
        ),
        operation(
            "createCouponsForMultipleRecipients",
            "POST",
            f"{campaign}/coupons_with_recipients",
            post_coupons_for_recipients,
            "Create a coupon for each of many recipients",
            created,
            body=NewCouponsForMultipleRecipients,
            query=SilentQuery,
        ),
        operation(
            "getCouponsWithoutTotalCount",
            "GET",
            f"{campaign}/coupons/no_total",
            get_coupons,
            "List coupons",
            found,
            query=CouponCriteria,
        ),
        operation(
            "searchCouponsAdvancedWithoutTotalCount",
            "POST",
            f"{campaign}/coupons_search_advanced/no_total",
            search_campaign_coupons,
            "List coupons of a campaign that have these attributes",
            found,
            body=CouponSearch,
            query=CouponCriteria,
        ),
        operation(
            "searchCouponsAdvancedApplicationWideWithoutTotalCount",
            "POST",
            f"{application}/coupons_search_advanced/no_total",
            search_application_coupons,
            "List coupons of an Application that have these attributes",
            found,
            body=CouponSearch,
            query=ApplicationCouponCriteria,
        ),
    ]
