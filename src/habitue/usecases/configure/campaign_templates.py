"""Campaign templates, as staff make them, and campaigns that are made of them.

The rules of a template are checked with a value of the right type for every parameter, in each of
its applications, and again with the real values when a campaign is made (docs/decisions/0161).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import Attributes, merged
from habitue.model.errors import Conflict, Fault, InvalidInput
from habitue.promotions.campaign import (
    Campaign,
    CampaignType,
    CodeSettings,
    Feature,
    StoredRuleset,
)
from habitue.promotions.campaign_template import (
    CampaignTemplate,
    Parameter,
    TemplateCollection,
    TemplateState,
    filled_in,
    parameter_faults,
    placeholders,
    value_faults,
)
from habitue.promotions.configuration import Configuration
from habitue.promotions.shop_lists import Collection
from habitue.rules.ruleset import parse_ruleset
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.campaign_copies import grouped
from habitue.usecases.configure.campaigns import CampaignFields, new_campaign
from habitue.usecases.configure.checks import (
    application_faults,
    code_settings_faults,
    description_faults,
    name_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.limits import LimitWish, kept_limits, limit_faults
from habitue.usecases.configure.rule_checks import check_rules
from habitue.usecases.configure.rulesets import checked_ruleset, document_of
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.configure.shop_lists import collection_name_faults
from habitue.usecases.shop import Shop

_INSTRUCTIONS_LENGTH_MAX = 10_000
_PARAMETERS_MAX = 50
_COLLECTIONS_MAX = 50
#: Where a request says what new_campaign calls attributes.
_OVERRIDES = "/campaignAttributesOverrides"


class TemplateFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a template; `document` are its rules."""

    name: str | UnsetType = UNSET
    state: TemplateState | UnsetType = UNSET
    description: str | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    campaign_attributes: Attributes | UnsetType | None = UNSET
    coupon_attributes: Attributes | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    features: tuple[Feature, ...] | UnsetType | None = UNSET
    coupon_settings: CodeSettings | UnsetType | None = UNSET
    referral_settings: CodeSettings | UnsetType | None = UNSET
    limits: tuple[LimitWish, ...] | UnsetType | None = UNSET
    parameters: tuple[Parameter, ...] | UnsetType | None = UNSET
    application_ids: tuple[int, ...] | UnsetType = UNSET
    collections: tuple[TemplateCollection, ...] | UnsetType | None = UNSET
    campaign_type: CampaignType | UnsetType = UNSET
    reevaluate_on_return: bool | UnsetType | None = UNSET
    document: dict[str, Any] | UnsetType = UNSET


class CampaignOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that is wanted of a template, with the values of its parameters; limits are laid
    over those of the template. `group_id` of 0 is where new campaigns are judged."""

    template_id: int
    name: str
    values: tuple[tuple[str, list[Any]], ...]
    description: str | UnsetType = UNSET
    attributes: Attributes = {}
    limits: tuple[LimitWish, ...] = ()
    tags: tuple[str, ...] | UnsetType = UNSET
    group_id: int = 0
    linked_store_ids: tuple[int, ...] = ()


class MadeCampaign(msgspec.Struct, frozen=True):
    """A campaign out of a template, with all that it came with."""

    campaign: Campaign
    ruleset: StoredRuleset
    collections: tuple[Collection, ...]


async def create_template(shop: Shop, fields: TemplateFields, now: datetime) -> CampaignTemplate:
    """The new template. Raises `InvalidInput`, `Conflict`."""
    (id_,) = await new_ids(shop.database, "campaign_template")
    (ruleset_id,) = await new_ids(shop.database, "ruleset")

    async def decide(configuration: Configuration) -> Decision[CampaignTemplate]:
        blank = CampaignTemplate(id_, "", now, now, ruleset_id, {"rules": [], "bindings": []})
        made = _wanted(configuration, blank, fields, now)
        return Decision(made, (Change(made),))

    return await settle(shop, decide)


async def update_template(
    shop: Shop, template_id: int, fields: TemplateFields, now: datetime
) -> CampaignTemplate:
    """The template as changed; campaigns that were made of it stay as they are.

    Raises `NotFound`, `InvalidInput`, `Conflict`.
    """
    (ruleset_id,) = await new_ids(shop.database, "ruleset")

    async def decide(configuration: Configuration) -> Decision[CampaignTemplate]:
        old = configuration.campaign_template(template_id)
        if fields.document is not UNSET:
            old = msgspec.structs.replace(old, ruleset_id=ruleset_id)
        changed = _wanted(configuration, old, fields, now)
        return Decision(changed, (Change(changed),))

    return await settle(shop, decide)


async def delete_template(shop: Shop, template_id: int) -> None:
    """Deletes the template; campaigns that were made of it stay. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        old = configuration.campaign_template(template_id)
        return Decision(None, (Change(old, deleted=True),))

    await settle(shop, decide)


