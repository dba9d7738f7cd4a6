"""The function by which a rule asks for a webhook."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from habitue.promotions.effects import TriggerWebhook
from habitue.promotions.evaluation import Evaluation
from habitue.promotions.host.words import plain
from habitue.promotions.webhook import wrong_value
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import EFFECT, MAP, NUMBER


def trigger_webhook(
    frame: Evaluation, webhook_id: Decimal, values: Mapping[str, Any] | None = None
) -> None:
    """Asks for a webhook with a value for each of its parameters."""
    webhook = frame.webhooks.get(int(webhook_id)) if webhook_id == int(webhook_id) else None
    if webhook is None:
        raise RuleFailed(f"there is no webhook {webhook_id} for this application")
    given = values or {}
    for parameter in webhook.parameters:
        if parameter.key not in given:
            raise RuleFailed(f"the webhook {webhook.title!r} wants {parameter.key!r}")
        if wrong_value(parameter, given[parameter.key]):
            raise RuleFailed(f"{parameter.key!r} of the webhook {webhook.title!r} has another type")
    wanted = {each.key: plain(given[each.key]) for each in webhook.parameters}
    frame.add(TriggerWebhook(webhook.id, webhook.title, wanted))


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "triggerWebhook",
        (("webhookId", NUMBER), ("values", MAP)),
        EFFECT,
        trigger_webhook,
        optional=1,
        description="A request to another system, which leaves once the decision is saved.",
    ),
)
