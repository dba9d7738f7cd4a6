"""Taking a card out of the one that it was joined into.

Both are again what they were, with all that has arrived since at the card that it named; whatever
was joined into the card before goes with it. Counters are counted anew from the sessions.
"""

from datetime import datetime

from habitue.customers.card import Actor
from habitue.customers.claims import claim_key
from habitue.customers.history import Change
from habitue.customers.merge import (
    AttributeChange,
    JoinedTree,
    NotMerged,
    RootBase,
    StandingMerge,
    UnmergeDecision,
    decide_unmerge,
)
from habitue.customers.refusals import CustomerBusy, CustomerErased, CustomerNotFound
from habitue.model.documents import decoder_of, encode
from habitue.store import merges
from habitue.store.database import Connection
from habitue.store.merges import TreeRow, UnmergeWrite
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

_ROOTS = decoder_of(tuple[RootBase, ...])
_MERGES = decoder_of(tuple[StandingMerge, ...])
_CHANGES = decoder_of(tuple[AttributeChange, ...])


async def unmerge_customers(
    shop: Shop, victim_id: int, actor: Actor, now: datetime
) -> UnmergeDecision:
    """Undoes the merge by which that card ended, whatever has been merged since.

    Raises `CustomerNotFound`, `CustomerErased`, `NotMerged` and `CustomerBusy`; nothing is stored
    then.
    """

    async def attempt(connection: Connection, locked: bool) -> UnmergeDecision:
        if locked:
            await merges.lock_tree(connection, victim_id)
        row = await merges.load_tree(connection, victim_id)
        if row is None:
            raise CustomerNotFound(victim_id)
        decision = decide_unmerge(victim_id, _tree(victim_id, row))
        await merges.save_unmerge(connection, _write(decision, row, actor, now))
        return decision

    keys = [claim_key("customer", "id", str(victim_id))]
    async with shop.queue.turn(keys, CustomerBusy):
        return await settled(shop, attempt, CustomerBusy)


def _tree(victim_id: int, row: TreeRow) -> JoinedTree:
    if row.victim_erased is not None or row.holder_erased is not None:
        raise CustomerErased(victim_id)
    if row.holder_id is None:
        raise NotMerged(victim_id)
    return JoinedTree(
        row.holder_id,
        _ROOTS.decode(row.roots),
        _MERGES.decode(row.merges),
        _CHANGES.decode(row.changes),
    )


def _write(decision: UnmergeDecision, row: TreeRow, actor: Actor, now: datetime) -> UnmergeWrite:
    assert row.holder_version is not None, "a tree has a holder"
    return UnmergeWrite(
        victim_id=decision.victim_id,
        victim_version=row.victim_version,
        holder_id=decision.holder_id,
        holder_version=row.holder_version,
        roots=decision.roots,
        now=now,
        victim_attributes=encode(decision.victim_attributes),
        holder_attributes=encode(decision.holder_attributes),
        actor=encode(actor),
        changes=encode([Change(f"joined/{decision.victim_id}", decision.victim_id, None)]),
    )
