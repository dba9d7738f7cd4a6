"""Subscriptions: consent as tills know it, an opt-in or an opt-out for each channel and priority.

Words: a *priority* is what `customers.consent` calls a purpose. Where nothing was said the customer
counts as opted in, as tills expect (contracts/capillary/SPEC.md section 7.2); whether marketing may
be sent is another question, which `consent.may_write` answers.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.customers.card import Card, ConsentEntry, Part, with_part
from habitue.customers.consent import MARKETING, TRANSACTIONAL, Standing, hear, standings

PRIORITIES = (TRANSACTIONAL, MARKETING)
#: The channels that subscriptions may name, as `consent.channel_of` has them.
CHANNELS = ("email", "mobile", "wechat", "whatsapp", "ios", "android", "line", "mobilePush")
_ALWAYS_TOLD = ("email", "mobile")


class Subscription(msgspec.Struct, frozen=True):
    """Whether the customer is opted in; `entry` is who said so, if anybody has."""

    channel: str
    priority: str
    opted_in: bool
    entry: ConsentEntry | None = None


def subscriptions_of(card: Card, now: datetime) -> list[Subscription]:
    """Every subscription: of e-mail and mobile in any case, of other channels where something was
    said; transactional ones first."""
    told = standings(card, now)
    channels = dict.fromkeys((*_ALWAYS_TOLD, *(channel for channel, _ in told)))
    unknown = Standing()
    return [
        _subscription(channel, priority, told.get((channel, priority), unknown))
        for priority in PRIORITIES
        for channel in channels
        if channel in _ALWAYS_TOLD or (channel, priority) in told
    ]


def with_subscriptions(
    card: Card, root_id: int, said: Sequence[ConsentEntry], now: datetime
) -> tuple[Card, tuple[Part, ...]]:
    """The card after all that was said to its part of that root, and what of it has changed."""
    before = card.part(root_id) or Part(root_id=root_id, registered=card.customer.created)
    part = before
    for entry in said:
        part = hear(card, part, entry, now).part
        card = with_part(card, part)
    return card, () if part == before else (part,)


def _subscription(channel: str, priority: str, standing: Standing) -> Subscription:
    opted_in = standing.state in ("granted", "unknown")
    return Subscription(channel, priority, opted_in, standing.entry)
