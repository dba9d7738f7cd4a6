"""The rules of a campaign entry, from text or Talang to the tree."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import UNSET

from habitue.edges.shop_files.entries import CampaignEntry, RuleEntry
from habitue.model.errors import Fault, InvalidInput
from habitue.model.pointers import escape
from habitue.rules.notation import read_text
from habitue.rules.notation.names import read_name
from habitue.rules.parse import render_expression
from habitue.rules.ruleset import Ruleset, parse_ruleset

Part = TypeVar("Part")


def ruleset_of(campaign: CampaignEntry) -> Ruleset | None:
    """The rules of the entry, or None where it says nothing of rules.

    Raises `InvalidInput` with every fault, its pointer into the entry.
    """
    if campaign.rules is None:
        return None
    faults: list[Fault] = []
    document = {
        "bindings": _bindings(campaign.bindings, "/bindings", faults),
        "rules": [
            _rule(rule, f"/rules/{index}", faults) for index, rule in enumerate(campaign.rules)
        ],
    }
    if faults:
        raise InvalidInput(*faults)
    return parse_ruleset(document)


def _rule(entry: RuleEntry, at: str, faults: list[Fault]) -> dict[str, Any]:
    for first, second in (("when", "condition"), ("then", "effects")):
        given = [name for name in (first, second) if getattr(entry, name) is not UNSET]
        if len(given) != 1:
            details = f"a rule has either {first} (as text) or {second} (as Talang)"
            faults.append(Fault(at, "Missing" if not given else "Ambiguous", details))
    rule = {
        "title": entry.title,
        "bindings": _bindings(entry.bindings, f"{at}/bindings", faults),
        "condition": entry.condition,
        "effects": entry.effects,
    }
    if entry.description is not None:
        rule["description"] = entry.description
    if entry.when is not UNSET:
        rule["condition"] = _expression(entry.when, f"{at}/when", faults)
    if entry.then is not UNSET:
        rule["effects"] = _effects(entry.then, f"{at}/then", faults)
    if entry.failure_effects is not UNSET:
        rule["failureEffects"] = entry.failure_effects
    if entry.otherwise is not UNSET:
        rule["failureEffects"] = _effects(entry.otherwise, f"{at}/otherwise", faults)
    return rule


def _effects(texts: str | list[str], at: str, faults: list[Fault]) -> list[Any]:
    if isinstance(texts, str):
        return [_expression(texts, at, faults)]
    return [_expression(text, f"{at}/{index}", faults) for index, text in enumerate(texts)]


def _bindings(bindings: Any, at: str, faults: list[Fault]) -> list[Any]:
    if not isinstance(bindings, dict):
        return bindings or []
    # A name is spelled here as the texts spell it: `my_total` binds MyTotal.
    return [
        {
            "name": read_name(name) or name,
            "expression": _expression(text, f"{at}/{escape(name)}", faults),
        }
        for name, text in bindings.items()
    ]


def _expression(text: Any, at: str, faults: list[Fault]) -> Any:
    if isinstance(text, bool | int | Decimal):
        return text
    if not isinstance(text, str):
        faults.append(Fault(at, "Not a text", "a rule is written as text, in quotes if need be"))
        return None
    try:
        return render_expression(read_text(text, at))
    except InvalidInput as refusal:
        faults.extend(refusal.faults)
        return None


def collected(parts: Sequence[Callable[[], Part]], faults: list[Fault]) -> list[Part]:
    """What each of `parts` makes; the faults of those that are refused are added to `faults`."""
    made = []
    for part in parts:
        try:
            made.append(part())
        except InvalidInput as refusal:
            faults.extend(refusal.faults)
    return made
