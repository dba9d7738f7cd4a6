"""Campaigns on the wire."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import (
    USER_ID,
    CodeSettingsIn,
    Id,
    Instant,
    LimitIn,
    LimitOut,
    ManagementCall,
    fields_of,
    limits_out,
    managed,
    refuse_unsupported,
    settings_of,
    settings_out,
    wishes_of,
)
from habitue.model.instants import Period
from habitue.model.numbers import shortest
from habitue.promotions.budgets import Count
from habitue.promotions.campaign import (
    Campaign,
    CampaignState,
    CampaignType,
    Feature,
    FrontendState,
)
from habitue.promotions.revision import Revision
from habitue.usecases.configure.campaign_search import (
    CampaignFilter,
    WantedState,
    find_campaigns,
)
from habitue.usecases.configure.campaigns import (
    CampaignFields,
    create_campaign,
    delete_campaign,
    update_campaign,
)
from habitue.usecases.read_budgets import read_budget_counts


class CampaignIn(msgspec.Struct, rename="camel"):
    """A campaign as it is sent."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    state: CampaignState | UnsetType | None = UNSET
    start_time: Instant | UnsetType | None = UNSET
    end_time: Instant | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    active_ruleset_id: Id | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    features: tuple[Feature, ...] | UnsetType | None = UNSET
    limits: tuple[LimitIn, ...] | UnsetType | None = UNSET
    type: CampaignType | UnsetType | None = UNSET
    coupon_settings: CodeSettingsIn | UnsetType | None = UNSET
    referral_settings: CodeSettingsIn | UnsetType | None = UNSET
    coupon_attributes: dict[str, Any] | UnsetType | None = UNSET
    reevaluate_on_return: bool | UnsetType | None = UNSET
    campaign_groups: tuple[Id, ...] | UnsetType | None = UNSET
    evaluation_group_id: Id | UnsetType | None = UNSET
    linked_store_ids: tuple[Id, ...] | UnsetType | None = UNSET


class BudgetOut(msgspec.Struct, omit_defaults=True):
    """A budget of the whole campaign, with what is taken of it in the period that runs."""

    action: str
    limit: Decimal
    counter: Decimal
    period: Period | None = None


class CampaignOut(msgspec.Struct, rename="camel", kw_only=True):
    """A campaign as it is answered; what it does not have is left out."""

    id: int
    created: datetime
    application_id: int
    user_id: int
    name: str
    description: str
    start_time: datetime | UnsetType = UNSET
    end_time: datetime | UnsetType = UNSET
    attributes: dict[str, Any]
    state: Literal["enabled", "disabled", "archived"]
    active_ruleset_id: int | UnsetType = UNSET
    tags: list[str]
    features: list[Feature]
    coupon_settings: CodeSettingsIn | UnsetType = UNSET
    referral_settings: CodeSettingsIn | UnsetType = UNSET
    limits: list[LimitOut]
    campaign_groups: list[int]
    type: CampaignType
    linked_store_ids: list[int]
    coupon_attributes: dict[str, Any]
    reevaluate_on_return: bool
    budgets: list[BudgetOut]
    updated: datetime
    frontend_state: FrontendState
    stores_imported: bool
    experiment_id: int | UnsetType = UNSET
    template_id: int | UnsetType = UNSET
    version: int = 0
    active_revision_id: int | UnsetType = UNSET
    active_revision_version_id: int | UnsetType = UNSET
    revision_frontend_state: Literal["revised"] | UnsetType = UNSET
    current_revision_id: int | UnsetType = UNSET
    current_revision_version_id: int | UnsetType = UNSET


class CampaignQuery(PageQuery, rename="camel", kw_only=True):
    """Which campaigns to list; several tags are separated by commas."""

    campaign_state: WantedState | None = None
    name: str = ""
    tags: list[str] | None = None
    created_before: Instant | None = None
    created_after: Instant | None = None
    start_before: Instant | None = None
    start_after: Instant | None = None
    end_before: Instant | None = None
    end_after: Instant | None = None
    campaign_group_id: Id | None = None
    template_id: Id | None = None
    store_id: Id | None = None


