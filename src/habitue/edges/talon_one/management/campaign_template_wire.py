"""A campaign template on the wire, as it is sent and as it is answered."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.talon_one.management.rulesets import RulesetIn, RulesetOut, ruleset_out
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    USER_ID,
    CodeSettingsIn,
    Id,
    LimitIn,
    LimitOut,
    limits_out,
    settings_out,
)
from habitue.promotions.campaign import CampaignType, Feature, StoredRuleset
from habitue.promotions.campaign_template import (
    CampaignTemplate,
    Parameter,
    ParameterType,
    TemplateCollection,
    TemplateState,
)
from habitue.promotions.configuration import Configuration


class ParameterIO(msgspec.Struct, rename="camel"):
    """A parameter of a template."""

    name: str
    type: ParameterType
    description: str
    attribute_id: Id | UnsetType = UNSET


class TemplateCollectionIO(msgspec.Struct):
    """A collection that campaigns of the template get."""

    name: str
    description: str = ""


class TemplateIn(msgspec.Struct, rename="camel"):
    """A template as it is sent; `ruleset` are its rules."""

    name: str | UnsetType = UNSET
    state: TemplateState | UnsetType = UNSET
    description: str | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    campaign_attributes: dict[str, Any] | UnsetType | None = UNSET
    coupon_attributes: dict[str, Any] | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    features: tuple[Feature, ...] | UnsetType | None = UNSET
    coupon_settings: CodeSettingsIn | UnsetType | None = UNSET
    coupon_reservation_settings: dict[str, Any] | UnsetType | None = UNSET
    referral_settings: CodeSettingsIn | UnsetType | None = UNSET
    limits: tuple[LimitIn, ...] | UnsetType | None = UNSET
    template_params: tuple[ParameterIO, ...] | UnsetType | None = UNSET
    applications_ids: tuple[Id, ...] | UnsetType = UNSET
    campaign_collections: tuple[TemplateCollectionIO, ...] | UnsetType | None = UNSET
    default_campaign_group_id: Id | UnsetType | None = UNSET
    campaign_type: CampaignType | UnsetType = UNSET
    reevaluate_on_return: bool | UnsetType | None = UNSET
    ruleset: RulesetIn | UnsetType = UNSET


class TemplateOut(msgspec.Struct, rename="camel", kw_only=True):
    """A template as it is answered."""

    id: int
    created: datetime
    updated: datetime
    account_id: int
    user_id: int
    name: str
    description: str
    instructions: str
    campaign_attributes: dict[str, Any]
    coupon_attributes: dict[str, Any]
    state: TemplateState
    active_ruleset_id: int
    tags: list[str]
    features: list[Feature]
    coupon_settings: CodeSettingsIn | UnsetType = UNSET
    referral_settings: CodeSettingsIn | UnsetType = UNSET
    limits: list[LimitOut]
    template_params: list[ParameterIO]
    applications_ids: list[int]
    valid_application_ids: list[int]
    campaign_collections: list[TemplateCollectionIO]
    campaign_type: CampaignType
    reevaluate_on_return: bool
    campaigns_count: int
    is_user_favorite: bool
    ruleset: RulesetOut


def parameters_of(sent: Any) -> tuple[Parameter, ...] | UnsetType | None:
    """The parameters of a body as the use cases take them."""
    if not isinstance(sent, tuple):
        return None if sent is None else UNSET
    return tuple(
        Parameter(each.name, each.type, each.description, each.attribute_id or None)
        for each in sent
    )


def collections_of(sent: Any) -> tuple[TemplateCollection, ...] | UnsetType | None:
    """The collections of a body as the use cases take them."""
    if not isinstance(sent, tuple):
        return None if sent is None else UNSET
    return tuple(TemplateCollection(each.name, each.description) for each in sent)


def template_out(configuration: Configuration, each: CampaignTemplate) -> TemplateOut:
    """The template in the protocol's words."""
    campaigns = configuration.campaigns.values()
    ruleset = StoredRuleset(each.ruleset_id, 0, each.updated, each.document)
    return TemplateOut(
        id=each.id,
        created=each.created,
        updated=each.updated,
        account_id=ACCOUNT_ID,
        user_id=USER_ID,
        name=each.name,
        description=each.description,
        instructions=each.instructions,
        campaign_attributes=each.campaign_attributes,
        coupon_attributes=each.coupon_attributes,
        state=each.state,
        active_ruleset_id=each.ruleset_id,
        tags=list(each.tags),
        features=list(each.features),
        coupon_settings=settings_out(each.coupon_settings),
        referral_settings=settings_out(each.referral_settings),
        limits=limits_out(each.limits),
        template_params=[
            ParameterIO(one.name, one.type, one.description, one.attribute_id or UNSET)
            for one in each.parameters
        ],
        applications_ids=list(each.application_ids),
        valid_application_ids=[
            id_ for id_ in each.application_ids if id_ in configuration.applications
        ],
        campaign_collections=[
            TemplateCollectionIO(one.name, one.description) for one in each.collections
        ],
        campaign_type=each.campaign_type,
        reevaluate_on_return=each.reevaluate_on_return,
        campaigns_count=sum(one.template_id == each.id for one in campaigns),
        is_user_favorite=False,
        ruleset=ruleset_out(ruleset),
    )
