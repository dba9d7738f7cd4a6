"""Searching in many customers: what it costs, and what it finds in which order."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from habitue.store import card_reading
from habitue.store.card_reading import CardsReading
from habitue.store.database import Database

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


async def fill(database: Database, count: int) -> None:
    """Half of the customers are called Anna; each has a mobile."""
    await database.execute(
        "INSERT INTO customer_name (customer_id, root_id, name) SELECT number, number,"
        " CASE WHEN number % 2 = 0 THEN 'anna' ELSE md5(number::text) END"
        " FROM generate_series(1, $1::int) AS number",
        count,
    )
    await database.execute(
        "INSERT INTO customer_identifier (customer_id, claim_key, kind, value, created)"
        " SELECT number, gen_random_uuid(), 'mobile', '65' || lpad(number::text, 8, '0'), $2"
        " FROM generate_series(1, $1::int) AS number",
        count,
        NOW,
    )
    await database.execute("ANALYZE customer_name")
    await database.execute("ANALYZE customer_identifier")


async def test_search_reads_its_indexes_and_no_further_than_its_bound(
    database: Database, database_url: str
) -> None:
    await fill(database, 20_000)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(
            f"PREPARE search (text, text, int, int, int) AS {card_reading._SEARCH}"
        )
        rows = await connection.fetch(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)"
            " EXECUTE search ('ann', 'ann' || chr(1114111), 100, 10, 0)"
        )
    finally:
        await connection.close()
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan
    assert "customer_name_name" in plan
    assert "customer_identifier_value" in plan
    (scan,) = [row[0] for row in rows if "customer_name_name" in row[0]]
    assert "rows=100.00" in scan or "rows=100 " in scan


async def test_search_is_bounded_and_in_a_stable_order(database: Database) -> None:
    await fill(database, 1_000)
    page = await card_reading.search(database, "anna", 100, 3, 1)
    assert (list(page.customer_ids), page.total) == ([4, 6, 8], 100)
    both = await card_reading.search(database, "650000099", 100, 100, 0)
    assert (list(both.customer_ids), both.total) == (list(range(990, 1_000)), 10)
    beyond = await card_reading.search(database, "anna", 100, 3, 100)
    assert (list(beyond.customer_ids), beyond.total) == ([], 100)


async def keep_cards(database: Database, count: int) -> list[UUID]:
    """Customers from 1, each with a claim of its own and one part."""
    keys = [UUID(int=number) for number in range(count + 1)]
    await database.execute(
        "INSERT INTO customer (id, anonymous, created, last_activity, attributes)"
        " SELECT number, false, $2, $2, '{}' FROM generate_series(1, $1::int) AS number",
        count,
        NOW,
    )
    await database.executemany(
        "INSERT INTO claim (claim_key, customer_id) VALUES ($1, $2)",
        [(keys[number], number) for number in range(1, count + 1)],
    )
    await database.execute(
        "INSERT INTO card_part (customer_id, root_id, document)"
        " SELECT number, number, to_jsonb(number) FROM generate_series(1, $1::int) AS number",
        count,
    )
    return keys


async def test_who_reads_together_gets_what_each_would_get_alone(database: Database) -> None:
    keys = await keep_cards(database, 40)
    asked: list[tuple[list[UUID], list[int]]] = [([keys[number]], []) for number in range(41)]
    asked += [
        ([keys[3], keys[0], keys[1]], [7, 3]),
        ([], [7, 7, 99]),
        ([], []),
        ([keys[3]] * 2, []),
    ]
    alone = [await card_reading.read(database, *each) for each in asked]
    together = await asyncio.gather(*(card_reading.read(database, *each) for each in asked))
    assert [[row.id for row in each.cards] for each in alone[41:]] == [[1, 3, 7], [7], [], [3]]
    assert [len(each.claims) for each in alone] == [0] + [1] * 40 + [2, 0, 0, 1]
    for one, other in zip(alone, together, strict=True):
        assert sorted(one.claims, key=repr) == sorted(other.claims, key=repr)
        assert (one.configuration_version, one.cards) == (
            other.configuration_version,
            other.cards,
        )


async def test_a_question_that_fails_spoils_no_other(database: Database) -> None:
    keys = await keep_cards(database, 3)
    wrong = card_reading.read(database, ["no key"], [])  # type: ignore[list-item]
    outcomes = await asyncio.gather(
        *(card_reading.read(database, [keys[number]], []) for number in (1, 2)),
        wrong,
        card_reading.read(database, [keys[3]], []),
        return_exceptions=True,
    )
    assert isinstance(outcomes.pop(2), Exception)
    assert [each.cards[0].id for each in outcomes if isinstance(each, CardsReading)] == [1, 2, 3]
