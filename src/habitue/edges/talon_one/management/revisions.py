"""Revisions of campaigns on the wire: changes that are written down and carried out later.

The vendor publishes the schemas of revisions and not their paths; here they are below their
campaign (docs/decisions/0163).
"""

from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
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
from habitue.promotions.campaign import CodeSettings, Feature
from habitue.promotions.revision import Revision, RevisionVersion
from habitue.usecases.configure.campaigns import CampaignFields
from habitue.usecases.configure.revisions import (
    activate_revision,
    add_version,
    create_revision,
    delete_revision,
)

_SORTS = {"id": "id", "created": "created", "activatedAt": "activated_at"}
#: Campaigns change when somebody says so, and not by themselves.
_ONLY: dict[str, tuple[Any, ...]] = {"activate_at": ()}


class RevisedIn(msgspec.Struct, rename="camel"):
    """What a version says about the campaign."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    start_time: Instant | UnsetType | None = UNSET
    end_time: Instant | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    active_ruleset_id: Id | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    features: tuple[Feature, ...] | UnsetType | None = UNSET
    limits: tuple[LimitIn, ...] | UnsetType | None = UNSET
    coupon_settings: CodeSettingsIn | UnsetType | None = UNSET
    referral_settings: CodeSettingsIn | UnsetType | None = UNSET


class ActivationIn(msgspec.Struct, rename="camel"):
    """When to activate; without a moment, now."""

    activate_at: Instant | UnsetType | None = UNSET


class VersionOut(msgspec.Struct, rename="camel", kw_only=True):
    """A version as it is answered; what it does not say is left out."""

    id: int
    name: str | UnsetType = UNSET
    start_time: datetime | UnsetType | None = UNSET
    end_time: datetime | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    active_ruleset_id: int | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    coupon_settings: CodeSettingsIn | UnsetType | None = UNSET
    referral_settings: CodeSettingsIn | UnsetType | None = UNSET
    limits: list[LimitOut] | UnsetType | None = UNSET
    features: tuple[Feature, ...] | UnsetType | None = UNSET
    account_id: int
    application_id: int
    campaign_id: int
    created: datetime
    created_by: int
    revision_id: int
    version: int


class RevisionOut(msgspec.Struct, rename="camel"):
    """A revision with its last version."""

    id: int
    account_id: int
    application_id: int
    campaign_id: int
    created: datetime
    created_by: int
    current_version: VersionOut
    activated_at: datetime | UnsetType = UNSET
    activated_by: int | UnsetType = UNSET


async def get_revisions(call: ManagementCall[PageQuery, None]) -> Answer:
    configuration = call.services.shop.configuration
    campaign = configuration.campaign(*_campaign(call))
    listed = [each for each in configuration.revisions.values() if each.campaign_id == campaign.id]
    return Answer(200, page_of(listed, call.query, _SORTS, _revision_out))


async def get_revision(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    campaign = configuration.campaign(*_campaign(call))
    return Answer(200, _revision_out(configuration.revision(campaign, _revision_id(call))))


async def post_revision(call: ManagementCall[None, RevisedIn]) -> Answer:
    fields = _fields(call.body)
    made = await create_revision(call.services.shop, *_campaign(call), fields, call.now)
    return Answer(201, _revision_out(made))


async def remove_revision(call: ManagementCall[None, None]) -> Answer:
    await delete_revision(call.services.shop, *_campaign(call), _revision_id(call))
    return Answer(204)


async def get_versions(call: ManagementCall[PageQuery, None]) -> Answer:
    configuration = call.services.shop.configuration
    campaign = configuration.campaign(*_campaign(call))
    revision = configuration.revision(campaign, _revision_id(call))
    sorts = {"id": "id", "created": "created", "version": "number"}
    shown = partial(_version_out, revision)
    return Answer(200, page_of(revision.versions, call.query, sorts, shown))


async def post_version(call: ManagementCall[None, RevisedIn]) -> Answer:
    ids = (*_campaign(call), _revision_id(call))
    changed = await add_version(call.services.shop, *ids, _fields(call.body), call.now)
    return Answer(201, _version_out(changed, changed.current))


async def post_activation(call: ManagementCall[None, ActivationIn]) -> Answer:
    refuse_unsupported(call.body, _ONLY)
    ids = (*_campaign(call), _revision_id(call))
    activated = await activate_revision(call.services.shop, *ids, call.now)
    return Answer(200, _revision_out(activated))


def _campaign(call: ManagementCall[Any, Any]) -> tuple[int, int]:
    return call.integer("applicationId"), call.integer("campaignId")


def _revision_id(call: ManagementCall[Any, Any]) -> int:
    return call.integer("revisionId")


def _fields(body: RevisedIn) -> CampaignFields:
    return fields_of(
        body,
        CampaignFields,
        limits=wishes_of(body.limits),
        coupon_settings=settings_of(body.coupon_settings),
        referral_settings=settings_of(body.referral_settings),
    )


def _revision_out(revision: Revision) -> RevisionOut:
    activated = revision.activated_at
    return RevisionOut(
        id=revision.id,
        account_id=ACCOUNT_ID,
        application_id=revision.application_id,
        campaign_id=revision.campaign_id,
        created=revision.created,
        created_by=USER_ID,
        current_version=_version_out(revision, revision.current),
        activated_at=activated or UNSET,
        activated_by=USER_ID if activated else UNSET,
    )


def _version_out(revision: Revision, version: RevisionVersion) -> VersionOut:
    said = version.fields
    return fields_of(
        said,
        VersionOut,
        id=version.id,
        limits=limits_out(said.limits) if isinstance(said.limits, tuple) else said.limits,
        coupon_settings=_settings_out(said.coupon_settings),
        referral_settings=_settings_out(said.referral_settings),
        account_id=ACCOUNT_ID,
        application_id=revision.application_id,
        campaign_id=revision.campaign_id,
        created=version.created,
        created_by=USER_ID,
        revision_id=revision.id,
        version=version.number,
    )


def _settings_out(
    settings: CodeSettings | UnsetType | None,
) -> CodeSettingsIn | UnsetType | None:
    return settings_out(settings) if isinstance(settings, CodeSettings) else settings


def operations() -> list[Operation]:
    """The operations on revisions of campaigns."""
    many = "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}/revisions"
    one = f"{many}/{{revisionId:int}}"
    operation = partial(managed, group="Campaign revisions")
    return [
        operation(
            "getRevisions",
            "GET",
            many,
            get_revisions,
            "List the revisions of a campaign",
            {200: Page[RevisionOut]},
            query=PageQuery,
        ),
        operation(
            "createRevision",
            "POST",
            many,
            post_revision,
            "Write down changes of a campaign, which stays as it is until they are activated",
            {201: RevisionOut},
            body=RevisedIn,
            request_example=_EXAMPLE,
            description="A campaign has at most one revision that is not activated.",
        ),
        operation(
            "getRevision",
            "GET",
            one,
            get_revision,
            "Get a revision of a campaign",
            {200: RevisionOut},
        ),
        operation(
            "deleteRevision",
            "DELETE",
            one,
            remove_revision,
            "Drop a revision that was not activated",
            {204: None},
        ),
        *_version_operations(one),
    ]


def _version_operations(one: str) -> list[Operation]:
    operation = partial(managed, group="Campaign revisions")
    return [
        operation(
            "getRevisionVersions",
            "GET",
            f"{one}/versions",
            get_versions,
            "List the versions of a revision",
            {200: Page[VersionOut]},
            query=PageQuery,
        ),
        operation(
            "createRevisionVersion",
            "POST",
            f"{one}/versions",
            post_version,
            "Add a version; what is left out is as in the last one",
            {201: VersionOut},
            body=RevisedIn,
            request_example=_EXAMPLE,
        ),
        operation(
            "activateRevision",
            "POST",
            f"{one}/activate",
            post_activation,
            "Let the campaign take over the last version of a revision",
            {200: RevisionOut},
            body=ActivationIn,
            request_example=b"{}",
        ),
    ]


_EXAMPLE = b"""{
  "name": "Autumn sale",
  "tags": ["autumn"],
  "features": ["coupons"],
  "limits": [{"action": "redeemCoupon", "limit": 1, "entities": ["Profile"]}]
}"""
