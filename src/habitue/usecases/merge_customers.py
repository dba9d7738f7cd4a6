"""Joining two cards that turn out to be one person's.

One statement writes the whole merge, so it can stand alone or be a part of another write: a
registration whose identifiers lead to several cards joins them before it changes the one that is
left.
"""

from collections.abc import Iterable
from datetime import datetime

from habitue.customers.card import Actor, Card
from habitue.customers.claims import claim_key, profile_key
from habitue.customers.history import Change
from habitue.customers.merge import MergeDecision, MergeReason, decide_merge
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerBusy, CustomerNotFound
from habitue.model.documents import encode
from habitue.store import cards, merges
from habitue.store.cards import CardQuery
from habitue.store.database import Connection
from habitue.store.merges import MergeWrite, StoreIdRow
from habitue.store.receipts import valid_since
from habitue.usecases.card_state import card_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled


async def merge_customers(
    shop: Shop, survivor_id: int, victim_id: int, actor: Actor, reason: MergeReason, now: datetime
) -> Card:
    """Joins the victim into the survivor; the survivor as it is then.

    Raises `CustomerNotFound`, what `decide_merge` raises, and `CustomerBusy`; nothing is stored
    then.
    """
    query = CardQuery((), (survivor_id, victim_id), None, valid_since(now))

    async def attempt(connection: Connection, locked: bool) -> Card:
        if locked:
            await cards.lock(connection, query)
        while True:
            configuration = shop.configuration
            row = await cards.load(connection, query)
            if row.configuration_version == configuration.version:
                break
            await shop.refresh()
        found = {each.id: card_of(each) for each in row.cards if not each.anonymous}
        for wanted in (survivor_id, victim_id):
            if wanted not in found:
                raise CustomerNotFound(wanted)
        sandboxed = _sandboxed(await merges.load_store_ids(connection, list(found)))
        decision = decide_merge(
            found[survivor_id], found[victim_id], configuration.organisation, sandboxed
        )
        await merges.save_merge(connection, _write(decision, actor, reason, now))
        return decision.survivor

    keys = [claim_key("customer", "id", str(each)) for each in {survivor_id, victim_id}]
    async with shop.queue.turn(keys, CustomerBusy):
        return await settled(shop, attempt, CustomerBusy)


async def merge_within(
    connection: Connection,
    survivor: Card,
    victim: Card,
    actor: Actor,
    reason: MergeReason,
    organisation: Organisation,
    now: datetime,
) -> Card:
    """Joins two cards that were read in this transaction; the survivor as it is then.

    Both were found by identifiers, which sandboxes have none of beside a profile's id. Raises what
    `decide_merge` raises, and `GuardFailed` where one of them has moved since it was read.
    """
    decision = decide_merge(survivor, victim, organisation)
    await merges.save_merge(connection, _write(decision, actor, reason, now))
    return decision.survivor


def _sandboxed(store_ids: Iterable[StoreIdRow]) -> set[int]:
    """The customers whose id of the store was told by a sandbox: their claims are in its space."""
    return {
        each.customer_id
        for each in store_ids
        if each.claim_key == profile_key(each.value, sandbox=True)
    }


def _write(decision: MergeDecision, actor: Actor, reason: MergeReason, now: datetime) -> MergeWrite:
    survivor, victim = decision.survivor_before.customer, decision.victim.customer
    return MergeWrite(
        survivor_id=survivor.id,
        survivor_version=survivor.version,
        victim_id=victim.id,
        victim_version=victim.version,
        now=now,
        attributes=encode(decision.survivor.customer.attributes),
        actor=encode(actor),
        reason=encode(reason),
        changes=encode([Change(f"joined/{victim.id}", None, victim.id)]),
    )
