"""Effects of a session on the wire, each on a line with the price that the line was sold at.

A line whose article has prices of several types says which one its customer got; so do the effects
on it, for what they give rests on that price.
"""

from collections.abc import Iterable, Sequence

from habitue.edges.talon_one.effects import EffectOut, effect_out
from habitue.edges.talon_one.integration.answers import uuid_or_none
from habitue.model.numbers import shortest
from habitue.pricing.cart import CartItem
from habitue.promotions.effects import Effect


def session_effects(effects: Iterable[Effect], items: Sequence[CartItem]) -> list[EffectOut]:
    """The effects of a session with that cart."""
    shown = []
    for effect in effects:
        out = effect_out(effect)
        position: int | None = getattr(effect.outcome, "position", None)
        if position is not None:
            _tell_price(out, items[position])
        shown.append(out)
    return shown


def _tell_price(out: EffectOut, line: CartItem) -> None:
    part = line.catalog
    if part is not None and part.selected:
        out.selected_price_type = part.selected
        out.selected_price = shortest(line.price)
        out.adjustment_reference_id = uuid_or_none(part.prices[part.selected].reference_id)
