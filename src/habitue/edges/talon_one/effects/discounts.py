"""Discounts and free units on the wire."""

from collections.abc import Mapping
from decimal import Decimal

from habitue.edges.talon_one.effects.props import Out, Props, shortest_or_none
from habitue.model.numbers import shortest
from habitue.promotions import effects as house


class SetDiscountProps(Props):
    name: str
    value: Decimal
    scope: str | None = None
    desired_value: Decimal | None = None


class SetDiscountPerItemProps(Props):
    name: str
    value: Decimal
    position: int
    sub_position: int
    desired_value: Decimal | None = None
    scope: str | None = None
    total_discount: Decimal | None = None
    desired_total_discount: Decimal | None = None
    bundle_index: int | None = None
    bundle_name: str | None = None
    targeted_item_position: int | None = None
    targeted_item_sub_position: int | None = None
    excluded_from_price_history: bool | None = None


class SetDiscountPerAdditionalCostProps(Props):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal
    desired_value: Decimal | None = None


class SetDiscountPerAdditionalCostPerItemProps(Props):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal
    position: int
    sub_position: int
    desired_value: Decimal | None = None


class AddFreeItemProps(Props):
    sku: str
    name: str
    desired_quantity: Decimal | None = None


class RollbackDiscountProps(Props):
    name: str
    value: Decimal
    cart_item_position: int | None = None
    cart_item_sub_position: int | None = None
    additional_cost_id: int | None = None
    additional_cost: str | None = None
    scope: str | None = None


def _whole(outcome: house.SetDiscount) -> Props:
    desired = shortest_or_none(outcome.desired_value)
    return SetDiscountProps(outcome.name, shortest(outcome.value), outcome.scope, desired)


def _per_item(outcome: house.SetDiscountPerItem) -> Props:
    return SetDiscountPerItemProps(
        outcome.name,
        shortest(outcome.value),
        outcome.position,
        outcome.sub_position,
        shortest_or_none(outcome.desired_value),
        outcome.scope,
        shortest_or_none(outcome.total_discount),
        shortest_or_none(outcome.desired_total_discount),
        outcome.bundle_index,
        outcome.bundle_name,
        outcome.targeted_position,
        outcome.targeted_sub_position,
        outcome.excluded_from_price_history or None,
    )


def _per_cost(outcome: house.SetDiscountPerAdditionalCost) -> Props:
    return SetDiscountPerAdditionalCostProps(
        outcome.name,
        outcome.additional_cost_id,
        outcome.additional_cost,
        shortest(outcome.value),
        shortest_or_none(outcome.desired_value),
    )


def _per_item_cost(outcome: house.SetDiscountPerAdditionalCostPerItem) -> Props:
    return SetDiscountPerAdditionalCostPerItemProps(
        outcome.name,
        outcome.additional_cost_id,
        outcome.additional_cost,
        shortest(outcome.value),
        outcome.position,
        outcome.sub_position,
        shortest_or_none(outcome.desired_value),
    )


def _free(outcome: house.AddFreeItem) -> Props:
    desired = shortest_or_none(outcome.desired_quantity)
    return AddFreeItemProps(outcome.sku, outcome.name, desired)


def _rollback(outcome: house.RollbackDiscount) -> Props:
    return RollbackDiscountProps(
        outcome.name,
        shortest(outcome.value),
        outcome.position,
        outcome.sub_position,
        outcome.additional_cost_id,
        outcome.additional_cost,
        outcome.scope,
    )


OUT: Mapping[type, Out] = {
    house.SetDiscount: ("setDiscount", _whole),
    house.SetDiscountPerItem: ("setDiscountPerItem", _per_item),
    house.SetDiscountPerAdditionalCost: ("setDiscountPerAdditionalCost", _per_cost),
    house.SetDiscountPerAdditionalCostPerItem: (
        "setDiscountPerAdditionalCostPerItem",
        _per_item_cost,
    ),
    house.AddFreeItem: ("addFreeItem", _free),
    house.RollbackDiscount: ("rollbackDiscount", _rollback),
}
