"""Calling the cart item filters of the application."""

from typing import Any

from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.words import ITEMS
from habitue.promotions.item_filters import FILTER_CALL
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import STRING


def cart_item_filter(frame: Evaluation, name: str | None = None) -> list[ItemFacts]:
    """The units that the filter of that name lets through; without a name those of the default
    filter, and all where the application has none. Raises `RuleFailed` where there is no such
    filter, or where it fails."""
    filters = frame.filters
    called = filters.default if name is None else name
    if called is None:
        return frame.session_or_fail().cart_items
    evaluate = filters.by_name.get(called)
    if evaluate is None:
        raise RuleFailed(f"there is no cart item filter {called!r}")
    known = frame.filtered.get(called)
    if known is None or frame.cascade is not None:
        known = frame.filtered[called] = _evaluated(frame, evaluate)
    return known


def _evaluated(frame: Evaluation, evaluate: Any) -> list[ItemFacts]:
    """A filter sees nothing of the names that its caller has bound."""
    outer, frame.bindings = frame.bindings, {}
    try:
        return list(evaluate(frame))
    finally:
        frame.bindings = outer


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        FILTER_CALL,
        (("name", STRING),),
        ITEMS,
        cart_item_filter,
        optional=1,
        description="The units that a cart item filter of the application lets through.",
    ),
)
