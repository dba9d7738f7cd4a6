"""Campaigns: creating, changing and deleting them.

A campaign's features say what its rules may use, so a change of features is checked against the
active rules, and so is a change of the active rules against the features.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.attributes import Attributes, merged, normalised, validate
from habitue.model.errors import Fault
from habitue.model.limits import LINKED_STORES_MAX, TAG_LENGTH_MAX, TAGS_MAX
from habitue.promotions.campaign import (
    Campaign,
    CampaignState,
    CampaignType,
    CodeSettings,
    Feature,
    StoredRuleset,
)
from habitue.promotions.configuration import Configuration
from habitue.promotions.dialect import definitions_of
from habitue.store.configuration import load_ruleset, new_ids
from habitue.store.coupons import delete_coupons_of_campaign
from habitue.store.database import Connection
from habitue.usecases.configuration import Change, read_ruleset
from habitue.usecases.configure.checks import (
    code_settings_faults,
    description_faults,
    mandatory_faults,
    name_faults,
    refuse_if_any,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.limits import LimitWish, kept_limits, limit_faults
from habitue.usecases.configure.rule_checks import ruleset_errors
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class CampaignFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a campaign."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    state: CampaignState | UnsetType | None = UNSET
    start_time: datetime | UnsetType | None = UNSET
    end_time: datetime | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET
    active_ruleset_id: int | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    features: tuple[Feature, ...] | UnsetType | None = UNSET
    limits: tuple[LimitWish, ...] | UnsetType | None = UNSET
    type: CampaignType | UnsetType | None = UNSET
    coupon_settings: CodeSettings | UnsetType | None = UNSET
    referral_settings: CodeSettings | UnsetType | None = UNSET
    coupon_attributes: Attributes | UnsetType | None = UNSET
    reevaluate_on_return: bool | UnsetType | None = UNSET
    linked_store_ids: tuple[int, ...] | UnsetType | None = UNSET


async def create_campaign(
    shop: Shop, application_id: int, fields: CampaignFields, now: datetime
) -> Campaign:
    """The new campaign; without limits it has those of its application.

    Raises `NotFound` or `InvalidInput`.
    """
    (await shop.refresh()).application(application_id)
    (id_,) = await new_ids(shop.database, "campaign")

    async def decide(configuration: Configuration) -> Decision[Campaign]:
        campaign = new_campaign(configuration, id_, application_id, fields, now)
        return Decision(campaign, (Change(campaign),))

    return await settle(shop, decide)


async def update_campaign(
    shop: Shop, application_id: int, campaign_id: int, fields: CampaignFields, now: datetime
) -> Campaign:
    """The campaign as changed. Raises `NotFound` or `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[Campaign]:
        old = configuration.campaign(application_id, campaign_id)
        return await change_of(shop, configuration, old, fields, now)

    return await settle(shop, decide)


async def change_of(
    shop: Shop,
    configuration: Configuration,
    old: Campaign,
    fields: CampaignFields,
    now: datetime,
) -> Decision[Campaign]:
    """The campaign as an update makes it, with all that it changes. Raises `InvalidInput`."""
    ruleset = await _ruleset_to_be(shop, configuration, old, fields)
    campaign = changed_campaign(configuration, old, fields, ruleset, now)
    return Decision(campaign, _changes(old, campaign, ruleset, now))


async def delete_campaign(shop: Shop, application_id: int, campaign_id: int) -> None:
    """Deletes the campaign with its coupons and referral codes, which are free again. Raises
    `NotFound`."""

    async def delete_coupons(connection: Connection) -> None:
        await delete_coupons_of_campaign(connection, campaign_id)

    async def decide(configuration: Configuration) -> Decision[None]:
        campaign = configuration.campaign(application_id, campaign_id)
        gone = [Change(campaign, deleted=True)]
        for listed in (
            configuration.collections,
            configuration.value_maps,
            configuration.experiments,
            configuration.revisions,
        ):
            mine = (each for each in listed.values() if each.campaign_id == campaign_id)
            gone += [Change(each, deleted=True) for each in mine]
        return Decision(None, tuple(gone), delete_coupons)

    await settle(shop, decide)


def new_campaign(
    configuration: Configuration,
    id_: int,
    application_id: int,
    fields: CampaignFields,
    now: datetime,
) -> Campaign:
    """The campaign that `fields` describe. Raises `NotFound` or `InvalidInput`."""
    application = configuration.application(application_id)
    blank = Campaign(id_, application_id, "", created=now, updated=now, limits=application.limits)
    if fields.active_ruleset_id:
        details = "a new campaign has no rulesets yet"
        refuse_if_any([Fault("/activeRulesetId", "Unknown", details)])
    mandatory = application.mandatory_campaign_attributes
    missing = mandatory_faults(mandatory, fields.attributes or (), "/attributes")
    refuse_if_any([*missing, *_faults(configuration, blank, fields)])
    return _with(blank, fields, now)


def changed_campaign(
    configuration: Configuration,
    old: Campaign,
    fields: CampaignFields,
    ruleset: StoredRuleset | None,
    now: datetime,
) -> Campaign:
    """`old` with `fields` laid over it; `ruleset` will be its active one, if it is found.

    Raises `InvalidInput`.
    """
    mandatory = configuration.application(old.application_id).mandatory_campaign_attributes
    if fields.attributes is not UNSET:
        refuse_if_any(mandatory_faults(mandatory, fields.attributes or (), "/attributes"))
    refuse_if_any(_faults(configuration, old, fields))
    if fields.active_ruleset_id and ruleset is None:
        details = f"Ruleset {fields.active_ruleset_id} does not exist in this campaign"
        refuse_if_any([Fault("/activeRulesetId", "Unknown", details)])
    campaign = _with(old, fields, now)
    if ruleset is not None and _rules_change(old, campaign):
        refuse_if_any(_rule_faults(configuration, campaign, ruleset, fields))
    experiment = configuration.experiment_of(old)
    if experiment is not None and _rules_change(old, campaign):
        for variant in experiment.variants:
            refuse_if_any(_rule_faults(configuration, campaign, variant.ruleset, fields))
    return campaign


def _with(old: Campaign, fields: CampaignFields, now: datetime) -> Campaign:
    changes = {**sent(fields), "updated": now}
    if fields.limits:
        changes["limits"] = kept_limits(fields.limits)
    for name in ("attributes", "coupon_attributes"):
        if changes.get(name):
            changes[name] = merged({}, normalised(changes[name]))
    if "active_ruleset_id" in changes:
        # Some clients send 0 for "none".
        changes["active_ruleset_id"] = fields.active_ruleset_id or None
    if old.stores_imported:
        changes.pop("linked_store_ids", None)
    return laid_over(old, changes)


def _rules_change(old: Campaign, new: Campaign) -> bool:
    features = set(old.features) != set(new.features)
    type_ = old.type != new.type
    return features or type_ or old.active_ruleset_id != new.active_ruleset_id


def _rule_faults(
    configuration: Configuration,
    campaign: Campaign,
    ruleset: StoredRuleset,
    fields: CampaignFields,
) -> Iterator[Fault]:
    pointer = "/activeRulesetId" if fields.active_ruleset_id else "/features"
    for fault in ruleset_errors(configuration, campaign, ruleset):
        details = f"ruleset {ruleset.id}, {fault.pointer}: {fault.details}"
        yield Fault(pointer, "Rules do not fit", details)


async def _ruleset_to_be(
    shop: Shop, configuration: Configuration, old: Campaign, fields: CampaignFields
) -> StoredRuleset | None:
    wanted = old.active_ruleset_id
    if fields.active_ruleset_id is not UNSET:
        wanted = fields.active_ruleset_id
    if wanted is None:
        return None
    if wanted in configuration.rulesets and wanted == old.active_ruleset_id:
        return configuration.rulesets[wanted]
    document = await load_ruleset(shop.database, old.id, wanted)
    return None if document is None else read_ruleset(document)


def _changes(
    old: Campaign, new: Campaign, ruleset: StoredRuleset | None, now: datetime
) -> tuple[Change, ...]:
    if ruleset is None or new.active_ruleset_id in (None, old.active_ruleset_id):
        return (Change(new),)
    return (Change(new), Change(msgspec.structs.replace(ruleset, activated_at=now)))


def _faults(configuration: Configuration, old: Campaign, fields: CampaignFields) -> Iterator[Fault]:
    yield from name_faults(old.name if fields.name is UNSET else fields.name)
    if fields.description:
        yield from description_faults(fields.description)
    yield from _state_faults(configuration, old, fields)
    yield from _time_faults(old, fields)
    yield from _tag_faults(fields.tags or ())
    if fields.features and len(set(fields.features)) < len(fields.features):
        yield Fault("/features", "Duplicate", "a feature is named twice")
    if fields.limits:
        yield from limit_faults(fields.limits)
    yield from _store_faults(configuration, old, fields.linked_store_ids or ())
    yield from code_settings_faults(fields.coupon_settings or None, "/couponSettings")
    yield from code_settings_faults(fields.referral_settings or None, "/referralSettings")
    yield from _attribute_faults(configuration, old.application_id, fields)


def _store_faults(
    configuration: Configuration, old: Campaign, ids: tuple[int, ...]
) -> Iterator[Fault]:
    if old.stores_imported:
        if ids and set(ids) != set(old.linked_store_ids):
            details = "a file has linked the stores: import another one, or disconnect them"
            yield Fault("/linkedStoreIds", "Imported", details)
        return
    if len(ids) > LINKED_STORES_MAX:
        details = f"at most {LINKED_STORES_MAX} stores are accepted"
        yield Fault("/linkedStoreIds", "Too many", details)
    for index, id_ in enumerate(ids):
        store = configuration.stores.get(id_)
        if store is None or store.application_id != old.application_id:
            details = f"store {id_} does not exist in this Application"
            yield Fault(f"/linkedStoreIds/{index}", "Unknown", details)


def _state_faults(
    configuration: Configuration, old: Campaign, fields: CampaignFields
) -> Iterator[Fault]:
    application = configuration.application(old.application_id)
    if fields.state == "staged" and not application.enable_campaign_state_management:
        details = "campaigns of this Application cannot be staged"
        yield Fault("/state", "Not allowed", details)


def _time_faults(old: Campaign, fields: CampaignFields) -> Iterator[Fault]:
    start = old.start_time if fields.start_time is UNSET else fields.start_time
    end = old.end_time if fields.end_time is UNSET else fields.end_time
    if start is not None and end is not None and end <= start:
        yield Fault("/endTime", "Invalid period", "a campaign ends after it has started")


def _tag_faults(tags: tuple[str, ...]) -> Iterator[Fault]:
    if len(tags) > TAGS_MAX:
        yield Fault("/tags", "Too many", f"at most {TAGS_MAX} tags are accepted")
    for index, tag in enumerate(tags):
        if not 1 <= len(tag) <= TAG_LENGTH_MAX:
            details = f"a tag has 1 to {TAG_LENGTH_MAX} characters"
            yield Fault(f"/tags/{index}", "Invalid length", details)


def _attribute_faults(
    configuration: Configuration, application_id: int, fields: CampaignFields
) -> Iterator[Fault]:
    if fields.attributes:
        definitions = definitions_of(configuration, application_id, "Campaign")
        yield from validate(fields.attributes, definitions, "Campaign", "/attributes")
    if fields.coupon_attributes:
        definitions = definitions_of(configuration, application_id, "Coupon")
        yield from validate(fields.coupon_attributes, definitions, "Coupon", "/couponAttributes")
