"""Webhooks: requests that rules may ask for, as staff describe them."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.model.errors import Conflict, Fault, NotFound
from habitue.model.limits import (
    WEBHOOK_HEADERS_MAX,
    WEBHOOK_PARAMETERS_MAX,
    WEBHOOK_PAYLOAD_LENGTH_MAX,
    WEBHOOK_URL_LENGTH_MAX,
)
from habitue.promotions.configuration import Configuration
from habitue.promotions.signing import secret_of
from habitue.promotions.webhook import Parameter, Verb, Webhook, template_faults
from habitue.store.configuration import new_ids
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    application_faults,
    description_faults,
    name_faults,
    refuse_if_any,
    text_faults,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

#: Headers that the sender sets itself.
RESERVED_HEADERS = frozenset(
    (
        *("host", "content-length", "connection", "transfer-encoding"),
        *("webhook-id", "webhook-timestamp", "webhook-signature"),
    )
)


class WebhookFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about a webhook."""

    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    verb: Verb | UnsetType = UNSET
    url: str | UnsetType = UNSET
    headers: tuple[tuple[str, str], ...] | UnsetType | None = UNSET
    payload: str | UnsetType | None = UNSET
    parameters: tuple[Parameter, ...] | UnsetType | None = UNSET
    draft: bool | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET
    application_ids: tuple[int, ...] | UnsetType | None = UNSET


async def create_webhook(
    shop: Shop, fields: WebhookFields, random: bytes, now: datetime
) -> Webhook:
    """The new webhook, whose secret is made of those random bytes. Raises `InvalidInput`, or
    `Conflict` when the title is taken."""
    (id_,) = await new_ids(shop.database, "webhook")

    async def decide(configuration: Configuration) -> Decision[Webhook]:
        missing = [name for name in ("title", "verb", "url") if getattr(fields, name) is UNSET]
        refuse_if_any(Fault(f"/{name}", "Missing", f"{name} is required") for name in missing)
        blank = Webhook(id_, "", "POST", "", now, now, secret_of(random))
        webhook = _checked(configuration, blank, fields, now)
        return Decision(webhook, (Change(webhook),))

    return await settle(shop, decide)


async def update_webhook(
    shop: Shop, webhook_id: int, fields: WebhookFields, now: datetime
) -> Webhook:
    """The webhook as changed. Raises `NotFound`, `InvalidInput` or `Conflict`."""

    async def decide(configuration: Configuration) -> Decision[Webhook]:
        webhook = _checked(configuration, found_webhook(configuration, webhook_id), fields, now)
        return Decision(webhook, (Change(webhook),))

    return await settle(shop, decide)


async def renew_webhook_secret(
    shop: Shop, webhook_id: int, random: bytes, now: datetime
) -> Webhook:
    """The webhook with another secret, by which everything is signed from now on. Raises
    `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[Webhook]:
        old = found_webhook(configuration, webhook_id)
        webhook = msgspec.structs.replace(old, secret=secret_of(random), modified=now)
        return Decision(webhook, (Change(webhook),))

    return await settle(shop, decide)


async def delete_webhook(shop: Shop, webhook_id: int) -> None:
    """The webhook is gone: rules that ask for it fail, and so do messages that wait. Raises
    `NotFound`."""

    async def decide(configuration: Configuration) -> Decision[None]:
        webhook = found_webhook(configuration, webhook_id)
        return Decision(None, (Change(webhook, deleted=True),))

    await settle(shop, decide)


def found_webhook(configuration: Configuration, webhook_id: int) -> Webhook:
    """The webhook of that id. Raises `NotFound`."""
    webhook = configuration.webhooks.get(webhook_id)
    if webhook is None:
        raise NotFound("Webhook", webhook_id)
    return webhook


def _checked(
    configuration: Configuration, old: Webhook, fields: WebhookFields, now: datetime
) -> Webhook:
    webhook = msgspec.structs.replace(laid_over(old, sent(fields)), modified=now)
    refuse_if_any(_faults(configuration, webhook))
    for other in configuration.webhooks.values():
        if other.id != webhook.id and other.title == webhook.title:
            raise Conflict(f'A webhook titled "{other.title}" exists')
    return webhook


def _faults(configuration: Configuration, webhook: Webhook) -> Iterator[Fault]:
    yield from name_faults(webhook.title, "/title")
    yield from description_faults(webhook.description)
    yield from text_faults(webhook.url, "/url", WEBHOOK_URL_LENGTH_MAX)
    yield from text_faults(webhook.payload, "/payload", WEBHOOK_PAYLOAD_LENGTH_MAX)
    yield from application_faults(webhook.application_ids, configuration, "/applicationIds")
    yield from header_faults(webhook.headers)
    parameters = list(_parameter_faults(webhook.parameters))
    yield from parameters
    if not parameters:
        for field, details in template_faults(webhook):
            yield Fault(f"/{field}", "Invalid template", details)


def header_faults(headers: tuple[tuple[str, str], ...]) -> Iterator[Fault]:
    """What is wrong with headers that a request is to have."""
    if len(headers) > WEBHOOK_HEADERS_MAX:
        yield Fault("/headers", "Too many", f"at most {WEBHOOK_HEADERS_MAX} are accepted")
    for index, (name, value) in enumerate(headers):
        at = f"/headers/{index}"
        if name.lower() in RESERVED_HEADERS:
            yield Fault(at, "Not allowed", f"{name} is set by the sender")
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            details = "a header's name is made of letters, digits, - and _"
            yield Fault(at, "Invalid name", details)
        if not (value.isprintable() and value.isascii()):
            yield Fault(at, "Invalid value", "a header's value is one line of ASCII characters")


def _parameter_faults(parameters: tuple[Parameter, ...]) -> Iterator[Fault]:
    if len(parameters) > WEBHOOK_PARAMETERS_MAX:
        yield Fault("/params", "Too many", f"at most {WEBHOOK_PARAMETERS_MAX} are accepted")
    seen: set[str] = set()
    for index, parameter in enumerate(parameters):
        at = f"/params/{index}/key"
        if not parameter.key or set(parameter.key) & set("${}"):
            yield Fault(at, "Invalid name", "a key is a text without $, { and }")
        if parameter.key in seen:
            yield Fault(at, "Duplicate", f'"{parameter.key}" stands here more than once')
        seen.add(parameter.key)