class CampaignSearchQuery(PageQuery, rename="camel", kw_only=True):
    """Which campaigns to search in."""

    campaign_state: WantedState | None = None


class CampaignSearch(msgspec.Struct, rename="camel"):
    """Attributes that campaigns must have, with these values."""

    attributes: dict[str, Any]


_SORTS = {
    "id": "id",
    "name": "name",
    "created": "created",
    "updated": "updated",
    "startTime": "start_time",
    "endTime": "end_time",
    "state": "state",
}
_MOMENTS = (
    "created_before",
    "created_after",
    "start_before",
    "start_after",
    "end_before",
    "end_after",
)
_ONLY: dict[str, tuple[Any, ...]] = {
    "campaign_groups": ((),),
    "evaluation_group_id": (0,),
}


async def get_campaigns(call: ManagementCall[CampaignQuery, None]) -> Answer:
    query, application_id = call.query, call.integer("applicationId")
    # Nothing belongs to groups, as long as there are none.
    moments = {name: msgspec.structs.asdict(query)[name] for name in _MOMENTS}
    wanted = CampaignFilter(
        ids=None if query.campaign_group_id is None else frozenset(),
        template_id=query.template_id,
        store_id=query.store_id,
        state=query.campaign_state,
        name=query.name,
        tags=tuple(query.tags or ()),
        **moments,
    )
    return await _listed(call, application_id, wanted)


async def search_campaigns(
    call: ManagementCall[CampaignSearchQuery, CampaignSearch],
) -> Answer:
    attributes = call.body.attributes
    wanted = CampaignFilter(state=call.query.campaign_state, attributes=attributes)
    return await _listed(call, call.integer("applicationId"), wanted)


