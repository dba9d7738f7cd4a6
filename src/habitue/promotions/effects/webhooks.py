"""Requests to other systems."""

from typing import Any

import msgspec


class TriggerWebhook(msgspec.Struct, frozen=True, tag=True):
    """A request to another system, which leaves once the decision is saved."""

    webhook_id: int
    webhook_name: str
    values: dict[str, Any]
