"""Rows of the cards of loyalty programs: adding, finding, changing and removing them.

A card's row is owned by its program and identifier; what it owns in the ledger is read and saved by
`store.loyalty`. Cards are handed out as JSON documents, with their links and with what the
registration door says of their numbers. Whatever is written of a card moves its version.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from habitue.store.database import Connection


class NewCards(msgspec.Struct, frozen=True):
    """What cards have in common that are added at once."""

    program_id: int
    sandbox: bool
    status: str
    batch_id: str
    generated: bool
    created: datetime


class CardFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which cards of a program; None and empty texts exclude none."""

    program_id: int
    identifier: str = ""
    customer_id: int | None = None
    batch_id: str = ""
    order: str = "id"
    skip: int = 0
    limit: int = 1_000


class ProfileRow(msgspec.Struct, frozen=True):
    """Whose claim it is."""

    claim_key: UUID
    customer_id: int
    root_id: int
    version: int


_READ = """
SELECT program_card_document(card) FROM program_card AS card
WHERE program_id = $1 AND identifier = $2 AND deleted IS NULL
"""

_FIND = """
SELECT program_card_document(card) AS document FROM program_card AS card
WHERE card.program_id = $1 AND card.deleted IS NULL
    AND ($2 = '' OR card.identifier = $2)
    AND ($3 = '' OR card.batch_id = $3)
    AND ($4::bigint IS NULL
        OR EXISTS (SELECT FROM program_card_link AS link
            WHERE link.card_id = card.id AND link.customer_id = $4)
        OR EXISTS (SELECT FROM loyalty_card AS held WHERE NOT card.sandbox
            AND held.number = card.identifier AND held.customer_id = $4))
ORDER BY {order} OFFSET $5 LIMIT $6
"""

_ORDERS = {
    "id": "card.id",
    "created": "card.created, card.id",
    "identifier": "card.identifier",
    "status": "card.status, card.id",
    "modified": "card.modified, card.id",
}

_ADD = """
SELECT program_card_document(added) AS document, added.identifier
FROM add_program_cards($1, $2, $3, $4, $5, $6, $7) AS added
"""

_PROFILES = """
SELECT claim.claim_key, claim.customer_id, coalesce(claim.root_id, claim.customer_id) AS root_id,
    customer.version
FROM claim JOIN customer ON customer.id = claim.customer_id
WHERE claim.claim_key = ANY ($1::uuid[])
"""

_LOCK = """
SELECT id FROM program_card WHERE program_id = $1 AND identifier = $2 AND deleted IS NULL FOR UPDATE
"""

_READ_ALL = """
SELECT program_card_document(card) AS document FROM program_card AS card
WHERE program_id = $1 AND identifier = ANY ($2::text[]) AND deleted IS NULL
"""

_LOCK_ALL = """
SELECT id FROM program_card
WHERE program_id = $1 AND identifier = ANY ($2::text[]) AND deleted IS NULL
ORDER BY identifier FOR UPDATE
"""

_LOCK_CUSTOMERS = """
SELECT id FROM customer WHERE id IN (
    SELECT customer_id FROM claim WHERE claim_key = ANY ($1::uuid[])
) ORDER BY id FOR UPDATE
"""

_HOLD_BATCHES = "SELECT id FROM loyalty_program WHERE id = $1 FOR NO KEY UPDATE"

_HAS_BATCH = """
SELECT EXISTS (SELECT FROM program_card WHERE program_id = $1 AND batch_id = $2
    AND deleted IS NULL)
"""


async def read_card(connection: Connection, program_id: int, identifier: str) -> bytes | None:
    """The document of one card, if there is one."""
    document: bytes | None = await connection.fetchval(_READ, program_id, identifier)
    return document


async def read_all(
    connection: Connection, program_id: int, identifiers: Sequence[str]
) -> list[bytes]:
    """The documents of those of the cards that there are."""
    rows = await connection.fetch(_READ_ALL, program_id, identifiers)
    return [row["document"] for row in rows]


