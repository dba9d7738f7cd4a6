"""Experiments, as staff make them: variants with their rules, a goal, and when they run.

Rules are checked like those of any ruleset of the campaign. What was activated once keeps its
variants: comparing what changes meanwhile would compare nothing (docs/decisions/0160).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, InvalidInput
from habitue.model.limits import VARIANTS_MAX
from habitue.promotions.campaign import Campaign
from habitue.promotions.configuration import Configuration
from habitue.promotions.experiments import (
    WEIGHTS_SUM,
    Experiment,
    ExperimentGoal,
    ExperimentState,
    Variant,
)
from habitue.rules.ruleset import Ruleset, parse_ruleset
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import name_faults, refuse_if_any, text_faults
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.rulesets import checked_ruleset
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

_GOAL_LENGTH_MAX = 1_000


class VariantWish(msgspec.Struct, frozen=True):
    """A variant as it shall be; one that exists is named by its id, and keeps rules that are not
    sent."""

    name: str
    weight: int = 0
    is_primary: bool = False
    document: dict[str, Any] | None = None
    id: int = 0


class ExperimentFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about an experiment."""

    state: ExperimentState | UnsetType = UNSET
    is_external: bool | UnsetType = UNSET
    goal: ExperimentGoal | UnsetType = UNSET
    goal_description: str | UnsetType = UNSET
    variants: tuple[VariantWish, ...] | UnsetType = UNSET


class _Made(msgspec.Struct, frozen=True):
    """A wish with the rules that it has, and the ids for what it makes."""

    wish: VariantWish
    rules: Ruleset | None
    id: int
    ruleset_id: int


async def create_experiment(
    shop: Shop, application_id: int, campaign_id: int, fields: ExperimentFields, now: datetime
) -> Experiment:
    """The new experiment of the campaign.

    Raises `NotFound`, `InvalidInput`, and `Conflict` where the campaign has one already.
    """
    (id_,) = await new_ids(shop.database, "experiment")
    made = await _made(shop, fields)

    async def decide(configuration: Configuration) -> Decision[Experiment]:
        configuration.application(application_id)
        if campaign_id not in configuration.campaigns:
            details = f"Campaign {campaign_id} does not exist"
            refuse_if_any([Fault("/campaignId", "Unknown", details)])
        campaign = configuration.campaign(application_id, campaign_id)
        if campaign.experiment_id is not None:
            raise Conflict(f"Campaign {campaign_id} has experiment {campaign.experiment_id}")
        blank = Experiment(id_, application_id, campaign_id, now, now, ())
        wanted = _wanted(configuration, campaign, blank, fields, made, now)
        return Decision(wanted, tuple(_changes(campaign, wanted, blank, now)))

    return await settle(shop, decide)


async def update_experiment(
    shop: Shop, application_id: int, experiment_id: int, fields: ExperimentFields, now: datetime
) -> Experiment:
    """The experiment as changed; an archived one leaves its campaign to the campaign's own rules.

    Raises `NotFound`, `InvalidInput`, and `Conflict` where what runs would become another thing.
    """
    made = await _made(shop, fields)

    async def decide(configuration: Configuration) -> Decision[Experiment]:
        old = configuration.experiment(application_id, experiment_id)
        campaign = configuration.campaign(application_id, old.campaign_id)
        _check_allowed(old, fields)
        wanted = _wanted(configuration, campaign, old, fields, made, now)
        return Decision(wanted, tuple(_changes(campaign, wanted, old, now)))

    return await settle(shop, decide)


