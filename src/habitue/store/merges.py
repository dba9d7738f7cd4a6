"""Rows of merges: saving one, reading what is joined in a customer, and taking a card out again.

Each write is one statement, guarded by the versions of both customers: where one of them has moved
nothing is written and `GuardFailed` is raised.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.store.database import Connection


class MergeWrite(msgspec.Struct, frozen=True):
    """The arguments of `merge_customers`, in its order; `changes` is for the card's history."""

    survivor_id: int
    survivor_version: int
    victim_id: int
    victim_version: int
    now: datetime
    attributes: bytes
    actor: bytes
    reason: bytes
    changes: bytes


class UnmergeWrite(msgspec.Struct, frozen=True):
    """The arguments of `unmerge_customers`, in its order; the holder is the card that is split."""

    victim_id: int
    victim_version: int
    holder_id: int
    holder_version: int
    roots: Sequence[int]
    now: datetime
    victim_attributes: bytes
    holder_attributes: bytes
    actor: bytes
    changes: bytes


class TreeRow(msgspec.Struct, frozen=True):
    """What is joined in the customer that holds the victim; the lists are JSON documents.

    Where the victim stands for itself, `holder_id` is None.
    """

    victim_version: int
    victim_erased: datetime | None
    holder_id: int | None
    holder_version: int | None
    holder_erased: datetime | None
    roots: bytes
    merges: bytes
    changes: bytes


class StoryRow(msgspec.Struct, frozen=True):
    """How a customer came to be; the lists are JSON documents, oldest first."""

    customer_id: int
    erased: datetime | None
    roots: Sequence[int]
    links: bytes
    joinings: bytes


class StoreIdRow(msgspec.Struct, frozen=True):
    """An id that the shop's own systems gave a customer, and the key that it is claimed under."""

    customer_id: int
    claim_key: UUID
    value: str


_STORE_IDS = """
SELECT customer_id, claim_key, value FROM customer_identifier
WHERE customer_id = ANY ($1) AND kind = 'integrationId'
"""

_MERGE = "SELECT merge_customers($1, $2, $3, $4, $5, $6, $7, $8, $9)"

_UNMERGE = "SELECT unmerge_customers($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

_LOAD = """
SELECT victim.version AS victim_version, victim.erased AS victim_erased,
    holder.id AS holder_id, holder.version AS holder_version, holder.erased AS holder_erased,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(card_root)), '[]') FROM card_root
        WHERE customer_id = holder.id
    ) AS roots,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', id, 'victim_id', victim_id, 'survivor_id', survivor_id)), '[]')
        FROM customer_merge
        WHERE undone_at IS NULL
            AND victim_id IN (SELECT root_id FROM card_root WHERE customer_id = holder.id)
    ) AS merges,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(customer_change)), '[]') FROM customer_change
        WHERE customer_id = holder.id AND kind = 'attributes'
            AND id > (SELECT min(since_change) FROM card_root WHERE customer_id = holder.id)
    ) AS changes
FROM customer AS victim
LEFT JOIN customer AS holder ON holder.id = victim.merged_into
WHERE victim.id = $1
"""

_LOCK = """
SELECT id FROM customer
WHERE id = $1 OR id = (SELECT merged_into FROM customer WHERE id = $1)
ORDER BY id FOR UPDATE
"""


_STORY = """
WITH person AS (
    SELECT holder.id, holder.erased FROM customer AS named
    JOIN customer AS holder ON holder.id = coalesce(named.merged_into, named.id)
    WHERE named.id = $1
), member AS (
    SELECT customer.id FROM customer JOIN person
        ON customer.id = person.id OR customer.merged_into = person.id
)
SELECT person.id AS customer_id, person.erased,
    ARRAY(SELECT id FROM member ORDER BY id) AS roots,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object('claim_key', claim_key, 'kind', kind,
            'value', value, 'root_id', coalesce(root_id, person.id), 'source', source,
            'account_id', account_id, 'since', created, 'card_count', 1 + (
                SELECT count(*) FROM claim_holder
                WHERE claim_holder.claim_key = identifier.claim_key)
            ) ORDER BY created, kind, value), '[]')
        FROM customer_identifier AS identifier WHERE customer_id = person.id
    ) AS links,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(joining) - 'manifest' ORDER BY joining.id), '[]')
        FROM customer_merge AS joining
        WHERE joining.victim_id IN (SELECT id FROM member)
            OR joining.survivor_id IN (SELECT id FROM member)
    ) AS joinings
FROM person
"""


async def load_store_ids(connection: Connection, customer_ids: Sequence[int]) -> list[StoreIdRow]:
    """The ids of the store that these customers have."""
    return [StoreIdRow(**row) for row in await connection.fetch(_STORE_IDS, customer_ids)]


async def save_merge(connection: Connection, write: MergeWrite) -> int:
    """Saves the merge; its id. Raises `GuardFailed`."""
    return int(await connection.fetchval(_MERGE, *msgspec.structs.astuple(write)))


async def load_tree(connection: Connection, victim_id: int) -> TreeRow | None:
    """What has to be known to take that card out again; None where nobody has the id."""
    row = await connection.fetchrow(_LOAD, victim_id)
    return None if row is None else TreeRow(**row)


async def load_story(connection: Connection, customer_id: int) -> StoryRow | None:
    """How the customer that holds that card came to be; None where nobody has the id."""
    row = await connection.fetchrow(_STORY, customer_id)
    return None if row is None else StoryRow(**row)


async def lock_tree(connection: Connection, victim_id: int) -> None:
    """Waits until nobody else writes what the card and its holder own; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_LOCK, victim_id)


async def save_unmerge(connection: Connection, write: UnmergeWrite) -> None:
    """Saves both cards as they are without the merge. Raises `GuardFailed`."""
    await connection.fetchval(_UNMERGE, *msgspec.structs.astuple(write))
