"""Discounts and free units on the wire."""

from collections.abc import Mapping
from decimal import Decimal

from habitue.edges.talon_one.effects.props import Out, Props
from habitue.model.numbers import shortest
from habitue.promotions import effects as house


class SetDiscountProps(Props):
    name: str
    value: Decimal


class SetDiscountPerItemProps(Props):
    name: str
    value: Decimal
    position: int
    sub_position: int
    total_discount: Decimal | None = None


class SetDiscountPerAdditionalCostProps(Props):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal


class AddFreeItemProps(Props):
    sku: str
    name: str


class RollbackDiscountProps(Props):
    name: str
    value: Decimal
    cart_item_position: int | None = None
    cart_item_sub_position: int | None = None
    additional_cost_id: int | None = None
    additional_cost: str | None = None


def _per_item(outcome: house.SetDiscountPerItem) -> Props:
    total = outcome.total_discount
    return SetDiscountPerItemProps(
        outcome.name,
        shortest(outcome.value),
        outcome.position,
        outcome.sub_position,
        None if total is None else shortest(total),
    )


def _rollback(outcome: house.RollbackDiscount) -> Props:
    return RollbackDiscountProps(
        outcome.name,
        shortest(outcome.value),
        outcome.position,
        outcome.sub_position,
        outcome.additional_cost_id,
        outcome.additional_cost,
    )


OUT: Mapping[type, Out] = {
    house.SetDiscount: (
        "setDiscount",
        lambda it: SetDiscountProps(it.name, shortest(it.value)),
    ),
    house.SetDiscountPerItem: ("setDiscountPerItem", _per_item),
    house.SetDiscountPerAdditionalCost: (
        "setDiscountPerAdditionalCost",
        lambda it: SetDiscountPerAdditionalCostProps(
            it.name, it.additional_cost_id, it.additional_cost, shortest(it.value)
        ),
    ),
    house.AddFreeItem: ("addFreeItem", lambda it: AddFreeItemProps(it.sku, it.name)),
    house.RollbackDiscount: ("rollbackDiscount", _rollback),
}
