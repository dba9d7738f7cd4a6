"""Lists of profiles: which customers, and then what is told of them.

A profile is a customer who has an id in the shop's own systems. Live and sandbox customers stand
side by side; which of both a customer is, only the claims on the ids say.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from habitue.store.customers import CustomerRow, owner_in
from habitue.store.database import Connection


class ProfileFilter(msgspec.Struct, frozen=True):
    """Which profiles; what is None does not matter. `attributes` is a JSON document: a profile has
    all of them, with these very values."""

    attributes: bytes | None = None
    profile_ids: Sequence[str] | None = None
    customer_ids: Sequence[int] | None = None


class KnownAs(msgspec.Struct, frozen=True):
    """A customer with the ids in the shop's systems, and the claims on them."""

    customer_id: int
    profile_ids: Sequence[str]
    claim_keys: Sequence[UUID]


class ListedProfile(msgspec.Struct, frozen=True):
    """What is told of one customer; `audience_ids` may be of audiences that are gone."""

    customer: CustomerRow
    profile_id: str
    audience_ids: Sequence[int]


_FOUND = """
SELECT customer.id AS customer_id, array_agg(known.value ORDER BY known.created, known.value)
    AS profile_ids, array_agg(known.claim_key ORDER BY known.created, known.value) AS claim_keys
FROM customer
JOIN customer_identifier AS known
    ON known.customer_id = customer.id AND known.kind = 'integrationId'
WHERE customer.id > $1 AND customer.merged_into IS NULL AND customer.erased IS NULL
    AND ($3::jsonb IS NULL OR customer.attributes @> $3)
    AND ($4::text[] IS NULL OR known.value = ANY ($4))
    AND ($5::bigint[] IS NULL OR customer.id = ANY ($5))
GROUP BY customer.id ORDER BY customer.id LIMIT $2
"""

_LISTED = """
SELECT owner.id AS owner_id,
    owner.version AS owner_version,
    owner.anonymous AS owner_anonymous,
    owner.created AS owner_created,
    owner.last_activity AS owner_last_activity,
    owner.session_count AS owner_session_count,
    owner.closed_sessions AS owner_closed_sessions,
    owner.total_sales AS owner_total_sales,
    owner.attributes AS owner_attributes,
    coalesce(profile_id_of(owner.id), '') AS profile_id,
    ARRAY(SELECT DISTINCT audience_id FROM audience_member WHERE customer_id = owner.id)
        AS audience_ids
FROM customer AS owner WHERE owner.id = ANY ($1::bigint[]) ORDER BY owner.id
"""

_HOLDER = "SELECT coalesce(merged_into, id) FROM customer WHERE id = $1 AND erased IS NULL"

_MEMBERS = """
SELECT DISTINCT customer_id FROM audience_member AS member
WHERE audience_id = $1 AND ($2::text IS NULL OR EXISTS (
    SELECT FROM customer_identifier AS known
    WHERE known.customer_id = member.customer_id AND kind = 'integrationId'
        AND strpos(lower(value), lower($2)) > 0))
ORDER BY customer_id {direction} OFFSET $3 LIMIT $4
"""

_MEMBER_IDS = """
SELECT customer_id, profile_id_of(customer_id) AS profile_id FROM (
    SELECT DISTINCT customer_id FROM audience_member
    WHERE audience_id = $1 AND customer_id > $2 ORDER BY customer_id LIMIT $3
) AS members
"""


async def found(
    connection: Connection, wanted: ProfileFilter, after: int, count: int
) -> list[KnownAs]:
    """The next customers after that one, in the order of their ids."""
    arguments = msgspec.structs.astuple(wanted)
    return [KnownAs(**row) for row in await connection.fetch(_FOUND, after, count, *arguments)]


async def listed(connection: Connection, customer_ids: Sequence[int]) -> list[ListedProfile]:
    """What is told of those customers, in the order of their ids."""
    profiles = []
    for row in await connection.fetch(_LISTED, customer_ids):
        customer = owner_in(row)
        assert customer is not None, "the query gives only customers who exist"
        profiles.append(ListedProfile(customer, row["profile_id"], row["audience_ids"]))
    return profiles


async def holder_of(connection: Connection, customer_id: int) -> int | None:
    """The customer whom that one is, or is a part of by now; None for nobody."""
    holder: int | None = await connection.fetchval(_HOLDER, customer_id)
    return holder


async def members_page(
    connection: Connection,
    audience_id: int,
    text: str | None,
    skip: int,
    count: int,
    *,
    newest_first: bool,
) -> list[int]:
    """The ids of members; with `text` those who have an id with it, in whatever case."""
    statement = _MEMBERS.format(direction="DESC" if newest_first else "ASC")
    rows = await connection.fetch(statement, audience_id, text, skip, count)
    return [row["customer_id"] for row in rows]


async def member_ids(
    connection: Connection, audience_id: int, after: int, count: int
) -> list[tuple[int, str]]:
    """The next members after that customer, each with an id in the shop's systems."""
    rows = await connection.fetch(_MEMBER_IDS, audience_id, after, count)
    return [(row["customer_id"], row["profile_id"] or "") for row in rows]
