"""Effects that tell somebody something: messages, and effects of the shop's own."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from habitue.promotions.effects import CustomEffect, NotificationType, ShowNotification
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.host.words import NAME, plain
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import EFFECT, MAP, NUMBER, STRING

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
    if effect_id != effect_id.to_integral_value() or not 0 <= effect_id < 2**53:
        raise RuleFailed(f"the id of a custom effect must be a whole number, not {effect_id}")
    frame.add(CustomEffect(int(effect_id), name, {key: plain(payload[key]) for key in payload}))


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "showNotification",
        (("notificationType", STRING), ("title", STRING), ("body", STRING)),
        EFFECT,
        show_notification,
        description="A message for the customer; the type is Info, Offer, Error or Misc.",
    ),
    HostFunction(
        "customEffect",
        (("effectId", NUMBER), NAME, ("payload", MAP)),
        EFFECT,
        custom_effect,
        description="An effect of the shop's own, with a payload that it understands.",
    ),
)
