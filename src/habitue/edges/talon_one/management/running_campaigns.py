"""The running campaigns as an integration reads them: what a shop may tell its customers."""

from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.management.paging import PageWithoutTotal, ShortPageQuery
from habitue.edges.talon_one.management.shared import Id, Instant
from habitue.edges.talon_one.rule_metadata import RuleMetadataOut, rule_metadata
from habitue.promotions.campaign import Campaign
from habitue.promotions.configuration import Configuration
from habitue.usecases.configure.campaign_search import CampaignFilter, find_campaigns


class RunningCampaignsQuery(ShortPageQuery, rename="camel", kw_only=True):
    """Which running campaigns to list."""

    campaign_ids: list[Id] | None = None
    start_after: Instant | None = None
    start_before: Instant | None = None
    end_after: Instant | None = None
    end_before: Instant | None = None
    store_id: Id | None = None
    audience_id: Id | None = None


class RunningCampaign(msgspec.Struct, rename="camel", kw_only=True):
    """A running campaign with its rules."""

    id: int
    application_id: int
    name: str
    description: str
    start_time: datetime | UnsetType = UNSET
    end_time: datetime | UnsetType = UNSET
    attributes: dict[str, Any]
    state: Literal["enabled"]
    tags: list[str]
    features: list[str]
    rules: list[RuleMetadataOut]
    linked_store_ids: list[int]
    linked_audience_ids: list[int]


async def get_running_campaigns(call: Call[Principal, RunningCampaignsQuery, None]) -> Answer:
    configuration: Configuration = await call.services.shop.refresh()
    query, application_id = call.query, call.principal.application_id
    found = find_campaigns(configuration, application_id, _filter(query), call.now)
    page = found[query.skip : query.skip + query.page_size]
    has_more = len(found) > query.skip + query.page_size
    shown = list(map(partial(running_campaign, configuration), page))
    return Answer(200, PageWithoutTotal(has_more, shown))


def running_campaign(configuration: Configuration, campaign: Campaign) -> RunningCampaign:
    """The campaign in the protocol's words."""
    ruleset = configuration.rulesets.get(campaign.active_ruleset_id or 0)
    rules = ruleset.document["rules"] if ruleset else []
    return RunningCampaign(
        id=campaign.id,
        application_id=campaign.application_id,
        name=campaign.name,
        description=campaign.description,
        start_time=campaign.start_time or UNSET,
        end_time=campaign.end_time or UNSET,
        attributes=campaign.attributes,
        state="enabled",
        tags=list(campaign.tags),
        # The published list of features has no advanced events here.
        features=[each for each in campaign.features if each != "advancedEvents"],
        rules=[RuleMetadataOut(**rule_metadata(rule)) for rule in rules],
        linked_store_ids=list(campaign.linked_store_ids),
        linked_audience_ids=[],
    )


def _filter(query: RunningCampaignsQuery) -> CampaignFilter:
    ids = None if query.campaign_ids is None else frozenset(query.campaign_ids)
    if query.audience_id is not None:
        ids = frozenset()  # campaigns are linked to no audiences: no setting says so
    parameters = msgspec.structs.asdict(query)
    return CampaignFilter(
        state="running",
        ids=ids,
        store_id=query.store_id,
        start_after=parameters["start_after"],
        start_before=parameters["start_before"],
        end_after=parameters["end_after"],
        end_before=parameters["end_before"],
    )


def operations() -> list[Operation]:
    """The one operation of this module."""
    return [
        Operation(
            id="integrationGetAllCampaigns",
            method="GET",
            path="/v1/integration/campaigns",
            handler=get_running_campaigns,
            door=INTEGRATION,
            group="Campaigns",
            summary="List all running campaigns",
            query=RunningCampaignsQuery,
            responses={200: PageWithoutTotal[RunningCampaign]},
        )
    ]
