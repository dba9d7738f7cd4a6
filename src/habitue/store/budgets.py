"""Reading what is counted of budgets.

Taking and giving back is done by the functions that save sessions and profiles.
"""

from collections.abc import Sequence

from habitue.store.database import Connection

_COUNTED = """
SELECT jsonb_build_object('budget', budget_value(budget.campaign_id, budget.name, coupon_id,
        referral_id, identifier, store),
    'amount', granted - (SELECT sum(remaining) FROM budget_slot WHERE budget_id = budget.id))
    AS document
FROM unnest($1::bigint[], $2::text[]) AS wanted (campaign_id, name)
JOIN budget ON budget.campaign_id = wanted.campaign_id AND budget.name = wanted.name
    AND coupon_id = 0 AND referral_id = 0 AND identifier = '' AND store = ''
"""


async def read_counted(
    connection: Connection, campaign_ids: Sequence[int], names: Sequence[str]
) -> list[bytes]:
    """The documents of those budgets of whole campaigns of which anything was ever taken."""
    return [row["document"] for row in await connection.fetch(_COUNTED, campaign_ids, names)]
