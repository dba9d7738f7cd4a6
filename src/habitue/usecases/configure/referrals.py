"""Referral codes: made for advocates, changed, found and deleted.

Shops make codes without regard to the budgets of a campaign, which hold for rules
(contracts/talon_one/SEMANTICS.md section 7). An advocate need not be known yet: the code cannot be
used before.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.customers.claims import profile_key
from habitue.model.attributes import Attributes, merged, normalised, validate
from habitue.model.documents import decoder_of, encode
from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.limits import (
    COUPON_RECIPIENTS_MAX,
    COUPON_USAGE_LIMIT_MAX,
    INTEGRATION_ID_LENGTH_MAX,
)
from habitue.promotions.campaign import CodeSettings
from habitue.promotions.codes import CodeSpace, Draw, code_space, random_codes
from habitue.promotions.creations import DEFAULT_CODES
from habitue.promotions.dialect import definitions_of
from habitue.promotions.referral import Referral
from habitue.store import referrals
from habitue.store.coupon_filters import ReferralFilter
from habitue.store.coupons import hold_campaign
from habitue.store.database import Connection
from habitue.store.referrals import NewReferral, ReferralWrite
from habitue.usecases.configure.checks import (
    characters_faults,
    pattern_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.coupon_checks import CouponPlace
from habitue.usecases.shop import Shop

#: How often a taken code is drawn again before its pattern counts as used up.
_ROUNDS_MAX = 40
_REFERRAL = decoder_of(Referral)


class ReferralFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a code."""

    friend_id: str | UnsetType | None = UNSET
    start_date: datetime | UnsetType | None = UNSET
    expiry_date: datetime | UnsetType | None = UNSET
    usage_limit: int | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET


class ReferralOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Codes that shall be made, one for each advocate; `pointer` is where those are named.

    Pattern and characters that are None are those of the campaign.
    """

    campaign_id: int
    advocate_ids: tuple[str, ...]
    fields: ReferralFields
    pointer: str
    pattern: str | None = None
    valid_characters: tuple[str, ...] | None = None


async def create_referrals(
    shop: Shop, application_id: int, order: ReferralOrder, draw: Draw, now: datetime
) -> list[Referral]:
    """The new codes, in the order of the advocates.

    Raises `NotFound`, `InvalidInput`, or `Conflict` when too many codes of the pattern are taken.
    """
    place = await referral_place(shop, application_id, order.campaign_id)
    refuse_if_any([*_order_faults(order), *field_faults(place, order.fields)])
    batch_id = f"{draw(2**64):016x}" if len(order.advocate_ids) > 1 else ""
    codes = random_codes(_space(place, order), draw)
    made = []
    async with shop.database.transaction() as connection:
        if not await hold_campaign(connection, order.campaign_id):
            raise NotFound("Campaign", order.campaign_id)
        for advocate_id in order.advocate_ids:
            blank = new_referral(place, order.fields, advocate_id, batch_id, now)
            made.append(await _insert(connection, blank, codes))
    return made


async def update_referral(
    shop: Shop, application_id: int, campaign_id: int, referral_id: int, fields: ReferralFields
) -> Referral:
    """The code as changed; dates and friend that were not sent are cleared.

    Raises `NotFound` or `InvalidInput`.
    """
    place = await referral_place(shop, application_id, campaign_id)
    refuse_if_any(field_faults(place, fields))
    attributes = fields.attributes
    write = ReferralWrite(
        fields.friend_id or "",
        fields.start_date or None,
        fields.expiry_date or None,
        0 if fields.usage_limit is None else fields.usage_limit or None,
        None if attributes is UNSET else encode(merged({}, normalised(attributes or {}))),
    )
    if fields.usage_limit == 0:
        write = msgspec.structs.replace(write, usage_limit=0)
    document = await referrals.update_referral(shop.database, campaign_id, referral_id, write)
    if document is None:
        raise NotFound("Referral", referral_id)
    return read_referral(document)


async def delete_referral(
    shop: Shop, application_id: int, campaign_id: int, referral_id: int
) -> None:
    """Deletes one code. Raises `NotFound`."""
    await referral_place(shop, application_id, campaign_id)
    if not await referrals.delete_referral(shop.database, campaign_id, referral_id):
        raise NotFound("Referral", referral_id)


async def search_referrals(
    shop: Shop, wanted: ReferralFilter, sort: str, skip: int, page_size: int
) -> tuple[bool, list[Referral]]:
    """Whether there are more, and one page of the codes that fit."""
    found = await referrals.find_referrals(shop.database, wanted, sort, skip, page_size + 1)
    return len(found) > page_size, list(map(read_referral, found[:page_size]))


def read_referral(document: bytes) -> Referral:
    """The code that a stored row holds."""
    referral = _REFERRAL.decode(document)
    return msgspec.structs.replace(referral, attributes=normalised(referral.attributes))


async def referral_place(shop: Shop, application_id: int, campaign_id: int) -> CouponPlace:
    """The campaign, as codes are made in it. Raises `NotFound`."""
    configuration = await shop.refresh()
    campaign = configuration.campaign(application_id, campaign_id)
    return CouponPlace(configuration, configuration.application(application_id), campaign)


def new_referral(
    place: CouponPlace, fields: ReferralFields, advocate_id: str, batch_id: str, now: datetime
) -> NewReferral:
    """A code to be made, without the code itself."""
    application = place.application
    return NewReferral(
        code="",
        application_id=application.id,
        campaign_id=place.campaign.id,
        advocate_id=advocate_id,
        advocate_key=profile_key(advocate_id, sandbox=application.sandbox),
        friend_id=fields.friend_id or "",
        usage_limit=fields.usage_limit or 0,
        start_date=fields.start_date or None,
        expiry_date=fields.expiry_date or None,
        attributes=encode(merged({}, normalised(fields.attributes or {}))),
        batch_id=batch_id,
        created=now,
    )


async def _insert(connection: Connection, blank: NewReferral, codes: Iterator[str]) -> Referral:
    for _, code in zip(range(_ROUNDS_MAX), codes, strict=False):
        new = msgspec.structs.replace(blank, code=code)
        document = await referrals.insert_referral(connection, new)
        if document is not None:
            return read_referral(document)
    raise Conflict("Too many codes of this pattern are taken")


def _space(place: CouponPlace, order: ReferralOrder) -> CodeSpace:
    settings: CodeSettings = place.campaign.referral_settings or DEFAULT_CODES
    characters = order.valid_characters or settings.valid_characters
    pattern = order.pattern or settings.coupon_pattern
    return code_space(pattern, characters, place.application.code)


def _order_faults(order: ReferralOrder) -> Iterator[Fault]:
    if not 1 <= len(order.advocate_ids) <= COUPON_RECIPIENTS_MAX:
        details = f"from 1 to {COUPON_RECIPIENTS_MAX} codes are made at once"
        yield Fault(order.pointer, "Out of range", details)
    for each in order.advocate_ids:
        if not each:
            yield Fault(order.pointer, "Missing", "an advocate has an integration id")
        yield from text_faults(each, order.pointer, INTEGRATION_ID_LENGTH_MAX)
    if order.pattern is not None:
        yield from pattern_faults(order.pattern, "/referralPattern")
    if order.valid_characters is not None:
        yield from characters_faults(order.valid_characters, "/validCharacters")


def field_faults(place: CouponPlace, fields: ReferralFields) -> Iterator[Fault]:
    """What is wrong with what is said about a code."""
    limit = fields.usage_limit
    if isinstance(limit, int) and not 0 <= limit <= COUPON_USAGE_LIMIT_MAX:
        details = f"a usage limit is from 0 (no limit) to {COUPON_USAGE_LIMIT_MAX}"
        yield Fault("/usageLimit", "Out of range", details)
    if fields.start_date and fields.expiry_date and fields.expiry_date <= fields.start_date:
        yield Fault("/expiryDate", "Invalid period", "a code expires after it has started")
    if fields.friend_id:
        pointer = "/friendProfileIntegrationId"
        yield from text_faults(fields.friend_id, pointer, INTEGRATION_ID_LENGTH_MAX)
    if fields.attributes:
        definitions = definitions_of(place.configuration, place.application.id, "Referral")
        yield from validate(fields.attributes, definitions, "Referral", "/attributes")
