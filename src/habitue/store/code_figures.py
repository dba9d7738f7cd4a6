"""How many coupons and referral codes there are in all applications together."""

from datetime import datetime

import msgspec

from habitue.store.database import Connection


class CodeFigures(msgspec.Struct, frozen=True):
    """Codes that are there; *active* ones can be used at that moment, *expired* ones never again.
    Those that are used up, or start later, are neither."""

    all: int
    active: int
    expired: int


class AllCodeFigures(msgspec.Struct, frozen=True):
    """The figures of both kinds of codes."""

    coupons: CodeFigures
    referrals: CodeFigures


_COUNTS = """count(*), count(*) FILTER (WHERE (start_date IS NULL OR start_date <= $1)
        AND (expiry_date IS NULL OR expiry_date > $1)
        AND (usage_limit = 0 OR usage_counter < usage_limit)),
    count(*) FILTER (WHERE expiry_date <= $1)"""
_FIGURES = f"""
SELECT * FROM (SELECT {_COUNTS} FROM coupon) AS coupons (coupons, active_coupons, expired_coupons),
    (SELECT {_COUNTS} FROM referral) AS referrals (referrals, active_referrals, expired_referrals)
"""


async def code_figures(connection: Connection, now: datetime) -> AllCodeFigures:
    """The figures at that moment. Every code is looked at."""
    row = await connection.fetchrow(_FIGURES, now)
    assert row is not None, "sums are always one row"
    return AllCodeFigures(
        CodeFigures(row["coupons"], row["active_coupons"], row["expired_coupons"]),
        CodeFigures(row["referrals"], row["active_referrals"], row["expired_referrals"]),
    )
