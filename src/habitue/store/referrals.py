"""Referral codes in the database: made, found, changed and deleted by staff and shops.

Rows are handed out as JSON documents whose members are the columns. Redeeming is done by the
functions that save sessions.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.coupon_filters import ReferralFilter, conditions
from habitue.store.database import Connection


class NewReferral(msgspec.Struct, frozen=True):
    """The columns of a new code, in the order of the statement; `attributes` is JSON."""

    code: str
    application_id: int
    campaign_id: int
    advocate_id: str
    advocate_key: UUID
    friend_id: str
    usage_limit: int
    start_date: datetime | None
    expiry_date: datetime | None
    attributes: bytes
    batch_id: str
    created: datetime
    import_id: int = 0


class ReferralWrite(msgspec.Struct, frozen=True):
    """What a change sets; None of the last two keeps what is stored."""

    friend_id: str
    start_date: datetime | None
    expiry_date: datetime | None
    usage_limit: int | None = None
    attributes: bytes | None = None


_INSERT = """
INSERT INTO referral (code, application_id, campaign_id, advocate_id, advocate_key, friend_id,
    usage_limit, start_date, expiry_date, attributes, batch_id, created, import_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT DO NOTHING RETURNING to_jsonb(referral)
"""
_UPDATE = """
UPDATE referral SET friend_id = $3, start_date = $4, expiry_date = $5,
    usage_limit = coalesce($6, usage_limit), attributes = coalesce($7, attributes)
WHERE campaign_id = $1 AND id = $2 RETURNING to_jsonb(referral)
"""
_DELETE = "DELETE FROM referral WHERE campaign_id = $1 AND id = $2"
#: The columns by which codes may be sorted.
SORTS = frozenset(
    {
        *("id", "code", "created", "start_date", "expiry_date", "usage_limit", "usage_counter"),
        *("advocate_id", "friend_id"),
    }
)
#: Rows of one INSERT; its parameters stay far below the protocol's 65,535.
_ROWS_PER_STATEMENT = 1_000
_COLUMNS = (
    "code, application_id, campaign_id, advocate_id, advocate_key, friend_id, usage_limit, "
    "start_date, expiry_date, attributes, batch_id, created, import_id"
)
_COLUMN_COUNT = len(NewReferral.__struct_fields__)


async def insert_referral(connection: Connection, new: NewReferral) -> bytes | None:
    """The document of the new code; None where it is taken."""
    document: bytes | None = await connection.fetchval(_INSERT, *msgspec.structs.astuple(new))
    return document


async def update_referral(
    connection: Connection, campaign_id: int, referral_id: int, write: ReferralWrite
) -> bytes | None:
    """The document as changed; None where there is no such code."""
    document: bytes | None = await connection.fetchval(
        _UPDATE, campaign_id, referral_id, *msgspec.structs.astuple(write)
    )
    return document


async def delete_referral(connection: Connection, campaign_id: int, referral_id: int) -> bool:
    """Whether there was such a code."""
    return await connection.execute(_DELETE, campaign_id, referral_id) == "DELETE 1"


async def add_referrals(connection: Connection, new: Sequence[NewReferral]) -> int:
    """Adds each whose code is free; how many that were."""
    added = 0
    for start in range(0, len(new), _ROWS_PER_STATEMENT):
        rows = new[start : start + _ROWS_PER_STATEMENT]
        flat = [value for row in rows for value in msgspec.structs.astuple(row)]
        tag = await connection.execute(_insert_statement(len(rows)), *flat)
        added += int(tag.rpartition(" ")[2])
    return added


async def codes_taken(
    connection: Connection, application_id: int, codes: Sequence[str]
) -> frozenset[str]:
    """Those of the codes that the application has already."""
    statement = "SELECT code FROM referral WHERE application_id = $1 AND code = ANY ($2::text[])"
    rows = await connection.fetch(statement, application_id, codes)
    return frozenset(row["code"] for row in rows)


async def find_referrals(
    connection: Connection, wanted: ReferralFilter, sort: str, skip: int, limit: int
) -> Sequence[bytes]:
    """One page of the codes that fit; `sort` is a column, with a minus for descending."""
    where, arguments = conditions(wanted)
    column, direction = sort.removeprefix("-"), "DESC" if sort.startswith("-") else "ASC"
    assert column in SORTS, "the column was checked by the caller"
    statement = (
        f"SELECT to_jsonb(referral) AS document FROM referral WHERE {where} "
        f"ORDER BY {column} {direction}, id {direction} "
        f"OFFSET ${len(arguments) + 1} LIMIT ${len(arguments) + 2}"
    )
    rows = await connection.fetch(statement, *arguments, skip, limit)
    return [row["document"] for row in rows]


def _insert_statement(rows: int) -> str:
    """Many rows of VALUES, as for coupons."""
    starts = range(1, 1 + rows * _COLUMN_COUNT, _COLUMN_COUNT)
    values = ", ".join(
        f"({', '.join(f'${start + each}' for each in range(_COLUMN_COUNT))})" for start in starts
    )
    return f"INSERT INTO referral ({_COLUMNS}) VALUES {values} ON CONFLICT DO NOTHING"
