"""Making referral codes in the Integration API (contracts/talon_one/SEMANTICS.md section 7)."""

import secrets
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.management.paging import Page
from habitue.edges.talon_one.referral_wire import (
    ReferralIn,
    ReferralOfFriendIn,
    ReferralOut,
    referral_fields,
    referral_out,
)
from habitue.usecases.configure.referrals import ReferralOrder, create_referrals


class NewReferralIn(ReferralOfFriendIn, rename="camel", kw_only=True):
    """A code of one advocate."""

    campaign_id: Integer
    advocate_profile_integration_id: str


class NewReferralsIn(ReferralIn, rename="camel", kw_only=True):
    """A code for each of many advocates."""

    campaign_id: Integer
    usage_limit: Integer
    advocate_profile_integration_ids: tuple[str, ...]
    valid_characters: tuple[str, ...] | UnsetType | None = UNSET
    referral_pattern: str | UnsetType | None = UNSET


class SilentQuery(msgspec.Struct):
    """`yes` for an empty answer."""

    silent: Literal["yes", "no"] = "yes"


async def post_referral(call: Call[Principal, None, NewReferralIn]) -> Answer:
    body = call.body
    order = ReferralOrder(
        campaign_id=body.campaign_id,
        advocate_ids=(body.advocate_profile_integration_id,),
        fields=referral_fields(body),
        pointer="/advocateProfileIntegrationId",
    )
    application_id = call.principal.application_id
    (made,) = await create_referrals(
        call.services.shop, application_id, order, secrets.randbelow, call.now
    )
    return Answer(201, referral_out(made))


async def post_referrals(call: Call[Principal, SilentQuery, NewReferralsIn]) -> Answer:
    body = call.body
    order = ReferralOrder(
        campaign_id=body.campaign_id,
        advocate_ids=body.advocate_profile_integration_ids,
        fields=referral_fields(body),
        pointer="/advocateProfileIntegrationIds",
        pattern=body.referral_pattern or None,
        valid_characters=body.valid_characters or None,
    )
    application_id = call.principal.application_id
    made = await create_referrals(
        call.services.shop, application_id, order, secrets.randbelow, call.now
    )
    if call.query.silent == "yes":
        return Answer(204)
    return Answer(201, Page(len(made), list(map(referral_out, made))))


def referral_operations() -> list[Operation]:
    """What integrations do with referral codes."""

    def operation(id_: str, path: str, handler: Any, **more: Any) -> Operation:
        door, group = INTEGRATION, "Referrals"
        return Operation(id_, "POST", path, handler, door=door, group=group, **more)

    return [
        operation(
            "createReferral",
            "/v1/referrals",
            post_referral,
            summary="Create a referral code for an advocate",
            body=NewReferralIn,
            responses={201: ReferralOut},
        ),
        operation(
            "createReferralsForMultipleAdvocates",
            "/v1/referrals_for_multiple_advocates",
            post_referrals,
            summary="Create referral codes for many advocates",
            body=NewReferralsIn,
            query=SilentQuery,
            responses={201: Page[ReferralOut], 204: None},
        ),
    ]
