"""A shop with card series and a few customers, in a database, for tests of loyalty cards."""

import random
from typing import Any

import msgspec

from habitue.customers.card_numbers import Draw
from habitue.customers.loyalty_card import CardWish, LoyaltyCard
from habitue.customers.organisation import (
    SETTINGS_ID,
    CardLabel,
    CardSeries,
    SettingsEntry,
    Till,
)
from habitue.customers.settings import RegistrationSettings
from habitue.model.documents import encode
from habitue.model.idempotency import Idempotency
from habitue.store.database import Database
from habitue.store.loyalty_cards import CardQuery, load
from habitue.usecases.add_card import add_card
from habitue.usecases.card_rows import card_of
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.generate_cards import Generated, GenerationOrder, generate_cards
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply
from tests.customers.shop_cards import NOW, TILL, series, wish

MARIA, PETER = 1001, 1002
DRAW = random.Random(7).randrange


async def opened_with(database: Database, *listed: CardSeries, cards_max: int = 0) -> Shop:
    """A shop with those series, by default the one of `series()`, with a till and two customers."""
    shop = Shop(database)
    await shop.refresh()
    entries: list[CardSeries | CardLabel | Till | SettingsEntry] = [
        *(listed or (series(active_cards_max=0),)),
        CardLabel(901, "CARD_GENERATED", "NOT_ISSUED", NOW),
        Till(107, "orchard.till03", "Till 3", NOW, store_code="orchard"),
        SettingsEntry(SETTINGS_ID, RegistrationSettings(cards_per_customer_max=cards_max)),
    ]
    await save_configuration(
        database, shop.configuration.version, [Change(each) for each in entries]
    )
    await shop.refresh()
    for customer_id in (MARIA, PETER):
        await database.execute(
            "INSERT INTO customer (id, anonymous, created, last_activity) "
            "VALUES ($1, false, $2, $2)",
            customer_id,
            NOW,
        )
    return shop


async def another(shop: Shop, database: Database | None = None) -> Shop:
    """The same shop in another process: it shares nothing but the database."""
    other = Shop(database or shop.database)
    await other.refresh()
    return other


async def generate(
    shop: Shop,
    asked: CardWish,
    count: int,
    draw: Draw = DRAW,
    idempotency: Idempotency | None = None,
) -> Generated:
    """Generates cards; what the use case told."""
    told: list[Generated] = []

    def render(generated: Generated) -> Reply:
        told.append(generated)
        return Reply(200, encode(generated.numbers))

    order = GenerationOrder(asked, count, TILL)
    reply = await generate_cards(shop, order, draw, NOW, render, idempotency)
    return told[-1] if told else Generated(msgspec.json.decode(reply.body))


async def add(shop: Shop, asked: CardWish, idempotency: Idempotency | None = None) -> int:
    """Adds a card; its id."""

    def render(card_id: int) -> Reply:
        return Reply(200, encode(card_id))

    reply = await add_card(shop, asked, NOW, TILL, render, idempotency)
    return int(reply.body)


async def added(shop: Shop, *numbers: str, **fields: Any) -> None:
    """Cards that nobody holds."""
    for number in numbers:
        asked = wish(number, **{"series_id": 131, "label": "NOT_ISSUED", **fields})
        await add(shop, asked)


async def read(shop: Shop, number: str) -> LoyaltyCard | None:
    """The card as it is stored."""
    reading = await load(shop.database, CardQuery((number,)))
    cards = {row.number: card_of(row) for row in reading.cards}
    return cards.get(number)


async def stored_cards(database: Database) -> dict[str, list[Any]]:
    """Everything that is kept about cards, for "nothing changed" asserts."""
    tables = ("loyalty_card", "loyalty_card_external_id", "customer")
    return {
        table: [
            msgspec.json.decode(row["document"])
            for row in await database.fetch(
                f"SELECT to_jsonb({table}) AS document FROM {table} ORDER BY to_jsonb({table})"
            )
        ]
        for table in tables
    }
