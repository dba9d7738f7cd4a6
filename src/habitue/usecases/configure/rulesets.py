"""Rulesets: immutable versions of a campaign's rules.

A ruleset is checked before it is stored: what could never work is refused with the place, what
looks like a mistake is stored with warnings. The active one can neither be changed nor deleted; to
change it, create another and activate that (contracts/talon_one/SEMANTICS.md section 0).
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from habitue.model.errors import Conflict, Fault, InvalidInput, NotFound
from habitue.promotions.campaign import Campaign, StoredRuleset
from habitue.promotions.configuration import Configuration
from habitue.rules.ruleset import Rule, Ruleset, parse_ruleset, render_ruleset
from habitue.rules.tree import Call
from habitue.store.configuration import list_rulesets, load_ruleset, new_ids
from habitue.usecases.configuration import Change, read_ruleset
from habitue.usecases.configure.rule_checks import check_rules
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop


class RulesetPage(msgspec.Struct, frozen=True):
    """One page of a campaign's rulesets, and how many it has in all."""

    total: int
    rulesets: tuple[StoredRuleset, ...]


async def create_ruleset(
    shop: Shop,
    application_id: int,
    campaign_id: int,
    document: dict[str, Any],
    activate: bool,
    now: datetime,
) -> StoredRuleset:
    """The new ruleset, active at once if so wished.

    Raises `NotFound`, or `InvalidInput` whose pointers are into `document`.
    """
    (await shop.refresh()).campaign(application_id, campaign_id)
    rules = parse_ruleset(document)
    (id_,) = await new_ids(shop.database, "ruleset")

    async def decide(configuration: Configuration) -> Decision[StoredRuleset]:
        campaign = configuration.campaign(application_id, campaign_id)
        ruleset = checked_ruleset(configuration, campaign, id_, rules, now)
        if not activate:
            return Decision(ruleset, (Change(ruleset),))
        ruleset = msgspec.structs.replace(ruleset, activated_at=now)
        active = msgspec.structs.replace(campaign, active_ruleset_id=id_, updated=now)
        return Decision(ruleset, (Change(ruleset), Change(active)))

    return await settle(shop, decide)


async def update_ruleset(
    shop: Shop,
    application_id: int,
    campaign_id: int,
    ruleset_id: int,
    document: dict[str, Any],
    activate: bool,
    now: datetime,
) -> StoredRuleset:
    """The ruleset with other rules. Raises `NotFound`, `InvalidInput`, or `Conflict` if active."""
    rules = parse_ruleset(document)

    async def decide(configuration: Configuration) -> Decision[StoredRuleset]:
        campaign = configuration.campaign(application_id, campaign_id)
        old = await _inactive(shop, configuration, campaign, ruleset_id)
        ruleset = checked_ruleset(configuration, campaign, old.id, rules, old.created)
        if not activate:
            return Decision(ruleset, (Change(ruleset),))
        ruleset = msgspec.structs.replace(ruleset, activated_at=now)
        active = msgspec.structs.replace(campaign, active_ruleset_id=old.id, updated=now)
        return Decision(ruleset, (Change(ruleset), Change(active)))

    return await settle(shop, decide)


async def delete_ruleset(
    shop: Shop, application_id: int, campaign_id: int, ruleset_id: int
) -> None:
    """Deletes a ruleset. Raises `NotFound`, or `Conflict` if it is active."""

    async def decide(configuration: Configuration) -> Decision[None]:
        campaign = configuration.campaign(application_id, campaign_id)
        ruleset = await _inactive(shop, configuration, campaign, ruleset_id)
        return Decision(None, (Change(ruleset, deleted=True),))

    await settle(shop, decide)


async def read_one_ruleset(
    shop: Shop, application_id: int, campaign_id: int, ruleset_id: int
) -> StoredRuleset:
    """The ruleset, active or not. Raises `NotFound`."""
    campaign = (await shop.refresh()).campaign(application_id, campaign_id)
    return await _found(shop, campaign, ruleset_id)


async def list_campaign_rulesets(
    shop: Shop, application_id: int, campaign_id: int, skip: int, limit: int, newest_first: bool
) -> RulesetPage:
    """A page of the campaign's rulesets, by age. Raises `NotFound`."""
    (await shop.refresh()).campaign(application_id, campaign_id)
    total, documents = await list_rulesets(shop.database, campaign_id, skip, limit, newest_first)
    return RulesetPage(total, tuple(map(read_ruleset, documents)))


def checked_ruleset(
    configuration: Configuration, campaign: Campaign, id_: int, rules: Ruleset, now: datetime
) -> StoredRuleset:
    """`rules` as they are stored, with their warnings. Raises `InvalidInput`."""
    report = check_rules(configuration, campaign, rules)
    if report.errors:
        raise InvalidInput(*report.errors)
    warnings = tuple(map(_warning, report.warnings))
    return StoredRuleset(id_, campaign.id, now, document_of(rules), warnings)


def document_of(rules: Ruleset) -> dict[str, Any]:
    """The document in which `rules` are stored: every condition is a call, as on the wire."""
    called = replace(
        rules,
        rules=tuple(map(_with_called_condition, rules.rules)),
        strikethrough_rules=tuple(map(_with_called_condition, rules.strikethrough_rules)),
    )
    return render_ruleset(called)


def _with_called_condition(rule: Rule) -> Rule:
    if isinstance(rule.condition, Call):
        return rule
    return replace(rule, condition=Call("and", (rule.condition,)))


def _warning(fault: Fault) -> dict[str, str]:
    return {"pointer": fault.pointer, "title": fault.title, "details": fault.details}


def _of_variants(configuration: Configuration, campaign: Campaign) -> list[int]:
    experiment = configuration.experiment_of(campaign)
    return [each.ruleset.id for each in experiment.variants] if experiment else []


async def _inactive(
    shop: Shop, configuration: Configuration, campaign: Campaign, ruleset_id: int
) -> StoredRuleset:
    if ruleset_id in _of_variants(configuration, campaign):
        raise Conflict(f"Ruleset {ruleset_id} is a variant's; change it in its experiment")
    if ruleset_id == campaign.active_ruleset_id:
        raise Conflict(
            f"Ruleset {ruleset_id} is active and cannot be changed; "
            "create another and activate that"
        )
    return await _found(shop, campaign, ruleset_id)


async def _found(shop: Shop, campaign: Campaign, ruleset_id: int) -> StoredRuleset:
    document = await load_ruleset(shop.database, campaign.id, ruleset_id)
    if document is None:
        raise NotFound("Ruleset", ruleset_id)
    return read_ruleset(document)
