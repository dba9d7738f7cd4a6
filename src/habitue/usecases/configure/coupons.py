"""Coupons: creating them by pattern, changing, finding and deleting them.

A creation makes all the coupons that were asked for, or none. Codes are stored in the spelling of
their application and are unique within it (contracts/talon_one/SEMANTICS.md sections 6.1 and 6.2).
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import UnsetType

from habitue.model.attributes import merged, normalised
from habitue.model.documents import decoder_of, encode
from habitue.model.errors import Conflict, NotFound
from habitue.model.numbers import ZERO
from habitue.promotions.campaign import Application, Campaign
from habitue.promotions.codes import CodeSpace, Draw, code_space, random_codes
from habitue.promotions.coupon import Coupon
from habitue.store.coupon_filters import CouponFilter
from habitue.store.coupons import (
    CouponWrite,
    NewCoupon,
    change_coupons,
    delete_coupons,
    find_coupons,
    hold_campaign,
    insert_coupons,
    update_coupons,
)
from habitue.store.database import Connection
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.coupon_checks import (
    CouponFields,
    CouponOrder,
    CouponPlace,
    change_faults,
    order_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.limits import kept_limits
from habitue.usecases.shop import Shop

#: Coupons that are read at once.
_PART = 1_000
#: How often missing codes of a large space are drawn again before it counts as used up.
_ROUNDS_MAX = 40
_PATTERN_DEFAULT = "########"
_CHARACTERS_DEFAULT = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_COUPON = decoder_of(Coupon)
Value = TypeVar("Value")


class CouponPage(msgspec.Struct, frozen=True):
    """One page of coupons, and whether there are more."""

    has_more: bool
    coupons: tuple[Coupon, ...]


async def create_coupons(
    shop: Shop,
    application_id: int,
    campaign_id: int,
    order: CouponOrder,
    draw: Draw,
    now: datetime,
) -> list[Coupon]:
    """The new coupons, in the order in which they were made.

    Raises `NotFound`, `InvalidInput`, or `Conflict` when too many codes of the pattern are taken.
    """
    place = await coupon_place(shop, application_id, campaign_id)
    space = space_of(place.application, place.campaign, order)
    refuse_if_any(order_faults(place, order, space.size))
    batch_id = f"{draw(2**64):016x}"
    blank = Coupon(0, application_id, campaign_id, "", now, batch_id=batch_id)
    shared = shared_by(coupon_with(blank, order.fields))
    async with shop.database.transaction() as connection:
        if not await hold_campaign(connection, campaign_id):
            raise NotFound("Campaign", campaign_id)
        documents = await _insert(connection, shared, space, list(order.recipients), draw)
    return sorted(map(read_coupon, documents), key=lambda coupon: coupon.id)


async def search_coupons(
    shop: Shop, wanted: CouponFilter, sort: str, skip: int, page_size: int
) -> CouponPage:
    """One page of the coupons that fit; `sort` is a column, with a minus for descending."""
    documents = await find_coupons(shop.database, wanted, sort, skip, page_size + 1)
    coupons = tuple(map(read_coupon, documents[:page_size]))
    return CouponPage(len(documents) > page_size, coupons)


async def every_coupon(shop: Shop, wanted: CouponFilter) -> AsyncIterator[Coupon]:
    """All coupons that fit, in the order of their ids, read some at a time."""
    last = 0
    while True:
        part = msgspec.structs.replace(wanted, after_id=last)
        documents = await find_coupons(shop.database, part, "id", 0, _PART)
        for coupon in map(read_coupon, documents):
            last = coupon.id
            yield coupon
        if len(documents) < _PART:
            return


async def update_coupon(
    shop: Shop,
    application_id: int,
    campaign_id: int,
    coupon_id: int,
    fields: CouponFields,
    now: datetime,
) -> Coupon:
    """The coupon as changed; dates and recipient that were not sent are cleared.

    Raises `NotFound` or `InvalidInput`.
    """
    place = await coupon_place(shop, application_id, campaign_id)
    recipient = fields.recipient_integration_id or ""
    refuse_if_any(change_faults(place, fields))
    wanted = _one(application_id, campaign_id, coupon_id, now)
    write = msgspec.structs.replace(_write(fields), recipient_integration_id=recipient)
    documents = await update_coupons(shop.database, wanted, write)
    if not documents:
        raise NotFound("Coupon", coupon_id)
    return read_coupon(documents[0])


async def update_coupon_batch(
    shop: Shop,
    application_id: int,
    campaign_id: int,
    batch_id: str | None,
    fields: CouponFields,
    now: datetime,
) -> int:
    """How many coupons of the batch, or of the campaign, were changed.

    Dates that were not sent are cleared. Raises `NotFound` or `InvalidInput`.
    """
    place = await coupon_place(shop, application_id, campaign_id)
    refuse_if_any(change_faults(place, fields))
    wanted = CouponFilter(
        application_id=application_id, campaign_ids=(campaign_id,), batch_id=batch_id, now=now
    )
    return await change_coupons(shop.database, wanted, _write(fields))


async def delete_coupon(
    shop: Shop, application_id: int, campaign_id: int, coupon_id: int, now: datetime
) -> None:
    """Deletes one coupon; its code is free again. Raises `NotFound`."""
    await coupon_place(shop, application_id, campaign_id)
    wanted = _one(application_id, campaign_id, coupon_id, now)
    if await delete_coupons(shop.database, wanted) == 0:
        raise NotFound("Coupon", coupon_id)


async def delete_matching_coupons(shop: Shop, wanted: CouponFilter) -> int:
    """Deletes the coupons that fit; how many there were."""
    return await delete_coupons(shop.database, wanted)


def read_coupon(document: bytes) -> Coupon:
    """The coupon that a stored row holds."""
    coupon = _COUPON.decode(document)
    if not coupon.attributes:
        return coupon
    return msgspec.structs.replace(coupon, attributes=normalised(coupon.attributes))


def coupon_with(old: Coupon, fields: CouponFields) -> Coupon:
    """`old` with `fields` laid over it, as they were checked."""
    changes = sent(fields)
    if fields.limits:
        changes["limits"] = kept_limits(fields.limits)
    if fields.attributes:
        changes["attributes"] = merged({}, normalised(fields.attributes))
    return laid_over(old, changes)


def shared_by(coupon: Coupon) -> NewCoupon:
    """What a coupon has in common with those that are made with it."""
    return NewCoupon(
        application_id=coupon.application_id,
        campaign_id=coupon.campaign_id,
        usage_limit=coupon.usage_limit,
        discount_limit=coupon.discount_limit,
        reservation_limit=coupon.reservation_limit,
        is_reservation_mandatory=coupon.is_reservation_mandatory,
        implicitly_reserved=coupon.implicitly_reserved,
        start_date=coupon.start_date,
        expiry_date=coupon.expiry_date,
        batch_id=coupon.batch_id,
        limits=encode(coupon.limits),
        attributes=encode(coupon.attributes),
        created=coupon.created,
        import_id=coupon.import_id,
    )


async def coupon_place(shop: Shop, application_id: int, campaign_id: int) -> CouponPlace:
    """Where coupons of that campaign belong. Raises `NotFound`."""
    configuration = await shop.refresh()
    campaign = configuration.campaign(application_id, campaign_id)
    application = configuration.application(application_id)
    return CouponPlace(configuration, application, campaign)


def space_of(application: Application, campaign: Campaign, order: CouponOrder) -> CodeSpace:
    """The codes that may come of an order."""
    settings = campaign.coupon_settings
    pattern = order.pattern or (settings.coupon_pattern if settings else _PATTERN_DEFAULT)
    characters = order.valid_characters
    if characters is None:
        characters = settings.valid_characters if settings else _CHARACTERS_DEFAULT
    return code_space(pattern, characters, application.code)


def _write(fields: CouponFields) -> CouponWrite:
    usage_limit = 1 if fields.usage_limit is None else fields.usage_limit
    limits, attributes = fields.limits, fields.attributes
    return CouponWrite(
        start_date=fields.start_date or None,
        expiry_date=fields.expiry_date or None,
        usage_limit=usage_limit if isinstance(usage_limit, int) else None,
        limits=_document(None if limits is None else limits and kept_limits(limits), ()),
        attributes=_document(attributes and merged({}, normalised(attributes)), {}),
        discount_limit=_value(fields.discount_limit, ZERO),
        reservation_limit=_value(fields.reservation_limit, 0),
        is_reservation_mandatory=_value(fields.is_reservation_mandatory, False),
        implicitly_reserved=_value(fields.implicitly_reserved, False),
    )


def _value(sent_value: Value | UnsetType | None, empty: Value) -> Value | None:
    """What to store for a field: nothing where it was not sent, the empty value for null."""
    if isinstance(sent_value, UnsetType):
        return None
    return empty if sent_value is None else sent_value


def _document(value: object, empty: object) -> bytes | None:
    """What to store for a field: nothing where it was not sent, the empty value for null."""
    if value is msgspec.UNSET:
        return None
    return encode(empty if value is None else value)


async def _insert(
    connection: Connection, shared: NewCoupon, space: CodeSpace, missing: list[str], draw: Draw
) -> list[bytes]:
    codes, documents = random_codes(space, draw), list[bytes]()
    for _ in range(_ROUNDS_MAX):
        pairs = list(zip(islice(codes, len(missing)), missing, strict=False))
        added = await insert_coupons(connection, shared, pairs)
        documents += added
        missing = list(_still_missing(missing, added))
        if not missing:
            return documents
        if not pairs:
            break
    raise Conflict(_taken(space, len(missing)))


def _still_missing(recipients: Sequence[str], added: Sequence[bytes]) -> Iterator[str]:
    served = Counter(read_coupon(document).recipient_integration_id for document in added)
    return (Counter(recipients) - served).elements()


def _taken(space: CodeSpace, missing: int) -> str:
    if space.size == 1:
        return f'The code "{space.code(0)}" is taken in this Application'
    return f"Too many codes of this pattern are taken: {missing} coupons could not be created"


def _one(application_id: int, campaign_id: int, coupon_id: int, now: datetime) -> CouponFilter:
    return CouponFilter(
        application_id=application_id,
        campaign_ids=(campaign_id,),
        coupon_id=coupon_id,
        now=now,
    )