async def create_from_template(
    shop: Shop, application_id: int, order: CampaignOrder, now: datetime
) -> MadeCampaign:
    """The new campaign, disabled, with active rules and collections of its own.

    Raises `NotFound` or `InvalidInput`.
    """
    (id_,) = await new_ids(shop.database, "campaign")
    (ruleset_id,) = await new_ids(shop.database, "ruleset")
    collection_ids = await new_ids(shop.database, "collection", _COLLECTIONS_MAX)

    async def decide(configuration: Configuration) -> Decision[MadeCampaign]:
        application = configuration.application(application_id)
        template = _usable(configuration, application_id, order.template_id)
        refuse_if_any(value_faults(template.parameters, order.values))
        blank = _campaign(configuration, id_, application_id, _fields(template, order), now)
        ruleset = _ruleset(configuration, template, order, blank, ruleset_id, now)
        campaign = msgspec.structs.replace(
            blank, active_ruleset_id=ruleset_id, template_id=template.id
        )
        collections = tuple(
            Collection(number, each.name, now, now, each.description, application_id, id_)
            for number, each in zip(collection_ids, template.collections, strict=False)
        )
        changes = [Change(campaign), Change(ruleset), *map(Change, collections)]
        changes += grouped(configuration, application, campaign, order.group_id, now)
        return Decision(MadeCampaign(campaign, ruleset, collections), tuple(changes))

    return await settle(shop, decide)


def _usable(
    configuration: Configuration, application_id: int, template_id: int
) -> CampaignTemplate:
    template = configuration.campaign_templates.get(template_id)
    if template is None or application_id not in template.application_ids:
        details = f"Application {application_id} has no campaign template {template_id}"
        raise InvalidInput(Fault("/templateId", "Unknown", details))
    if template.state != "enabled":
        details = f"the template is {'a draft' if template.state == 'draft' else 'disabled'}"
        raise InvalidInput(Fault("/templateId", "Not enabled", details))
    return template


def _fields(template: CampaignTemplate, order: CampaignOrder) -> CampaignFields:
    refuse_if_any(limit_faults(order.limits, "/limitOverrides"))
    limits = {(each.action, frozenset(each.entities), each.period): each for each in order.limits}
    for each in template.limits:
        wish = LimitWish(each.action, each.limit, each.entities, each.period)
        limits.setdefault((each.action, frozenset(each.entities), each.period), wish)
    return CampaignFields(
        name=order.name,
        description=template.description if order.description is UNSET else order.description,
        state="disabled",
        attributes={**template.campaign_attributes, **order.attributes},
        tags=template.tags if order.tags is UNSET else order.tags,
        features=template.features,
        limits=tuple(limits.values()) or UNSET,
        type=template.campaign_type,
        coupon_settings=template.coupon_settings,
        referral_settings=template.referral_settings,
        coupon_attributes=template.coupon_attributes,
        reevaluate_on_return=template.reevaluate_on_return,
        linked_store_ids=order.linked_store_ids,
    )


def _campaign(
    configuration: Configuration,
    id_: int,
    application_id: int,
    fields: CampaignFields,
    now: datetime,
) -> Campaign:
    try:
        return new_campaign(configuration, id_, application_id, fields, now)
    except InvalidInput as refusal:
        faults = (
            replace(each, pointer=each.pointer.replace("/attributes", _OVERRIDES, 1))
            for each in refusal.faults
        )
        raise InvalidInput(*faults) from None


