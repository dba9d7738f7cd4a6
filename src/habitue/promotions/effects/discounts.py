"""Discounts, free units, and the taking back of discounts.

Where discounts cascade, their `scope` says what they lowered. Where rewards may be partial, a
`desired` value is what would have been given if no budget had been in the way.
"""

from decimal import Decimal
from typing import TypeAlias

import msgspec


class SetDiscount(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    name: str
    value: Decimal
    scope: str | None = None
    desired_value: Decimal | None = None


class SetDiscountPerItem(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A discount on one unit; a pro rata share names the whole in `total_discount`.

    A discount on a bundle names the bundle; where it is on one unit of it, the unit is `targeted`.
    """

    name: str
    value: Decimal
    position: int
    sub_position: int
    total_discount: Decimal | None = None
    desired_value: Decimal | None = None
    desired_total_discount: Decimal | None = None
    scope: str | None = None
    bundle_index: int | None = None
    bundle_name: str | None = None
    targeted_position: int | None = None
    targeted_sub_position: int | None = None
    excluded_from_price_history: bool = False


class SetDiscountPerAdditionalCost(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal
    desired_value: Decimal | None = None


class SetDiscountPerAdditionalCostPerItem(
    msgspec.Struct, frozen=True, tag=True, omit_defaults=True
):
    name: str
    additional_cost_id: int
    additional_cost: str
    value: Decimal
    position: int
    sub_position: int
    desired_value: Decimal | None = None


class AddFreeItem(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """One free unit of an article; several units are several effects."""

    sku: str
    name: str
    desired_quantity: Decimal | None = None


class RollbackDiscount(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    name: str
    value: Decimal
    position: int | None = None
    sub_position: int | None = None
    additional_cost_id: int | None = None
    additional_cost: str | None = None
    scope: str | None = None


DiscountOutcome: TypeAlias = (
    SetDiscount
    | SetDiscountPerItem
    | SetDiscountPerAdditionalCost
    | SetDiscountPerAdditionalCostPerItem
    | AddFreeItem
    | RollbackDiscount
)
#: The outcomes that take money off, which evaluation groups compare.
DISCOUNTS = (
    SetDiscount,
    SetDiscountPerItem,
    SetDiscountPerAdditionalCost,
    SetDiscountPerAdditionalCostPerItem,
)
