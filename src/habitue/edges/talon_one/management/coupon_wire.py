"""Coupons on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.numbers import Integer, Number
from habitue.edges.talon_one.effects import shortened
from habitue.edges.talon_one.management.paging import PageQuery, sort_of
from habitue.edges.talon_one.management.shared import (
    Id,
    Instant,
    LimitIn,
    LimitOut,
    fields_of,
    limits_out,
    wishes_of,
)
from habitue.model.numbers import shortest
from habitue.promotions.coupon import Coupon
from habitue.store.coupon_filters import CouponFilter, Validity
from habitue.usecases.configure.campaign_search import WantedState
from habitue.usecases.configure.coupon_checks import CouponFields


class CouponIn(msgspec.Struct, rename="camel", kw_only=True):
    """What may be said about a coupon."""

    usage_limit: Integer | UnsetType | None = UNSET
    start_date: Instant | UnsetType | None = UNSET
    expiry_date: Instant | UnsetType | None = UNSET
    limits: tuple[LimitIn, ...] | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    recipient_integration_id: str | UnsetType | None = UNSET
    discount_limit: Number | UnsetType | None = UNSET
    reservation_limit: Integer | UnsetType | None = UNSET
    is_reservation_mandatory: bool | UnsetType | None = UNSET
    implicitly_reserved: bool | UnsetType | None = UNSET


class CouponOut(msgspec.Struct, rename="camel", kw_only=True):
    """A coupon as it is answered."""

    id: int
    created: datetime
    campaign_id: int
    value: str
    usage_limit: int
    usage_counter: int
    discount_limit: Decimal | UnsetType = UNSET
    discount_counter: Decimal | UnsetType = UNSET
    discount_remainder: Decimal | UnsetType = UNSET
    reservation_limit: int
    reservation_counter: int
    start_date: datetime | UnsetType = UNSET
    expiry_date: datetime | UnsetType = UNSET
    limits: list[LimitOut]
    attributes: dict[str, Any]
    recipient_integration_id: str
    batch_id: str
    import_id: int | UnsetType = UNSET
    reservation: bool
    is_reservation_mandatory: bool
    implicitly_reserved: bool


class CouponCriteria(PageQuery, rename="camel", kw_only=True):
    """Which coupons to look for."""

    value: str | None = None
    exact_match: bool = False
    created_before: Instant | None = None
    created_after: Instant | None = None
    starts_before: Instant | None = None
    starts_after: Instant | None = None
    expires_before: Instant | None = None
    expires_after: Instant | None = None
    valid: Validity | None = None
    usable: bool | None = None
    redeemed: bool | None = None
    batch_id: str | None = None
    recipient_integration_id: str | None = None
    referral_id: Id | None = None


class ApplicationCouponCriteria(CouponCriteria, rename="camel", kw_only=True):
    """Which coupons to look for in all campaigns of an application."""

    campaign_state: WantedState | None = None


_SORTS = {
    "id": "id",
    "value": "code",
    "created": "created",
    "startDate": "start_date",
    "expiryDate": "expiry_date",
    "usageLimit": "usage_limit",
    "usageCounter": "usage_counter",
    "recipientIntegrationId": "recipient_integration_id",
    "batchId": "batch_id",
}


def coupon_fields(body: CouponIn) -> CouponFields:
    """What a body says about a coupon."""
    discount = amount_of(body.discount_limit)
    return fields_of(body, CouponFields, limits=wishes_of(body.limits), discount_limit=discount)


def amount_of(sent: Any) -> Any:
    """A number of a body as a decimal, where it was sent."""
    return Decimal(sent) if isinstance(sent, (int, Decimal)) else sent


def coupon_out(coupon: Coupon) -> CouponOut:
    """The coupon in the protocol's words."""
    limit = shortest(coupon.discount_limit) if coupon.discount_limit else UNSET
    return CouponOut(
        id=coupon.id,
        created=coupon.created,
        campaign_id=coupon.campaign_id,
        value=coupon.code,
        usage_limit=coupon.usage_limit,
        usage_counter=coupon.usage_counter,
        discount_limit=limit,
        discount_counter=shortest(coupon.discount_counter) if limit else UNSET,
        discount_remainder=shortest(limit - coupon.discount_counter) if limit else UNSET,
        reservation_limit=coupon.reservation_limit,
        reservation_counter=coupon.reservation_counter,
        start_date=coupon.start_date or UNSET,
        expiry_date=coupon.expiry_date or UNSET,
        limits=limits_out(coupon.limits),
        attributes=shortened(coupon.attributes),
        recipient_integration_id=coupon.recipient_integration_id,
        batch_id=coupon.batch_id,
        import_id=coupon.import_id or UNSET,
        reservation=not coupon.recipient_integration_id,
        is_reservation_mandatory=coupon.is_reservation_mandatory,
        implicitly_reserved=coupon.implicitly_reserved,
    )


def filter_of(
    criteria: CouponCriteria,
    application_id: int,
    campaign_ids: tuple[int, ...],
    now: datetime,
    attributes: bytes | None = None,
) -> CouponFilter:
    """What to look for in those campaigns."""
    parameters = msgspec.structs.asdict(criteria)
    names = set(CouponFilter.__struct_fields__) & parameters.keys()
    found = {name: parameters[name] for name in names}
    # No coupon comes of a referral, as long as there are none.
    ids = campaign_ids if criteria.referral_id is None else ()
    return CouponFilter(
        application_id=application_id,
        campaign_ids=ids,
        now=now,
        attributes=attributes,
        **{**found, "value": criteria.value or None},
    )


def column_of(sort: str) -> str:
    """The column to sort by, with a minus for descending. Raises `InvalidInput`."""
    column, descending = sort_of(sort, _SORTS)
    return f"-{column}" if descending else column
