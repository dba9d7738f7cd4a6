"""Campaign sets: the groups in which the campaigns of an application are judged.

Staff send the whole set. A campaign that it does not name is left out from then on; one that is
made later comes to stand in the default group. A set that was read before somebody else's change is
refused, so that nobody's change is lost.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import msgspec

from habitue.model.errors import Conflict, Fault
from habitue.model.limits import DESCRIPTION_LENGTH_MAX
from habitue.promotions.campaign import Application
from habitue.promotions.campaign_set import (
    GROUP_LEVELS_MAX,
    CampaignSet,
    Group,
    Leaf,
    campaigns_in,
    completed,
    default_set,
    groups_in,
    levels_of,
)
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import name_faults, refuse_if_any, text_faults
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

GROUPS_MAX = 200


def campaign_set_of(configuration: Configuration, application_id: int) -> CampaignSet:
    """The set with every campaign in its place. Raises `NotFound`."""
    application = configuration.application(application_id)
    campaign_set = application.campaign_set or default_set(application_id)
    ids = [each.id for each in configuration.campaigns_of(application_id)]
    return msgspec.structs.replace(campaign_set, root=completed(campaign_set, ids))


async def replace_campaign_set(
    shop: Shop,
    application_id: int,
    root: Group,
    version: int | None,
    now: datetime,
    default_group_id: int | None = None,
) -> CampaignSet:
    """The set as it is now; groups with the id 0 are new.

    Raises `NotFound`, `InvalidInput`, or `Conflict` where the set is not at `version` any more.
    """
    new = sum(1 for each in groups_in(root) if not each.id)
    ids = iter(await new_ids(shop.database, "application", new) if new else [])
    root = numbered(root, ids)

    async def decide(configuration: Configuration) -> Decision[CampaignSet]:
        application = configuration.application(application_id)
        campaign_set = changed_set(configuration, application, root, version, default_group_id)
        changed = msgspec.structs.replace(application, campaign_set=campaign_set, modified=now)
        return Decision(campaign_set, (Change(changed),))

    return await settle(shop, decide)


def changed_set(
    configuration: Configuration,
    application: Application,
    root: Group,
    version: int | None,
    default_group_id: int | None = None,
) -> CampaignSet:
    """The set of those groups. Raises `InvalidInput` or `Conflict`."""
    old = application.campaign_set or default_set(application.id)
    if version is not None and version != old.version:
        raise Conflict(
            f"The campaign set is at version {old.version}, not {version}; read it again"
        )
    campaigns = {each.id for each in configuration.campaigns_of(application.id)}
    refuse_if_any(_faults(root, campaigns))
    groups = {each.id for each in groups_in(root)}
    if default_group_id is None:
        default_group_id = old.default_group_id if old.default_group_id in groups else root.id
    elif default_group_id not in groups:
        details = f"group {default_group_id} is not in the set"
        refuse_if_any([Fault("/defaultEvaluationGroupId", "Unknown", details)])
    left_out = tuple(sorted(campaigns - set(campaigns_in(root))))
    return CampaignSet(root, default_group_id, left_out, old.version + 1)


def numbered(group: Group, ids: Iterator[int]) -> Group:
    """The group with ids for those in it that have none."""
    id_ = group.id or next(ids)
    elements = tuple(
        each if isinstance(each, Leaf) else numbered(each, ids) for each in group.elements
    )
    return msgspec.structs.replace(group, id=id_, elements=elements)


def _faults(root: Group, campaigns: set[int]) -> Iterator[Fault]:
    if levels_of(root) > GROUP_LEVELS_MAX:
        details = f"below the base group there are at most {GROUP_LEVELS_MAX - 1} levels of groups"
        yield Fault("/set", "Too deep", details)
    groups = list(groups_in(root))
    if len(groups) > GROUPS_MAX:
        yield Fault("/set", "Too many", f"at most {GROUPS_MAX} groups are accepted")
    for id_, count in Counter(each.id for each in groups).items():
        if count > 1:
            yield Fault("/set", "Duplicate", f"group {id_} stands there twice")
    for id_, count in Counter(campaigns_in(root)).items():
        if count > 1:
            yield Fault("/set", "Duplicate", f"campaign {id_} stands there twice")
    yield from _group_faults(root, "/set", campaigns)


def _group_faults(group: Group, at: str, campaigns: set[int]) -> Iterator[Fault]:
    yield from name_faults(group.name, f"{at}/name")
    yield from text_faults(group.description, f"{at}/description", DESCRIPTION_LENGTH_MAX)
    for index, element in enumerate(group.elements):
        place = f"{at}/elements/{index}"
        if isinstance(element, Group):
            yield from _group_faults(element, place, campaigns)
        elif element.campaign_id not in campaigns:
            details = f"campaign {element.campaign_id} does not exist in this Application"
            yield Fault(f"{place}/campaignId", "Unknown", details)
