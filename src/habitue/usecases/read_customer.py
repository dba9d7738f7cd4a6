"""Reading customer cards, and the loyalty cards that customers hold."""

from collections.abc import Sequence
from datetime import datetime

from habitue.customers.card import Card
from habitue.customers.lookup import CustomerNotInSource, Place
from habitue.customers.loyalty_card import LoyaltyCard
from habitue.store.loyalty_cards import CardQuery
from habitue.usecases.card_rows import card_of, read_cards
from habitue.usecases.find_customer import Target, find_customer
from habitue.usecases.shop import Shop


async def read_customer(shop: Shop, target: Target, place: Place, now: datetime) -> Card:
    """The customer's card, as one source account knows it or as all do.

    Raises `CustomerNotFound`, `CustomerMerged`, `CustomerErased`, or `CustomerNotInSource` where
    that source account has told nothing.
    """
    card = (await find_customer(shop, target, now)).card
    told = any(place.holds(*profile.place) for _, profile in card.profiles())
    if not told and not place.everywhere:
        raise CustomerNotInSource(place.source, card.id)
    return card


async def read_held_cards(shop: Shop, customer_ids: Sequence[int]) -> dict[int, list[LoyaltyCard]]:
    """The loyalty cards of these customers, by customer and in the order of their ids."""
    query = CardQuery(customer_ids=customer_ids)
    reading = await read_cards(shop, shop.database, query, locked=False)
    held: dict[int, list[LoyaltyCard]] = {id_: [] for id_ in customer_ids}
    for card in sorted(map(card_of, reading.cards), key=lambda each: each.id):
        if card.customer_id in held:
            held[card.customer_id].append(card)
    return held
