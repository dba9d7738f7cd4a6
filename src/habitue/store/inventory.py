"""What a customer has: coupons that are kept for them, and the programs that they have joined."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.store.database import Connection


class OwnedCoupon(msgspec.Struct, frozen=True):
    """A coupon as it is stored, and how many redemptions of it by the customer stand."""

    document: bytes
    redemptions: int


class OwnedReferral(msgspec.Struct, frozen=True):
    """A code as it is stored, and who stands as referred by it."""

    document: bytes
    friends: Sequence[str]


# By campaign and id, as coupons are found: reserved, redeemed, personal, or there for everybody.
_COUPONS = """
WITH owned AS (
    SELECT campaign_id, coupon_id AS id FROM coupon_reservation WHERE customer_id = $1
    UNION
    SELECT campaign_id, coupon_id FROM redemption WHERE customer_id = $1
    UNION
    SELECT campaign_id, id FROM coupon
    WHERE recipient_integration_id <> '' AND recipient_integration_id IN (
        SELECT value FROM customer_identifier
        WHERE customer_id = $1 AND kind = 'integrationId')
    UNION
    SELECT campaign_id, id FROM coupon WHERE implicitly_reserved AND application_id = $2
)
SELECT to_jsonb(coupon) AS document, (
    SELECT count(*) FROM redemption
    WHERE redemption.customer_id = $1 AND redemption.coupon_id = coupon.id) AS redemptions
FROM owned JOIN coupon ON coupon.campaign_id = owned.campaign_id AND coupon.id = owned.id
WHERE coupon.application_id = $2
ORDER BY coupon.id LIMIT $3
"""

_JOINED = """
SELECT program_id, min(joined) AS joined FROM loyalty_membership
WHERE customer_id = $1 GROUP BY program_id
"""


# Codes of whoever the customer is by now; the friends by ids in the shop's systems.
_REFERRALS = """
SELECT to_jsonb(referral) AS document, ARRAY(
    SELECT DISTINCT profile_id_of(referral_use.customer_id) FROM referral_use
    WHERE referral_use.referral_id = referral.id ORDER BY 1) AS friends
FROM referral
WHERE application_id = $2
    AND advocate_key IN (SELECT claim_key FROM claim WHERE customer_id = $1 AND session_id IS NULL)
ORDER BY referral.id LIMIT $3
"""


async def coupons_of(
    connection: Connection, customer_id: int, application_id: int, count: int
) -> list[OwnedCoupon]:
    """The oldest coupons of the application that the customer has, had, or may see."""
    rows = await connection.fetch(_COUPONS, customer_id, application_id, count)
    return [OwnedCoupon(**row) for row in rows]


async def referrals_of(
    connection: Connection, customer_id: int, application_id: int, count: int
) -> list[OwnedReferral]:
    """The oldest codes of the application with which the customer refers others."""
    rows = await connection.fetch(_REFERRALS, customer_id, application_id, count)
    return [
        OwnedReferral(row["document"], [each for each in row["friends"] if each]) for row in rows
    ]


async def joined_programs(connection: Connection, customer_id: int) -> dict[int, datetime]:
    """When the customer joined which program."""
    rows = await connection.fetch(_JOINED, customer_id)
    return {row["program_id"]: row["joined"] for row in rows}
