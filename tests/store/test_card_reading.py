"""Searching in many customers: what it costs, and what it finds in which order."""

from datetime import UTC, datetime

import asyncpg

from habitue.store import card_reading
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
