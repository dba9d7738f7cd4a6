"""Reading one loyalty card by its number."""

from habitue.customers.loyalty_card import CardWish, LoyaltyCard, named_card
from habitue.store.loyalty_cards import CardQuery
from habitue.usecases.card_rows import card_of, read_cards
from habitue.usecases.shop import Shop


async def read_card(shop: Shop, number: str) -> LoyaltyCard:
    """The card of that number. Raises `CardRefused` where there is none."""
    reading = await read_cards(shop, shop.database, CardQuery((number,)), locked=False)
    return named_card(CardWish(number=number), [card_of(row) for row in reading.cards])
