"""Reads who owns what, for tests that join customers and take them apart.

A *place* is a customer and the root under which something stands there.
"""

import json
from decimal import Decimal
from typing import Any

from habitue.store.database import Database

Place = tuple[int, int]
Rows = dict[str, list[dict[str, Any]]]

TABLES = (
    "claim",
    "claim_holder",
    "customer",
    "customer_identifier",
    "customer_name",
    "customer_change",
    "card_part",
    "card_root",
    "session",
    "session_event",
    "redemption",
    "coupon",
    "receipt",
    "loyalty_card",
    "audience_member",
    "achievement_progress",
)
#: What a merge and its undoing may leave behind.
_VERSIONED = ("customer", "loyalty_card")
_RECORDS = ("merged", "unmerged")


async def rows_of(database: Database, tables: tuple[str, ...] = TABLES) -> Rows:
    """All rows, as they are."""
    found: Rows = {}
    async with database.transaction(snapshot=True) as connection:
        for table in tables:
            rows = await connection.fetch(
                f"SELECT to_jsonb({table}) AS document FROM {table} ORDER BY to_jsonb({table})"
            )
            found[table] = [json.loads(row["document"], parse_float=Decimal) for row in rows]
    return found


async def belongings(database: Database) -> Rows:
    """All rows without versions, and without the records of merges themselves."""
    rows = await rows_of(database)
    for table in _VERSIONED:
        for row in rows[table]:
            del row["version"]
    rows["customer_change"] = [
        each for each in rows["customer_change"] if each["kind"] not in _RECORDS
    ]
    return rows


def place(row: dict[str, Any]) -> Place:
    """Where a row stands."""
    root = row["root_id"]
    return row["customer_id"], row["customer_id"] if root is None else root


def misplaced(rows: Rows, owners: dict[int, int]) -> list[str]:
    """Rows that are not with the customer whom their root is a part of, in sentences."""
    wrong = []
    for table in TABLES:
        for row in rows[table]:
            if "root_id" not in row or row.get("customer_id") is None:
                continue
            customer, root = place(row)
            # a guest's session has an owner who is nobody's part
            if owners.get(root, root) != customer:
                wrong.append(f"{table} of root {root} is with {customer}, not {owners.get(root)}")
            if row["root_id"] == customer and table not in _ROOTED:
                wrong.append(f"{table} of {customer} names its own root")
    return wrong


_ROOTED = (
    "card_part",
    "card_root",
    "customer_name",
    "customer_change",
    "audience_member",
    "achievement_progress",
)


def owners_of(rows: Rows) -> dict[int, int]:
    """The customer that each root is a part of, by the customers' own rows."""
    return {
        each["id"]: each["id"] if each["merged_into"] is None else each["merged_into"]
        for each in rows["customer"]
    }
