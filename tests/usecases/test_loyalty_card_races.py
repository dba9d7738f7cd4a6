"""Who wants the same loyalty card at once: exactly one gets it.

Processes are shops that share nothing but the database. Each race is run again with its guard taken
out of the schema: then it must be lost, or the test would see nothing.
"""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from habitue.customers.card_facts import CardRefused
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.change_card_status import change_card_status
from habitue.usecases.link_card import link_card
from habitue.usecases.shop import Shop
from tests.customers.shop_cards import NOW, TILL, series, wish
from tests.harness.interleaving import interleaved, once
from tests.usecases.card_shop import (
    MARIA,
    PETER,
    add,
    added,
    another,
    generate,
    opened_with,
    read,
    stored_cards,
)

ROUNDS = 40
PLANTED_ROUNDS_MAX = 400
CARD_GUARD = ("save_loyalty_card", "AND version = a_version")
CUSTOMER_GUARD = ("update_customer", "AND version = a_version")


@pytest.fixture
async def second(database_url: str, database: Database) -> AsyncIterator[Database]:
    """The same database over connections of its own."""
    async with open_database(External(database_url)) as opened:
        yield opened


async def take_out(database: Database, function: str, guard: str, instead: str) -> None:
    definition = await database.fetchval(
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = $1", function
    )
    assert definition.count(guard) == 1
    await database.execute(definition.replace(guard, instead))


async def wins(shop: Shop, customer_id: int, number: str) -> bool:
    try:
        await link_card(shop, customer_id, wish(number), NOW, TILL)
    except CardRefused as refusal:
        return refusal.fact.reason not in ("not_linkable", "series_cap")
    return True


async def two_customers_for_one_card(shop: Shop, other: Shop, number: str) -> int:
    """How many of the two were told that they have the card."""
    await added(shop, number)
    told = await asyncio.gather(wins(shop, MARIA, number), wins(other, PETER, number))
    card = await read(shop, number)
    assert card is not None
    assert card.customer_id in (MARIA, PETER)
    return sum(told)


async def test_of_two_customers_exactly_one_gets_the_card(
    database: Database, second: Database
) -> None:
    shop = await opened_with(database)
    other = await another(shop, second)
    for number in range(ROUNDS):
        assert await two_customers_for_one_card(shop, other, f"C{number}") == 1
    held = [each["customer_id"] for each in (await stored_cards(database))["loyalty_card"]]
    assert len(held) == ROUNDS
    assert None not in held


async def test_without_the_guard_of_the_card_both_are_told_that_they_have_it(
    database: Database, second: Database
) -> None:
    shop = await opened_with(database)
    other = await another(shop, second)
    await take_out(database, *CARD_GUARD, "")
    for number in range(PLANTED_ROUNDS_MAX):
        if await two_customers_for_one_card(shop, other, f"C{number}") == 2:
            return
    raise AssertionError("the race was never lost")


async def one_customer_for_two_cards(shop: Shop, other: Shop, number: int) -> int:
    """How many of two cards a customer got whose cap is one."""
    names = (f"A{number}", f"B{number}")
    await added(shop, *names)
    told = await asyncio.gather(wins(shop, MARIA, names[0]), wins(other, MARIA, names[1]))
    for name in names:
        card = await read(shop, name)
        assert card is not None
        if card.customer_id is not None:
            await change_card_status(shop, wish(name, label="DELETED"), NOW, TILL)
    return sum(told)


async def test_a_customer_whose_cap_is_one_gets_one_of_two_cards(
    database: Database, second: Database
) -> None:
    shop = await opened_with(database, series(active_cards_max=1))
    other = await another(shop, second)
    for number in range(ROUNDS // 2):
        assert await one_customer_for_two_cards(shop, other, number) == 1


async def test_without_the_guard_of_the_customer_the_cap_is_broken(
    database: Database, second: Database
) -> None:
    shop = await opened_with(database, series(active_cards_max=1))
    other = await another(shop, second)
    await take_out(database, *CUSTOMER_GUARD, "")
    for number in range(PLANTED_ROUNDS_MAX):
        if await one_customer_for_two_cards(shop, other, number) == 2:
            return
    raise AssertionError("the race was never lost")


async def test_a_card_taken_meanwhile_is_not_free(database: Database) -> None:
    shop = await opened_with(database)
    await added(shop, "C1")
    faster = once(lambda: link_card(shop, PETER, wish("C1"), NOW, TILL))
    slow = await another(shop, interleaved(database, faster, mark="save_loyalty_card"))
    assert not await wins(slow, MARIA, "C1")
    card = await read(shop, "C1")
    assert card is not None
    assert (card.customer_id, card.version) == (PETER, 2)


async def test_a_card_suspended_meanwhile_is_not_linked(database: Database) -> None:
    shop = await opened_with(database)
    await added(shop, "C1")
    asked = wish("C1", label="SUSPENDED", reason="stolen from the drawer")
    faster = once(lambda: change_card_status(shop, asked, NOW, TILL))
    slow = await another(shop, interleaved(database, faster, mark="save_loyalty_card"))
    with pytest.raises(CardRefused) as refusal:
        await link_card(slow, MARIA, wish("C1"), NOW, TILL)
    assert (refusal.value.fact.reason, refusal.value.fact.subject) == ("card_is", "SUSPENDED")


@pytest.mark.parametrize(
    ("number", "external_id", "reason"),
    [("C1", "", "number_exists"), ("C2", "ext-1", "external_id_exists")],
)
async def test_what_was_added_meanwhile_exists(
    database: Database, number: str, external_id: str, reason: str
) -> None:
    shop = await opened_with(database)
    faster = once(lambda: added(shop, "C1", external_id="ext-1"))
    slow = await another(shop, interleaved(database, faster, mark="save_loyalty_card"))
    asked = wish(number, series_id=131, external_id=external_id, label="NOT_ISSUED")
    with pytest.raises(CardRefused) as refusal:
        await add(slow, asked)
    assert refusal.value.fact.reason == reason
    assert len((await stored_cards(database))["loyalty_card"]) == 1


@pytest.mark.parametrize("method", ["DEFAULT", "RANDOM"])
async def test_generations_at_once_never_make_a_number_twice(
    database: Database, second: Database, method: str
) -> None:
    shop = await opened_with(database, series(method=method, length=5))
    other = await another(shop, second)
    draw = random.Random(3).randrange
    asked = wish("", series_id=131, label="NOT_ISSUED")
    made = await asyncio.gather(*(generate(each, asked, 2_000, draw) for each in (shop, other) * 3))
    numbers = [number for each in made for number in each.numbers]
    assert len(numbers) == len(set(numbers)) == 12_000
    assert await database.fetchval("SELECT count(*) FROM loyalty_card") == 12_000
