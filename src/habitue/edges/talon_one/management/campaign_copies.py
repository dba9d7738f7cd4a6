"""Copying campaigns, on the wire (contracts/talon_one/openapi.json, `CampaignCopy`)."""

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.campaigns import CampaignOut, campaign_out
from habitue.edges.talon_one.management.paging import Page
from habitue.edges.talon_one.management.shared import (
    Id,
    Instant,
    ManagementCall,
    fields_of,
    managed,
)
from habitue.usecases.configure.campaign_copies import CopyFields, CopyOrder, copy_campaign
from habitue.usecases.read_budgets import read_budget_counts


class CampaignCopyIn(msgspec.Struct, rename="camel"):
    """Into which applications a campaign is copied, and what is different in the copies."""

    application_ids: tuple[Id, ...]
    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    start_time: Instant | UnsetType | None = UNSET
    end_time: Instant | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    evaluation_group_id: Id | UnsetType | None = UNSET


async def post_copy(call: ManagementCall[None, CampaignCopyIn]) -> Answer:
    ids, body = (call.integer("applicationId"), call.integer("campaignId")), call.body
    group_id = body.evaluation_group_id or 0
    order = CopyOrder(body.application_ids, fields_of(body, CopyFields), group_id)
    copies = await copy_campaign(call.services.shop, *ids, order, call.now)
    counts = await read_budget_counts(call.services.shop, copies, call.now)
    shown = [campaign_out(each, call.now, counts[each.id]) for each in copies]
    return Answer(200, Page(len(shown), shown))


def operations() -> list[Operation]:
    """Copying a campaign."""
    return [
        managed(
            "copyCampaignToApplications",
            "POST",
            "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}/copy",
            post_copy,
            "Copy a campaign into Applications",
            {200: Page[CampaignOut]},
            group="Campaigns",
            body=CampaignCopyIn,
            description="Copies are disabled, and have no coupons and no referrals.",
            request_example=b'{"applicationIds": [1], "name": "Autumn sale, again"}',
        )
    ]
