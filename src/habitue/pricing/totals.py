"""Totals of a cart before any discount (contracts/talon_one/SEMANTICS.md section 3.8).

Everything is summed in the exact context, so a total is the true sum of its parts.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext

import msgspec

from habitue.model.numbers import EXACT, ZERO
from habitue.pricing.cart import CartItem, Totals


def totals_of(items: Iterable[CartItem], additional_costs: Mapping[str, Decimal]) -> Totals:
    """Sum of price times quantity, of the items' own costs per unit, and of the session's costs."""
    goods = ZERO
    item_costs = ZERO
    with localcontext(EXACT):
        for item in items:
            goods += item.price * item.quantity
            if item.additional_costs:
                item_costs += sum(item.additional_costs.values(), ZERO) * item.quantity
        return Totals(goods, item_costs, sum(additional_costs.values(), ZERO))


def remaining_totals_of(
    items: Iterable[CartItem], additional_costs: Mapping[str, Decimal]
) -> Totals:
    """The same without the units that came back; the session's own costs stay whole."""
    return totals_of(map(_remaining, items), additional_costs)


def _remaining(item: CartItem) -> CartItem:
    return msgspec.structs.replace(item, quantity=item.remaining_quantity, returned_quantity=0)
