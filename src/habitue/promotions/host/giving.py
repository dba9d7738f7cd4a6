"""Giving discounts: against the budget, out of what is left of a price, to the units that count.

Every discount of the dialect goes through here, so that budgets, partial rewards and cascading are
the same for all. A reward that does not fit fails the rule (`habitue.promotions.rewards`).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import cast, get_args

from habitue.model.limits import AMOUNT_MAX
from habitue.model.numbers import ZERO
from habitue.promotions.campaign import ItemDiscountScope, SessionDiscountScope
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.rewards import Reward, reward
from habitue.rules.frame import RuleFailed

_SESSION_SCOPES, _ITEM_SCOPES = get_args(SessionDiscountScope), get_args(ItemDiscountScope)
_AMOUNT_MAX = Decimal(AMOUNT_MAX)


def targets(frame: Evaluation, items: Sequence[ItemFacts] | None) -> Sequence[ItemFacts]:
    """The units to give something on: those named, or all. Raises `RuleFailed` for none."""
    session = frame.session_or_fail()
    units = session.cart_items if items is None else items
    if not units:
        raise RuleFailed("there is no item to give anything on")
    return units


def discount(value: Decimal) -> Decimal:
    """`value` where it can be a discount. Raises `RuleFailed` where it cannot."""
    if not value.is_finite() or not ZERO <= value <= _AMOUNT_MAX:
        raise RuleFailed(f"{value} cannot be a discount")
    return value


def session_scope(frame: Evaluation, scope: str | None) -> SessionDiscountScope | None:
    """What a discount on the session lowers; None where discounts do not cascade."""
    _known(scope, _SESSION_SCOPES)
    if frame.cascade is None:
        return None
    return cast(SessionDiscountScope, scope) if scope else frame.cascade.default_scope


def item_scope(frame: Evaluation, scope: str | None) -> ItemDiscountScope | None:
    """What a discount on a unit lowers; None where discounts do not cascade."""
    _known(scope, _ITEM_SCOPES)
    if frame.cascade is None:
        return None
    return cast(ItemDiscountScope, scope) if scope else frame.cascade.default_item_scope


def grant(
    frame: Evaluation, wanted: Decimal, partial: bool | None, action: str = "setDiscount"
) -> Reward:
    """What to give of `wanted`: without a word about `partial` the application decides.

    Adding the effect takes it from the budgets, and raises where there is too little left.
    """
    if partial is None:
        partial = frame.partial
    return reward(wanted, frame.remaining(action) if partial else None, partial=partial)


def exhausted(frame: Evaluation, partial: bool | None, action: str = "setDiscount") -> bool:
    """Whether a partial reward on several units has used up what there was."""
    if not (frame.partial if partial is None else partial):
        return False
    remaining = frame.remaining(action)
    return remaining is not None and remaining <= 0


def counts(frame: Evaluation, item: ItemFacts) -> bool:
    """Whether the campaign at hand may give anything on the unit."""
    won = frame.won
    return won is None or (int(item.position), int(item.sub_position)) in won


def _known(scope: str | None, scopes: Sequence[str]) -> None:
    if scope is not None and scope not in scopes:
        raise RuleFailed(f"{scope!r} is no scope of this discount; it is {' or '.join(scopes)}")
