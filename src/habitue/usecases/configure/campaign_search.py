"""Which campaigns of an application a list shows.

Words: an *enabled* campaign is scheduled, running or expired; those three are told apart by the
clock.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from habitue.model.attributes import normalised
from habitue.promotions.campaign import Campaign
from habitue.promotions.configuration import Configuration

WantedState = Literal[
    "enabled", "disabled", "archived", "scheduled", "running", "expired", "staged"
]


class CampaignFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is given must hold; bounds of times are included.

    `name` is looked for in any case inside the name; every one of `tags` must be a tag in any case;
    every one of `attributes` must be there with that value.
    """

    state: WantedState | None = None
    ids: frozenset[int] | None = None
    template_id: int | None = None
    store_id: int | None = None
    name: str = ""
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}
    created_before: datetime | None = None
    created_after: datetime | None = None
    start_before: datetime | None = None
    start_after: datetime | None = None
    end_before: datetime | None = None
    end_after: datetime | None = None


def find_campaigns(
    configuration: Configuration, application_id: int, wanted: CampaignFilter, now: datetime
) -> list[Campaign]:
    """The campaigns of the application that fit, oldest first. Raises `NotFound`."""
    configuration.application(application_id)
    campaigns = configuration.campaigns_of(application_id)
    return [each for each in campaigns if _fits(each, wanted, now)]


def has_state(campaign: Campaign, state: WantedState | None, now: datetime) -> bool:
    """Whether the campaign is in that state at `now`; any is, for None."""
    if state == "enabled":
        return campaign.state == "enabled"
    return state is None or campaign.frontend_state(now) == state


def _fits(campaign: Campaign, wanted: CampaignFilter, now: datetime) -> bool:
    tags = {tag.casefold() for tag in campaign.tags}
    attributes = normalised(wanted.attributes)
    return (
        has_state(campaign, wanted.state, now)
        and (wanted.ids is None or campaign.id in wanted.ids)
        and wanted.template_id in (None, campaign.template_id)
        and (wanted.store_id is None or wanted.store_id in campaign.linked_store_ids)
        and wanted.name.casefold() in campaign.name.casefold()
        and all(tag.casefold() in tags for tag in wanted.tags)
        and all(campaign.attributes.get(name) == attributes[name] for name in attributes)
        and _between(campaign.created, wanted.created_after, wanted.created_before)
        and _between(campaign.start_time, wanted.start_after, wanted.start_before)
        and _between(campaign.end_time, wanted.end_after, wanted.end_before)
    )


def _between(moment: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    if moment is None:
        return after is None and before is None
    return (after is None or moment >= after) and (before is None or moment <= before)
