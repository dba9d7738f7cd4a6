"""Referral codes on the wire."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.numbers import Integer
from habitue.edges.talon_one.effects import shortened
from habitue.promotions.referral import Referral
from habitue.usecases.configure.referrals import ReferralFields

Moment = Annotated[datetime, Meta(tz=True)]


class ReferralIn(msgspec.Struct, rename="camel", kw_only=True):
    """What may be said about a code."""

    start_date: Moment | UnsetType | None = UNSET
    expiry_date: Moment | UnsetType | None = UNSET
    usage_limit: Integer | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET


class ReferralOfFriendIn(ReferralIn, rename="camel", kw_only=True):
    """What may be said about a code that may be for one friend alone."""

    friend_profile_integration_id: str | UnsetType | None = UNSET


class ReferralOut(msgspec.Struct, rename="camel", kw_only=True):
    """A code as it is answered."""

    id: int
    created: datetime
    start_date: datetime | UnsetType = UNSET
    expiry_date: datetime | UnsetType = UNSET
    usage_limit: int
    campaign_id: int
    advocate_profile_integration_id: str
    friend_profile_integration_id: str
    attributes: dict[str, Any]
    code: str
    usage_counter: int
    batch_id: str
    import_id: int | UnsetType = UNSET


class InventoryReferralOut(ReferralOut, rename="camel", kw_only=True):
    """A code with the profiles that it has referred."""

    referred_customers: list[str]


def referral_fields(body: ReferralIn) -> ReferralFields:
    """What a body says about a code."""
    return ReferralFields(
        friend_id=getattr(body, "friend_profile_integration_id", UNSET),
        start_date=body.start_date,
        expiry_date=body.expiry_date,
        usage_limit=body.usage_limit,
        attributes=body.attributes,
    )


def referral_out(referral: Referral) -> ReferralOut:
    """The code in the protocol's words."""
    return ReferralOut(
        id=referral.id,
        created=referral.created,
        start_date=referral.start_date or UNSET,
        expiry_date=referral.expiry_date or UNSET,
        usage_limit=referral.usage_limit,
        campaign_id=referral.campaign_id,
        advocate_profile_integration_id=referral.advocate_id,
        friend_profile_integration_id=referral.friend_id,
        attributes=shortened(referral.attributes),
        code=referral.code,
        usage_counter=referral.usage_counter,
        batch_id=referral.batch_id,
        import_id=referral.import_id or UNSET,
    )


def inventory_referral_out(referral: Referral, friends: Iterable[str]) -> InventoryReferralOut:
    """The code and whom it has referred, in the protocol's words."""
    fields = msgspec.structs.asdict(referral_out(referral))
    return InventoryReferralOut(**fields, referred_customers=list(friends))
