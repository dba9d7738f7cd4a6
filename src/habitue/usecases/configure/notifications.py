"""Notifications: what a shop's systems want to be told of, as staff set it."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Fault, NotFound
from habitue.model.limits import WEBHOOK_URL_LENGTH_MAX
from habitue.promotions.configuration import Configuration
from habitue.promotions.notification import (
    APPLICATION_TYPES,
    CARD_TYPES,
    SCOPED_TYPES,
    TRIGGERED_TYPES,
    Notification,
    NotificationType,
    Scope,
    Trigger,
)
from habitue.promotions.signing import secret_of
from habitue.promotions.webhook import is_web_address
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import name_faults, refuse_if_any, text_faults
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.configure.webhooks import header_faults
from habitue.usecases.shop import Shop

TRIGGERS_MAX = 3
TRIGGER_AMOUNT_MAX = 1_000


class NotificationFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a notification, apart from its type and entity."""

    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    headers: tuple[tuple[str, str], ...] | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET
    scopes: tuple[Scope, ...] | UnsetType | None = UNSET
    triggers: tuple[Trigger, ...] | UnsetType | None = UNSET


async def create_notification(
    shop: Shop,
    type_: NotificationType,
    entity_id: int,
    fields: NotificationFields,
    random: bytes,
    now: datetime,
) -> Notification:
    """The new notification, whose secret is made of those random bytes. Raises `InvalidInput`."""
    (id_,) = await new_ids(shop.database, "notification")

    async def decide(configuration: Configuration) -> Decision[Notification]:
        blank = Notification(id_, type_, entity_id, "", "", secret_of(random), now, now)
        notification = _checked(configuration, blank, fields, now)
        return Decision(notification, (Change(notification),))

    return await settle(shop, decide)


async def update_notification(
    shop: Shop, notification_id: int, fields: NotificationFields, now: datetime
) -> Notification:
    """The notification as changed; what waits is sent as it is by then. Raises `NotFound`,
    `InvalidInput`."""

    async def decide(configuration: Configuration) -> Decision[Notification]:
        old = found_notification(configuration, notification_id)
        notification = _checked(configuration, old, fields, now)
        return Decision(notification, (Change(notification),))

    return await settle(shop, decide)


async def renew_notification_secret(
    shop: Shop, notification_id: int, random: bytes, now: datetime
) -> Notification:
    """The notification with another secret, by which everything is signed from now on. Raises
    `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[Notification]:
        old = found_notification(configuration, notification_id)
        notification = msgspec.structs.replace(old, secret=secret_of(random), modified=now)
        return Decision(notification, (Change(notification),))

    return await settle(shop, decide)


async def delete_notification(shop: Shop, notification_id: int) -> None:
    """The notification is gone; notices that wait are given up in time. Raises `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        notification = found_notification(configuration, notification_id)
        return Decision(None, (Change(notification, deleted=True),))

    await settle(shop, decide)


def found_notification(configuration: Configuration, notification_id: int) -> Notification:
    """The notification of that id. Raises `NotFound`."""
    notification = configuration.notifications.get(notification_id)
    if notification is None:
        raise NotFound("Notification", notification_id)
    return notification


def _checked(
    configuration: Configuration, old: Notification, fields: NotificationFields, now: datetime
) -> Notification:
    notification = msgspec.structs.replace(laid_over(old, sent(fields)), modified=now)
    refuse_if_any(_faults(configuration, notification))
    return notification


def _faults(configuration: Configuration, notification: Notification) -> Iterator[Fault]:
    yield from _entity_faults(configuration, notification)
    yield from name_faults(notification.name, "/policy/name")
    yield from text_faults(notification.url, "/webhook/url", WEBHOOK_URL_LENGTH_MAX)
    if not is_web_address(notification.url):
        details = "the address is an http or https URL with a host"
        yield Fault("/webhook/url", "Invalid", details)
    yield from (each.under("/webhook") for each in header_faults(notification.headers))
    yield from _policy_faults(notification)


def _entity_faults(configuration: Configuration, notification: Notification) -> Iterator[Fault]:
    id_ = notification.entity_id
    if notification.type in APPLICATION_TYPES:
        if id_ not in configuration.applications:
            yield Fault("/entityId", "Unknown", f"Application {id_} does not exist")
        return
    program = configuration.loyalty_programs.get(id_)
    if program is None:
        yield Fault("/entityId", "Unknown", f"Loyalty program {id_} does not exist")
    elif program.card_based != (notification.type in CARD_TYPES):
        whose = "customers" if program.card_based else "cards"
        details = f"this type tells of {whose}, which have no points in loyalty program {id_}"
        yield Fault("/entityId", "Not supported", details)


def _policy_faults(notification: Notification) -> Iterator[Fault]:
    scopes, triggers = notification.scopes, notification.triggers
    if not scopes or len(set(scopes)) < len(scopes):
        yield Fault("/policy/scopes", "Invalid", "name at least one scope, each once")
    if scopes != ("all",) and notification.type not in SCOPED_TYPES:
        yield Fault("/policy/scopes", "Not allowed", "this type has no scopes")
    if notification.type not in TRIGGERED_TYPES:
        if triggers:
            yield Fault("/policy/triggers", "Not allowed", "this type has no triggers")
        return
    if not 1 <= len(set(triggers)) == len(triggers) <= TRIGGERS_MAX:
        details = f"name 1 to {TRIGGERS_MAX} triggers, each once"
        yield Fault("/policy/triggers", "Invalid", details)
    for index, trigger in enumerate(triggers):
        if not 0 <= trigger.amount <= TRIGGER_AMOUNT_MAX:
            details = f"0 to {TRIGGER_AMOUNT_MAX}"
            yield Fault(f"/policy/triggers/{index}/amount", "Out of range", details)
