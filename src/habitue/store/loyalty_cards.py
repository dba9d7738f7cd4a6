"""Rows of loyalty cards: reading, saving and adding them in number.

A card's row is owned by its number. `save` is one guarded statement, so that it can stand in the
transaction of whatever else is decided with it; rows hold documents as they are stored, what is in
them is the business of the use cases.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from uuid import UUID

import msgspec

from habitue.store.database import Connection
from habitue.store.failures import AlreadyExists, GuardFailed
from habitue.store.receipts import Receipt, receipt_in, valid_since


class CardQuery(msgspec.Struct, frozen=True):
    """Which cards to read: by number, by external id, and all those of customers."""

    numbers: Sequence[str] = ()
    external_ids: Sequence[str] = ()
    customer_ids: Sequence[int] = ()


class LoyaltyCardRow(msgspec.Struct, frozen=True):
    """One card as stored; the last three are JSON documents."""

    number: str
    id: int
    version: int
    series_id: int
    external_id: str
    label: str
    status: str
    customer_id: int | None
    root_id: int | None
    till: str
    created: datetime
    issued: datetime | None
    expiry: datetime | None
    custom_fields: bytes
    extended_fields: bytes
    status_log: bytes


class HolderRow(msgspec.Struct, frozen=True):
    """A customer who holds cards, or is to hold one; `merged_into` is who took their place."""

    id: int
    version: int
    merged_into: int | None


class CardsReading(msgspec.Struct, frozen=True):
    """What was read: the cards that were named, and all cards of their holders and of the
    customers who were named; of these by id those who exist."""

    configuration_version: int
    cards: list[LoyaltyCardRow]
    holders: dict[int, HolderRow]


class LoyaltyCardWrite(msgspec.Struct, frozen=True):
    """The arguments of `save_loyalty_card`, in its order; version 0 means that the card is new."""

    number: str
    version: int
    series_id: int
    external_id: str
    label: str
    status: str
    customer_id: int | None
    root_id: int | None
    till: str
    created: datetime
    issued: datetime | None
    expiry: datetime | None
    custom_fields: bytes
    extended_fields: bytes
    status_log: bytes


class NewCards(msgspec.Struct, frozen=True):
    """What the cards of one generation share; the log is a JSON document."""

    series_id: int
    label: str
    status: str
    created: datetime
    status_log: bytes


_NAMED = """
    SELECT * FROM loyalty_card WHERE number = ANY ($1::text[])
    UNION ALL
    SELECT loyalty_card.* FROM loyalty_card_external_id AS known
    JOIN loyalty_card ON loyalty_card.number = known.number
    WHERE known.external_id = ANY ($2::text[]) AND NOT known.number = ANY ($1::text[])
"""

_LOAD = f"""
WITH named AS ({_NAMED}), holder AS (
    SELECT customer_id FROM named WHERE customer_id IS NOT NULL
    UNION SELECT unnest($3::bigint[])
), card AS (
    SELECT * FROM named
    UNION ALL
    SELECT held.* FROM loyalty_card AS held JOIN holder ON holder.customer_id = held.customer_id
    WHERE NOT EXISTS (SELECT FROM named WHERE named.number = held.number)
)
SELECT (SELECT version FROM configuration) AS configuration_version, card.*,
    NULL::bigint AS holder_id, NULL::bigint AS holder_version, NULL::bigint AS holder_merged_into
