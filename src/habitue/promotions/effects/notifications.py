"""Messages for the customer, and effects of the shop's own."""

from typing import Any, Literal, TypeAlias

import msgspec

NotificationType = Literal["Info", "Offer", "Error", "Misc"]


class ShowNotification(msgspec.Struct, frozen=True, tag=True):
    notification_type: NotificationType
    title: str
    body: str


class CustomEffect(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    effect_id: int
    name: str
    payload: dict[str, Any]
    position: int | None = None
    sub_position: int | None = None


NotificationOutcome: TypeAlias = ShowNotification | CustomEffect
