"""Judges the customer cards of a database by what must hold of them, whatever was done to them.

Everything is recomputed from rows and documents with plain dictionaries; no code of the engine is
used. A *violation* is one sentence that names the row; none means that all is right. It is for
shops whose customers were all registered, and whose sources share one space of identifiers.
"""

import json
from collections import Counter, defaultdict
from hashlib import blake2b
from typing import Any
from uuid import UUID

from habitue.store.database import Database

TABLES = (
    "claim",
    "claim_holder",
    "customer",
    "customer_identifier",
    "customer_name",
    "customer_change",
    "customer_merge",
    "card_part",
    "card_root",
)
Row = dict[str, Any]
Rows = dict[str, list[Row]]
#: Tables whose rows belong to a customer who stands for itself, under a root of that customer.
_OWNED = ("claim", "customer_identifier", "customer_name", "customer_change", "card_part")


async def card_rows(database: Database) -> Rows:
    """All rows about cards, read at one moment."""
    async with database.transaction(snapshot=True) as connection:
        return {
            table: [
                json.loads(row["document"])
                for row in await connection.fetch(
                    f"SELECT to_jsonb({table}) AS document FROM {table}"
                )
            ]
            for table in TABLES
        }


async def card_violations(database: Database) -> list[str]:
    """All that is wrong, in sentences."""
    return violations_in(await card_rows(database))


def violations_in(rows: Rows) -> list[str]:
    """All that is wrong in these rows."""
    return [
        *merge_violations(rows),
        *orphans(rows),
        *claim_violations(rows),
        *part_violations(rows),
        *name_violations(rows),
    ]


def root_of(row: Row) -> int:
    """The root of a row: the customer itself where none is named."""
    root: int = row["root_id"] or row["customer_id"]
    return root


def key_of(kind: str, normal_form: str) -> str:
    """The key that an identifier is claimed under in the space that all sources share."""
    kind = "integrationId" if kind == "externalId" else kind
    digest = blake2b(digest_size=16)
    for part in ("live", kind, normal_form):
        digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return str(UUID(bytes=digest.digest()))


def roots_of(rows: Rows) -> dict[int, set[int]]:
    """Of every customer who stands: its own id and those of all who were joined into it."""
    roots: dict[int, set[int]] = {
        each["id"]: {each["id"]} for each in rows["customer"] if each["merged_into"] is None
    }
    for each in rows["customer"]:
        if each["merged_into"] in roots:
            roots[each["merged_into"]].add(each["id"])
    return roots


def merge_violations(rows: Rows) -> list[str]:
    """Who was joined leads to somebody who stands, by a merge that stands, and is written down."""
    roots = roots_of(rows)
    wrong = [
        f"customer {each['id']} is merged into {each['merged_into']}, who does not stand"
        for each in rows["customer"]
        if each["merged_into"] is not None and each["merged_into"] not in roots
    ]
    merged = {each["id"] for each in rows["customer"] if each["merged_into"] is not None}
    standing = Counter(
        each["victim_id"] for each in rows["customer_merge"] if not each["undone_at"]
    )
    if merged != set(standing):
        wrong.append(f"{sorted(merged)} are merged, but merges stand of {sorted(standing)}")
    joined = {id_ for id_, each in roots.items() if len(each) > 1}
    flagged = {each["id"] for each in rows["customer"] if each["joined"]}
    if joined != flagged:
        wrong.append(f"{sorted(joined)} are joined of several, but {sorted(flagged)} say so")
    written = defaultdict(set)
    for each in rows["card_root"]:
        written[each["customer_id"]].add(each["root_id"])
    wrong += [
        f"customer {id_} has the roots {sorted(roots.get(id_, ()))}, written down {sorted(found)}"
        for id_, found in written.items()
        if roots.get(id_) != found
    ]
    return wrong + [f"no roots are written down of {id_}" for id_ in joined - set(written)]


def orphans(rows: Rows) -> list[str]:
    """Rows that belong to nobody who stands, or to a root that is not theirs; nobody's cards."""
    roots = roots_of(rows)
    wrong = [
        f"{table} {each} belongs to no card"
        for table in _OWNED
        for each in rows[table]
        if root_of(each) not in roots.get(each["customer_id"], ())
    ]
    everybody = {each["id"] for each in rows["customer"]}
    wrong += [
        f"claim_holder {each} belongs to no card"
        for each in rows["claim_holder"]
        if each["root_id"] not in everybody
    ]
    found = {each["customer_id"] for each in rows["claim"]}
    wrong += [f"customer {id_} cannot be found by any identifier" for id_ in set(roots) - found]
    parts = {(each["customer_id"], each["root_id"]) for each in rows["card_part"]}
    return wrong + [
        f"customer {id_} has no part of {root_id}"
        for id_, each in roots.items()
        for root_id in each
        if (id_, root_id) not in parts
    ]


def claim_violations(rows: Rows) -> list[str]:
    """Claims and identifiers are the same pairs; each identifier is claimed once."""
    claims = {(each["claim_key"], each["customer_id"], root_of(each)) for each in rows["claim"]}
    told = {
        (each["claim_key"], each["customer_id"], root_of(each))
        for each in rows["customer_identifier"]
    }
    counted = Counter(each["claim_key"] for each in rows["claim"])
    return [
        *(f"claim {each} has no identifier" for each in claims - told),
        *(f"identifier {each} has no claim" for each in told - claims),
        *(f"{count} customers claim {key}" for key, count in counted.items() if count > 1),
    ]


def part_violations(rows: Rows) -> list[str]:
    """What leads to a card by its profiles is claimed by it, and nothing else is."""
    wrong = []
    owners = {each["claim_key"]: each["customer_id"] for each in rows["claim"]}
    carried = set()
    for row in rows["card_part"]:
        places = Counter(
            (each["source"], each["account_id"]) for each in row["document"]["profiles"]
        )
        name = f"part {row['root_id']} of {row['customer_id']}"
        wrong += [f"{name} has {place} twice" for place, count in places.items() if count > 1]
        if row["document"]["root_id"] != row["root_id"]:
            wrong.append(f"{name} says that it is of {row['document']['root_id']}")
        for kind, normal_form in identities(row["document"]):
            key = key_of(kind, normal_form)
            carried.add((key, row["customer_id"]))
            owner = owners.get(key)
            if owner != row["customer_id"]:
                wrong.append(f"{name} has {kind} {normal_form}, which {owner} claims")
    return wrong + [
        f"{id_} claims {key}, which no profile of that card has"
        for key, id_ in owners.items()
        if (key, id_) not in carried
    ]


def identities(part: Row) -> list[tuple[str, str]]:
    """The identifiers in a part that somebody is recognised by: kind and normal form."""
    return [
        (each["kind"], each["normal_form"])
        for profile in part["profiles"]
        for each in profile["identifiers"]
        if each["identity"]
    ]


def name_violations(rows: Rows) -> list[str]:
    """The names that cards are found by are those that their profiles have."""
    stored = {
        (each["customer_id"], each["root_id"], each["name"]) for each in rows["customer_name"]
    }
    told = {
        (row["customer_id"], row["root_id"], profile["told"][field]["value"].lower())
        for row in rows["card_part"]
        for profile in row["document"]["profiles"]
        for field in ("first_name", "last_name")
        if field in profile["told"]
    }
    return [
        *(f"name {each} is in no profile" for each in stored - told),
        *(f"name {each} is not stored" for each in told - stored),
    ]