FROM (SELECT 1) AS request LEFT JOIN card ON true
UNION ALL
SELECT NULL, card.*, customer.id, customer.version, customer.merged_into
FROM customer JOIN holder ON holder.customer_id = customer.id
LEFT JOIN card ON false
"""

_LOCK_CUSTOMERS = f"""
SELECT id FROM customer WHERE id IN (
    SELECT unnest($3::bigint[])
    UNION SELECT customer_id FROM ({_NAMED}) AS named WHERE cardinality($3::bigint[]) = 0
) ORDER BY id FOR UPDATE
"""

_LOCK_CARDS = f"""
SELECT number FROM loyalty_card WHERE number IN (SELECT number FROM ({_NAMED}) AS named)
ORDER BY number FOR UPDATE
"""

_SAVE = """
SELECT save_loyalty_card($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""

_SAVE_OF = """
SELECT save_loyalty_card_of($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    $17)
"""

_TAKE_POSITIONS = """
INSERT INTO card_series_position AS counted (series_id, position) VALUES ($1, $2)
ON CONFLICT (series_id) DO UPDATE SET position = counted.position + excluded.position
WHERE counted.position + excluded.position <= $3
RETURNING position
"""

_HOLD_SERIES = """
INSERT INTO card_series_position AS counted (series_id, position) VALUES ($1, 0)
ON CONFLICT (series_id) DO UPDATE SET position = counted.position
"""

_TAKEN = "SELECT number FROM loyalty_card WHERE number = ANY ($1::text[])"

_RECEIPT = """
SELECT request_hash, status AS receipt_status, answer AS receipt_answer FROM receipt
WHERE key_digest = $1 AND created > $2
"""

_SAVE_RECEIPT = "SELECT save_receipt($1, $2, $3::smallint, $4, NULL, $5)"

_GENERATED = ("number", "series_id", "label", "status", "created", "status_log")


async def load(connection: Connection, query: CardQuery) -> CardsReading:
    """The cards that are asked for, and what a decision about them needs, in one round trip."""
    rows = await connection.fetch(_LOAD, *msgspec.structs.astuple(query))
    holders = [HolderRow(*_HOLDER(row)) for row in rows if row["holder_id"] is not None]
    return CardsReading(
        configuration_version=max(row["configuration_version"] or 0 for row in rows),
        cards=[LoyaltyCardRow(*_COLUMNS(row)) for row in rows if row["number"] is not None],
        holders={each.id: each for each in holders},
    )


async def lock(connection: Connection, query: CardQuery) -> None:
    """Waits until nobody else writes these cards, or what the customers own who are named; where
    none is named, what the cards' holders own. Needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_LOCK_CUSTOMERS, *msgspec.structs.astuple(query))
    await connection.execute(_LOCK_CARDS, query.numbers, query.external_ids)


async def save(connection: Connection, write: LoyaltyCardWrite) -> int:
    """Saves the card, in the transaction of the caller, who guards its customer; the card's id.

    Raises `GuardFailed` when the card has moved, its number or its external id is taken.
    """
    saved: int = await connection.fetchval(_SAVE, *msgspec.structs.astuple(write))
    return saved


async def save_of(
    connection: Connection, owner_id: int, owner_version: int, write: LoyaltyCardWrite
) -> int:
    """Saves the card and moves the version of the customer who holds it or held it; its id.

    Raises `GuardFailed` when either has moved.
    """
    arguments = (owner_id, owner_version, *msgspec.structs.astuple(write))
    saved: int = await connection.fetchval(_SAVE_OF, *arguments)
    return saved


async def take_positions(
    connection: Connection, series_id: int, count: int, position_max: int
) -> range:
    """The next `count` positions of the series, which nobody else gets or has got.

    Where there are not as many left up to `position_max`, none are taken.
    """
    if count > position_max:
        return range(0)
    last = await connection.fetchval(_TAKE_POSITIONS, series_id, count, position_max)
    return range(0) if last is None else range(last - count + 1, last + 1)


async def hold_series(connection: Connection, series_id: int) -> None:
    """Waits until nobody else holds the series, and holds it until the transaction ends.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_HOLD_SERIES, series_id)


async def taken(connection: Connection, numbers: Sequence[str]) -> set[str]:
    """Those of the numbers that are cards already."""
    return {row["number"] for row in await connection.fetch(_TAKEN, numbers)}


async def find_receipt(connection: Connection, key: UUID, now: datetime) -> Receipt | None:
    """The answer to an earlier request that made cards under the same key."""
    row = await connection.fetchrow(_RECEIPT, key, valid_since(now))
    return None if row is None else receipt_in(row)


async def save_receipt(connection: Connection, key: UUID, receipt: Receipt, now: datetime) -> None:
    """Keeps the answer, in the transaction that makes the cards.

    Raises `GuardFailed` where another request with that key was faster.
    """
    await connection.execute(
        _SAVE_RECEIPT, key, receipt.request_hash, receipt.status, receipt.answer, now
    )


async def insert_cards(connection: Connection, shared: NewCards, numbers: Sequence[str]) -> None:
    """Adds a card under every number, all or none. Raises `GuardFailed` where one is taken."""
    rest = msgspec.structs.astuple(shared)
    try:
        await connection.copy_records_to_table(
            "loyalty_card", records=((number, *rest) for number in numbers), columns=_GENERATED
        )
    except AlreadyExists as exists:
        raise GuardFailed("loyalty card") from exists


_HOLDER = itemgetter(*(f"holder_{name}" for name in HolderRow.__struct_fields__))
_COLUMNS = itemgetter(*LoyaltyCardRow.__struct_fields__)
