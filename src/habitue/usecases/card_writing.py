"""The way of every write of a card: find whom it is about, decide, join, save.

Two round trips: one that reads everyone whom claims and ids lead to, one that writes the card as it
was decided. Where cards turn out to be one person's they are joined in the same transaction.
Concurrent writes about one person meet at the claims, and all but one decide again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from habitue.customers.card_facts import CardFact
from habitue.customers.change import CardDecision
from habitue.customers.organisation import Organisation
from habitue.customers.refusals import CustomerBusy
from habitue.customers.register import Found, Holder
from habitue.model.errors import Refusal
from habitue.model.idempotency import Idempotency
from habitue.store import cards
from habitue.store.cards import CardQuery, CardsRow
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.store.receipts import valid_since
from habitue.usecases.card_state import card_of, receipted, write_of
from habitue.usecases.enrolments import Award, awards_of, enrol_customer, new_enrolments
from habitue.usecases.issue_card import (
    CardOrder,
    CardsChanged,
    change_cards,
    save_cards,
    work_of,
)
from habitue.usecases.merge_customers import merge_within
from habitue.usecases.session_state import receipt_key
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, earlier_reply, settled


class Wanted(msgspec.Struct, frozen=True):
    """Whom a write is about: who holds these claims, and the customers of these ids."""

    claim_keys: Sequence[UUID] = ()
    customer_ids: Sequence[int] = ()


class Written(msgspec.Struct, frozen=True):
    """What came of a write; `card_facts` are what is to be told about loyalty cards,
    `awards` the points that enrolments gave."""

    decision: CardDecision
    card_facts: tuple[CardFact, ...] = ()
    awards: tuple[Award, ...] = ()

    @property
    def customer_id(self) -> int:
        return self.decision.change.customer_id


Render: TypeAlias = Callable[[Written], Reply]
Decide: TypeAlias = Callable[[Found, Organisation], CardDecision]


async def write_card(
    shop: Shop,
    wanted: Callable[[Organisation], Wanted],
    decide: Decide,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
    order: CardOrder | None = None,
) -> Reply:
    """The answer that `render` makes of what was decided and saved.

    `wanted` and `decide` are asked again where something has moved meanwhile; `order` is what is to
    be done about loyalty cards. Raises what they raise, `CustomerBusy`, `KeyReused`, and
    `CardRefused` where the order is strict; nothing is stored then.
    """

    async def attempt(connection: Connection, locked: bool) -> Reply:
        row, organisation = await _read(shop, connection, wanted, now, idempotency, locked)
        earlier = earlier_reply(row.receipt, idempotency)
        if earlier is not None:
            return earlier
        found = found_in(row)
        decision = decide(found, organisation)
        work = work_of(order, organisation, is_new=decision.change.version == 0)
        enrolments = new_enrolments(decision, _enrolled(found))
        if (decision.victims or enrolments or work is not None) and not locked:
            # Several statements make one write: they need the transaction of the next try.
            raise GuardFailed("several statements")
        await _join(connection, found, decision, organisation, now)
        changed = CardsChanged()
        if work is not None:
            changed = await change_cards(connection, work, decision, organisation, now)
        reply = render(Written(decision, changed.facts, awards_of(enrolments)))
        await cards.save(connection, receipted(write_of(decision.change, now), idempotency, reply))
        await save_cards(connection, changed)
        await enrol_customer(
            connection,
            decision.change.customer_id,
            enrolments,
            shop.configuration.loyalty_programs,
            decision.change.actor.code,
            now,
        )
        return reply

    async with shop.queue.turn(await _turn_keys(shop, wanted), CustomerBusy):
        return await settled(shop, attempt, CustomerBusy)


def _enrolled(found: Found) -> set[tuple[int, int]]:
    """Root and program of all enrolments of those who were found."""
    return {
        (part.root_id, each.program_id)
        for card in found.cards.values()
        for part in card.parts
        for each in part.enrollments
    }


def found_in(row: CardsRow) -> Found:
    """What was read, as the values that a decision is made on."""
    return Found(
        holders={
            claim.key: Holder(claim.customer_id, claim.root_id, claim.card_count)
            for claim in row.claims
        },
        cards={each.id: card_of(each) for each in row.cards},
        new_id=row.new_id,
    )


async def _turn_keys(shop: Shop, wanted: Callable[[Organisation], Wanted]) -> Sequence[UUID]:
    """The claims to wait for. What is refused is refused by the newest rules."""
    version = shop.configuration.version
    try:
        return wanted(shop.configuration.organisation).claim_keys
    except Refusal:
        if (await shop.refresh()).version == version:
            raise
    return wanted(shop.configuration.organisation).claim_keys


async def _read(
    shop: Shop,
    connection: Connection,
    wanted: Callable[[Organisation], Wanted],
    now: datetime,
    idempotency: Idempotency | None,
    locked: bool,
) -> tuple[CardsRow, Organisation]:
    """Everything for the decision, read at the version of the configuration in memory."""
    while True:
        configuration = shop.configuration
        asked = wanted(configuration.organisation)
        query = CardQuery(
            asked.claim_keys, asked.customer_ids, receipt_key(idempotency), valid_since(now)
        )
        if locked:
            await cards.lock(connection, query)
        row = await cards.load(connection, query)
        if row.configuration_version == configuration.version:
            return row, configuration.organisation
        await shop.refresh()


async def _join(
    connection: Connection,
    found: Found,
    decision: CardDecision,
    organisation: Organisation,
    now: datetime,
) -> None:
    if decision.reason is None:
        return
    survivor = found.cards[decision.change.customer_id]
    for victim_id in decision.victims:
        victim = found.cards[victim_id]
        survivor = await merge_within(
            connection,
            survivor,
            victim,
            decision.change.actor,
            decision.reason,
            organisation,
            now,
        )
