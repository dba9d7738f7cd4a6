"""Loyalty cards from the shop's drawer to a customer and back, as they are stored."""

import time
import tracemalloc
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from habitue.customers.card_facts import CardFact, CardRefused
from habitue.customers.refusals import CustomerMerged, CustomerNotFound
from habitue.model.errors import KeyReused
from habitue.model.idempotency import Idempotency
from habitue.store.database import Database
from habitue.usecases.card_rows import new_number
from habitue.usecases.change_card_status import change_card_status, change_cards
from habitue.usecases.link_card import delink_card, link_card
from habitue.usecases.shop import Shop
from tests.customers.shop_cards import NOW, TILL, series, wish
from tests.usecases.card_shop import (
    DRAW,
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
from tests.usecases.test_idempotent_updates import key

LABEL = {"label": "NOT_ISSUED"}


async def generated(shop: Shop, count: int, series_id: int = 131, **fields: Any) -> list[str]:
    asked = wish("", series_id=series_id, **{**LABEL, **fields})
    return (await generate(shop, asked, count)).numbers


async def refused_with(awaitable: Any) -> str:
    with pytest.raises(CardRefused) as refusal:
        await awaitable
    return refusal.value.fact.reason


# -- generation


async def test_a_series_goes_on_counting_where_it_was(database: Database) -> None:
    shop = await opened_with(database)
    first = await generated(shop, 2, label="card_generated", reason="print run")
    assert first == ["GOLD00000000000000012025", "GOLD00000000000000022025"]
    assert await generated(await another(shop), 1) == ["GOLD00000000000000032025"]
    card = await read(shop, first[0])
    assert card is not None
    assert (card.label, card.status, card.customer_id) == ("CARD_GENERATED", "NOT_ISSUED", None)
    assert (card.version, card.created, card.expiry) == (1, NOW, None)
    assert [(each.reason, each.by) for each in card.status_log] == [("print run", TILL)]


async def test_numbers_that_are_cards_already_are_passed_over_and_counted(
    database: Database,
) -> None:
    shop = await opened_with(database)
    await added(shop, "GOLD00000000000000022025", "GOLD00000000000000032025")
    asked = wish("", series_id=131, **LABEL)
    made = await generate(shop, asked, 3)
    assert made.numbers == [f"GOLD00000000000000{number}2025" for number in ("01", "04", "05")]
    assert made.remarks == (CardFact("numbers_duplicate", "2"),)


@pytest.mark.parametrize(
    ("fields", "count", "reason"),
    [
        ({"series_id": 0}, 1, "series_invalid"),
        ({"series_id": 99}, 1, "series_unknown"),
        ({"series_id": 132}, 1, "series_expired"),
        ({"series_id": 133}, 1, "generation_disabled"),
        ({"series_id": 134}, 1, "length_configured_invalid"),
        ({}, 0, "count_invalid"),
        ({}, -1, "count_invalid"),
        ({}, 100_001, "count_too_large"),
        ({"label": ""}, 1, "status_missing"),
        ({"label": "nonsense"}, 1, "label_unknown"),
        ({"label": "ACTIVE"}, 1, "label_not_for_unissued"),
    ],
)
async def test_what_cannot_be_generated(
    database: Database, fields: dict[str, Any], count: int, reason: str
) -> None:
    shop = await opened_with(
        database,
        series(),
        series(132, active=False),
        series(133, generates=False),
        series(134, length=4),
    )
    asked = wish("", **{"series_id": 131, **LABEL, **fields})
    assert await refused_with(generate(shop, asked, count)) == reason
    assert (await stored_cards(database))["loyalty_card"] == []


@pytest.mark.parametrize("method", ["DEFAULT", "RANDOM_LUHN"])
async def test_a_series_is_used_up_to_its_last_number(database: Database, method: str) -> None:
    """9,999 that are counted and 10,000 that are drawn; a refusal wastes none of them."""
    shop = await opened_with(
        database, series(method=method, length=5, offset=90_000 if method == "DEFAULT" else 0)
    )
    size = 9_999 if method == "DEFAULT" else 10_000
    numbers = await generated(shop, size - 3)
    assert await refused_with(generated(shop, 4)) == "numbers_exhausted"
    numbers += await generated(shop, 3)
    assert len(set(numbers)) == size
    assert await refused_with(generated(shop, 1)) == "numbers_exhausted"
    assert len((await stored_cards(database))["loyalty_card"]) == size


async def test_a_hundred_thousand_numbers_in_bounded_time_and_memory(database: Database) -> None:
    shop = await opened_with(database, series(method="RANDOM_LUHN"))
    tracemalloc.start()
    began = time.monotonic()
    numbers = await generated(shop, 100_000)
    took = time.monotonic() - began
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(numbers)) == 100_000
    assert await database.fetchval("SELECT count(*) FROM loyalty_card") == 100_000
    assert took < 60
    assert peak_bytes < 100_000_000


