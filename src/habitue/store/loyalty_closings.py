"""Daily closings of loyalty programs: adding them, reading them, and proving them.

A closing names the transactions that it counts by an id up to which there are no more to come, so
that it can be computed again at any time out of the postings.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from habitue.store.database import Connection


class DayClosing(msgspec.Struct, frozen=True):
    """What the books of a program came to at the end of a day. `open` and `held` are owed to
    customers, `debt` by them, below zero; `transferred` is zero, as all of it arrives."""

    program_id: int
    day: date
    until: datetime
    created: datetime
    issued: Decimal
    spent: Decimal
    expired: Decimal
    voided: Decimal
    held: Decimal
    open: Decimal
    debt: Decimal
    transferred: Decimal


class WrongClosing(msgspec.Struct, frozen=True):
    """A closing that is not what the postings come to."""

    program_id: int
    day: date


_STATE = """
SELECT (SELECT max(day) FROM loyalty_closing WHERE program_id = $1) AS last_day,
    (SELECT min(at) FROM loyalty_transaction WHERE program_id = $1) AS first_at
"""

# Writers hold their account before they are given an id: whoever has one has ended by then.
_STILL = "LOCK TABLE loyalty_account IN SHARE MODE"
_THROUGH = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM loyalty_transaction_id"

_CLOSE = "SELECT close_days($1, $2, $3, $4, $5)"

_PAGE = """
SELECT program_id, day, until, created, issued, spent, expired, voided, held, open, debt,
    transferred
FROM loyalty_closing
WHERE program_id = $1 AND ($2::date IS NULL OR day >= $2) AND ($3::date IS NULL OR day <= $3)
ORDER BY day DESC OFFSET $4 LIMIT $5
"""

# Each posting is in the first closing that counts it, and in all later ones.
_WRONG = """
WITH counted AS (
    SELECT transaction.program_id, posting.place, posting.amount, (
        SELECT min(closing.day) FROM loyalty_closing AS closing
        WHERE closing.program_id = transaction.program_id
            AND closing.until > transaction.at AND closing.through >= transaction.id
    ) AS day
    FROM loyalty_transaction AS transaction
    JOIN loyalty_posting AS posting ON posting.customer_id = transaction.customer_id
        AND posting.transaction_id = transaction.id
), moved AS (
    SELECT program_id, day,
        -coalesce(sum(amount) FILTER (WHERE place = 'issued'), 0) AS issued,
        coalesce(sum(amount) FILTER (WHERE place = 'spent'), 0) AS spent,
        coalesce(sum(amount) FILTER (WHERE place = 'expired'), 0) AS expired,
        coalesce(sum(amount) FILTER (WHERE place = 'voided'), 0) AS voided,
        coalesce(sum(amount) FILTER (WHERE place = 'held'), 0) AS held,
        coalesce(sum(amount) FILTER (WHERE place = 'open'), 0) AS open,
        coalesce(sum(amount) FILTER (WHERE place = 'debt'), 0) AS debt
    FROM counted WHERE day IS NOT NULL GROUP BY program_id, day
), summed AS (
    SELECT closing.program_id, closing.day,
        row(closing.issued, closing.spent, closing.expired, closing.voided, closing.held,
            closing.open, closing.debt) AS told,
        row(sum(coalesce(moved.issued, 0)) OVER days, sum(coalesce(moved.spent, 0)) OVER days,
            sum(coalesce(moved.expired, 0)) OVER days, sum(coalesce(moved.voided, 0)) OVER days,
            sum(coalesce(moved.held, 0)) OVER days, sum(coalesce(moved.open, 0)) OVER days,
            sum(coalesce(moved.debt, 0)) OVER days) AS posted
    FROM loyalty_closing AS closing LEFT JOIN moved ON moved.program_id = closing.program_id
        AND moved.day = closing.day
    WINDOW days AS (PARTITION BY closing.program_id ORDER BY closing.day)
)
SELECT program_id, day FROM summed WHERE told IS DISTINCT FROM posted ORDER BY program_id, day
"""


async def last_closing(
    connection: Connection, program_id: int
) -> tuple[date | None, datetime | None]:
    """The last day that is closed, and when the first transaction was, if there are any."""
    row = await connection.fetchrow(_STATE, program_id)
    assert row is not None, "the query always gives one row"
    return row["last_day"], row["first_at"]


async def close_days(
    connection: Connection,
    program_id: int,
    days: Sequence[date],
    untils: Sequence[datetime],
    now: datetime,
) -> int:
    """Closes the days that are not closed yet, each ending at its moment; how many those were.

    Needs a transaction. Waits until nobody is writing points. Raises `LockTimeout`.
    """
    await connection.execute(_STILL)
    through = await connection.fetchval(_THROUGH)
    added: int = await connection.fetchval(_CLOSE, program_id, days, untils, through, now)
    return added


async def closings_page(
    connection: Connection,
    program_id: int,
    since: date | None,
    until: date | None,
    skip: int,
    limit: int,
) -> list[DayClosing]:
    """The closings of some days, both of them included, the newest first."""
    rows = await connection.fetch(_PAGE, program_id, since, until, skip, limit)
    return [DayClosing(**row) for row in rows]


async def wrong_closings(connection: Connection) -> list[WrongClosing]:
    """Every closing that is not what its postings come to."""
    return [WrongClosing(**row) for row in await connection.fetch(_WRONG)]
