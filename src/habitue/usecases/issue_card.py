"""Loyalty cards that are given and taken beside other changes of a customer.

Words: an *order* says which cards a request names. Beside them each new customer gets a card of
every series that is issued at registration. What cannot be done about a
card does not stop the rest, unless the request is about nothing else (contracts/capillary/SPEC.md
section 3.6).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import msgspec

from habitue.customers.card_decisions import Situation, decide_delink, decide_issue, decide_link
from habitue.customers.card_facts import CardFact, CardReason, CardRefused
from habitue.customers.card_numbers import Draw
from habitue.customers.change import CardDecision
from habitue.customers.loyalty_card import (
    CardWish,
    LoyaltyCard,
    named_series,
    series_to_issue,
    sole,
)
from habitue.customers.organisation import Organisation
from habitue.store import loyalty_cards
from habitue.store.database import Connection
from habitue.store.loyalty_cards import CardQuery
from habitue.usecases.card_rows import card_of, new_number, write_of


class CardOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about loyalty cards.

    `draw` gives random numbers below a bound. With `strict` a refusal about a card refuses the
    whole request. `several` is the reason for refusing more cards than one.
    """

    draw: Draw
    link: tuple[CardWish, ...] = ()
    delink: tuple[CardWish, ...] = ()
    strict: bool = False
    several: CardReason = "several_cards"


class CardsChanged(msgspec.Struct, frozen=True):
    """Cards to be saved with the customer, and what is to be told about them."""

    cards: tuple[LoyaltyCard, ...] = ()
    facts: tuple[CardFact, ...] = ()


def work_of(
    order: CardOrder | None, organisation: Organisation, *, is_new: bool
) -> CardOrder | None:
    """The order, if there is anything to be done; `is_new` says that the customer comes to be."""
    if order is None:
        return None
    wanted = order.link or order.delink or (is_new and _issues_at_registration(organisation))
    return order if wanted else None


async def change_cards(
    connection: Connection,
    order: CardOrder,
    decision: CardDecision,
    organisation: Organisation,
    now: datetime,
) -> CardsChanged:
    """Reads the cards and decides about them; nothing is saved yet. Needs a transaction.

    Raises `CardRefused` where the order is strict.
    """
    wishes = (*order.link, *order.delink)
    query = CardQuery(
        tuple(each.number for each in wishes if each.number),
        tuple(each.external_id for each in wishes if each.external_id),
        (decision.change.customer_id,),
    )
    await loyalty_cards.lock(connection, query)
    reading = await loyalty_cards.load(connection, query)
    cards = [card_of(row) for row in reading.cards]
    situation = Situation(cards, organisation, now, decision.change.actor)
    work = _Work(connection, order, decision, situation)
    await work.do()
    return CardsChanged(tuple(work.changed), tuple(work.facts))


async def save_cards(connection: Connection, changed: CardsChanged) -> None:
    """Saves the cards, after their customer. Raises `GuardFailed` when one of them has moved."""
    for card in changed.cards:
        await loyalty_cards.save(connection, write_of(card))


class _Work:
    """The order being carried out, card by card."""

    def __init__(
        self,
        connection: Connection,
        order: CardOrder,
        decision: CardDecision,
        situation: Situation,
    ) -> None:
        self._connection = connection
        self._order = order
        self._change = decision.change
        self._card = decision.card
        self._situation = situation
        self.changed: list[LoyaltyCard] = []
        self.facts: list[CardFact] = []

    async def do(self) -> None:
        order = self._order
        for wish in order.delink:
            with self._refusals():
                self._delink(wish)
        with self._refusals():
            wish_to_link = sole(order.link, order.several)
            if wish_to_link is not None:
                await self._link(wish_to_link)
        if self._change.version == 0:
            await self._issue_at_registration()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What is refused inside is noted, unless the order is strict."""
        try:
            yield
        except CardRefused as refusal:
            if self._order.strict:
                raise
            self.facts.append(refusal.fact)

    def _delink(self, wish: CardWish) -> None:
        decision = decide_delink(wish, self._change.customer_id, self._situation)
        self._keep([decision.card] if decision.changed else [], decision.remarks)

    async def _link(self, wish: CardWish) -> None:
        organisation = self._situation.organisation
        if wish.number or wish.external_id:
            decision = decide_link(wish, self._change.customer_id, self._situation, self._root_id())
            self._keep([decision.card] if decision.changed else [], decision.remarks)
            return
        series = named_series(wish, organisation)
        if series is None:
            raise CardRefused(CardFact("series_invalid", pointer=wish.pointer))
        number = await new_number(self._connection, series, self._order.draw)
        self._keep(
            [
                decide_issue(
                    series,
                    number,
                    wish,
                    self._change.customer_id,
                    self._situation,
                    self._root_id(),
                )
            ]
        )

    async def _issue_at_registration(self) -> None:
        organisation = self._situation.organisation
        till = organisation.till_of.get(
            self._card.parts[0].associated_with or self._change.actor.code
        )
        for series in series_to_issue(organisation, till):
            with self._refusals():
                await self._link(CardWish(series_id=series.id))

    def _root_id(self) -> int | None:
        change = self._change
        return None if change.root_id == change.customer_id else change.root_id

    def _keep(self, cards: Sequence[LoyaltyCard], remarks: Sequence[CardFact] = ()) -> None:
        self.changed += cards
        self.facts += remarks
        others = [
            each
            for each in self._situation.cards
            if all(each.number != card.number for card in cards)
        ]
        self._situation = msgspec.structs.replace(self._situation, cards=[*others, *cards])


def _issues_at_registration(organisation: Organisation) -> bool:
    return any(
        series.active and series.generates and series.trigger != "SERIES_ID"
        for series in organisation.card_series.values()
    )
