"""Referral codes for staff."""

from functools import partial

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import PageQuery, PageWithoutTotal
from habitue.edges.talon_one.management.shared import Instant, ManagementCall, managed
from habitue.edges.talon_one.referral_wire import (
    ReferralOfFriendIn,
    ReferralOut,
    referral_fields,
    referral_out,
)
from habitue.store.coupon_filters import Validity
from habitue.store.referrals import ReferralFilter
from habitue.usecases.configure.referrals import (
    delete_referral,
    search_referrals,
    update_referral,
)


class ReferralCriteria(PageQuery, rename="camel", kw_only=True):
    """Which codes to look for."""

    code: str | None = None
    advocate: str | None = None
    created_before: Instant | None = None
    created_after: Instant | None = None
    valid: Validity | None = None
    usable: bool | None = None


async def get_referrals(call: ManagementCall[ReferralCriteria, None]) -> Answer:
    query = call.query
    wanted = ReferralFilter(
        campaign_id=call.integer("campaignId"),
        now=call.now,
        code=query.code or None,
        advocate_id=query.advocate or None,
        created_before=query.created_before,
        created_after=query.created_after,
        valid=query.valid,
        usable=query.usable,
    )
    application_id = call.integer("applicationId")
    more, found = await search_referrals(
        call.services.shop, application_id, wanted, query.skip, query.page_size
    )
    return Answer(200, PageWithoutTotal(more, list(map(referral_out, found))))


async def put_referral(call: ManagementCall[None, ReferralOfFriendIn]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId"), call.integer("referralId")
    changed = await update_referral(call.services.shop, *ids, referral_fields(call.body))
    return Answer(200, referral_out(changed))


async def remove_referral(call: ManagementCall[None, None]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId"), call.integer("referralId")
    await delete_referral(call.services.shop, *ids)
    return Answer(204)


def operations() -> list[Operation]:
    """The operations of staff on referral codes."""
    many = "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}/referrals"
    one = f"{many}/{{referralId:int}}"
    operation = partial(managed, group="Referrals")
    return [
        operation(
            "getReferralsWithoutTotalCount",
            "GET",
            f"{many}/no_total",
            get_referrals,
            "List referral codes",
            {200: PageWithoutTotal[ReferralOut]},
            query=ReferralCriteria,
        ),
        operation(
            "updateReferral",
            "PUT",
            one,
            put_referral,
            "Update a referral code",
            {200: ReferralOut},
            body=ReferralOfFriendIn,
            description="Start, expiry and friend that are left out are cleared.",
        ),
        operation(
            "deleteReferral",
            "DELETE",
            one,
            remove_referral,
            "Delete a referral code",
            {204: None},
        ),
    ]
