"""Revisions of campaigns: changes that are written down first and carried out together.

Words: a *revision* is *open* until it is activated; a campaign has at most one open one. Each
*version* of it says everything that the campaign shall take over; the last one is activated. What a
version does not say (UNSET) the campaign keeps, and None sets it back to its default.

Invariant: a revision has at least one version, and versions are numbered from 1 without gaps.
"""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import Attributes
from habitue.promotions.campaign import CodeSettings, Feature, Limit


class RevisedFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a version says about its campaign, by the names of `Campaign`."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    start_time: datetime | UnsetType | None = UNSET
    end_time: datetime | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET
    active_ruleset_id: int | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    features: tuple[Feature, ...] | UnsetType | None = UNSET
    limits: tuple[Limit, ...] | UnsetType | None = UNSET
    coupon_settings: CodeSettings | UnsetType | None = UNSET
    referral_settings: CodeSettings | UnsetType | None = UNSET


class RevisionVersion(msgspec.Struct, frozen=True):
    """One state of a revision; it never changes. `number` counts from 1 within its revision."""

    id: int
    number: int
    created: datetime
    fields: RevisedFields


class Revision(msgspec.Struct, frozen=True):
    """Changes of one campaign, with all their versions, the oldest first."""

    id: int
    application_id: int
    campaign_id: int
    created: datetime
    versions: tuple[RevisionVersion, ...]
    activated_at: datetime | None = None

    @property
    def key(self) -> str:
        """What it is told apart by."""
        return f"{self.campaign_id}/{self.id}"

    @property
    def current(self) -> RevisionVersion:
        """The version that is activated, or would be."""
        return self.versions[-1]

    @property
    def is_open(self) -> bool:
        """Whether it still waits to be activated."""
        return self.activated_at is None
