"""Jobs on coupons in the database: ordering them, working at them, looking at them.

Words: a job is *taken* for a while by whoever works at it. Each part is written in one transaction
with how far the job has come, guarded by that number; so no part is done twice.
"""

from datetime import datetime
from typing import Literal

import msgspec

from habitue.store.coupon_filters import CouponFilter, conditions
from habitue.store.coupons import delete_told
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed

JobKind = Literal["create", "delete"]


class CouponJobRow(msgspec.Struct, frozen=True):
    """One job; `document` is the order. Of deletions `total` is how many fitted at first."""

    id: int
    kind: JobKind
    application_id: int
    campaign_id: int
    batch_id: str
    document: bytes
    total: int
    done: int
    created: datetime
    finished: datetime | None
    failure: str | None


_COLUMNS = (
    "id, kind, application_id, campaign_id, batch_id, document, total, done, created, finished, "
    "failure"
)

_ORDER = f"""
INSERT INTO coupon_job
    (kind, application_id, campaign_id, batch_id, document, total, created, taken_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING {_COLUMNS}
"""

_TAKE = f"""
UPDATE coupon_job SET taken_until = $2 WHERE id = (
    SELECT id FROM coupon_job WHERE finished IS NULL AND taken_until <= $1
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING {_COLUMNS}
"""

_ADVANCE = f"""
UPDATE coupon_job SET done = $3, taken_until = $4, finished = $5, failure = $6
WHERE id = $1 AND done = $2 AND finished IS NULL RETURNING {_COLUMNS}
"""

_PAGE = f"""
SELECT {_COLUMNS} FROM coupon_job WHERE campaign_id = $1 ORDER BY id DESC OFFSET $2 LIMIT $3
"""


async def order(
    connection: Connection,
    kind: JobKind,
    application_id: int,
    campaign_id: int,
    batch_id: str,
    document: bytes,
    total: int,
    now: datetime,
) -> CouponJobRow:
    """A new job, which anybody may take."""
    arguments = (kind, application_id, campaign_id, batch_id, document, total, now)
    row = await connection.fetchrow(_ORDER, *arguments)
    assert row is not None, "a job was added"
    return CouponJobRow(**row)


async def take(connection: Connection, now: datetime, until: datetime) -> CouponJobRow | None:
    """The oldest job that nobody works at; it is the caller's until then."""
    row = await connection.fetchrow(_TAKE, now, until)
    return None if row is None else CouponJobRow(**row)


async def advance(
    connection: Connection,
    job: CouponJobRow,
    done: int,
    until: datetime,
    finished: datetime | None = None,
    failure: str | None = None,
) -> CouponJobRow:
    """The job as it is then. Raises `GuardFailed` where somebody else has gone on with it."""
    arguments = (job.id, job.done, done, until, finished, failure)
    row = await connection.fetchrow(_ADVANCE, *arguments)
    if row is None:
        raise GuardFailed("coupon job")
    return CouponJobRow(**row)


async def page(
    connection: Connection, campaign_id: int, skip: int, limit: int
) -> list[CouponJobRow]:
    """The jobs of a campaign, the newest first, and one more where there are more."""
    rows = await connection.fetch(_PAGE, campaign_id, skip, limit + 1)
    return [CouponJobRow(**row) for row in rows]


async def count_coupons(connection: Connection, wanted: CouponFilter) -> int:
    """How many coupons fit."""
    where, arguments = conditions(wanted)
    count: int = await connection.fetchval(f"SELECT count(*) FROM coupon WHERE {where}", *arguments)
    return count


async def delete_some(connection: Connection, wanted: CouponFilter, limit: int) -> int:
    """Deletes at most so many of the coupons that fit; how many."""
    where, arguments = conditions(wanted)
    some = (
        "(code, application_id) IN (SELECT code, application_id "
        f"FROM coupon WHERE {where} ORDER BY id LIMIT {limit:d})"
    )
    return await delete_told(connection, some, arguments, wanted)
