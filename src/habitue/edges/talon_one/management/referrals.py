"""Referral codes for staff, one by one and in files."""

import secrets
from functools import partial
from typing import Any

import msgspec

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.imports import Importing, imported, importing_operation
from habitue.edges.talon_one.management.paging import PageSize, PageWithoutTotal, Skip, sort_of
from habitue.edges.talon_one.management.shared import Instant, ManagementCall, managed
from habitue.edges.talon_one.referral_wire import (
    ReferralOfFriendIn,
    ReferralOut,
    referral_fields,
    referral_out,
)
from habitue.model.limits import CODE_LENGTH_MAX, INTEGRATION_ID_LENGTH_MAX, PAGE_SIZE_MAX
from habitue.store.coupon_filters import ReferralFilter, Validity
from habitue.usecases.configure.referrals import (
    delete_referral,
    referral_place,
    search_referrals,
    update_referral,
)
from habitue.usecases.import_referrals import ReferralImporter, ReferralLine

_COLUMNS = (
    Column("code", required=True),
    Column("advocateprofileintegrationid", required=True),
    *map(Column, ("startdate", "expirydate", "limitval", "attributes")),
)
_SORTS = {
    "id": "id",
    "code": "code",
    "created": "created",
    "startDate": "start_date",
    "expiryDate": "expiry_date",
    "usageLimit": "usage_limit",
    "usageCounter": "usage_counter",
    "advocateProfileIntegrationId": "advocate_id",
    "friendProfileIntegrationId": "friend_id",
}


class Criteria(msgspec.Struct, rename="camel", kw_only=True):
    """Which codes."""

    created_before: Instant | None = None
    created_after: Instant | None = None
    valid: Validity | None = None
    usable: bool | None = None


class ReferralCriteria(Criteria, rename="camel", kw_only=True):
    """Which page of which codes; `code` is a part of it, whatever its case and punctuation."""

    page_size: PageSize = PAGE_SIZE_MAX
    skip: Skip = 0
    sort: str = ""
    code: str | None = None
    advocate: str | None = None


async def get_referrals(call: ManagementCall[ReferralCriteria, None]) -> Answer:
    query, shop = call.query, call.services.shop
    campaign = shop.configuration.campaign(
        call.integer("applicationId"), call.integer("campaignId")
    )
    wanted = msgspec.structs.replace(
        _filter(call, query, (campaign.id,)),
        value=query.code or None,
        advocate_id=query.advocate or None,
    )
    column, descending = sort_of(query.sort, _SORTS)
    sort = f"-{column}" if descending else column
    more, found = await search_referrals(shop, wanted, sort, query.skip, query.page_size)
    return Answer(200, PageWithoutTotal(more, list(map(referral_out, found))))


async def post_import(call: ManagementCall[None, None]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId")
    place = await referral_place(call.services.shop, *ids)
    importer = ReferralImporter(place, f"{secrets.randbits(64):016x}", call.now)
    where = f"campaign {place.campaign.id}"
    importing = Importing("Referral", where, _COLUMNS, _line, importer, batch=1_000)
    return await imported(call, importing)


def _filter(
    call: ManagementCall[Any, None], criteria: Criteria, campaign_ids: tuple[int, ...] | None
) -> ReferralFilter:
    return ReferralFilter(
        application_id=call.integer("applicationId"),
        now=call.now,
        campaign_ids=campaign_ids,
        created_before=criteria.created_before,
        created_after=criteria.created_after,
        valid=criteria.valid,
        usable=criteria.usable,
    )


def _line(row: RowReader) -> ReferralLine:
    limit = row.whole("limitval")
    return ReferralLine(
        line=row.line,
        code=row.required("code", CODE_LENGTH_MAX),
        advocate_id=row.required("advocateprofileintegrationid", INTEGRATION_ID_LENGTH_MAX),
        start_date=row.moment("startdate"),
        expiry_date=row.moment("expirydate"),
        usage_limit=1 if limit is None else limit,
        attributes=dict(row.json_object("attributes")),
    )


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
    campaign = "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}"
    many = f"{campaign}/referrals"
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
        importing_operation(
            "importReferrals",
            "POST",
            f"{campaign}/import_referrals",
            post_import,
            "Import referral codes",
            group="Referrals",
        ),
    ]
