"""What the rules of a campaign may not have, by its type and by the place in the rule."""

from typing import Any

from habitue.model.errors import Fault
from habitue.promotions.host import HOST_FUNCTIONS
from habitue.promotions.rule_limits import rule_limit_faults
from habitue.rules.ruleset import parse_ruleset, render_ruleset

OFF = ["setDiscount", "off", 5]
PER_ITEM = ["setDiscountPerItem", "off", 5]
TOLD = ["showNotification", "Info", "hello", "you"]


def faults(type_: Any, effects: list[Any], failures: list[Any] | None = None) -> list[str]:
    document = {
        "rules": [{"title": "R", "condition": True, "effects": effects, "failureEffects": failures}]
    }
    found: list[Fault] = list(rule_limit_faults(parse_ruleset(document), type_, HOST_FUNCTIONS))
    return [fault.pointer for fault in found]


def test_a_campaign_on_items_gives_nothing_on_the_session() -> None:
    nested = ["catch", ["noop"], OFF]
    assert faults("cartItem", [PER_ITEM, OFF, nested]) == [
        "/rules/0/effects/1",
        "/rules/0/effects/2/2",
    ]
    assert faults("advanced", [PER_ITEM, OFF, nested]) == []


def test_where_the_condition_does_not_hold_only_telling_is_possible() -> None:
    custom = ["customEffect", 3, "sad", ["kv", ["why", "no"]]]
    assert faults("advanced", [OFF], [TOLD, custom]) == []
    assert faults("advanced", [OFF], [TOLD, OFF]) == ["/rules/0/failureEffects/1"]


def test_failure_effects_are_kept_as_they_were_written() -> None:
    document: dict[str, Any] = {
        "rules": [{"title": "R", "condition": ["and"], "effects": [OFF], "failureEffects": [TOLD]}]
    }
    rendered: Any = render_ruleset(parse_ruleset(document))
    assert rendered["rules"][0]["failureEffects"] == [TOLD]
    document["rules"][0].pop("failureEffects")
    rendered = render_ruleset(parse_ruleset(document))
    assert "failureEffects" not in rendered["rules"][0]
