"""What campaigns have brought and given, out of the events and sessions of an application.

Words: a closing of a session *stands* while the session was not reopened after it. A session is a
*campaign's* where the campaign gave a discount, a free unit, or accepted a coupon when it was
closed. An *order* is a session that is closed and was not taken back.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.model.documents import encode
from habitue.store.database import Connection


class MeasureRow(msgspec.Struct, frozen=True):
    """The sum of one measure in one interval: 0 for all before the first one."""

    place: int
    measure: str
    amount: Decimal


class CampaignTotals(msgspec.Struct, frozen=True):
    """Orders of a time: all of them where no campaign is named, those of any campaign where that is
    0; their totals before discounts, units that were kept, coupons and discounts."""

    campaign_id: int | None
    orders: int
    revenue: Decimal
    units: int
    coupons: int
    discounts: Decimal


class CustomerTotals(msgspec.Struct, frozen=True):
    """What one customer has done in an application since ever."""

    accepted_coupons: int
    created_coupons: int
    free_units: int
    orders: int
    discounted_orders: int
    revenue: Decimal
    discounts: Decimal


_GIVING = """('SetDiscount', 'SetDiscountPerItem', 'SetDiscountPerAdditionalCost',
        'SetDiscountPerAdditionalCostPerItem', 'AddFreeItem', 'AcceptCoupon')"""

# Sums are by what is counted of an outcome (its value or itself) and with which sign.
_MEASURES = f"""
WITH measure (type, name, factor, by_value) AS (
    VALUES ('SetDiscount', 'discounts', 1, true),
        ('SetDiscountPerItem', 'discounts', 1, true),
        ('SetDiscountPerAdditionalCost', 'discounts', 1, true),
        ('SetDiscountPerAdditionalCostPerItem', 'discounts', 1, true),
        ('RollbackDiscount', 'refunded_discounts', 1, true),
        ('AddFreeItem', 'free_units', 1, false),
        ('AcceptCoupon', 'redeemed_coupons', 1, false),
        ('RollbackCoupon', 'released_coupons', 1, false),
        ('AcceptReferral', 'redeemed_referrals', 1, false),
        ('AddLoyaltyPoints', 'added_points', 1, true),
        ('RollbackAddedPoints', 'added_points', -1, true),
        ('DeductLoyaltyPoints', 'deducted_points', 1, true),
        ('RollbackDeductedPoints', 'deducted_points', -1, true)
), caused AS (
    SELECT event.customer_id, event.id, event.session_id, event.type, event.created,
        effect -> 'outcome' AS outcome
    FROM session_event AS event
    CROSS JOIN LATERAL jsonb_array_elements(event.effects) AS effects (effect)
    WHERE event.application_id = $1 AND event.created < $4
        AND event.effects @> $5::jsonb AND (effect ->> 'campaign_id')::bigint = $2
), standing AS (
    SELECT * FROM caused
    WHERE session_id IS NULL
        OR (type IN ('talon_session_closed', 'talon_session_revoked',
                'talon_session_partially_returned')
            AND NOT EXISTS (
                SELECT FROM session_event AS later
                WHERE later.customer_id = caused.customer_id AND later.id > caused.id
                    AND later.session_id = caused.session_id
                    AND later.type = 'talon_session_reopened'))
), won AS (
    SELECT closing.customer_id, closing.session_id, closing.created, session.document
    FROM (
        SELECT customer_id, session_id, created FROM standing
        WHERE type = 'talon_session_closed' AND outcome ->> 'type' IN {_GIVING}
        GROUP BY 1, 2, 3
    ) AS closing
    JOIN session ON session.customer_id = closing.customer_id AND session.id = closing.session_id
), fact AS (
    SELECT created AS at, 'revenue' AS measure, bought_total(document) AS amount FROM won
    UNION ALL
    SELECT (returned ->> 'created')::timestamptz, 'refund',
        return_total(document, returned -> 'lines')
    FROM won CROSS JOIN LATERAL
        jsonb_array_elements(document -> 'returns' -> 'made') AS returns (returned)
    UNION ALL
    SELECT event.created, 'refund', session_total(document)
    FROM won JOIN session_event AS event ON event.customer_id = won.customer_id
        AND event.session_id = won.session_id AND event.type = 'talon_session_revoked'
    UNION ALL
    SELECT created, measure.name,
        measure.factor * CASE WHEN by_value THEN (outcome ->> 'value')::numeric ELSE 1 END
    FROM standing JOIN measure ON measure.type = outcome ->> 'type'
    UNION ALL
    SELECT min(created), CASE outcome ->> 'type'
        WHEN 'CouponCreated' THEN 'created_coupons' ELSE 'created_referrals' END, 1
    FROM caused WHERE outcome ->> 'type' IN ('CouponCreated', 'ReferralCreated')
    GROUP BY outcome ->> 'type', outcome ->> 'value'
)
SELECT width_bucket(at, $3::timestamptz[]) AS place, measure, sum(amount) AS amount
FROM fact WHERE at < $4 GROUP BY 1, 2 ORDER BY 1, 2
"""

_TOTALS = f"""
WITH placed AS (
    SELECT id, document, session_total(document) AS total, (
            SELECT coalesce(sum((item ->> 'quantity')::bigint
                - coalesce((item ->> 'returned_quantity')::bigint, 0)), 0)
            FROM jsonb_array_elements(document -> 'cart_items') AS items (item)
        )::bigint AS units
    FROM session
    WHERE application_id = $1 AND state IN ('closed', 'partially_returned')
        AND (document ->> 'closed_at')::timestamptz >= $2
        AND (document ->> 'closed_at')::timestamptz < $3
), influenced AS (
    SELECT id, total, units, (effect ->> 'campaign_id')::bigint AS campaign_id,
        count(*) FILTER (WHERE effect -> 'outcome' ->> 'type' = 'AcceptCoupon') AS coupons,
        coalesce(sum(CASE WHEN effect -> 'outcome' ->> 'type' LIKE 'SetDiscount%'
            THEN (effect -> 'outcome' ->> 'value')::numeric END), 0) AS discounts
    FROM placed CROSS JOIN LATERAL
        jsonb_array_elements(document -> 'effects') AS effects (effect)
    WHERE effect -> 'outcome' ->> 'type' IN {_GIVING}
    GROUP BY 1, 2, 3, 4
)
SELECT NULL::bigint AS campaign_id, count(*) AS orders, coalesce(sum(total), 0) AS revenue,
    coalesce(sum(units), 0)::bigint AS units, 0::bigint AS coupons, 0::numeric AS discounts
