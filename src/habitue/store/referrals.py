"""Referral codes in the database: made, found, changed and deleted by staff and shops.

Rows are handed out as JSON documents whose members are the columns. Redeeming is done by the
functions that save sessions.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

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


class ReferralWrite(msgspec.Struct, frozen=True):
    """What a change sets; None of the last two keeps what is stored."""

    friend_id: str
    start_date: datetime | None
    expiry_date: datetime | None
    usage_limit: int | None = None
    attributes: bytes | None = None


class ReferralFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is given must hold; times are compared with `now`."""

    campaign_id: int
    now: datetime
    code: str | None = None
    advocate_id: str | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None
    valid: str | None = None
    usable: bool | None = None


_INSERT = """
INSERT INTO referral (code, application_id, campaign_id, advocate_id, advocate_key, friend_id,
    usage_limit, start_date, expiry_date, attributes, batch_id, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING RETURNING to_jsonb(referral)
"""
_UPDATE = """
UPDATE referral SET friend_id = $3, start_date = $4, expiry_date = $5,
    usage_limit = coalesce($6, usage_limit), attributes = coalesce($7, attributes)
WHERE campaign_id = $1 AND id = $2 RETURNING to_jsonb(referral)
"""
_DELETE = "DELETE FROM referral WHERE campaign_id = $1 AND id = $2"
_FIND = """
SELECT to_jsonb(referral) AS document FROM referral
WHERE campaign_id = $1
    AND ($3::text IS NULL OR code = $3)
    AND ($4::text IS NULL OR advocate_id = $4)
    AND ($5::timestamptz IS NULL OR created <= $5)
    AND ($6::timestamptz IS NULL OR created >= $6)
    AND ($7::text IS NULL OR $7 = CASE
        WHEN expiry_date <= $2 THEN 'expired'
        WHEN start_date > $2 THEN 'validFuture'
        ELSE 'validNow' END)
    AND ($8::boolean IS NULL OR (usage_limit = 0 OR usage_counter < usage_limit) = $8)
ORDER BY id OFFSET $9 LIMIT $10
"""


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


async def find_referrals(
    connection: Connection, wanted: ReferralFilter, skip: int, limit: int
) -> Sequence[bytes]:
    """One page of the codes that fit, in the order in which they were made."""
    rows = await connection.fetch(
        _FIND,
        wanted.campaign_id,
        wanted.now,
        wanted.code,
        wanted.advocate_id,
        wanted.created_before,
        wanted.created_after,
        wanted.valid,
        wanted.usable,
        skip,
        limit,
    )
    return [row["document"] for row in rows]
