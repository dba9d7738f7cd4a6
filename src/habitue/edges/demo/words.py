"""What an answer says, in words: the effects with what each is worth, and why each came about.

A *gain* is a line of what the customer gets: effects on several units of one rule are one gain.
Amounts are shown in two decimals; on the wire they are unrounded.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, groupby, repeat
from typing import Any

import msgspec

from habitue.edges.demo.cart import PRICE_LIST, Order
from habitue.edges.demo.client import EffectSeen, Seen
from habitue.edges.talon_one.integration.traces import CampaignTraceOut, RuleTraceOut
from habitue.model.numbers import ZERO

#: No campaign caused the effect: the code that was sent is of none, or cannot be used at all.
NO_RULE = "-"


class Gain(msgspec.Struct, frozen=True):
    """One line of what the customer gets; `amount` is 0 for what is not money."""

    label: str
    words: str
    rule: str
    amount: Decimal = ZERO


def money(amount: Decimal) -> str:
    """An amount in two decimals."""
    return f"{amount:.2f}"


def cart_rows(order: Order, seen: Seen) -> list[tuple[str, ...]]:
    """The cart as a table: article, quantity, price, amount."""
    rows: list[tuple[str, ...]] = [("article", "quantity", "price", "amount")]
    for sku, quantity in order.quantities.items():
        article = PRICE_LIST[sku]
        amounts = money(article.price), money(article.price * quantity)
        rows.append((article.name, str(quantity), *amounts))
    rows.append(("shipping", "", "", money(order.shipping)))
    rows.append(("total", "", "", money(seen.customer_session.total)))
    return rows


def gains(seen: Seen) -> list[Gain]:
    """What the effects of an answer come to, in their order."""
    campaigns = {each.campaign_id: each for each in seen.trace}
    told = []
    for (campaign_id, kind, _), group in groupby(seen.effects, _key):
        effects = list(group)
        campaign = campaigns.get(campaign_id)
        rule = _label(campaign, effects[0].rule_name) if campaign else NO_RULE
        told.append(_GAINS.get(kind, _other)(effects, rule))
    return told


def reasons(trace: Sequence[CampaignTraceOut]) -> Iterator[tuple[str, str]]:
    """For each rule that applied its conditions, with the values that they compared."""
    for campaign in trace:
        for rule in campaign.rules:
            if rule.verdict == "applied":
                label = _label(campaign, rule.rule_name)
                labels = chain([label], repeat(""))
                yield from zip(labels, _conditions(rule), strict=False)


def refusals(trace: Sequence[CampaignTraceOut]) -> Iterator[tuple[str, str]]:
    """For each rule that did not apply, and each campaign that was not evaluated, why."""
    for campaign in trace:
        if not campaign.evaluated:
            yield campaign.campaign_name, campaign.details
        for rule in campaign.rules:
            if rule.verdict != "applied":
                yield _label(campaign, rule.rule_name), rule.details


def _label(campaign: CampaignTraceOut, rule_name: str) -> str:
    """The rule's name where it needs one: where its campaign has others."""
    alone = len({rule.rule_index for rule in campaign.rules}) < 2 or not rule_name
    return campaign.campaign_name if alone else f"{campaign.campaign_name}: {rule_name}"


def _conditions(rule: RuleTraceOut) -> list[str]:
    if rule.coupon_value:
        return [f"{each.words}, for code {rule.coupon_value}" for each in rule.conditions]
    return [each.words for each in rule.conditions]


def _key(effect: EffectSeen) -> tuple[int, str, object]:
    """What effects have in common that are one gain."""
    if effect.effect_type == "setDiscountPerItem":
        name = str(effect.props["name"]).rpartition("#")[0]
        return effect.campaign_id, effect.effect_type, (effect.rule_name, name)
    return effect.campaign_id, effect.effect_type, id(effect)


def _discount(effects: list[EffectSeen], rule: str) -> Gain:
    props = effects[0].props
    value = Decimal(props["value"])
    on = props.get("additionalCost", "the cart")
    return Gain(f"-{money(value)}", f"{props['name']} (on {on})", rule, value)


def _per_item(effects: list[EffectSeen], rule: str) -> Gain:
    values = [Decimal(effect.props["value"]) for effect in effects]
    name = str(effects[0].props["name"]).rpartition("#")[0]
    units = f"{len(values)} unit{'s' if len(values) > 1 else ''}"
    shares = " + ".join(map(money, values))
    each = f"{money(values[0])} each" if len(set(values)) == 1 else shares
    total = sum(values, ZERO)
    return Gain(f"-{money(total)}", f"{name} (on {units}, {each})", rule, total)


def _free_item(effects: list[EffectSeen], rule: str) -> Gain:
    props = effects[0].props
    return Gain("gift", f"{props['name']} ({props['sku']})", rule)


def _notification(effects: list[EffectSeen], rule: str) -> Gain:
    props = effects[0].props
    return Gain("message", f"{props['title']}: {props['body']}", rule)


def _accepted(effects: list[EffectSeen], rule: str) -> Gain:
    return Gain("coupon", f"{effects[0].props['value']} is accepted", rule)


def _rejected(effects: list[EffectSeen], rule: str) -> Gain:
    props = effects[0].props
    why = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(props["rejectionReason"])).lower()
    return Gain("coupon", f"{props['value']} is refused: {why}", rule)


def _other(effects: list[EffectSeen], rule: str) -> Gain:
    props: Mapping[str, Any] = effects[0].props
    told = ", ".join(f"{name} {value}" for name, value in props.items())
    return Gain("effect", f"{effects[0].effect_type}: {told}", rule)


_GAINS: Mapping[str, Callable[[list[EffectSeen], str], Gain]] = {
    "setDiscount": _discount,
    "setDiscountPerAdditionalCost": _discount,
    "setDiscountPerItem": _per_item,
    "addFreeItem": _free_item,
    "showNotification": _notification,
    "acceptCoupon": _accepted,
    "rejectCoupon": _rejected,
}
