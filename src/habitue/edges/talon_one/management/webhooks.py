"""Webhooks on the wire. The published operations read; how they are made is ours
(contracts/talon_one/MANAGEMENT.md section B)."""

import secrets
from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.paging import Page, PageQuery, page_of
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    Id,
    ManagementCall,
    fields_of,
    managed,
)
from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.signing import SECRET_BYTES
from habitue.promotions.webhook import Parameter, ParameterType, Verb, Webhook
from habitue.usecases.configure.webhooks import (
    WebhookFields,
    create_webhook,
    delete_webhook,
    found_webhook,
    renew_webhook_secret,
    update_webhook,
)


class ParameterShape(msgspec.Struct, rename="camel"):
    """A parameter; without a key its title is its name in the templates."""

    type: ParameterType
    title: str
    ui: dict[str, Any] = {}
    key: str = ""
    description: str = ""


class WebhookIn(msgspec.Struct, rename="camel"):
    """A webhook as it is sent."""

    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    verb: Verb | UnsetType = UNSET
    url: str | UnsetType = UNSET
    headers: tuple[str, ...] | UnsetType | None = UNSET
    payload: str | UnsetType | None = UNSET
    params: tuple[ParameterShape, ...] | UnsetType | None = UNSET
    draft: bool | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET
    application_ids: tuple[Id, ...] | UnsetType | None = UNSET


class WebhookOut(msgspec.Struct, rename="camel"):
    """A webhook as it is answered."""

    id: int
    created: datetime
    modified: datetime
    account_id: int
    application_ids: list[int]
    title: str
    description: str
    draft: bool
    verb: Verb
    url: str
    headers: list[str]
    payload: str
    params: list[ParameterShape]
    enabled: bool


class NewWebhookOut(WebhookOut, rename="camel"):
    """A webhook with the secret that its receiver checks signatures with; shown only here."""

    signing_secret: str = ""


class WebhooksQuery(PageQuery, rename="camel", kw_only=True):
    """Which webhooks to list."""

    application_ids: list[Id] = msgspec.field(default_factory=list)
    title: str = ""
    creation_type: Literal["templateWebhooks", "webhooks"] = "webhooks"
    visibility: Literal["visible", "hidden"] | None = None
    outgoing_integrations_type_id: Id | None = None


_SORTS = {"id": "id", "title": "title", "created": "created", "modified": "modified"}


async def get_webhooks(call: ManagementCall[WebhooksQuery, None]) -> Answer:
    webhooks = call.services.shop.configuration.webhooks.values()
    chosen = [each for each in webhooks if _is_wanted(each, call.query)]
    return Answer(200, page_of(chosen, call.query, _SORTS, _out))


async def get_webhook(call: ManagementCall[None, None]) -> Answer:
    configuration = call.services.shop.configuration
    return Answer(200, _out(found_webhook(configuration, call.integer("webhookId"))))


async def post_webhook(call: ManagementCall[None, WebhookIn]) -> Answer:
    random = secrets.token_bytes(SECRET_BYTES)
    fields = _fields(call.body)
    webhook = await create_webhook(call.services.shop, fields, random, call.now)
    return Answer(201, _new_out(webhook))


async def put_webhook(call: ManagementCall[None, WebhookIn]) -> Answer:
    id_, fields = call.integer("webhookId"), _fields(call.body)
    return Answer(200, _out(await update_webhook(call.services.shop, id_, fields, call.now)))


async def post_secret(call: ManagementCall[None, None]) -> Answer:
    random = secrets.token_bytes(SECRET_BYTES)
    id_ = call.integer("webhookId")
    return Answer(
        200, _new_out(await renew_webhook_secret(call.services.shop, id_, random, call.now))
    )


async def remove_webhook(call: ManagementCall[None, None]) -> Answer:
    await delete_webhook(call.services.shop, call.integer("webhookId"))
    return Answer(204)


