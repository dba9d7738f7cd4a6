"""Who stands as referred by a customer, in the order in which sessions redeemed the codes."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.store.database import Connection


class ReferredFriend(msgspec.Struct, frozen=True):
    """One use that stands: the code, the session that redeemed it, and whose that is."""

    code: str
    advocate_id: str
    friend_id: str
    session_integration_id: str
    at: datetime


# Codes of whoever the customer is by now; the friends by ids in the shop's systems.
_STANDING = """
FROM referral
JOIN referral_use AS used ON used.referral_id = referral.id
JOIN session ON session.customer_id = used.customer_id AND session.id = used.session_id
WHERE referral.application_id = $2
    AND advocate_key IN (SELECT claim_key FROM claim WHERE customer_id = $1 AND session_id IS NULL)
"""
_PAGE = """
SELECT referral.code, referral.advocate_id,
    coalesce(profile_id_of(used.customer_id), '') AS friend_id,
    session.integration_id AS session_integration_id, used.at
"""
_COUNT = f"SELECT count(*) {_STANDING}"


async def referred_friends(
    connection: Connection,
    customer_id: int,
    application_id: int,
    skip: int,
    limit: int,
    *,
    newest_first: bool = False,
) -> Sequence[ReferredFriend]:
    """One page of the uses of the customer's codes in an application."""
    order = "DESC" if newest_first else "ASC"
    statement = (
        f"{_PAGE} {_STANDING} ORDER BY used.at {order}, used.session_id {order} OFFSET $3 LIMIT $4"
    )
    rows = await connection.fetch(statement, customer_id, application_id, skip, limit)
    return [ReferredFriend(**row) for row in rows]


async def count_referred_friends(
    connection: Connection, customer_id: int, application_id: int
) -> int:
    """How many uses stand."""
    count: int = await connection.fetchval(_COUNT, customer_id, application_id)
    return count