def _ruleset(
    configuration: Configuration,
    template: CampaignTemplate,
    order: CampaignOrder,
    campaign: Campaign,
    ruleset_id: int,
    now: datetime,
) -> StoredRuleset:
    document = filled_in(template.document, template.parameters, dict(order.values))
    try:
        rules = parse_ruleset(document)
        made = checked_ruleset(configuration, campaign, ruleset_id, rules, now)
    except InvalidInput as refusal:
        raise InvalidInput(*_of_rules(refusal, "/templateId")) from None
    return msgspec.structs.replace(made, activated_at=now)


def _of_rules(refusal: InvalidInput, pointer: str) -> Iterator[Fault]:
    for each in refusal.faults:
        yield Fault(pointer, each.title, f"the rules at {each.pointer}: {each.details}")


def _wanted(
    configuration: Configuration, old: CampaignTemplate, fields: TemplateFields, now: datetime
) -> CampaignTemplate:
    changes = {**sent(fields), "updated": now}
    refuse_if_any(limit_faults(fields.limits or ()))
    if fields.limits:
        changes["limits"] = kept_limits(fields.limits)
    for name in ("campaign_attributes", "coupon_attributes"):
        if changes.get(name):
            changes[name] = merged({}, changes[name])
    if fields.document is not UNSET:
        changes["document"] = _document(fields.document)
    wanted = laid_over(old, changes)
    refuse_if_any(_faults(configuration, wanted))
    refuse_if_any(_rule_faults(configuration, wanted, now))
    for other in configuration.campaign_templates.values():
        if other.name == wanted.name and other.id != wanted.id:
            raise Conflict(f'Campaign template "{wanted.name}" exists already')
    return wanted


def _document(document: dict[str, Any]) -> dict[str, Any]:
    try:
        return document_of(parse_ruleset(document))
    except InvalidInput as refusal:
        raise InvalidInput(*(each.under("/ruleset") for each in refusal.faults)) from None


def _faults(configuration: Configuration, wanted: CampaignTemplate) -> Iterator[Fault]:
    yield from name_faults(wanted.name)
    yield from description_faults(wanted.description)
    yield from text_faults(wanted.instructions, "/instructions", _INSTRUCTIONS_LENGTH_MAX)
    yield from application_faults(wanted.application_ids, configuration, "/applicationsIds")
    yield from code_settings_faults(wanted.coupon_settings, "/couponSettings")
    yield from code_settings_faults(wanted.referral_settings, "/referralSettings")
    for name, most in (
        ("templateParams", _PARAMETERS_MAX),
        ("campaignCollections", _COLLECTIONS_MAX),
    ):
        listed = wanted.parameters if name == "templateParams" else wanted.collections
        if len(listed) > most:
            yield Fault(f"/{name}", "Too many", f"at most {most} are accepted")
    yield from parameter_faults(wanted.parameters)
    for index, each in enumerate(wanted.parameters):
        yield from text_faults(each.description, f"/templateParams/{index}/description", 1_000)
        attribute_id = each.attribute_id
        if attribute_id is not None and attribute_id not in configuration.attributes:
            details = f"attribute {attribute_id} does not exist"
            yield Fault(f"/templateParams/{index}/attributeId", "Unknown", details)
    yield from _collection_faults(wanted)


def _collection_faults(wanted: CampaignTemplate) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, each in enumerate(wanted.collections):
        pointer = f"/campaignCollections/{index}/name"
        yield from collection_name_faults(each.name, pointer)
        if each.name in seen:
            yield Fault(pointer, "Duplicate", "a collection is named twice")
        seen.add(each.name)


def _rule_faults(
    configuration: Configuration, wanted: CampaignTemplate, now: datetime
) -> Iterator[Fault]:
    """What can never work in one of the applications, whatever values are given."""
    values = placeholders(wanted.parameters)
    rules = parse_ruleset(filled_in(wanted.document, wanted.parameters, values))
    for index, application_id in enumerate(wanted.application_ids):
        blank = Campaign(
            0,
            application_id,
            wanted.name,
            now,
            now,
            features=wanted.features,
            type=wanted.campaign_type,
        )
        for fault in check_rules(configuration, blank, rules).errors:
            details = f"Application {application_id}, the rules at {fault.pointer}: {fault.details}"
            yield Fault(f"/applicationsIds/{index}", fault.title, details)
