"""Messages, effects of the shop's own, and webhooks, on the wire."""

from collections.abc import Mapping
from typing import Any

from habitue.edges.talon_one.effects.props import Out, Props, shortened
from habitue.promotions import effects as house


class ShowNotificationProps(Props):
    notification_type: str
    title: str
    body: str


class CustomEffectProps(Props):
    effect_id: int
    name: str
    payload: dict[str, Any]
    cart_item_position: int | None = None
    cart_item_sub_position: int | None = None


def _custom(outcome: house.CustomEffect) -> Props:
    return CustomEffectProps(
        outcome.effect_id,
        outcome.name,
        shortened(outcome.payload),
        outcome.position,
        outcome.sub_position,
    )


class TriggerWebhookProps(Props):
    webhook_id: int
    webhook_name: str


OUT: Mapping[type, Out] = {
    house.ShowNotification: (
        "showNotification",
        lambda it: ShowNotificationProps(it.notification_type, it.title, it.body),
    ),
    house.CustomEffect: ("customEffect", _custom),
    house.TriggerWebhook: (
        "triggerWebhook",
        lambda it: TriggerWebhookProps(it.webhook_id, it.webhook_name),
    ),
}