async def delete_experiment(
    shop: Shop, application_id: int, experiment_id: int, now: datetime
) -> None:
    """Deletes the experiment; its campaign has its own rules again. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        old = configuration.experiment(application_id, experiment_id)
        campaign = configuration.campaign(application_id, old.campaign_id)
        changes = [Change(old, deleted=True)]
        if campaign.experiment_id == old.id:
            changes.append(Change(_linked(campaign, None, now)))
        return Decision(None, tuple(changes))

    await settle(shop, decide)


async def copied_experiment(
    shop: Shop, configuration: Configuration, original: Experiment, copy: Campaign, now: datetime
) -> tuple[Campaign, list[Change]]:
    """A copy of a campaign with a copy of its experiment, which nobody has activated, and what is
    to be saved of that. Raises `InvalidInput` where the rules do not fit the application."""
    ids = await new_ids(shop.database, "experiment", len(original.variants) + 1)
    wishes = tuple(
        VariantWish(each.name, each.weight, each.is_primary, each.ruleset.document)
        for each in original.variants
    )
    fields = ExperimentFields(
        is_external=original.is_external,
        goal=original.goal,
        goal_description=original.goal_description,
        variants=wishes,
    )
    blank = Experiment(ids[0], copy.application_id, copy.id, now, now, ())
    made = await _made(shop, fields)
    wanted = _wanted(configuration, copy, blank, fields, made, now)
    rulesets = [Change(each.ruleset) for each in wanted.variants]
    return msgspec.structs.replace(copy, experiment_id=wanted.id), [*rulesets, Change(wanted)]


async def _made(shop: Shop, fields: ExperimentFields) -> list[_Made]:
    """The wishes with rules that can be read. Raises `InvalidInput`."""
    wishes = fields.variants or ()
    if len(wishes) > VARIANTS_MAX:
        details = f"an experiment has at most {VARIANTS_MAX} variants"
        raise InvalidInput(Fault("/variants", "Too many", details))
    if not wishes:
        return []
    ids = await new_ids(shop.database, "experiment", len(wishes))
    ruleset_ids = await new_ids(shop.database, "ruleset", len(wishes))
    return [
        _Made(wish, _parsed(wish, index), id_, ruleset_id)
        for index, (wish, id_, ruleset_id) in enumerate(zip(wishes, ids, ruleset_ids, strict=True))
    ]


def _parsed(wish: VariantWish, index: int) -> Ruleset | None:
    if wish.document is None:
        return None
    pointer = f"/variants/{index}/ruleset"
    try:
        rules = parse_ruleset(wish.document)
    except InvalidInput as refusal:
        raise InvalidInput(*(each.under(pointer) for each in refusal.faults)) from None
    if rules.strikethrough_rules:
        details = "prices on pages are everybody's: variants have no strikethrough rules"
        raise InvalidInput(Fault(f"{pointer}/strikethroughRules", "Not allowed", details))
    return rules


def _check_allowed(old: Experiment, fields: ExperimentFields) -> None:
    if old.state == "archived":
        raise Conflict(f"Experiment {old.id} is archived and does not change any more")
    if old.activated is None:
        return
    if fields.variants is not UNSET and not _same(old, fields.variants):
        raise Conflict("Variants of an experiment that was activated keep their rules and weights")
    if fields.is_external is not UNSET and fields.is_external != old.is_external:
        raise Conflict("Who assigns variants does not change once an experiment was activated")


def _same(old: Experiment, wishes: Sequence[VariantWish]) -> bool:
    """Whether nothing but names would change."""
    kept = {each.id: (each.weight, each.is_primary) for each in old.variants}
    wanted = {each.id: (each.weight, each.is_primary) for each in wishes}
    return kept == wanted and all(each.document is None for each in wishes)


def _wanted(
    configuration: Configuration,
    campaign: Campaign,
    old: Experiment,
    fields: ExperimentFields,
    made: Sequence[_Made],
    now: datetime,
) -> Experiment:
    changes: dict[str, Any] = {**sent(fields), "modified": now}
    if fields.variants is not UNSET:
        changes["variants"] = tuple(_variants(configuration, campaign, old, made, now))
    wanted = laid_over(old, changes)
    if wanted.state == "enabled" and old.activated is None:
        wanted = msgspec.structs.replace(wanted, activated=now)
    refuse_if_any(_faults(wanted))
    return wanted


def _variants(
    configuration: Configuration,
    campaign: Campaign,
    old: Experiment,
    made: Sequence[_Made],
    now: datetime,
) -> Iterator[Variant]:
    for index, each in enumerate(made):
        wish, pointer = each.wish, f"/variants/{index}"
        known = old.variant(wish.id) if wish.id else None
        if wish.id and known is None:
            details = f"the experiment has no variant {wish.id}"
            raise InvalidInput(Fault(f"{pointer}/id", "Unknown", details))
        if each.rules is not None:
            try:
                ruleset = checked_ruleset(configuration, campaign, each.ruleset_id, each.rules, now)
            except InvalidInput as refusal:
                under = (fault.under(f"{pointer}/ruleset") for fault in refusal.faults)
                raise InvalidInput(*under) from None
        elif known is not None:
            ruleset = known.ruleset
        else:
            details = "a new variant has rules"
            raise InvalidInput(Fault(f"{pointer}/ruleset", "Missing", details))
        id_, created = (known.id, known.created) if known else (each.id, now)
        yield Variant(id_, wish.name, created, ruleset, wish.weight, wish.is_primary)


def _faults(wanted: Experiment) -> Iterator[Fault]:
    yield from text_faults(wanted.goal_description, "/goalDescription", _GOAL_LENGTH_MAX)
    if len(wanted.variants) < 2:
        yield Fault("/variants", "Too few", "an experiment has at least two variants")
    if sum(each.is_primary for each in wanted.variants) != 1:
        yield Fault("/variants", "Not one", "exactly one variant is the primary one")
    if len({each.id for each in wanted.variants}) < len(wanted.variants):
        yield Fault("/variants", "Duplicate", "a variant is named twice")
    for index, each in enumerate(wanted.variants):
        yield from name_faults(each.name, f"/variants/{index}/name")
        if not 0 <= each.weight <= WEIGHTS_SUM:
            details = f"a weight is a number from 0 to {WEIGHTS_SUM}"
            yield Fault(f"/variants/{index}/weight", "Out of range", details)
    weights = sum(each.weight for each in wanted.variants)
    if weights != WEIGHTS_SUM and not wanted.is_external:
        details = f"weights sum to {WEIGHTS_SUM}; these sum to {weights}"
        yield Fault("/variants", "Out of range", details)


def _changes(
    campaign: Campaign, wanted: Experiment, old: Experiment, now: datetime
) -> Iterator[Change]:
    yield Change(wanted)
    known = {each.ruleset.id for each in old.variants}
    for each in wanted.variants:
        if each.ruleset.id not in known:
            yield Change(each.ruleset)
    link = None if wanted.state == "archived" else wanted.id
    if campaign.experiment_id != link:
        yield Change(_linked(campaign, link, now))


def _linked(campaign: Campaign, experiment_id: int | None, now: datetime) -> Campaign:
    return msgspec.structs.replace(campaign, experiment_id=experiment_id, updated=now)
