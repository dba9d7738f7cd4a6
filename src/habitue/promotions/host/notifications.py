"""Effects that tell somebody something: messages, and effects of the shop's own."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from habitue.promotions.effects import CustomEffect, NotificationType, ShowNotification
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.facts import ItemFacts
from habitue.promotions.host.giving import counts, targets
from habitue.promotions.host.words import ITEMS, NAME, plain
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import EFFECT, MAP, NUMBER, STRING, per_item

NOTIFICATION_TYPES = ("Info", "Offer", "Error", "Misc")


def show_notification(frame: Evaluation, notification_type: str, title: str, body: str) -> None:
    """Adds a message for the customer."""
    if notification_type not in NOTIFICATION_TYPES:
        raise RuleFailed(f"{notification_type!r} is no type of notification")
    frame.add(ShowNotification(cast(NotificationType, notification_type), title, body))


def custom_effect(
    frame: Evaluation, effect_id: Decimal, name: str, payload: Mapping[str, Any]
) -> None:
    """Adds an effect of the shop's own."""
    frame.add(custom(effect_id, name, payload))


def custom_effect_per_item(
    frame: Evaluation,
    effect_id: Decimal,
    name: str,
    payload: Mapping[str, Any] | Callable[[ItemFacts], Mapping[str, Any]],
    items: Sequence[ItemFacts] | None = None,
) -> None:
    """Adds an effect of the shop's own for each unit."""
    for item in targets(frame, items):
        if counts(frame, item):
            of_item = payload(item) if callable(payload) else payload
            place = (int(item.position), int(item.sub_position))
            frame.add(custom(effect_id, name, of_item, *place))


def custom(effect_id: Decimal, name: str, payload: Mapping[str, Any], *place: Any) -> CustomEffect:
    """The effect, at that place. Raises `RuleFailed` where it cannot be one."""
    if effect_id != effect_id.to_integral_value() or not 0 <= effect_id < 2**53:
        raise RuleFailed(f"the id of a custom effect must be a whole number, not {effect_id}")
    content = {key: plain(payload[key]) for key in payload}
    return CustomEffect(int(effect_id), name, content, *place)


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "showNotification",
        (("notificationType", STRING), ("title", STRING), ("body", STRING)),
        EFFECT,
        show_notification,
        on_failure=True,
        on_items=True,
        description="A message for the customer; the type is Info, Offer, Error or Misc.",
    ),
    HostFunction(
        "customEffect",
        (("effectId", NUMBER), NAME, ("payload", MAP)),
        EFFECT,
        custom_effect,
        on_failure=True,
        description="An effect of the shop's own, with a payload that it understands.",
    ),
    HostFunction(
        "customEffectPerItem",
        (("effectId", NUMBER), NAME, ("payload", per_item("Item", MAP)), ("items", ITEMS)),
        EFFECT,
        custom_effect_per_item,
        optional=1,
        on_items=True,
        description="An effect of the shop's own for each unit, of all items or of those given.",
    ),
)
