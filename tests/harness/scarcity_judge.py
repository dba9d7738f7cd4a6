"""Judges what is scarce beside coupons and budgets: reservations, referral codes and giveaways.

Nothing of the engine is used. A *violation* is one sentence; none means that the books are right.
"""

from habitue.store.database import Database

_RESERVED = """
SELECT code, reservation_limit AS most, reservation_counter AS counted,
    (SELECT count(*) FROM coupon_reservation WHERE coupon_id = coupon.id) AS standing
FROM coupon
"""
_REFERRED = """
SELECT code, usage_limit AS most, usage_counter AS counted,
    (SELECT count(*) FROM referral_use WHERE referral_id = referral.id) AS standing
FROM referral
"""
_FRIENDS = """
SELECT count(*) AS times FROM referral_use
GROUP BY customer_id, application_id HAVING count(*) > 1
"""
_GIVEN = """
SELECT giveaway.code, used::integer AS counted, count(award.giveaway_id) AS standing
FROM giveaway LEFT JOIN giveaway_award AS award
    ON award.pool_id = giveaway.pool_id AND award.giveaway_id = giveaway.id
GROUP BY giveaway.pool_id, giveaway.id
"""


async def scarcity_violations(database: Database, *, reserved_by_staff: bool = False) -> list[str]:
    """What is counted otherwise than it stands, and what stands beyond its limit.

    Staff reserve beyond the limit of reservations, which is for rules.
    """
    wrong = []
    for what, query in (("reservations", _RESERVED), ("friends", _REFERRED), ("awards", _GIVEN)):
        for row in await database.fetch(query):
            if row["counted"] != row["standing"]:
                wrong.append(f"{row['code']} counts {row['counted']} {what}, not {row['standing']}")
            most = 1 if what == "awards" else row["most"]
            free = what == "reservations" and reserved_by_staff
            if most and row["standing"] > most and not free:
                wrong.append(f"{row['code']} has {row['standing']} {what} and a limit of {most}")
    friends = await database.fetch(_FRIENDS)
    return [*wrong, *(f"one friend was referred {each['times']} times" for each in friends)]