FROM placed
UNION ALL
SELECT 0, count(*), coalesce(sum(total), 0), coalesce(sum(units), 0)::bigint,
    coalesce(sum(coupons), 0)::bigint, coalesce(sum(discounts), 0)
FROM (
    SELECT total, units, sum(coupons) AS coupons, sum(discounts) AS discounts
    FROM influenced WHERE $4::bigint[] IS NULL OR campaign_id = ANY ($4)
    GROUP BY id, total, units
) AS once
UNION ALL
SELECT campaign_id, count(*), sum(total), sum(units)::bigint, sum(coupons)::bigint, sum(discounts)
FROM influenced WHERE $4::bigint[] IS NULL OR campaign_id = ANY ($4) GROUP BY campaign_id
"""

_CUSTOMER = """
WITH placed AS (
    SELECT session_total(document) AS total, document -> 'effects' AS effects FROM session
    WHERE customer_id = $1 AND application_id = $2 AND state IN ('closed', 'partially_returned')
), summed AS (
    SELECT total, (
            SELECT count(*) FROM jsonb_array_elements(effects) AS given (effect)
            WHERE effect -> 'outcome' ->> 'type' = 'AddFreeItem') AS free_units, (
            SELECT sum((effect -> 'outcome' ->> 'value')::numeric)
            FROM jsonb_array_elements(effects) AS given (effect)
            WHERE effect -> 'outcome' ->> 'type' LIKE 'SetDiscount%') AS discounts
    FROM placed
)
SELECT
    (SELECT count(*) FROM redemption
        WHERE customer_id = $1 AND application_id = $2) AS accepted_coupons,
    (SELECT count(DISTINCT effect -> 'outcome' ->> 'value')
        FROM session_event CROSS JOIN LATERAL jsonb_array_elements(effects) AS given (effect)
        WHERE customer_id = $1 AND application_id = $2
            AND effect -> 'outcome' ->> 'type' = 'CouponCreated') AS created_coupons,
    coalesce(sum(free_units), 0)::bigint AS free_units,
    count(*) AS orders,
    count(*) FILTER (WHERE discounts > 0) AS discounted_orders,
    coalesce(sum(total), 0) AS revenue,
    coalesce(sum(discounts), 0) AS discounts
FROM summed
"""


async def measures(
    connection: Connection,
    application_id: int,
    campaign_id: int,
    starts: Sequence[datetime],
    until: datetime,
) -> list[MeasureRow]:
    """The sums of what is not 0 before `until`, by the intervals that begin at `starts`."""
    caused = encode([{"campaign_id": campaign_id}])
    rows = await connection.fetch(_MEASURES, application_id, campaign_id, starts, until, caused)
    return [MeasureRow(**row) for row in rows]


async def totals(
    connection: Connection,
    application_id: int,
    since: datetime,
    until: datetime,
    campaign_ids: Sequence[int] | None,
) -> list[CampaignTotals]:
    """The orders that were closed in that time: all, those of any of the campaigns (None for all
    there are), and those of each that has any."""
    rows = await connection.fetch(_TOTALS, application_id, since, until, campaign_ids)
    return [CampaignTotals(**row) for row in rows]


async def customer_totals(
    connection: Connection, customer_id: int, application_id: int
) -> CustomerTotals:
    """What that customer has done in the application."""
    row = await connection.fetchrow(_CUSTOMER, customer_id, application_id)
    assert row is not None, "the query always gives one row"
    return CustomerTotals(**row)
