"""Taking discounts back."""

from collections.abc import Mapping

from habitue.promotions.effects import (
    Effect,
    RollbackDiscount,
    SetDiscount,
    SetDiscountPerAdditionalCost,
    SetDiscountPerAdditionalCostPerItem,
    SetDiscountPerItem,
)
from habitue.promotions.rollback.reversal import Giving, Reversal


def _whole(outcome: SetDiscount, _effect: Effect, _giving: Giving) -> RollbackDiscount:
    return RollbackDiscount(outcome.name, outcome.value, scope=outcome.scope)


def _per_item(outcome: SetDiscountPerItem, _effect: Effect, _giving: Giving) -> RollbackDiscount:
    return RollbackDiscount(
        outcome.name, outcome.value, outcome.position, outcome.sub_position, scope=outcome.scope
    )


def _per_cost(
    outcome: SetDiscountPerAdditionalCost, _effect: Effect, _giving: Giving
) -> RollbackDiscount:
    return RollbackDiscount(
        outcome.name,
        outcome.value,
        additional_cost_id=outcome.additional_cost_id,
        additional_cost=outcome.additional_cost,
    )


def _per_item_cost(
    outcome: SetDiscountPerAdditionalCostPerItem, _effect: Effect, _giving: Giving
) -> RollbackDiscount:
    return RollbackDiscount(
        outcome.name,
        outcome.value,
        outcome.position,
        outcome.sub_position,
        outcome.additional_cost_id,
        outcome.additional_cost,
    )


def _unit(
    outcome: SetDiscountPerItem | SetDiscountPerAdditionalCostPerItem,
) -> tuple[int, int]:
    return outcome.position, outcome.sub_position


REVERSALS: Mapping[type, Reversal] = {
    SetDiscount: Reversal(_whole),
    SetDiscountPerItem: Reversal(_per_item, _unit),
    SetDiscountPerAdditionalCost: Reversal(_per_cost),
    SetDiscountPerAdditionalCostPerItem: Reversal(_per_item_cost, _unit),
}
