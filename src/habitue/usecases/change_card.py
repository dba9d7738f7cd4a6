"""Changing one part of one card: load, decide, save, for all small writes about a customer."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from habitue.customers.change import CardChange
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerBusy
from habitue.model.idempotency import Idempotency
from habitue.store import cards
from habitue.store.cards import CardQuery
from habitue.store.database import Connection
from habitue.store.receipts import valid_since
from habitue.usecases.card_state import receipted, write_of
from habitue.usecases.find_customer import FoundCustomer, Target, found_in, resolve, sought_of
from habitue.usecases.session_state import receipt_key
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, earlier_reply, settled

Outcome = TypeVar("Outcome")


async def change_card(
    shop: Shop,
    target: Target,
    decide: Callable[[FoundCustomer, Organisation], tuple[CardChange, Outcome]],
    render: Callable[[Outcome], Reply],
    now: datetime,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Saves what `decide` makes of the customer, and answers with what `render` makes of it. A
    change without parts is none.

    With `idempotency` the answer is stored and given again to the same request. Raises what
    `find_customer` and `decide` raise, `CustomerBusy` and `KeyReused`; nothing is stored then.
    """

    resolved = await resolve(shop, target)

    async def attempt(connection: Connection, locked: bool) -> Reply:
        while True:
            version, organisation = shop.configuration.version, shop.configuration.organisation
            sought, ids = sought_of(resolved, organisation.settings, now)
            query = CardQuery(sought.claim_keys, ids, receipt_key(idempotency), valid_since(now))
            if locked:
                await cards.lock(connection, query)
            row = await cards.load(connection, query)
            if row.configuration_version == version:
                break
            await shop.refresh()
        earlier = earlier_reply(row.receipt, idempotency)
        if earlier is not None:
            return earlier
        found = found_in(row, resolved, sought, organisation.settings)
        change, outcome = decide(found, organisation)
        reply = render(outcome)
        if change.parts or idempotency is not None:
            await cards.save(connection, receipted(write_of(change, now), idempotency, reply))
        return reply

    return await settled(shop, attempt, CustomerBusy)
