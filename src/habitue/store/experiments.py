"""What came of an experiment, variant by variant, out of the sessions that have one."""

from decimal import Decimal

import msgspec

from habitue.model.documents import encode
from habitue.store.database import Connection


class VariantTotals(msgspec.Struct, frozen=True):
    """Sessions and customers of one variant; of orders, which are sessions that were closed and not
    taken back, what was bought and kept, before discounts, and what the experiment's campaign took
    off."""

    variant_id: int
    sessions: int
    customers: int
    orders: int
    discounted_orders: int
    revenue: Decimal
    units: int
    discounts: Decimal


_TOTALS = """
WITH allocated AS (
    SELECT customer_id, document, (allocation ->> 'variant_id')::bigint AS variant_id,
        state IN ('closed', 'partially_returned') AS ordered
    FROM session
    CROSS JOIN LATERAL jsonb_array_elements(
        document -> 'experiment_variant_allocations') AS allocations (allocation)
    WHERE application_id = $1
        AND document -> 'experiment_variant_allocations' @> $3::jsonb
        AND (allocation ->> 'experiment_id')::bigint = $4
), summed AS (
    SELECT variant_id, customer_id, ordered, session_total(document) AS total, (
            SELECT coalesce(sum((item ->> 'quantity')::bigint
                - coalesce((item ->> 'returned_quantity')::bigint, 0)), 0)
            FROM jsonb_array_elements(document -> 'cart_items') AS items (item)) AS units, (
            SELECT coalesce(sum((effect -> 'outcome' ->> 'value')::numeric), 0)
            FROM jsonb_array_elements(document -> 'effects') AS effects (effect)
            WHERE effect -> 'outcome' ->> 'type' LIKE 'SetDiscount%'
                AND (effect ->> 'campaign_id')::bigint = $2) AS discounts
    FROM allocated
)
SELECT variant_id, count(*) AS sessions, count(DISTINCT customer_id) AS customers,
    count(*) FILTER (WHERE ordered) AS orders,
    count(*) FILTER (WHERE ordered AND discounts > 0) AS discounted_orders,
    coalesce(sum(total) FILTER (WHERE ordered), 0) AS revenue,
    coalesce(sum(units) FILTER (WHERE ordered), 0)::bigint AS units,
    coalesce(sum(discounts) FILTER (WHERE ordered), 0) AS discounts
FROM summed GROUP BY variant_id
"""


async def variant_totals(
    connection: Connection, application_id: int, campaign_id: int, experiment_id: int
) -> list[VariantTotals]:
    """What came of each variant that any session has."""
    named = encode([{"experiment_id": experiment_id}])
    rows = await connection.fetch(_TOTALS, application_id, campaign_id, named, experiment_id)
    return [VariantTotals(**row) for row in rows]
