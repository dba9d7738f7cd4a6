"""Changing and deleting coupons."""

from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.numbers import Integer, Number
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.coupon_wire import (
    CouponCriteria,
    CouponIn,
    CouponOut,
    amount_of,
    coupon_fields,
    coupon_out,
    filter_of,
)
from habitue.edges.talon_one.management.shared import (
    Instant,
    ManagementCall,
    fields_of,
    managed,
)
from habitue.usecases.configure.coupon_checks import CouponFields
from habitue.usecases.configure.coupons import (
    delete_coupon,
    delete_matching_coupons,
    update_coupon,
    update_coupon_batch,
)


class CouponBatchIn(msgspec.Struct, rename={"batch_id": "batchID"}, kw_only=True):
    """A change of many coupons."""

    batch_id: str | UnsetType | None = UNSET
    usage_limit: Integer | UnsetType | None = msgspec.field(name="usageLimit", default=UNSET)
    start_date: Instant | UnsetType | None = msgspec.field(name="startDate", default=UNSET)
    expiry_date: Instant | UnsetType | None = msgspec.field(name="expiryDate", default=UNSET)
    attributes: dict[str, Any] | UnsetType | None = UNSET
    discount_limit: Number | UnsetType | None = msgspec.field(name="discountLimit", default=UNSET)
    reservation_limit: Integer | UnsetType | None = msgspec.field(
        name="reservationLimit", default=UNSET
    )


async def put_coupon(call: ManagementCall[None, CouponIn]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId"), call.integer("couponId")
    fields = coupon_fields(call.body)
    return Answer(200, coupon_out(await update_coupon(call.services.shop, *ids, fields, call.now)))


async def put_coupons(call: ManagementCall[None, CouponBatchIn]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId")
    discount = amount_of(call.body.discount_limit)
    fields = fields_of(call.body, CouponFields, discount_limit=discount)
    batch_id = call.body.batch_id or None
    await update_coupon_batch(call.services.shop, *ids, batch_id, fields, call.now)
    return Answer(204)


async def remove_coupon(call: ManagementCall[None, None]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId"), call.integer("couponId")
    await delete_coupon(call.services.shop, *ids, call.now)
    return Answer(204)


async def remove_coupons(call: ManagementCall[CouponCriteria, None]) -> Answer:
    application_id, campaign_id = call.integer("applicationId"), call.integer("campaignId")
    shop = call.services.shop
    shop.configuration.campaign(application_id, campaign_id)
    wanted = filter_of(call.query, application_id, (campaign_id,), call.now)
    await delete_matching_coupons(shop, wanted)
    return Answer(204)


def operations() -> list[Operation]:
    """The operations that change and delete coupons."""
    many = "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}/coupons"
    one = f"{many}/{{couponId:int}}"
    operation = partial(managed, group="Coupons")
    return [
        operation(
            "updateCoupon",
            "PUT",
            one,
            put_coupon,
            "Update a coupon",
            {200: CouponOut},
            body=CouponIn,
            description="Start, expiry and recipient that are left out are cleared.",
        ),
        operation(
            "updateCouponBatch",
            "PUT",
            many,
            put_coupons,
            "Update the coupons of a batch or of the campaign",
            {204: None},
            body=CouponBatchIn,
            description="Start and expiry that are left out are cleared.",
        ),
        operation(
            "deleteCoupon",
            "DELETE",
            one,
            remove_coupon,
            "Delete a coupon",
            {204: None},
        ),
        operation(
            "deleteCoupons",
            "DELETE",
            many,
            remove_coupons,
            "Delete the coupons that match, or all",
            {204: None},
            query=CouponCriteria,
        ),
    ]
