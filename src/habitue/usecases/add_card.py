"""Adding one loyalty card under a number that was made elsewhere."""

from datetime import datetime

from habitue.customers.card import Actor
from habitue.customers.card_decisions import Situation, decide_add
from habitue.customers.loyalty_card import CardWish
from habitue.customers.refusals import CustomerBusy
from habitue.store import loyalty_cards
from habitue.store.database import Connection
from habitue.usecases.card_rows import card_of, query_of, read_cards, turns_of, write_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled


async def add_card(shop: Shop, wish: CardWish, now: datetime, by: Actor) -> int:
    """Adds the card; its id. Raises `CardRefused`, `CustomerBusy`."""

    async def attempt(connection: Connection, locked: bool) -> int:
        reading = await read_cards(shop, connection, query_of(wish), locked)
        cards = [card_of(row) for row in reading.cards]
        card = decide_add(wish, Situation(cards, shop.configuration.organisation, now, by))
        return await loyalty_cards.save(connection, write_of(card))

    async with shop.queue.turn(turns_of(wish), CustomerBusy):
        return await settled(shop, attempt, CustomerBusy)
