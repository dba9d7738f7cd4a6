"""What effects take of budgets: of which actions, and how much of each.

Money and points are limited by their amount and by the number of effects apart
(contracts/talon_one/SEMANTICS.md section 8.1).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from habitue.promotions.effects import (
    AddFreeItem,
    AddLoyaltyPoints,
    CustomEffect,
    DeductLoyaltyPoints,
    Outcome,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerAdditionalCostPerItem,
    SetDiscountPerItem,
    TriggerWebhook,
)

#: Actions and amounts.
Amounts: TypeAlias = tuple[tuple[str, Decimal], ...]

_ONCE = Decimal(1)
_NOTHING: Amounts = ()


def amounts_of(outcome: Outcome) -> Amounts:
    """What an effect takes when the session closes; what is done at once is not among it."""
    taking = _TAKING.get(type(outcome))
    return taking(outcome) if taking else _NOTHING


def _discount(outcome: Any) -> Amounts:
    return (("setDiscount", outcome.value), ("setDiscountEffect", _ONCE))


def _points(action: str) -> Callable[[Any], Amounts]:
    return lambda outcome: ((action, outcome.value), (f"{action}Effect", _ONCE))


def _once(action: str) -> Callable[[Any], Amounts]:
    amounts: Amounts = ((action, _ONCE),)
    return lambda _: amounts


_TAKING: Mapping[type, Callable[[Any], Amounts]] = {
    SetDiscount: _discount,
    SetDiscountPerItem: _discount,
    SetDiscountPerAdditionalCost: _discount,
    SetDiscountPerAdditionalCostPerItem: _discount,
    AddFreeItem: _once("addFreeItemEffect"),
    CustomEffect: _once("customEffect"),
    TriggerWebhook: _once("callApi"),
    AddLoyaltyPoints: _points("createLoyaltyPoints"),
    DeductLoyaltyPoints: _points("redeemLoyaltyPoints"),
}
