"""Cascading discounts: what is left of every price once earlier effects have taken their share.

Words: a discount has a *scope*, which is the part of the cart that it lowers; its *base* is what is
left of that part. A session's scopes are `sessionTotal`, `cartItems` and `additionalCosts` (those
of the session); a unit's are `price`, `additionalCosts` and `itemTotal`, which is both together. A
discount on several prices lowers each in proportion to what is left of it.

Invariants: no price goes below zero; the lowered prices always sum to the session's totals; rolling
back restores every price exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, TypeAlias

from habitue.model.numbers import ZERO
from habitue.pricing.split import split_within
from habitue.promotions.campaign import ItemDiscountScope, SessionDiscountScope
from habitue.promotions.facts import ItemFacts, SessionFacts

#: Discounts that cascade are cut here, so that whatever is taken off a total is taken off exactly.
_FINEST = Decimal("1E-20")
#: One price: how to read what is left of it, and how to lower it.
_Part: TypeAlias = tuple[Decimal, Callable[[Decimal], None]]


class Cascade:
    """The prices of one session while rules run; a tentative of the evaluation."""

    def __init__(
        self,
        session: SessionFacts,
        default_scope: SessionDiscountScope,
        default_item_scope: ItemDiscountScope,
    ) -> None:
        self._session = session
        self.default_scope = default_scope
        self.default_item_scope = default_item_scope
        self._log: list[tuple[Any, str, Any]] = []
        session.additional_costs = dict(session.additional_costs)

    def mark(self) -> int:
        """How many changes there are."""
        return len(self._log)

    def roll_back(self, mark: int) -> None:
        """Puts back every price that was changed since."""
        while len(self._log) > mark:
            place, name, value = self._log.pop()
            setattr(place, name, value)

    def of_session(self, scope: SessionDiscountScope, wanted: Decimal) -> Decimal:
        """Lowers that part of the session by `wanted` at most; by how much."""
        return self._lower(self._session_parts(scope), wanted)

    def of_item(self, item: ItemFacts, scope: ItemDiscountScope, wanted: Decimal) -> Decimal:
        """Lowers that part of the unit by `wanted` at most; by how much."""
        return self._lower(self._item_parts(item, scope), wanted)

    def of_cost(self, cost: str, wanted: Decimal) -> Decimal:
        """Lowers an additional cost of the session."""
        return self._lower([self._cost_part(cost)], wanted)

    def of_item_cost(self, item: ItemFacts, cost: str, wanted: Decimal) -> Decimal:
        """Lowers an additional cost of the unit."""
        return self._lower([self._item_cost_part(item, cost)], wanted)

    def left_of_item(self, item: ItemFacts, scope: ItemDiscountScope) -> Decimal:
        """What is left of that part of the unit."""
        return sum((left for left, _ in self._item_parts(item, scope)), ZERO)

    def _lower(self, parts: Sequence[_Part], wanted: Decimal) -> Decimal:
        left = [each for each, _ in parts]
        taken = min(wanted, sum(left, ZERO)).quantize(_FINEST, ROUND_DOWN)
        for (_, lower), share in zip(parts, split_within(taken, left), strict=True):
            if share:
                lower(share)
        return taken

    def _session_parts(self, scope: SessionDiscountScope) -> list[_Part]:
        session = self._session
        costs = [self._cost_part(each) for each in session.additional_costs]
        if scope == "additionalCosts":
            return costs
        if scope == "cartItems":
            return [self._price_part(item) for item in session.cart_items]
        units = [
            part for item in session.cart_items for part in self._item_parts(item, "itemTotal")
        ]
        return [*units, *costs]

    def _item_parts(self, item: ItemFacts, scope: ItemDiscountScope) -> list[_Part]:
        costs = [self._item_cost_part(item, each) for each in item.additional_costs]
        if scope == "additionalCosts":
            return costs
        return [self._price_part(item)] + (costs if scope == "itemTotal" else [])

    def _price_part(self, item: ItemFacts) -> _Part:
        def lower(share: Decimal) -> None:
            self._set(item, "price", item.price - share)
            self._lower_total("cart_total", share)

        return item.price, lower

    def _item_cost_part(self, item: ItemFacts, cost: str) -> _Part:
        def lower(share: Decimal) -> None:
            self._set(item, "additional_costs", _less(item.additional_costs, cost, share))
            self._lower_total("item_additional_cost_total", share)

        return item.additional_costs[cost], lower

    def _cost_part(self, cost: str) -> _Part:
        session = self._session

        def lower(share: Decimal) -> None:
            self._set(session, "additional_costs", _less(session.additional_costs, cost, share))
            self._lower_total("additional_cost_total", share)

        return session.additional_costs[cost], lower

    def _lower_total(self, name: str, share: Decimal) -> None:
        session = self._session
        self._set(session, name, getattr(session, name) - share)
        self._set(session, "total", session.total - share)

    def _set(self, place: Any, name: str, value: Any) -> None:
        self._log.append((place, name, getattr(place, name)))
        setattr(place, name, value)


def _less(costs: Mapping[str, Decimal], cost: str, share: Decimal) -> dict[str, Decimal]:
    return {**costs, cost: costs[cost] - share}
