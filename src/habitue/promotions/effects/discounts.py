"""Discounts, free units, and the taking back of discounts."""

from decimal import Decimal
from typing import TypeAlias

import msgspec


class SetDiscount(msgspec.Struct, frozen=True, tag=True):
    name: str
    value: Decimal


class SetDiscountPerItem(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A discount on one unit; a pro rata share names the whole in `total_discount`."""

    name: str
    value: Decimal
    position: int
    sub_position: int
    total_discount: Decimal | None = None


class SetDiscountPerAdditionalCost(msgspec.Struct, frozen=True, tag=True):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal


class AddFreeItem(msgspec.Struct, frozen=True, tag=True):
    """One free unit of an article; several units are several effects."""

    sku: str
    name: str


class RollbackDiscount(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    name: str
    value: Decimal
    position: int | None = None
    sub_position: int | None = None
    additional_cost_id: int | None = None
    additional_cost: str | None = None


DiscountOutcome: TypeAlias = (
    SetDiscount | SetDiscountPerItem | SetDiscountPerAdditionalCost | AddFreeItem | RollbackDiscount
)
