"""Messages for the customer, effects of the shop's own, and what the engine has to say."""

from typing import Any, Literal, TypeAlias

import msgspec

NotificationType = Literal["Info", "Offer", "Error", "Misc"]


class ShowNotification(msgspec.Struct, frozen=True, tag=True):
    notification_type: NotificationType
    title: str
    body: str


class CustomEffect(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """An effect of the shop's own, on the session, on a unit or on a bundle."""

    effect_id: int
    name: str
    payload: dict[str, Any]
    position: int | None = None
    sub_position: int | None = None
    bundle_index: int | None = None
    bundle_name: str | None = None


class ShowBundleMetadata(msgspec.Struct, frozen=True, tag=True):
    """Which lines a bundle was made of, and the attributes by which its units are alike."""

    description: str
    bundle_attributes: tuple[str, ...]
    items_indices: tuple[int, ...]


class EngineError(msgspec.Struct, frozen=True, tag=True):
    """A rule was given up, for a reason that is no business of the cart's."""

    message: str


NotificationOutcome: TypeAlias = ShowNotification | CustomEffect | ShowBundleMetadata | EngineError
