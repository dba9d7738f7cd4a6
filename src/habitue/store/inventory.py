"""What a customer has: coupons that are kept for them, and the programs that they have joined."""

from datetime import datetime

import msgspec

from habitue.store.database import Connection


class OwnedCoupon(msgspec.Struct, frozen=True):
    """A coupon as it is stored, and how many redemptions of it by the customer stand."""

    document: bytes
    redemptions: int


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


async def coupons_of(
    connection: Connection, customer_id: int, application_id: int, count: int
) -> list[OwnedCoupon]:
    """The oldest coupons of the application that the customer has, had, or may see."""
    rows = await connection.fetch(_COUPONS, customer_id, application_id, count)
    return [OwnedCoupon(**row) for row in rows]


async def joined_programs(connection: Connection, customer_id: int) -> dict[int, datetime]:
    """When the customer joined which program."""
    rows = await connection.fetch(_JOINED, customer_id)
    return {row["program_id"]: row["joined"] for row in rows}
