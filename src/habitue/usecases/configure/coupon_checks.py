"""Checks of what is asked of coupons."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import Attributes, validate
from habitue.model.errors import Fault
from habitue.model.limits import (
    COUPON_RECIPIENTS_MAX,
    COUPON_USAGE_LIMIT_MAX,
    COUPONS_PER_REQUEST_MAX,
    INTEGRATION_ID_LENGTH_MAX,
)
from habitue.model.numbers import is_amount
from habitue.promotions.campaign import Application, Campaign
from habitue.promotions.configuration import Configuration
from habitue.promotions.dialect import definitions_of
from habitue.usecases.configure.checks import (
    characters_faults,
    mandatory_faults,
    pattern_faults,
    text_faults,
)
from habitue.usecases.configure.limits import LimitWish, limit_faults


class CouponFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a coupon."""

    usage_limit: int | UnsetType | None = UNSET
    start_date: datetime | UnsetType | None = UNSET
    expiry_date: datetime | UnsetType | None = UNSET
    limits: tuple[LimitWish, ...] | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET
    recipient_integration_id: str | UnsetType | None = UNSET
    discount_limit: Decimal | UnsetType | None = UNSET
    reservation_limit: int | UnsetType | None = UNSET
    is_reservation_mandatory: bool | UnsetType | None = UNSET
    implicitly_reserved: bool | UnsetType | None = UNSET


class CouponOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Coupons that shall be made: one per entry of `recipients`, which is "" for nobody and goes
    before the recipient of `fields`.

    Pattern and characters that are None are those of the campaign. `by_recipient` says that the
    request named each recipient.
    """

    fields: CouponFields
    recipients: tuple[str, ...]
    pattern: str | None = None
    valid_characters: tuple[str, ...] | None = None
    by_recipient: bool = False


class CouponPlace(msgspec.Struct, frozen=True):
    """Where coupons belong, in the configuration that requests are checked against."""

    configuration: Configuration
    application: Application
    campaign: Campaign


def order_faults(place: CouponPlace, order: CouponOrder, space_size: int) -> Iterator[Fault]:
    """What is wrong with an order of coupons, whose pattern yields `space_size` codes."""
    before = list(_code_faults(order))
    yield from before
    yield from _number_faults(order, None if before else space_size)
    yield from _field_faults(place, order.fields)
    attributes = order.fields.attributes or ()
    mandatory = place.application.mandatory_coupon_attributes
    yield from mandatory_faults(mandatory, attributes, "/attributes")
    if order.fields.limits and (order.by_recipient or len(order.recipients) > 1):
        yield _single_only()


def change_faults(place: CouponPlace, fields: CouponFields) -> Iterator[Fault]:
    """What is wrong with a change of coupons."""
    yield from _field_faults(place, fields)
    if fields.attributes is not UNSET:
        mandatory = place.application.mandatory_coupon_attributes
        yield from mandatory_faults(mandatory, fields.attributes or (), "/attributes")


def _code_faults(order: CouponOrder) -> Iterator[Fault]:
    if order.pattern is not None:
        yield from pattern_faults(order.pattern, "/couponPattern")
    if order.valid_characters is not None:
        yield from characters_faults(order.valid_characters, "/validCharacters")


def _number_faults(order: CouponOrder, space_size: int | None) -> Iterator[Fault]:
    number = len(order.recipients)
    if order.by_recipient:
        pointer, most = "/recipientsIntegrationIds", COUPON_RECIPIENTS_MAX
    else:
        pointer, most = "/numberOfCoupons", COUPONS_PER_REQUEST_MAX
    if not 1 <= number <= most:
        yield Fault(pointer, "Out of range", f"from 1 to {most} coupons are made at once")
    elif space_size is not None and number > space_size:
        details = f"the pattern yields only {space_size} different codes"
        yield Fault(pointer, "Too many for the pattern", details)
    if order.by_recipient:
        for index, recipient in enumerate(order.recipients):
            at = f"{pointer}/{index}"
            if not recipient:
                yield Fault(at, "Missing", "a recipient has an integration id")
            yield from text_faults(recipient, at, INTEGRATION_ID_LENGTH_MAX)


def _field_faults(place: CouponPlace, fields: CouponFields) -> Iterator[Fault]:
    limit = fields.usage_limit
    if isinstance(limit, int) and not 0 <= limit <= COUPON_USAGE_LIMIT_MAX:
        details = f"a usage limit is from 0 (no limit) to {COUPON_USAGE_LIMIT_MAX}"
        yield Fault("/usageLimit", "Out of range", details)
    discount = fields.discount_limit
    if isinstance(discount, Decimal) and not (discount >= 0 and is_amount(discount)):
        yield Fault("/discountLimit", "Out of range", "a discount limit is from 0 to 10^15")
    reservations = fields.reservation_limit
    if isinstance(reservations, int) and not 0 <= reservations <= COUPON_USAGE_LIMIT_MAX:
        details = f"a reservation limit is from 0 (no limit) to {COUPON_USAGE_LIMIT_MAX}"
        yield Fault("/reservationLimit", "Out of range", details)
    if fields.start_date and fields.expiry_date and fields.expiry_date <= fields.start_date:
        yield Fault("/expiryDate", "Invalid period", "a coupon expires after it has started")
    if fields.recipient_integration_id:
        recipient = fields.recipient_integration_id
        yield from text_faults(recipient, "/recipientIntegrationId", INTEGRATION_ID_LENGTH_MAX)
        if fields.limits:
            yield _single_only()
    if fields.limits:
        yield from limit_faults(fields.limits, of_coupon=True)
    if fields.attributes:
        application_id = place.application.id
        definitions = definitions_of(place.configuration, application_id, "Coupon")
        yield from validate(fields.attributes, definitions, "Coupon", "/attributes")


def _single_only() -> Fault:
    details = "limits of its own has only a single coupon that belongs to nobody"
    return Fault("/limits", "Not allowed", details)
