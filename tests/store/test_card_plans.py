"""How the database goes about the statements on cards: by keys, under one plan for all arguments.

A plan that reads a whole table, or that is made anew for every request, is right and too slow; so
plans are looked at here, and times are not.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

import pytest

from habitue.store import card_reading, cards
from habitue.store.database import Connection, Database
from tests.building import NOW

KEYS, IDS = [UUID(int=1), UUID(int=2)], [1, 2]
STATEMENTS: dict[str, tuple[str, Sequence[object]]] = {
    "load": (cards.LOAD, (KEYS, IDS, UUID(int=3), NOW)),
    "read": (card_reading.READ, (KEYS, IDS)),
    "lock": (cards.LOCK, (KEYS, IDS)),
}


async def plan_of(connection: Connection, name: str) -> list[str]:
    """The lines of the plan that knows no arguments, and reads whole tables only where it must."""
    statement, arguments = STATEMENTS[name]
    await connection.execute("SET LOCAL enable_seqscan = off")
    await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    rows = await connection.fetch(f"EXPLAIN {statement}", *arguments)
    return [row[0] for row in rows]


@pytest.mark.parametrize("name", STATEMENTS)
async def test_cards_are_found_by_keys(database: Database, name: str) -> None:
    async with database.transaction() as connection:
        plan = await plan_of(connection, name)
    # An index that is read from end to end has no condition behind it.
    read = [
        (line, behind)
        for line, behind in pairwise([*plan, ""])
        if re.search(r"Scan .*\bon (claim|customer|card_part|claim_holder)\b", line)
    ]
    assert len(read) >= 2
    assert [each for each in read if "Cond:" not in each[1]] == []


@pytest.mark.parametrize("name", ["load", "read"])
async def test_one_plan_serves_all_requests(database: Database, name: str) -> None:
    statement, arguments = STATEMENTS[name]
    async with database.transaction() as connection:
        for _ in range(10):
            await connection.fetch(statement, *arguments)
        counts = await connection.fetchrow(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1",
            statement,
        )
    assert counts is not None
    # The server tries five plans before it decides.
    assert (counts["generic_plans"], counts["custom_plans"]) == (5, 5)
