"""Changing the status of a customer."""

from collections.abc import Callable
from datetime import datetime

from habitue.customers.card import StatusChange
from habitue.customers.change import CardChange
from habitue.customers.history import changes_between
from habitue.customers.organisation import Organisation
from habitue.customers.status import StatusWish, with_status
from habitue.model.idempotency import Idempotency
from habitue.usecases.change_card import change_card
from habitue.usecases.find_customer import FoundCustomer, Target
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


async def update_status(
    shop: Shop,
    target: Target,
    wish: StatusWish,
    now: datetime,
    render: Callable[[StatusChange], Reply],
    idempotency: Idempotency | None = None,
) -> Reply:
    """The customer has that status from now on; it is told to the part that `target` names.

    Raises `LabelUnknown`, `StatusFinal`, and what `change_card` raises; nothing changes then.
    """

    def decide(found: FoundCustomer, organisation: Organisation) -> tuple[CardChange, StatusChange]:
        after, part = with_status(found.card, found.root_id, wish, organisation)
        change = CardChange(
            customer_id=found.card.id,
            version=found.card.customer.version,
            root_id=found.root_id,
            kind="status_changed",
            actor=wish.actor,
            parts=(part,),
            changes=changes_between(found.card, after),
        )
        return change, part.statuses[-1]

    return await change_card(shop, target, decide, render, now, idempotency)
