"""Judges the budgets of a database by the uses that sessions have of them.

Nothing of the engine is used. A *violation* is one sentence; none means that the books are right.
"""

from habitue.store.database import Database

_OFF = """
WITH used AS (
    SELECT campaign_id, name, coupon_id, referral_id, identifier, store, sum(amount) AS amount
    FROM budget_use WHERE shared AND name <> 'discountLimit'
    GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT name, granted, coalesce(amount, 0) AS used,
    granted - (SELECT sum(remaining) FROM budget_slot WHERE budget_id = budget.id) AS counted,
    (SELECT min(remaining) FROM budget_slot WHERE budget_id = budget.id) AS least
FROM budget LEFT JOIN used USING (campaign_id, name, coupon_id, referral_id, identifier, store)
"""
_CARDS = """
SELECT code, discount_limit, discount_counter, coalesce((
    SELECT sum(amount) FROM budget_use
    WHERE name = 'discountLimit' AND budget_use.coupon_id = coupon.id), 0) AS used
FROM coupon
"""


async def budget_violations(database: Database) -> list[str]:
    """What is counted otherwise than it was used, and what was used beyond its limit."""
    wrong = []
    for row in await database.fetch(_OFF):
        if row["counted"] != row["used"]:
            wrong.append(f"{row['name']} counts {row['counted']} and has uses of {row['used']}")
        if row["used"] > row["granted"] or row["least"] < 0:
            wrong.append(f"{row['name']} has uses of {row['used']} and a limit of {row['granted']}")
    for row in await database.fetch(_CARDS):
        if row["discount_counter"] != row["used"]:
            wrong.append(f"{row['code']} counts {row['discount_counter']}, not {row['used']}")
        if row["discount_limit"] and row["used"] > row["discount_limit"]:
            wrong.append(f"{row['code']} gave {row['used']} of {row['discount_limit']}")
    return wrong
