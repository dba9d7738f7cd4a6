"""A shop without a database for what rules give: campaigns out of text, one cart, its effects."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from habitue.customers.customer import Customer
from habitue.model.attributes import AttributeDefinition
from habitue.promotions.campaign import AdditionalCost, Application, Campaign, StoredRuleset
from habitue.promotions.configuration import Configuration
from habitue.promotions.coupon import Coupon
from habitue.promotions.decide import Decision, SessionCommand, State, decide_update
from habitue.promotions.evaluate import Purpose
from habitue.promotions.program import Program, build_program
from habitue.rules.check import check_ruleset
from habitue.rules.ruleset import parse_ruleset
from tests.building import NOW, item, rule, update

__all__ = ["Window", "item", "rule"]

_ATTRIBUTES = (
    AttributeDefinition(1, "CustomerProfile", "visits", "visits", "number", NOW),
    AttributeDefinition(2, "CustomerProfile", "member", "member", "boolean", NOW),
    AttributeDefinition(3, "CustomerProfile", "until", "until", "time", NOW),
    AttributeDefinition(4, "CartItem", "color", "color", "string", NOW),
    AttributeDefinition(5, "CartItem", "score", "score", "number", NOW),
)


class Window:
    """Campaigns 1, 2, 3, ... of application 1, each of some rules; `fields` are by campaign."""

    def __init__(
        self,
        *campaigns: Sequence[dict[str, Any]],
        bindings: Sequence[Any] = (),
        application: Mapping[str, Any] | None = None,
        fields: Mapping[int, Mapping[str, Any]] | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        shop = Application(1, "shop", "Europe/Berlin", "EUR", NOW, NOW)
        numbers = range(1, len(campaigns) + 1)
        self.configuration = Configuration(
            version=1,
            applications={1: msgspec.structs.replace(shop, **(application or {}))},
            attributes={each.id: each for each in _ATTRIBUTES},
            additional_costs={
                5: AdditionalCost(5, "shipping", "Shipping", NOW),
                6: AdditionalCost(6, "deposit", "Deposit", NOW, type="item"),
            },
            campaigns={
                number: msgspec.structs.replace(_campaign(number), **(fields or {}).get(number, {}))
                for number in numbers
            },
            rulesets={
                number + 1000: StoredRuleset(
                    number + 1000, number, NOW, {"rules": list(rules), "bindings": list(bindings)}
                )
                for number, rules in zip(numbers, campaigns, strict=True)
            },
            **(configuration or {}),
        )
        self.program: Program = build_program(self.configuration, 1)
        for ruleset in self.configuration.rulesets.values():
            rules = parse_ruleset(ruleset.document)
            report = check_ruleset(rules, self.program.dialect, {"coupons", "referrals"})
            assert report.errors == (), report.errors

    def decide(
        self,
        *items: Any,
        coupons: Sequence[Coupon] = (),
        purpose: Purpose | None = None,
        attributes: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Decision:
        """The decision about one cart of Maria's."""
        owner = Customer(7, created=NOW, last_activity=NOW, attributes=dict(attributes or {}))
        state = State(12, owner, coupons={each.code: each for each in coupons})
        codes = [each.code for each in coupons]
        sent = update(cart_items=list(items), profile_id="maria", coupon_codes=codes, **fields)
        return decide_update(
            state, SessionCommand(1, "s1", sent, purpose or Purpose()), self.program, NOW
        )

    def given(self, *items: Any, **more: Any) -> list[Any]:
        """What the cart gets, without causes."""
        return [effect.outcome for effect in self.decide(*items, **more).effects]


def coupon(code: str, campaign_id: int = 1, id_: int = 1) -> Coupon:
    """A coupon that may be used for ever."""
    return Coupon(id_, 1, campaign_id, code, NOW, usage_limit=0)


def values(outcomes: Sequence[Any]) -> list[Decimal]:
    """The amounts of discounts."""
    return [each.value for each in outcomes]


def _campaign(number: int) -> Campaign:
    return Campaign(
        id=number,
        application_id=1,
        name=f"campaign {number}",
        created=NOW,
        updated=NOW,
        features=("coupons", "referrals"),
        active_ruleset_id=number + 1000,
    )
