"""Changing loyalty cards: their label, and what else is said of them; one or many.

Many are changed one by one, in their order: each is done or refused for itself.
"""

from collections.abc import Sequence
from datetime import datetime

from habitue.customers.card import Actor
from habitue.customers.card_decisions import Situation, decide_status
from habitue.customers.card_facts import CardRefused, refused
from habitue.customers.loyalty_card import CardOutcome, CardWish
from habitue.customers.refusals import CustomerBusy
from habitue.store.database import Connection
from habitue.usecases.card_rows import card_of, query_of, read_cards, save_card, turns_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

#: contracts/capillary/SPEC.md section 9.2
CARDS_PER_CHANGE_MAX = 200


async def change_card_status(shop: Shop, wish: CardWish, now: datetime, by: Actor) -> CardOutcome:
    """Changes the card that the wish names. Raises `CardRefused`, `CustomerBusy`."""

    async def attempt(connection: Connection, locked: bool) -> CardOutcome:
        reading = await read_cards(shop, connection, query_of(wish), locked)
        cards = [card_of(row) for row in reading.cards]
        decision = decide_status(wish, Situation(cards, shop.configuration.organisation, now, by))
        if decision.changed:
            owner_id = decision.card.customer_id
            await save_card(connection, decision.card, owner_id, reading)
        return decision

    async with shop.queue.turn(turns_of(wish), CustomerBusy):
        return await settled(shop, attempt, CustomerBusy)


async def change_cards(
    shop: Shop, wishes: Sequence[CardWish], now: datetime, by: Actor
) -> list[CardOutcome | CardRefused | CustomerBusy]:
    """Changes every card that a wish names, or says why not, in their order.

    Raises `CardRefused` where there are too many; then nothing is changed.
    """
    if len(wishes) > CARDS_PER_CHANGE_MAX:
        raise refused("batch_too_large", str(len(wishes)))
    outcomes: list[CardOutcome | CardRefused | CustomerBusy] = []
    for wish in wishes:
        try:
            outcomes.append(await change_card_status(shop, wish, now, by))
        except (CardRefused, CustomerBusy) as refusal:
            outcomes.append(refusal)
    return outcomes
