"""Between rows and values: loyalty cards as they were read, and as they are to be written.

Shared by the use cases that decide about loyalty cards, and by those that issue one to a customer
beside other things.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, cast
from uuid import UUID

from habitue.customers.card_facts import refused
from habitue.customers.card_numbers import Draw, card_numbers, draws, number_count, random_picks
from habitue.customers.claims import claim_key
from habitue.customers.loyalty_card import CardStatusChange, CardWish, LoyaltyCard
from habitue.customers.organisation import CardSeries, CardStatus
from habitue.model.documents import decoder_of, encode
from habitue.store import loyalty_cards
from habitue.store.database import Connection
from habitue.store.loyalty_cards import CardQuery, CardsReading, LoyaltyCardRow, LoyaltyCardWrite
from habitue.usecases.shop import Shop

#: Numbers that are looked at for one that is free, before a registration goes on without a card.
NEW_NUMBER_TRIES_MAX = 20

_FIELDS = decoder_of(dict[str, Any])
_LOG = decoder_of(tuple[CardStatusChange, ...])


def card_of(row: LoyaltyCardRow) -> LoyaltyCard:
    """The card that was read."""
    return LoyaltyCard(
        number=row.number,
        id=row.id,
        version=row.version,
        series_id=row.series_id,
        external_id=row.external_id,
        label=row.label,
        status=cast(CardStatus, row.status),
        customer_id=row.customer_id,
        root_id=row.root_id,
        till=row.till,
        created=row.created,
        issued=row.issued,
        expiry=row.expiry,
        custom_fields=_FIELDS.decode(row.custom_fields),
        extended_fields=_FIELDS.decode(row.extended_fields),
        status_log=_LOG.decode(row.status_log),
    )


def write_of(card: LoyaltyCard) -> LoyaltyCardWrite:
    """The whole card as the arguments of one statement; it keeps the version that was read."""
    return LoyaltyCardWrite(
        number=card.number,
        version=card.version,
        series_id=card.series_id,
        external_id=card.external_id,
        label=card.label,
        status=card.status,
        customer_id=card.customer_id,
        root_id=card.root_id,
        till=card.till,
        created=card.created,
        issued=card.issued,
        expiry=card.expiry,
        custom_fields=encode(card.custom_fields),
        extended_fields=encode(card.extended_fields),
        status_log=encode(card.status_log),
    )


def query_of(wish: CardWish, *customer_ids: int) -> CardQuery:
    """What a decision about the wish has to read."""
    external_ids = (wish.external_id,) if wish.external_id else ()
    return CardQuery((wish.number,) if wish.number else (), external_ids, customer_ids)


def turns_of(wish: CardWish) -> list[UUID]:
    """The keys under which writes of the card that the wish names follow one another."""
    names = (("number", wish.number), ("external id", wish.external_id))
    return [claim_key("loyalty card", kind, name) for kind, name in names if name]


async def read_cards(
    shop: Shop, connection: Connection, query: CardQuery, locked: bool
) -> CardsReading:
    """The cards, read at the configuration that the shop holds afterwards."""
    while True:
        version = shop.configuration.version
        if locked:
            await loyalty_cards.lock(connection, query)
        reading = await loyalty_cards.load(connection, query)
        if reading.configuration_version == version:
            return reading
        await shop.refresh()


async def save_card(
    connection: Connection, card: LoyaltyCard, owner_id: int | None, reading: CardsReading
) -> None:
    """Saves the card alone, guarded with the customer who holds it or held it, if anybody.

    Raises `GuardFailed` when either has moved since the reading.
    """
    if owner_id is None:
        await loyalty_cards.save(connection, write_of(card))
    else:
        version = reading.holders[owner_id].version
        await loyalty_cards.save_of(connection, owner_id, version, write_of(card))


async def new_number(connection: Connection, series: CardSeries, draw: Draw) -> str:
    """A number of the series that no card has at the moment, for `decide_issue`.

    Whoever saves a card under it may still be overtaken; then `GuardFailed` asks for another one.
    Raises `CardRefused` where the series has none left, or none was found in a few tries.
    """
    picks = picks_of(series, draw)
    for _ in range(NEW_NUMBER_TRIES_MAX):
        numbers = await next_numbers(connection, series, picks, 1)
        if not await loyalty_cards.taken(connection, numbers):
            return numbers[0]
    raise refused("generation_failed", series.code)


def picks_of(series: CardSeries, draw: Draw) -> Iterator[int] | None:
    """The picks of a series that draws; None for one that counts, which the store does."""
    return random_picks(number_count(series), draw) if draws(series) else None


async def next_numbers(
    connection: Connection, series: CardSeries, picks: Iterator[int] | None, count: int
) -> list[str]:
    """As many numbers of the series, free or not; of one that draws there may be fewer, not none.

    Raises `CardRefused` where the series has no more.
    """
    batch: Sequence[int]
    if picks is None:
        last = number_count(series)
        batch = await loyalty_cards.take_positions(connection, series.id, count, last)
    else:
        batch = list(islice(picks, count))
    if not batch:
        raise refused("numbers_exhausted", series.code)
    return list(card_numbers(series, batch))
