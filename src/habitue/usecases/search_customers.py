"""Searching customers by how their names and identifiers begin."""

from collections.abc import Iterator

import msgspec

from habitue.customers.card import Card, Profile
from habitue.model.limits import SEARCH_MATCHES_MAX, SEARCH_TEXT_LENGTH_MAX
from habitue.store import card_reading
from habitue.usecases.find_customer import read_customers
from habitue.usecases.shop import Shop


class Match(msgspec.Struct, frozen=True):
    """What of a customer begins with what was searched: a field's name or a kind of identifier."""

    kind: str
    value: str
    source: str
    account_id: str


class FoundCard(msgspec.Struct, frozen=True):
    """A customer who was found, and by what."""

    card: Card
    matches: tuple[Match, ...]


class SearchResult(msgspec.Struct, frozen=True):
    """A page of those who were found; `total` counts no further than the bounds of a search."""

    found: tuple[FoundCard, ...]
    total: int


async def search_customers(shop: Shop, text: str, limit: int, offset: int) -> SearchResult:
    """Customers with a name or an identifier that begins with `text`, whatever the case.

    A search looks at no more than `SEARCH_MATCHES_MAX` names and as many identifiers. An empty text
    finds nobody, nor does one that is longer than any name.
    """
    beginning = text.strip().lower()
    if not 0 < len(beginning) <= SEARCH_TEXT_LENGTH_MAX:
        return SearchResult((), 0)
    page = await card_reading.search(
        shop.database, beginning, SEARCH_MATCHES_MAX, limit, min(offset, 2 * SEARCH_MATCHES_MAX)
    )
    cards = await read_customers(shop, page.customer_ids)
    found = (
        FoundCard(cards[id_], tuple(matches_of(cards[id_], beginning)))
        for id_ in page.customer_ids
        if id_ in cards
    )
    return SearchResult(tuple(found), page.total)


def matches_of(card: Card, beginning: str) -> Iterator[Match]:
    """What of the card begins so, in the order of its profiles."""
    for _, profile in card.profiles():
        for kind, value in _searched(profile):
            if value.lower().startswith(beginning):
                yield Match(kind, value, profile.source, profile.account_id)


def _searched(profile: Profile) -> Iterator[tuple[str, str]]:
    for field in ("first_name", "last_name"):
        told = profile.told.get(field)
        if told is not None:
            yield field, str(told.value)
    for identifier in profile.identifiers:
        yield identifier.kind, identifier.value
