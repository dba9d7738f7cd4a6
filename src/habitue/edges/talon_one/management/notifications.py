"""Notifications on the wire: settings in the published shapes; the paths are ours, because the
vendor keeps them behind its own pages (contracts/talon_one/SEMANTICS.md section 16).
"""

import secrets
from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.numbers import Integer
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.edges.talon_one.management.webhooks import header_of
from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.notification import (
    APPLICATION_TYPES,
    SCOPED_TYPES,
    Notification,
    NotificationType,
    Scope,
    Trigger,
)
from habitue.promotions.signing import SECRET_BYTES
from habitue.usecases.configure.notifications import (
    NotificationFields,
    create_notification,
    delete_notification,
    found_notification,
    renew_notification_secret,
    update_notification,
)


class TriggerShape(msgspec.Struct):
    """So many days or weeks before."""

    amount: Integer
    period: Literal["d", "w"]


class PolicyShape(msgspec.Struct, rename="camel", omit_defaults=True):
    """What is told; notices are sent one by one, so that batches are none."""

    name: str
    scopes: tuple[Scope, ...] | UnsetType = UNSET
    triggers: tuple[TriggerShape, ...] | UnsetType = UNSET
    batching_enabled: bool | UnsetType = UNSET


class AddressIn(msgspec.Struct):
    """Where notices go."""

    url: str
    headers: tuple[str, ...] = ()


class NotificationIn(msgspec.Struct, rename="camel"):
    """A notification as it is sent; type and entity only when it is made."""

    type: NotificationType | UnsetType = UNSET
    entity_id: Id | UnsetType = UNSET
    policy: PolicyShape | UnsetType = UNSET
    webhook: AddressIn | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class AddressOut(msgspec.Struct):
    """Where notices go."""

    id: int
    created: datetime
    modified: datetime
    url: str
    headers: list[str]
    enabled: bool


class NotificationOut(msgspec.Struct, rename="camel"):
    """A notification as it is answered."""

    id: int
    type: NotificationType
    entity_id: int
    enabled: bool
    policy: PolicyShape
    webhook: AddressOut


class NewNotificationOut(NotificationOut, rename="camel"):
    """A notification with the secret that its receiver checks signatures with; shown only here."""

    signing_secret: str = ""


class NotificationsQuery(PageQuery, rename="camel", kw_only=True):
    """Which notifications to list."""

    application_id: Id | None = None
    loyalty_program_id: Id | None = None
    type: NotificationType | None = None


_SORTS = {"id": "id", "created": "created", "modified": "modified", "name": "name"}


async def get_notifications(call: ManagementCall[NotificationsQuery, None]) -> Answer:
    listed = call.services.shop.configuration.notifications.values()
    chosen = [each for each in listed if _is_wanted(each, call.query)]
    return Answer(200, page_of(chosen, call.query, _SORTS, _out))