async def lock_all(connection: Connection, program_id: int, identifiers: Sequence[str]) -> None:
    """Waits until nobody else writes any of the cards; needs a transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    await connection.execute(_LOCK_ALL, program_id, identifiers)


async def find_cards(connection: Connection, wanted: CardFilter) -> list[bytes]:
    """The documents of one page of cards, and one more where there are more."""
    name = wanted.order.removeprefix("-")
    order = _ORDERS[name]
    if wanted.order.startswith("-"):
        order = ", ".join(f"{each} DESC" for each in order.split(", "))
    rows = await connection.fetch(
        _FIND.format(order=order),
        wanted.program_id,
        wanted.identifier,
        wanted.batch_id,
        wanted.customer_id,
        wanted.skip,
        wanted.limit + 1,
    )
    return [row["document"] for row in rows]


async def add_cards(
    connection: Connection, shared: NewCards, identifiers: Sequence[str]
) -> dict[str, bytes]:
    """Adds a card under every identifier that is free; the documents of those added."""
    arguments = msgspec.structs.astuple(shared)
    rows = await connection.fetch(_ADD, *arguments, identifiers)
    return {row["identifier"]: row["document"] for row in rows}


async def hold_batches(connection: Connection, program_id: int) -> None:
    """Waits until nobody else makes a batch of the program; needs a transaction."""
    await connection.execute(_HOLD_BATCHES, program_id)


async def has_batch(connection: Connection, program_id: int, batch_id: str) -> bool:
    """Whether there are cards of that batch."""
    return bool(await connection.fetchval(_HAS_BATCH, program_id, batch_id))


async def profiles(connection: Connection, keys: Sequence[UUID]) -> dict[UUID, ProfileRow]:
    """Whose those claims are, of those that are somebody's."""
    rows = await connection.fetch(_PROFILES, keys)
    return {row["claim_key"]: ProfileRow(**row) for row in rows}


async def lock(
    connection: Connection, program_id: int, identifier: str, keys: Sequence[UUID] = ()
) -> None:
    """Waits until nobody else writes the customers of those claims, and the card; needs a
    transaction.

    Raises `LockTimeout` when that takes longer than the transaction's lock timeout.
    """
    if keys:
        await connection.execute(_LOCK_CUSTOMERS, keys)
    await connection.execute(_LOCK, program_id, identifier)


async def save_status(
    connection: Connection, owner_id: int, version: int, status: str, now: datetime
) -> None:
    """Sets the status of the card at that version. Raises `GuardFailed`."""
    await _call(connection, "save_program_card_status", owner_id, version, status, now)


async def link(
    connection: Connection,
    owner_id: int,
    version: int,
    profile: ProfileRow,
    integration_id: str,
    now: datetime,
) -> None:
    """Links the card to the customer, both at the versions that were read. Raises `GuardFailed`."""
    holder = (profile.customer_id, profile.version, profile.root_id)
    await _call(connection, "link_program_card", owner_id, version, *holder, integration_id, now)


async def unlink(
    connection: Connection, owner_id: int, version: int, customer_id: int, now: datetime
) -> None:
    """Ends the card's link to that customer. Raises `GuardFailed`."""
    await _call(connection, "unlink_program_card", owner_id, version, customer_id, now)


async def transfer(
    connection: Connection, owner_id: int, version: int, new: str, reason: str, now: datetime
) -> None:
    """Lets a new card take the place of the one at that version.

    Raises `GuardFailed` where it has moved, or where the new identifier is taken.
    """
    await _call(connection, "transfer_program_card", owner_id, version, new, reason, now)


async def delete(
    connection: Connection, owner_id: int, version: int, now: datetime, ledgers: bytes
) -> None:
    """Removes the card at that version, with what was decided about its points. Raises
    `GuardFailed`."""
    await _call(connection, "delete_program_card", owner_id, version, now, ledgers)


async def _call(connection: Connection, function: str, *arguments: Any) -> None:
    places = ", ".join(f"${number}" for number in range(1, len(arguments) + 1))
    await connection.execute(f"SELECT {function}({places})", *arguments)
