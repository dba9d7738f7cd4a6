"""What the points of a loyalty program came to at the end of each day, out of the postings.

Points are pending from when they were posted until their lot starts; what ended by itself counts on
the day on which it ended, whenever that was booked. Days are those of the program's time zone.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from habitue.store.database import Connection


class DayRow(msgspec.Struct, frozen=True):
    """Sums at the end of a day, and what the day brought: by hand, or by rules."""

    day: date
    active: Decimal
    pending: Decimal
    spent: Decimal
    expired: Decimal
    negative: Decimal
    members: int
    new_members: int
    earned_by_hand: Decimal
    earned_by_rules: Decimal
    spent_by_hand: Decimal
    spent_by_rules: Decimal


_DAYS = """
WITH entry AS (
    SELECT * FROM loyalty_transaction
    WHERE program_id = $1 AND ($2::text IS NULL OR subledger = $2) AND at < $6
), moved AS (
    SELECT entry.at, posting.place, posting.amount, lot.start
    FROM entry
    JOIN loyalty_posting AS posting ON posting.customer_id = entry.customer_id
        AND posting.transaction_id = entry.id
    LEFT JOIN loyalty_lot AS lot ON posting.place = 'open'
        AND lot.customer_id = entry.customer_id AND lot.program_id = entry.program_id
        AND lot.subledger = entry.subledger AND lot.key = posting.lot
), change AS (
    SELECT (at AT TIME ZONE $3)::date AS day,
        sum(amount) FILTER (WHERE place = 'open') AS open,
        sum(amount) FILTER (WHERE place = 'open' AND (start IS NULL OR start > at)) AS pending,
        sum(amount) FILTER (WHERE place = 'spent') AS spent,
        sum(amount) FILTER (WHERE place = 'expired') AS expired,
        -sum(amount) FILTER (WHERE place = 'debt') AS negative,
        NULL::bigint AS members, NULL::numeric AS earned_by_hand, NULL::numeric AS earned_by_rules,
        NULL::numeric AS spent_by_hand, NULL::numeric AS spent_by_rules
    FROM moved GROUP BY 1
    UNION ALL
    SELECT (start AT TIME ZONE $3)::date, NULL, -sum(amount), NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL
    FROM moved WHERE place = 'open' AND start > at GROUP BY 1
    UNION ALL
    SELECT (at AT TIME ZONE $3)::date, NULL, NULL, NULL, NULL, NULL, NULL,
        sum(amount) FILTER (WHERE kind = 'earn' AND session_id IS NULL),
        sum(amount) FILTER (WHERE kind = 'earn' AND session_id IS NOT NULL),
        -sum(amount) FILTER (WHERE kind IN ('spend', 'post_hold') AND session_id IS NULL),
        -sum(amount) FILTER (WHERE kind IN ('spend', 'post_hold') AND session_id IS NOT NULL)
    FROM entry GROUP BY 1
    UNION ALL
    SELECT (joined AT TIME ZONE $3)::date, NULL, NULL, NULL, NULL, NULL, count(*), NULL, NULL,
        NULL, NULL
    FROM (
        SELECT min(joined) AS joined FROM loyalty_membership WHERE program_id = $1
        GROUP BY customer_id
    ) AS member WHERE joined < $6 GROUP BY 1
), summed AS (
    SELECT day,
        sum(sum(coalesce(open, 0) - coalesce(pending, 0))) OVER through_day AS active,
        sum(sum(coalesce(pending, 0))) OVER through_day AS pending,
        sum(sum(coalesce(spent, 0))) OVER through_day AS spent,
        sum(sum(coalesce(expired, 0))) OVER through_day AS expired,
        sum(sum(coalesce(negative, 0))) OVER through_day AS negative,
        (sum(sum(coalesce(members, 0))) OVER through_day)::bigint AS members,
        sum(coalesce(members, 0))::bigint AS new_members,
        sum(coalesce(earned_by_hand, 0)) AS earned_by_hand,
        sum(coalesce(earned_by_rules, 0)) AS earned_by_rules,
        sum(coalesce(spent_by_hand, 0)) AS spent_by_hand,
        sum(coalesce(spent_by_rules, 0)) AS spent_by_rules
    FROM (
        SELECT * FROM change
        UNION ALL
        SELECT day::date, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM generate_series($4::date, $5::date, interval '1 day') AS listed (day)
    ) AS everything
    GROUP BY day WINDOW through_day AS (ORDER BY day)
)
SELECT * FROM summed WHERE day BETWEEN $4::date AND $5::date ORDER BY day
"""


async def days(
    connection: Connection,
    program_id: int,
    subledger: str | None,
    zone: str,
    first: date,
    last: date,
    until: datetime,
) -> Sequence[DayRow]:
    """The days from the first to the last, of what was posted before `until`; a subledger of None
    means all together."""
    rows = await connection.fetch(_DAYS, program_id, subledger, zone, first, last, until)
    return [DayRow(**row) for row in rows]