async def test_a_new_number_is_one_that_is_free(database: Database) -> None:
    counting, drawing = series(), series(133, method="RANDOM", length=5, prefix="R")
    shop = await opened_with(database, counting, drawing)
    await added(shop, "GOLD00000000000000012025")
    assert await new_number(database, counting, DRAW) == "GOLD00000000000000022025"
    assert len(await new_number(database, drawing, DRAW)) == 10


# -- adding


async def test_a_card_is_added_once(database: Database) -> None:
    shop = await opened_with(database)
    asked = wish("EXT-1", series_id=131, external_id="ext-1", custom_fields={"a": "1"}, **LABEL)
    card_id = await add(shop, asked)
    card = await read(shop, "EXT-1")
    assert card is not None
    assert (card.id, card.external_id, card.custom_fields) == (card_id, "ext-1", {"a": "1"})
    before = await stored_cards(database)
    assert await refused_with(add(shop, asked)) == "number_exists"
    other = wish("EXT-2", series_id=131, external_id="ext-1", **LABEL)
    assert await refused_with(add(shop, other)) == "external_id_exists"
    assert await stored_cards(database) == before


async def test_the_same_request_under_its_key_makes_cards_once(database: Database) -> None:
    shop = await opened_with(database)
    asked = wish("", series_id=131, **LABEL)
    first = await generate(shop, asked, 2, idempotency=key("g"))
    assert (await generate(shop, asked, 2, idempotency=key("g"))).numbers == first.numbers
    one = wish("EXT-1", series_id=131, **LABEL)
    card_id = await add(shop, one, key("a"))
    assert await add(shop, one, key("a")) == card_id
    other = Idempotency(key("a").key_digest, b"another request".ljust(32))
    before = await stored_cards(database)
    with pytest.raises(KeyReused):
        await add(shop, wish("EXT-2", series_id=131, **LABEL), other)
    assert await stored_cards(database) == before
    assert len(before["loyalty_card"]) == 3


# -- a customer's card


async def test_a_card_is_linked_changed_and_delinked(database: Database) -> None:
    shop = await opened_with(database, series(expires=True, expiry_days=365))
    await added(shop, "C1")
    await link_card(shop, MARIA, wish("C1"), NOW, TILL)
    card = await read(shop, "C1")
    assert card is not None
    assert (card.customer_id, card.status, card.version) == (MARIA, "ACTIVE", 2)
    assert card.expiry == NOW + timedelta(days=365)
    await change_card_status(shop, wish("C1", label="SUSPENDED", reason="lost"), NOW, TILL)
    await change_card_status(shop, wish("C1", label="ACTIVE"), NOW, TILL)
    await delink_card(shop, MARIA, wish("C1"), NOW, TILL)
    card = await read(shop, "C1")
    assert card is not None
    assert (card.customer_id, card.status, card.expiry) == (None, "NOT_ISSUED", None)
    assert [(each.status, each.reason) for each in card.status_log] == [
        ("NOT_ISSUED", ""),
        ("ACTIVE", ""),
        ("SUSPENDED", "lost"),
        ("ACTIVE", ""),
        ("NOT_ISSUED", ""),
    ]
    versions = {row["id"]: row["version"] for row in (await stored_cards(database))["customer"]}
    assert versions == {MARIA: 5, PETER: 1}


async def test_a_card_is_found_by_its_external_id(database: Database) -> None:
    shop = await opened_with(database)
    await added(shop, "C1", external_id="ext-1")
    decision = await link_card(shop, MARIA, wish("", external_id="ext-1"), NOW, TILL)
    assert decision.card.number == "C1"
    asked = wish("", external_id="ext-1", label="DELETED")
    assert (await change_card_status(shop, asked, NOW, TILL)).card.status == "DELETED"