async def get_campaign(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    campaign = configuration.campaign(call.integer("applicationId"), call.integer("campaignId"))
    return Answer(200, await _shown(call, campaign))


async def post_campaign(call: ManagementCall[None, CampaignIn]) -> Answer:
    application_id, fields = call.integer("applicationId"), campaign_fields(call.body)
    campaign = await create_campaign(call.services.shop, application_id, fields, call.now)
    return Answer(201, await _shown(call, campaign))


async def put_campaign(call: ManagementCall[None, CampaignIn]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId")
    fields = campaign_fields(call.body)
    campaign = await update_campaign(call.services.shop, *ids, fields, call.now)
    return Answer(200, await _shown(call, campaign))


async def remove_campaign(call: ManagementCall[None, None]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId")
    await delete_campaign(call.services.shop, *ids)
    return Answer(204)


def campaign_fields(body: CampaignIn) -> CampaignFields:
    """What a body says about a campaign. Raises `InvalidInput` for unsupported features."""
    refuse_unsupported(body, _ONLY)
    return fields_of(
        body,
        CampaignFields,
        limits=wishes_of(body.limits),
        coupon_settings=settings_of(body.coupon_settings),
        referral_settings=settings_of(body.referral_settings),
    )


def campaign_out(
    campaign: Campaign, now: datetime, counts: Iterable[Count], revision: Revision | None = None
) -> CampaignOut:
    """The campaign in the protocol's words, as it stands at `now`, with what its budgets count and
    the `revision` that is open."""
    return CampaignOut(
        id=campaign.id,
        created=campaign.created,
        application_id=campaign.application_id,
        user_id=USER_ID,
        name=campaign.name,
        description=campaign.description,
        start_time=campaign.start_time or UNSET,
        end_time=campaign.end_time or UNSET,
        attributes=campaign.attributes,
        # The published states do not know staged campaigns, which apply to nobody.
        state="disabled" if campaign.state == "staged" else campaign.state,
        active_ruleset_id=campaign.active_ruleset_id or UNSET,
        tags=list(campaign.tags),
        features=list(campaign.features),
        coupon_settings=settings_out(campaign.coupon_settings),
        referral_settings=settings_out(campaign.referral_settings),
        limits=limits_out(campaign.limits),
        campaign_groups=[],
        type=campaign.type,
        linked_store_ids=list(campaign.linked_store_ids),
        coupon_attributes=campaign.coupon_attributes,
        reevaluate_on_return=campaign.reevaluate_on_return,
        budgets=[
            BudgetOut(
                each.limit.action,
                shortest(each.limit.limit),
                shortest(each.counter),
                each.limit.period,
            )
            for each in counts
        ],
        updated=campaign.updated,
        frontend_state=campaign.frontend_state(now),
        stores_imported=campaign.stores_imported,
        experiment_id=campaign.experiment_id or UNSET,
        template_id=campaign.template_id or UNSET,
        version=campaign.activated_revisions,
        active_revision_id=campaign.active_revision_id or UNSET,
        active_revision_version_id=campaign.active_revision_version_id or UNSET,
        **_revised(revision),
    )


def _revised(revision: Revision | None) -> dict[str, Any]:
    """What a campaign with an open revision says of it."""
    if revision is None:
        return {}
    return {
        "revision_frontend_state": "revised",
        "current_revision_id": revision.id,
        "current_revision_version_id": revision.current.id,
    }


async def _shown(call: ManagementCall[Any, Any], campaign: Campaign) -> CampaignOut:
    counts = await read_budget_counts(call.services.shop, [campaign], call.now)
    revision = call.services.shop.configuration.open_revisions().get(campaign.id)
    return campaign_out(campaign, call.now, counts[campaign.id], revision)


async def _listed(
    call: ManagementCall[Any, Any], application_id: int, wanted: CampaignFilter
) -> Answer:
    configuration = call.services.shop.configuration
    found = find_campaigns(configuration, application_id, wanted, call.now)
    counts = await read_budget_counts(call.services.shop, found, call.now)

    revisions = configuration.open_revisions()

    def show(campaign: Campaign) -> CampaignOut:
        return campaign_out(campaign, call.now, counts[campaign.id], revisions.get(campaign.id))

    return Answer(200, page_of(found, call.query, _SORTS, show))


def operations() -> list[Operation]:
    """The operations on campaigns."""
    application = "/v1/applications/{applicationId:int}"
    many, operation = f"{application}/campaigns", partial(managed, group="Campaigns")
    one = f"{many}/{{campaignId:int}}"
    return [
        operation(
            "getCampaigns",
            "GET",
            many,
            get_campaigns,
            "List campaigns",
            {200: Page[CampaignOut]},
            query=CampaignQuery,
        ),
        operation(
            "createCampaign",
            "POST",
            many,
            post_campaign,
            "Create a campaign",
            {201: CampaignOut},
            body=CampaignIn,
            request_example=_EXAMPLE,
        ),
        operation(
            "getCampaign",
            "GET",
            one,
            get_campaign,
            "Get a campaign",
            {200: CampaignOut},
        ),
        operation(
            "updateCampaign",
            "PUT",
            one,
            put_campaign,
            "Update a campaign; what is left out keeps its value, null clears it",
            {200: CampaignOut},
            body=CampaignIn,
        ),
        operation(
            "deleteCampaign",
            "DELETE",
            one,
            remove_campaign,
            "Delete a campaign with its coupons",
            {204: None},
        ),
        operation(
            "getCampaignByAttributes",
            "POST",
            f"{application}/campaigns_search",
            search_campaigns,
            "List campaigns that have these attributes",
            {200: Page[CampaignOut]},
            body=CampaignSearch,
            query=CampaignSearchQuery,
        ),
    ]


_EXAMPLE = b"""{
  "name": "Autumn sale",
  "state": "enabled",
  "tags": ["autumn"],
  "features": ["coupons"],
  "limits": [{"action": "redeemCoupon", "limit": 1, "entities": ["Profile"]}]
}"""
