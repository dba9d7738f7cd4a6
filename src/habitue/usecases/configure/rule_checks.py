"""The check of a campaign's rules against what the campaign may use."""

from dataclasses import replace
from typing import Any

from habitue.model.errors import Fault
from habitue.promotions.campaign import Campaign, StoredRuleset
from habitue.promotions.configuration import Configuration
from habitue.promotions.dialect import dialect_of
from habitue.promotions.rule_limits import rule_limit_faults
from habitue.rules.check import CheckReport, check_ruleset
from habitue.rules.ruleset import Ruleset, parse_ruleset


def check_rules(configuration: Configuration, campaign: Campaign, rules: Ruleset) -> CheckReport:
    """What is wrong with `rules`, and what looks wrong, in that campaign."""
    dialect = dialect_of(configuration, campaign.application_id)
    report = check_ruleset(rules, dialect, frozenset[str](campaign.features))
    faults = tuple(rule_limit_faults(report.ruleset, campaign.type, dialect.functions))
    return replace(report, errors=(*report.errors, *faults)) if faults else report


def ruleset_errors(
    configuration: Configuration, campaign: Campaign, ruleset: StoredRuleset
) -> tuple[Fault, ...]:
    """What keeps a stored ruleset from being active in the campaign."""
    return check_rules(configuration, campaign, rules_of(ruleset)).errors


def rules_of(ruleset: StoredRuleset) -> Ruleset:
    """The rules that a stored ruleset holds."""
    document: dict[str, Any] = ruleset.document
    return parse_ruleset(document)
