"""Messages, effects of the shop's own, webhooks, and the engine's own words, on the wire."""

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
    bundle_index: int | None = None
    bundle_name: str | None = None


class ShowBundleMetadataProps(Props, omit_defaults=False):
    description: str
    bundle_attributes: tuple[str, ...]
    items_indices: tuple[int, ...]


class ErrorProps(Props):
    message: str


def _custom(outcome: house.CustomEffect) -> Props:
    return CustomEffectProps(
        outcome.effect_id,
        outcome.name,
        shortened(outcome.payload),
        outcome.position,
        outcome.sub_position,
        outcome.bundle_index,
        outcome.bundle_name,
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
    house.ShowBundleMetadata: (
        "showBundleMetadata",
        lambda it: ShowBundleMetadataProps(it.description, it.bundle_attributes, it.items_indices),
    ),
    house.EngineError: ("error", lambda it: ErrorProps(it.message)),
}
