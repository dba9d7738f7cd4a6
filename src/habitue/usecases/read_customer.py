"""Reading customer cards."""

from datetime import datetime

from habitue.customers.card import Card
from habitue.customers.lookup import CustomerNotInSource, Place
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