async def test_what_is_refused_changes_nothing(database: Database) -> None:
    shop = await opened_with(database, series(active_cards_max=1))
    await added(shop, "C1", "C2")
    await link_card(shop, MARIA, wish("C1"), NOW, TILL)
    before = await stored_cards(database)
    assert await refused_with(link_card(shop, MARIA, wish("C2"), NOW, TILL)) == "series_cap"
    assert await refused_with(link_card(shop, PETER, wish("C1"), NOW, TILL)) == "not_linkable"
    assert await refused_with(delink_card(shop, PETER, wish("C1"), NOW, TILL)) == "not_unlinkable"
    asked = wish("C2", label="DELETED")
    assert await refused_with(change_card_status(shop, asked, NOW, TILL)) == "transition_forbidden"
    with pytest.raises(CustomerNotFound):
        await link_card(shop, 77, wish("C2"), NOW, TILL)
    assert (await link_card(shop, MARIA, wish("C1"), NOW, TILL)).changed is False
    assert await stored_cards(database) == before


async def test_a_card_goes_to_no_customer_who_was_merged(database: Database) -> None:
    shop = await opened_with(database)
    await added(shop, "C1")
    await database.execute("UPDATE customer SET merged_into = $1 WHERE id = $2", MARIA, PETER)
    with pytest.raises(CustomerMerged) as refusal:
        await link_card(shop, PETER, wish("C1"), NOW, TILL)
    assert refusal.value.survivor_id == MARIA


async def test_many_cards_are_changed_each_for_itself(database: Database) -> None:
    shop = await opened_with(database)
    await added(shop, "C1", "C2")
    wishes = [
        wish("C1", label="SUSPENDED"),
        wish("NOPE", label="SUSPENDED"),
        wish("C2", label="NOT_ISSUED"),
    ]
    done, unknown, same = await change_cards(shop, wishes, NOW, TILL)
    assert not isinstance(done, Exception)
    assert done.card.status == "SUSPENDED"
    assert isinstance(unknown, CardRefused)
    assert unknown.fact.reason == "number_unknown"
    assert not isinstance(same, Exception)
    assert [each.reason for each in same.remarks] == ["label_unchanged"]


async def test_more_than_two_hundred_cards_are_too_many_at_once(database: Database) -> None:
    shop = await opened_with(database)
    await added(shop, "C1")
    before = await stored_cards(database)
    wishes = [wish("C1", label="SUSPENDED")] * 201
    assert await refused_with(change_cards(shop, wishes, NOW, TILL)) == "batch_too_large"
    assert await stored_cards(database) == before


async def test_a_series_that_is_new_to_this_process_is_seen(database: Database) -> None:
    shop = await opened_with(database)
    old = Shop(database)
    assert old.configuration.version == 0
    await added(shop, "C1")
    assert (await link_card(old, MARIA, wish("C1"), NOW, TILL)).card.customer_id == MARIA


# -- what merges and erasure do with cards


async def test_cards_move_with_their_roots_and_back(database: Database) -> None:
    shop = await opened_with(database)
    await added(shop, "C1", "C2", "C3")
    await link_card(shop, MARIA, wish("C1"), NOW, TILL)
    await link_card(shop, PETER, wish("C2"), NOW, TILL)
    move = "SELECT move_loyalty_cards($1, $2, $3)"
    assert await database.fetchval(move, PETER, MARIA, None) == 1
    moved = await read(shop, "C2")
    assert moved is not None
    assert (moved.customer_id, moved.root_id) == (MARIA, PETER)
    await link_card(shop, MARIA, wish("C3"), NOW, TILL)
    assert await database.fetchval(move, MARIA, PETER, [PETER]) == 1
    owners = {
        row["number"]: (row["customer_id"], row["root_id"])
        for row in (await stored_cards(database))["loyalty_card"]
    }
    assert owners == {"C1": (MARIA, None), "C2": (PETER, None), "C3": (MARIA, None)}


async def test_erasure_leaves_the_card_and_takes_what_describes_a_person(
    database: Database,
) -> None:
    shop = await opened_with(database)
    await added(shop, "C1", custom_fields={"a": "secret"}, extended_fields={"b": "secret"})
    by = msgspec.structs.replace(TILL, context="entityId=secret")
    await link_card(shop, MARIA, wish("C1", reason="secret"), NOW, by)
    await database.execute("SELECT erase_loyalty_cards($1)", MARIA)
    card = await read(shop, "C1")
    assert card is not None
    assert "secret" not in str(await stored_cards(database))
    assert (card.customer_id, card.status, len(card.status_log)) == (MARIA, "ACTIVE", 2)
