"""Copies of campaigns, in the same application or in others: all that were asked for, or none.

A copy has what its original is set to: rules, limits, attributes, collections, value maps, and the
stores that the other application knows by the same ids. It has no codes and no history, and is
disabled until somebody enables it. What the other application lacks refuses the copy.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.campaign import Application, Campaign, StoredRuleset
from habitue.promotions.campaign_set import Group, Leaf, groups_in
from habitue.promotions.configuration import Configuration
from habitue.promotions.experiments import Experiment
from habitue.promotions.shop_lists import Collection, ValueMap
from habitue.store.configuration import Kind, new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.campaign_sets import campaign_set_of
from habitue.usecases.configure.campaigns import CampaignFields, new_campaign
from habitue.usecases.configure.checks import application_faults, refuse_if_any
from habitue.usecases.configure.experiments import copied_experiment
from habitue.usecases.configure.fields import sent
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.configure.rule_checks import ruleset_errors
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

Listed = TypeVar("Listed", Collection, ValueMap)

#: What of a campaign a copy takes over as it is.
_KEPT = (
    "description",
    "start_time",
    "end_time",
    "attributes",
    "tags",
    "features",
    "type",
    "coupon_settings",
    "referral_settings",
    "coupon_attributes",
    "reevaluate_on_return",
)
#: What a request may say of the copies; the rest is found wrong in an application.
_SAID = ("name", "description", "startTime", "endTime", "tags")


class CopyFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about copies; without a name they are called after their original."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    start_time: datetime | UnsetType | None = UNSET
    end_time: datetime | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET


class CopyOrder(msgspec.Struct, frozen=True):
    """Into which applications, how the copies are called, and in which group they are judged: 0 for
    where new campaigns stand."""

    application_ids: tuple[int, ...]
    fields: CopyFields = CopyFields()
    group_id: int = 0


class _Place(msgspec.Struct, frozen=True):
    """Into which application, and which of those in the request that is."""

    application: Application
    pointer: str


async def copy_campaign(
    shop: Shop, application_id: int, campaign_id: int, order: CopyOrder, now: datetime
) -> list[Campaign]:
    """The copies, in the order of the applications. Raises `NotFound` or `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[list[Campaign]]:
        original = configuration.campaign(application_id, campaign_id)
        refuse_if_any(_order_faults(configuration, order))
        copies, changes = [], []
        for index, id_ in enumerate(order.application_ids):
            place = _Place(configuration.application(id_), f"/applicationIds/{index}")
            copy, made = await _copied(shop, configuration, original, place, order, now)
            copies.append(copy)
            changes += made
        return Decision(copies, tuple(changes))

    return await settle(shop, decide)


async def _copied(
    shop: Shop,
    configuration: Configuration,
    original: Campaign,
    place: _Place,
    order: CopyOrder,
    now: datetime,
) -> tuple[Campaign, list[Change]]:
    """The copy in one application, and everything that is to be saved with it."""
    refuse_if_any(_achievement_faults(configuration, original, place))
    (id_,) = await new_ids(shop.database, "campaign")
    fields = _fields(configuration, original, place, order.fields)
    copy = _checked_campaign(configuration, place, id_, fields, now)
    ruleset = configuration.rulesets.get(original.active_ruleset_id or 0)
    changes: list[Change] = []
    if ruleset is not None:
        (ruleset_id,) = await new_ids(shop.database, "ruleset")
        own = StoredRuleset(ruleset_id, id_, now, ruleset.document, ruleset.warnings, now)
        refuse_if_any(_rule_faults(configuration, copy, own, place))
        copy = msgspec.structs.replace(copy, active_ruleset_id=ruleset_id)
        changes.append(Change(own))
    experiment = configuration.experiment_of(original)
    if experiment is not None:
        copy, more = await _experiment(shop, configuration, experiment, copy, place, now)
        changes += more
    changes += await _lists(shop, configuration, original, copy, now)
    changes += grouped(configuration, place.application, copy, order.group_id, now)
    return copy, [Change(copy), *changes]


async def _experiment(
    shop: Shop,
    configuration: Configuration,
    original: Experiment,
    copy: Campaign,
    place: _Place,
    now: datetime,
) -> tuple[Campaign, list[Change]]:
    try:
        return await copied_experiment(shop, configuration, original, copy, now)
    except InvalidInput as refusal:
        faults = [_lacking(place, f"{each.pointer}: {each.details}") for each in refusal.faults]
        raise InvalidInput(*faults) from None


def _order_faults(configuration: Configuration, order: CopyOrder) -> Iterator[Fault]:
    ids = order.application_ids
    if not ids:
        yield Fault("/applicationIds", "Missing", "name at least one Application")
    if len(set(ids)) < len(ids):
        yield Fault("/applicationIds", "Duplicate", "an Application is named twice")
    yield from application_faults(ids, configuration, "/applicationIds")


def _fields(
    configuration: Configuration, original: Campaign, place: _Place, wanted: CopyFields
) -> CampaignFields:
    said = sent(wanted)
    said["name"] = said.get("name") or f"Copy of {original.name}"
    limits = tuple(
        LimitWish(each.action, each.limit, each.entities, each.period) for each in original.limits
    )
    kept = {name: getattr(original, name) for name in _KEPT}
    stores = tuple(_stores(configuration, original, place))
    return CampaignFields(
        **{**kept, **said}, state="disabled", limits=limits, linked_store_ids=stores
    )


def _stores(configuration: Configuration, original: Campaign, place: _Place) -> Iterator[int]:
    """The same stores in the other application. Raises `InvalidInput` where one is not there: the
    copy would come to run in places where the original does not."""
    application_id = place.application.id
    ids = {
        each.integration_id: each.id
        for each in configuration.stores.values()
        if each.application_id == application_id
    }
    for store_id in original.linked_store_ids:
        name = configuration.stores[store_id].integration_id
        if name not in ids:
            raise InvalidInput(_lacking(place, f'it has no store "{name}"'))
        yield ids[name]


def _checked_campaign(
    configuration: Configuration, place: _Place, id_: int, fields: CampaignFields, now: datetime
) -> Campaign:
    try:
        return new_campaign(configuration, id_, place.application.id, fields, now)
    except InvalidInput as refusal:
        faults = [
            fault
            if fault.pointer.split("/")[1] in _SAID
            else _lacking(place, f"{fault.pointer}: {fault.details}")
            for fault in refusal.faults
        ]
        raise InvalidInput(*faults) from None


def _rule_faults(
    configuration: Configuration, copy: Campaign, ruleset: StoredRuleset, place: _Place
) -> Iterator[Fault]:
    for fault in ruleset_errors(configuration, copy, ruleset):
        yield _lacking(place, f"the rules at {fault.pointer}: {fault.details}")


def _achievement_faults(
    configuration: Configuration, original: Campaign, place: _Place
) -> Iterator[Fault]:
    if place.application.id == original.application_id:
        return
    for achievement in configuration.achievements.values():
        if achievement.campaign_id == original.id:
            details = f'the achievement "{achievement.name}" serves no other Application'
            yield _lacking(place, details)


def _lacking(place: _Place, details: str) -> Fault:
    application = place.application
    return Fault(place.pointer, "Not fitting", f"Application {application.id}: {details}")


async def _lists(
    shop: Shop, configuration: Configuration, original: Campaign, copy: Campaign, now: datetime
) -> list[Change]:
    """The campaign's own collections and value maps, which its rules name."""
    collections = [
        each for each in configuration.collections.values() if each.campaign_id == original.id
    ]
    value_maps = [
        each for each in configuration.value_maps.values() if each.campaign_id == original.id
    ]
    changes = await _own(shop, "collection", collections, copy, now)
    return changes + await _own(shop, "value_map", value_maps, copy, now)


async def _own(
    shop: Shop, kind: Kind, listed: list[Listed], copy: Campaign, now: datetime
) -> list[Change]:
    ids = await new_ids(shop.database, kind, len(listed)) if listed else []
    return [
        Change(
            msgspec.structs.replace(
                each,
                id=id_,
                application_id=copy.application_id,
                campaign_id=copy.id,
                created=now,
                modified=now,
            )
        )
        for id_, each in zip(ids, listed, strict=True)
    ]


def grouped(
    configuration: Configuration,
    application: Application,
    copy: Campaign,
    group_id: int,
    now: datetime,
) -> list[Change]:
    """The application with the new campaign at the end of that group. Raises `InvalidInput`."""
    campaign_set = campaign_set_of(configuration, application.id)
    if group_id in (0, campaign_set.default_group_id):
        return []
    if not any(each.id == group_id for each in groups_in(campaign_set.root)):
        details = f"Application {application.id} has no evaluation group {group_id}"
        raise InvalidInput(Fault("/evaluationGroupId", "Unknown", details))
    changed = msgspec.structs.replace(
        campaign_set,
        root=_with_leaf(campaign_set.root, group_id, Leaf(copy.id)),
        version=campaign_set.version + 1,
    )
    return [Change(msgspec.structs.replace(application, campaign_set=changed, modified=now))]


def _with_leaf(group: Group, group_id: int, leaf: Leaf) -> Group:
    elements: tuple[Group | Leaf, ...] = tuple(
        _with_leaf(each, group_id, leaf) if isinstance(each, Group) else each
        for each in group.elements
    )
    return msgspec.structs.replace(
        group, elements=(*elements, leaf) if group.id == group_id else elements
    )
