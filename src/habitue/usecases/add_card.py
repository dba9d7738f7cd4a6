"""Adding one loyalty card under a number that was made elsewhere."""

from collections.abc import Callable
from datetime import datetime

from habitue.customers.card import Actor
from habitue.customers.card_decisions import Situation, decide_add
from habitue.customers.loyalty_card import CardWish
from habitue.customers.refusals import CustomerBusy
from habitue.model.idempotency import Idempotency
from habitue.store import loyalty_cards
from habitue.store.database import Connection
from habitue.usecases.card_receipts import answered_before, keep_answer
from habitue.usecases.card_rows import card_of, query_of, read_cards, turns_of, write_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, settled


async def add_card(
    shop: Shop,
    wish: CardWish,
    now: datetime,
    by: Actor,
    render: Callable[[int], Reply],
    idempotency: Idempotency | None = None,
) -> Reply:
    """Adds the card; `render` is given its id. With `idempotency` it is added once.

    Raises `CardRefused`, `CustomerBusy`, `KeyReused`.
    """

    async def attempt(connection: Connection, locked: bool) -> Reply:
        earlier = await answered_before(connection, idempotency, now)
        if earlier is not None:
            return earlier
        if idempotency is None or locked:
            return await added(connection, locked)
        async with shop.database.transaction() as transaction:
            return await added(transaction, locked)

    async def added(connection: Connection, locked: bool) -> Reply:
        reading = await read_cards(shop, connection, query_of(wish), locked)
        cards = [card_of(row) for row in reading.cards]
        card = decide_add(wish, Situation(cards, shop.configuration.organisation, now, by))
        reply = render(await loyalty_cards.save(connection, write_of(card)))
        await keep_answer(connection, idempotency, reply, now)
        return reply

    async with shop.queue.turn(turns_of(wish), CustomerBusy):
        return await settled(shop, attempt, CustomerBusy)
