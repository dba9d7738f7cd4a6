"""Revisions: drafts of changes of a campaign, as staff write, activate and drop them.

A version is checked as an update of the campaign would be, when it is written and once more when it
is activated, because both the campaign and what it refers to may change between
(docs/decisions/0163).
"""

from datetime import datetime

import msgspec
from msgspec import UNSET

from habitue.model.errors import Conflict
from habitue.promotions.campaign import Campaign
from habitue.promotions.configuration import Configuration
from habitue.promotions.revision import RevisedFields, Revision, RevisionVersion
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.campaigns import CampaignFields, change_of
from habitue.usecases.configure.fields import sent
from habitue.usecases.configure.limits import LimitWish, kept_limits
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

VERSIONS_MAX = 100


async def create_revision(
    shop: Shop, application_id: int, campaign_id: int, fields: CampaignFields, now: datetime
) -> Revision:
    """The new revision with its first version; the campaign stays as it is.

    Raises `NotFound`, `InvalidInput`, and `Conflict` where the campaign has an open one.
    """
    (await shop.refresh()).campaign(application_id, campaign_id)
    id_, version_id = await new_ids(shop.database, "revision", 2)

    async def decide(configuration: Configuration) -> Decision[Revision]:
        campaign = configuration.campaign(application_id, campaign_id)
        await change_of(shop, configuration, campaign, fields, now)
        known = configuration.open_revisions().get(campaign_id)
        if known is not None:
            raise Conflict(f"Revision {known.id} of this campaign is open; activate or delete it")
        first = RevisionVersion(version_id, 1, now, _kept(fields))
        made = Revision(id_, application_id, campaign_id, now, (first,))
        return Decision(made, (Change(made),))

    return await settle(shop, decide)


async def add_version(
    shop: Shop,
    application_id: int,
    campaign_id: int,
    revision_id: int,
    fields: CampaignFields,
    now: datetime,
) -> Revision:
    """The revision with one more version: the last one with `fields` laid over it.

    Raises `NotFound`, `InvalidInput`, and `Conflict` where it is not open or has too many.
    """
    (version_id,) = await new_ids(shop.database, "revision")

    async def decide(configuration: Configuration) -> Decision[Revision]:
        campaign = configuration.campaign(application_id, campaign_id)
        old = configuration.revision(campaign, revision_id)
        _check_open(old)
        if len(old.versions) >= VERSIONS_MAX:
            raise Conflict(f"A revision has at most {VERSIONS_MAX} versions")
        whole = msgspec.structs.replace(_wished(old.current.fields), **sent(fields))
        await change_of(shop, configuration, campaign, whole, now)
        added = RevisionVersion(version_id, old.current.number + 1, now, _kept(whole))
        changed = msgspec.structs.replace(old, versions=(*old.versions, added))
        return Decision(changed, (Change(changed),))

    return await settle(shop, decide)


async def activate_revision(
    shop: Shop, application_id: int, campaign_id: int, revision_id: int, now: datetime
) -> Revision:
    """The revision, whose last version the campaign has taken over.

    Raises `NotFound`, `InvalidInput` where the campaign cannot be like that any more, and
    `Conflict` where the revision is not open.
    """

    async def decide(configuration: Configuration) -> Decision[Revision]:
        campaign = configuration.campaign(application_id, campaign_id)
        old = configuration.revision(campaign, revision_id)
        _check_open(old)
        fields = _wished(old.current.fields)
        changed = await change_of(shop, configuration, _counted(campaign, old), fields, now)
        activated = msgspec.structs.replace(old, activated_at=now)
        return Decision(activated, (*changed.changes, Change(activated)))

    return await settle(shop, decide)


async def delete_revision(
    shop: Shop, application_id: int, campaign_id: int, revision_id: int
) -> None:
    """Drops an open revision. Raises `NotFound`, and `Conflict` where it was activated."""

    async def decide(configuration: Configuration) -> Decision[None]:
        campaign = configuration.campaign(application_id, campaign_id)
        old = configuration.revision(campaign, revision_id)
        _check_open(old)
        return Decision(None, (Change(old, deleted=True),))

    await settle(shop, decide)


def _check_open(revision: Revision) -> None:
    if not revision.is_open:
        raise Conflict(f"Revision {revision.id} was activated and does not change any more")


def _counted(campaign: Campaign, revision: Revision) -> Campaign:
    return msgspec.structs.replace(
        campaign,
        activated_revisions=campaign.activated_revisions + 1,
        active_revision_id=revision.id,
        active_revision_version_id=revision.current.id,
    )


def _kept(fields: CampaignFields) -> RevisedFields:
    """What a version keeps of a request that was checked."""
    values = {name: getattr(fields, name) for name in RevisedFields.__struct_fields__}
    if fields.limits:
        values["limits"] = kept_limits(fields.limits)
    return RevisedFields(**values)


def _wished(fields: RevisedFields) -> CampaignFields:
    """What a version says, as a request."""
    values = sent(fields)
    if fields.limits is not UNSET and fields.limits:
        values["limits"] = tuple(
            LimitWish(each.action, each.limit, each.entities, each.period) for each in fields.limits
        )
    return CampaignFields(**values)
