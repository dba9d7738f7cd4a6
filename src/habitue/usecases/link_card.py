"""Giving a loyalty card to a customer, and taking it back, with nothing else.

Two customers who want one card at once: the card's own row decides, and whoever comes second is
told that the card is not free.
"""

from collections.abc import Callable
from datetime import datetime

from habitue.customers.card import Actor
from habitue.customers.card_decisions import Situation, decide_delink, decide_link
from habitue.customers.loyalty_card import CardOutcome, CardWish
from habitue.customers.refusals import CustomerBusy, CustomerMerged, CustomerNotFound
from habitue.store.database import Connection
from habitue.store.loyalty_cards import CardsReading
from habitue.usecases.card_rows import card_of, query_of, read_cards, save_card, turns_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled


async def link_card(
    shop: Shop, customer_id: int, wish: CardWish, now: datetime, by: Actor
) -> CardOutcome:
    """Issues the card that the wish names to the customer.

    Raises `CardRefused`, `CustomerNotFound`, `CustomerMerged`, `CustomerBusy`.
    """
    return await _changed(
        shop, customer_id, wish, now, by, lambda each: decide_link(wish, customer_id, each)
    )


async def delink_card(
    shop: Shop, customer_id: int, wish: CardWish, now: datetime, by: Actor
) -> CardOutcome:
    """Takes the card from the customer, so that it can be issued again.

    Raises `CardRefused`, `CustomerNotFound`, `CustomerMerged`, `CustomerBusy`.
    """
    return await _changed(
        shop, customer_id, wish, now, by, lambda each: decide_delink(wish, customer_id, each)
    )


async def _changed(
    shop: Shop,
    customer_id: int,
    wish: CardWish,
    now: datetime,
    by: Actor,
    decide: Callable[[Situation], CardOutcome],
) -> CardOutcome:
    async def attempt(connection: Connection, locked: bool) -> CardOutcome:
        reading = await read_cards(shop, connection, query_of(wish, customer_id), locked)
        _refuse_absent(customer_id, reading)
        cards = [card_of(row) for row in reading.cards]
        decision = decide(Situation(cards, shop.configuration.organisation, now, by))
        if decision.changed:
            await save_card(connection, decision.card, customer_id, reading)
        return decision

    async with shop.queue.turn(turns_of(wish), CustomerBusy):
        return await settled(shop, attempt, CustomerBusy)


def _refuse_absent(customer_id: int, reading: CardsReading) -> None:
    customer = reading.holders.get(customer_id)
    if customer is None:
        raise CustomerNotFound(customer_id)
    if customer.merged_into is not None:
        raise CustomerMerged(customer.merged_into)
