"""Opting a customer in or out, by channel and priority."""

from collections.abc import Callable, Sequence
from datetime import datetime

from habitue.customers.card import Card, ConsentEntry
from habitue.customers.change import CardChange
from habitue.customers.history import changes_between
from habitue.customers.organisation import Organisation
from habitue.customers.subscriptions import with_subscriptions
from habitue.model.idempotency import Idempotency
from habitue.usecases.change_card import change_card
from habitue.usecases.find_customer import FoundCustomer, Target
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


async def update_subscriptions(
    shop: Shop,
    target: Target,
    said: Sequence[ConsentEntry],
    now: datetime,
    render: Callable[[Card], Reply],
    idempotency: Idempotency | None = None,
) -> Reply:
    """Keeps what was said, as acts of the customer; `said` is not empty.

    What says nothing new is not stored. Raises what `change_card` raises; nothing changes then.
    """

    def decide(found: FoundCustomer, organisation: Organisation) -> tuple[CardChange, Card]:
        after, parts = with_subscriptions(found.card, found.root_id, said, now)
        change = CardChange(
            customer_id=found.card.id,
            version=found.card.customer.version,
            root_id=found.root_id,
            kind="subscriptions_changed",
            actor=said[0].by,
            parts=parts,
            changes=changes_between(found.card, after),
        )
        return change, after

    return await change_card(shop, target, decide, render, now, idempotency)
