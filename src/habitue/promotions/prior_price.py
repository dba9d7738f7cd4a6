"""The best prior price: the lowest that an article had in the days before it was lowered.

European law has shops show it beside every reduction. A price counts for as long as it was in
effect, so the one that the days began with counts too. Where the days end is chosen: at the moment
that is asked for (`strict`), where the present price began (`price`), or where the present
context, such as a sale, began (`sale`); a price without a context is no sale, and the days end at
the moment that is asked for.

Invariant: observations are of one article and one target, oldest first, without excluded ones.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from habitue.promotions.price_labels import PriceLabel

EndType = Literal["strict", "price", "sale"]


class Observation(msgspec.Struct, frozen=True):
    """A label that was seen, for as long as no later one was."""

    id: int
    label: PriceLabel
    excluded_at: datetime | None = None
    exclusion_reason: str | None = None


def best_prior_price(
    observations: Sequence[Observation], end: datetime, days: int, end_type: EndType
) -> Observation | None:
    """The observation of the lowest price in those days, of equals the last; None without any."""
    known = [each for each in observations if each.label.at <= end]
    if not known:
        return None
    began = _began(known, end_type)
    if began is not None:
        end, known = known[began].label.at, known[:began]
    start = end - timedelta(days=days)
    inside = [each for each in known if each.label.at > start]
    before = [each for each in known if each.label.at <= start]
    candidates = [*before[-1:], *inside]
    return min(reversed(candidates), key=lambda each: each.label.price, default=None)


def _began(known: Sequence[Observation], end_type: EndType) -> int | None:
    """The index of the first observation of the present price or context; None for `strict`."""
    last = known[-1].label
    contexts = set(last.context_ids)
    if end_type == "strict" or (end_type == "sale" and not contexts):
        return None
    index = len(known) - 1
    while index > 0:
        earlier = known[index - 1].label
        same = (
            earlier.price == last.price
            if end_type == "price"
            else not contexts.isdisjoint(earlier.context_ids)
        )
        if not same:
            break
        index -= 1
    return index
