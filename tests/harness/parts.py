"""Writes customer cards by hand: a part for a root, an identifier that goes to another root."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from habitue.customers.card import Actor, Part
from habitue.customers.change import CardChange, ClaimWish
from habitue.customers.claims import STORE_SIDE_ID, profile_key
from habitue.store import cards
from habitue.store.cards import CardQuery
from habitue.store.database import Connection, Database
from habitue.usecases.card_state import write_of

NOW = datetime(2026, 6, 15, 13, 0, tzinfo=UTC)


async def give_part(database: Database, root_id: int, owner_id: int) -> None:
    """The root gets a part of its own, or an endpoint more in it."""
    row = await cards.load(database, CardQuery((), (owner_id,), None, NOW))
    (card,) = row.cards
    parts = [msgspec.json.decode(each, type=Part) for each in card.parts]
    old = next((each for each in parts if each.root_id == root_id), None)
    part = old or Part(root_id=root_id, registered=NOW)
    part = msgspec.structs.replace(part, endpoints=(*part.endpoints, "more"))
    change = CardChange(
        customer_id=owner_id,
        version=card.version,
        root_id=root_id,
        kind="updated",
        actor=Actor(),
        parts=(part,),
    )
    await cards.save(database, write_of(change, NOW))


async def move_identifier(
    database: Database, name: str, owner_id: int, new_owner_id: int, new_root_id: int
) -> None:
    """The profile id is given up by its owner and taken under another root."""
    key = profile_key(name, sandbox=False)
    wish = ClaimWish(key, STORE_SIDE_ID, name, new_root_id, "", "")
    async with database.transaction() as connection:
        await _write(connection, owner_id, owner_id, released=(key,))
        await _write(connection, new_owner_id, new_root_id, claims=(wish,))


async def _write(
    connection: Connection,
    customer_id: int,
    root_id: int,
    *,
    released: tuple[UUID, ...] = (),
    claims: tuple[ClaimWish, ...] = (),
) -> None:
    row = await cards.load(connection, CardQuery((), (customer_id,), None, NOW))
    change = CardChange(
        customer_id=customer_id,
        version=row.cards[0].version,
        root_id=root_id,
        kind="identifier",
        actor=Actor(),
        parts=(),
        released=released,
        claims=claims,
    )
    await cards.save(connection, write_of(change, NOW))