def _is_wanted(webhook: Webhook, query: WebhooksQuery) -> bool:
    """Templates and ready-made integrations are kinds of webhooks that do not exist here."""
    applications = query.application_ids
    return (
        query.title.lower() in webhook.title.lower()
        and (not applications or any(map(webhook.serves, applications)))
        and query.visibility in (None, "visible" if webhook.enabled else "hidden")
        and query.creation_type == "webhooks"
        and query.outgoing_integrations_type_id is None
    )


def _fields(body: WebhookIn) -> WebhookFields:
    headers: Any = body.headers
    if isinstance(headers, tuple):
        headers = tuple(header_of(each, f"/headers/{index}") for index, each in enumerate(headers))
    return fields_of(body, WebhookFields, headers=headers, parameters=_parameters(body.params))


def header_of(text: str, pointer: str) -> tuple[str, str]:
    """The name and the value of a header, which is told as `Name: value`, or as a JSON object of
    one name. Raises `InvalidInput` at `pointer`."""
    if text.startswith("{"):
        try:
            ((name, value),) = msgspec.json.decode(text, type=dict[str, str]).items()
        except (ValueError, msgspec.MsgspecError):
            details = "a header is Name: value, or a JSON object of one name and its value"
            raise InvalidInput(Fault(pointer, "Invalid", details)) from None
    else:
        name, separator, value = text.partition(":")
        if not separator:
            raise InvalidInput(Fault(pointer, "Invalid", "a header is Name: value"))
    return name.strip(), value.strip()


def _parameters(parameters: Any) -> Any:
    if not isinstance(parameters, tuple):
        return parameters
    return tuple(
        Parameter(each.key or each.title, each.title, each.type, each.description, each.ui)
        for each in parameters
    )


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "created": webhook.created,
        "modified": webhook.modified,
        "account_id": ACCOUNT_ID,
        "application_ids": list(webhook.application_ids),
        "title": webhook.title,
        "description": webhook.description,
        "draft": webhook.draft,
        "verb": webhook.verb,
        "url": webhook.url,
        "headers": [f"{name}: {value}" for name, value in webhook.headers],
        "payload": webhook.payload,
        "params": [
            ParameterShape(each.type, each.title, each.ui, each.key, each.description)
            for each in webhook.parameters
        ],
        "enabled": webhook.enabled,
    }


def _out(webhook: Webhook) -> WebhookOut:
    return WebhookOut(**_shown(webhook))


def _new_out(webhook: Webhook) -> NewWebhookOut:
    return NewWebhookOut(**_shown(webhook), signing_secret=webhook.secret)


def operations() -> list[Operation]:
    """The operations on webhooks."""
    one = "/v1/webhooks/{webhookId:int}"
    operation = partial(managed, group="Webhooks")
    return [
        operation(
            "getWebhooks",
            "GET",
            "/v1/webhooks",
            get_webhooks,
            "List webhooks",
            {200: Page[WebhookOut]},
            query=WebhooksQuery,
        ),
        operation(
            "createWebhook",
            "POST",
            "/v1/webhooks",
            post_webhook,
            "Create a webhook",
            {201: NewWebhookOut},
            body=WebhookIn,
            description="Rules ask for it with triggerWebhook. In URL, headers and payload, ${key} "
            "stands for the value of a parameter. What is sent is signed by the scheme of Standard "
            "Webhooks with the secret in this answer, which is not shown again.",
        ),
        operation("getWebhook", "GET", one, get_webhook, "Get a webhook", {200: WebhookOut}),
        operation(
            "updateWebhook",
            "PUT",
            one,
            put_webhook,
            "Update a webhook",
            {200: WebhookOut},
            body=WebhookIn,
            description="What is left out keeps its value. Messages that wait are sent as the "
            "webhook is by then.",
        ),
        operation("deleteWebhook", "DELETE", one, remove_webhook, "Delete a webhook", {204: None}),
        operation(
            "renewWebhookSecret",
            "POST",
            f"{one}/renew_secret",
            post_secret,
            "Replace the secret of a webhook",
            {200: NewWebhookOut},
        ),
    ]
