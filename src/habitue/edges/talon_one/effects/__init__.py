"""Effects on the wire: each outcome of the house under its effect type, with its exact properties.

Property names and their order are those of contracts/talon_one/SEMANTICS.md section 5.2. Numbers
leave in their shortest form and are never rounded. Each family of outcomes has a module here, whose
`OUT` the table below joins.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from habitue.edges.talon_one.effects import (
    achievements,
    attributes,
    audiences,
    codes,
    discounts,
    issued,
    notifications,
    points,
)
from habitue.edges.talon_one.effects.props import Out, OutOfEffect, Props, shortened
from habitue.promotions.effects import Effect

__all__ = ["OUTCOMES", "EffectOut", "effect_out", "shortened"]


class EffectOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """One effect with its cause, and the price of the article that it is on where that has one of
    several types."""

    campaign_id: int
    ruleset_id: int
    rule_index: int
    rule_name: str
    effect_type: str
    props: Props
    triggered_by_coupon: int | None = None
    evaluation_group_id: int | None = msgspec.field(name="evaluationGroupID", default=None)
    evaluation_group_mode: str | None = None
    selected_price_type: str | None = None
    selected_price: Decimal | None = None
    adjustment_reference_id: str | None = None
    experiment_id: int | None = None


def effect_out(effect: Effect) -> EffectOut:
    """The effect as it goes over the wire."""
    effect_type, props = _out(effect)
    return EffectOut(
        effect.campaign_id,
        effect.ruleset_id,
        effect.rule_index,
        effect.rule_name,
        effect_type,
        props,
        effect.coupon_id,
        effect.group_id,
        effect.group_mode,
        experiment_id=effect.experiment_id,
    )


def _out(effect: Effect) -> tuple[str, Props]:
    ruled = _OUT_OF_EFFECT.get(type(effect.outcome))
    if ruled is not None:
        return ruled[0], ruled[1](effect, effect.outcome)
    effect_type, props = _OUT[type(effect.outcome)]
    return effect_type, props(effect.outcome)


_OUT: Mapping[type, Out] = {
    **codes.OUT,
    **discounts.OUT,
    **notifications.OUT,
    **attributes.OUT,
    **audiences.OUT,
    **points.OUT,
    **achievements.OUT,
    **issued.OUT,
}

#: The names of the stored outcomes behind each effect type.
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    effect_type: tuple(sorted(kind.__name__ for kind, out in _OUT.items() if out[0] == effect_type))
    for effect_type, _ in _OUT.values()
}
_OUT_OF_EFFECT: Mapping[type, OutOfEffect] = {**points.OUT_OF_EFFECT}