async def get_notification(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    return Answer(200, _out(found_notification(configuration, call.integer("notificationId"))))


async def post_notification(call: ManagementCall[None, NotificationIn]) -> Answer:
    body, random = call.body, secrets.token_bytes(SECRET_BYTES)
    missing = [name for name in ("type", "entityId", "policy", "webhook") if _lacks(body, name)]
    if missing:
        faults = [Fault(f"/{name}", "Missing", f"{name} is required") for name in missing]
        raise InvalidInput(*faults)
    type_: Any = body.type
    entity_id: Any = body.entity_id
    made = await create_notification(
        call.services.shop, type_, entity_id, _fields(body), random, call.now
    )
    return Answer(201, _new_out(made))


async def put_notification(call: ManagementCall[None, NotificationIn]) -> Answer:
    body, id_ = call.body, call.integer("notificationId")
    old = found_notification(call.services.shop.configuration, id_)
    for name, value in (("type", body.type), ("entityId", body.entity_id)):
        if value not in (UNSET, old.type, old.entity_id):
            raise InvalidInput(Fault(f"/{name}", "Fixed", f"{name} cannot be changed"))
    changed = await update_notification(call.services.shop, id_, _fields(body), call.now)
    return Answer(200, _out(changed))


async def post_secret(call: ManagementCall[None, None]) -> Answer:
    random, id_ = secrets.token_bytes(SECRET_BYTES), call.integer("notificationId")
    renewed = await renew_notification_secret(call.services.shop, id_, random, call.now)
    return Answer(200, _new_out(renewed))


async def remove_notification(call: ManagementCall[None, None]) -> Answer:
    await delete_notification(call.services.shop, call.integer("notificationId"))
    return Answer(204)


def _lacks(body: NotificationIn, name: str) -> bool:
    return getattr(body, "entity_id" if name == "entityId" else name) is UNSET


def _is_wanted(notification: Notification, query: NotificationsQuery) -> bool:
    of_application = notification.type in APPLICATION_TYPES
    wanted = (query.application_id, query.loyalty_program_id)
    ids = (notification.entity_id, None) if of_application else (None, notification.entity_id)
    return query.type in (None, notification.type) and all(
        asked in (None, id_) for asked, id_ in zip(wanted, ids, strict=True)
    )


def _fields(body: NotificationIn) -> NotificationFields:
    told: dict[str, Any] = {"enabled": body.enabled}
    if isinstance(body.policy, PolicyShape):
        policy = body.policy
        if policy.batching_enabled not in (UNSET, False):
            details = "notices are sent one by one; leave it out or send false"
            raise InvalidInput(Fault("/policy/batchingEnabled", "Not supported", details))
        told |= {"name": policy.name, "scopes": policy.scopes, "triggers": policy.triggers}
        if isinstance(policy.triggers, tuple):
            told["triggers"] = tuple(Trigger(each.amount, each.period) for each in policy.triggers)
    if isinstance(body.webhook, AddressIn):
        listed = enumerate(body.webhook.headers)
        headers = tuple(header_of(each, f"/webhook/headers/{index}") for index, each in listed)
        told |= {"url": body.webhook.url, "headers": headers}
    return NotificationFields(**told)


def _shown(notification: Notification) -> dict[str, Any]:
    triggers = tuple(TriggerShape(each.amount, each.period) for each in notification.triggers)
    scoped = notification.type in SCOPED_TYPES
    return {
        "id": notification.id,
        "type": notification.type,
        "entity_id": notification.entity_id,
        "enabled": notification.enabled,
        "policy": PolicyShape(
            notification.name,
            notification.scopes if scoped else UNSET,
            triggers or UNSET,
            False,
        ),
        "webhook": AddressOut(
            notification.id,
            notification.created,
            notification.modified,
            notification.url,
            [f"{name}: {value}" for name, value in notification.headers],
            notification.enabled,
        ),
    }


def _out(notification: Notification) -> NotificationOut:
    return NotificationOut(**_shown(notification))


def _new_out(notification: Notification) -> NewNotificationOut:
    return NewNotificationOut(**_shown(notification), signing_secret=notification.secret)


def operations() -> list[Operation]:
    """The operations on notifications."""
    one = "/v1/notifications/{notificationId:int}"
    operation = partial(managed, group="Notifications")
    return [
        operation(
            "getNotifications",
            "GET",
            "/v1/notifications",
            get_notifications,
            "List notifications",
            {200: Page[NotificationOut]},
            query=NotificationsQuery,
        ),
        operation(
            "createNotification",
            "POST",
            "/v1/notifications",
            post_notification,
            "Create a notification",
            {201: NewNotificationOut},
            body=NotificationIn,
            description="What happens in the Application or loyalty program of that id is told to "
            "an address: at least once, in order for each customer, signed by the scheme of "
            "Standard Webhooks with the secret in this answer, which is not shown again.",
            request_example=_EXAMPLE,
        ),
        operation(
            "getNotification",
            "GET",
            one,
            get_notification,
            "Get a notification",
            {200: NotificationOut},
        ),
        operation(
            "updateNotification",
            "PUT",
            one,
            put_notification,
            "Update a notification; what is left out keeps its value",
            {200: NotificationOut},
            body=NotificationIn,
        ),
        operation(
            "deleteNotification",
            "DELETE",
            one,
            remove_notification,
            "Delete a notification",
            {204: None},
        ),
        operation(
            "renewNotificationSecret",
            "POST",
            f"{one}/renew_secret",
            post_secret,
            "Replace the secret of a notification",
            {200: NewNotificationOut},
        ),
    ]


_EXAMPLE = b"""{
  "type": "loyalty_added_deducted_points",
  "entityId": 1,
  "policy": {"name": "Points", "scopes": ["all"]},
  "webhook": {"url": "https://shop.example/points", "headers": []}
}"""
