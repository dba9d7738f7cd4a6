"""Making loyalty cards in number: a series' own numbers, which nobody holds yet.

Free numbers are looked for first, and then all are added or none. A number that is a card already
is passed over for the next one, and counted: the protocol has a remark for it
(contracts/capillary/SPEC.md section 9.2). In memory there are the numbers that are answered, and
nothing else that grows with them.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.customers.card import Actor
from habitue.customers.card_facts import CardFact, refused
from habitue.customers.card_numbers import (
    CARDS_PER_GENERATION_MAX,
    Draw,
    draws,
    number_count,
)
from habitue.customers.claims import claim_key
from habitue.customers.loyalty_card import (
    CardStatusChange,
    CardWish,
    named_series,
    refuse_retired,
    unissued_label,
)
from habitue.customers.organisation import CardSeries, Organisation
from habitue.customers.refusals import CustomerBusy
from habitue.model.documents import encode
from habitue.model.idempotency import Idempotency
from habitue.store import loyalty_cards
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed, LockTimeout
from habitue.store.locks import limit_waiting
from habitue.store.loyalty_cards import NewCards
from habitue.usecases.card_receipts import answered_before, keep_answer
from habitue.usecases.card_rows import next_numbers, picks_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply

#: Numbers that are looked up at once.
_BATCH = 5_000
_DRAWN_BATCH_MIN = 500
#: How many numbers are looked at for each that is wanted, before the series is given up; a space
#: of up to that many beyond is walked to its end.
_LOOKS_PER_CARD = 4
_LOOKS_BESIDE = 200_000
_TRIES_MAX = 5


class Generated(msgspec.Struct, frozen=True):
    """The numbers that were made, and what is to be remarked."""

    numbers: list[str]
    remarks: tuple[CardFact, ...] = ()


class GenerationOrder(msgspec.Struct, frozen=True):
    """How many cards of the series that the wish names, under its label, and who asks for them."""

    wish: CardWish
    count: int
    by: Actor = Actor()


Render = Callable[[Generated], Reply]


async def generate_cards(
    shop: Shop,
    order: GenerationOrder,
    draw: Draw,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Makes the cards that are ordered; with `idempotency` once, however often the order comes.

    Raises `CardRefused`, `KeyReused`, and `CustomerBusy` when others take the same numbers all the
    time.
    """
    await shop.refresh()
    series, shared = _checked(order, shop.configuration.organisation, now)

    async def finish(connection: Connection, generated: Generated) -> Reply:
        await loyalty_cards.insert_cards(connection, shared, generated.numbers)
        reply = render(generated)
        await keep_answer(connection, idempotency, reply, now)
        return reply

    async with shop.queue.turn(_turn(series), CustomerBusy):
        for _ in range(_TRIES_MAX):
            earlier = await answered_before(shop.database, idempotency, now)
            if earlier is not None:
                return earlier
            try:
                return await _made(shop, series, order.count, draw, finish)
            except GuardFailed:
                continue
            except LockTimeout:
                break
    raise CustomerBusy


async def _made(
    shop: Shop,
    series: CardSeries,
    count: int,
    draw: Draw,
    finish: Callable[[Connection, Generated], Awaitable[Reply]],
) -> Reply:
    """One try. Who draws does so alone: two at once would draw the same numbers all the time.

    Who counts gets positions that nobody else has, and lets registrations go on counting meanwhile.
    """
    counted = None
    if not draws(series):
        counted = await _free_numbers(shop.database, series, count, draw)
    async with shop.database.transaction() as connection:
        if counted is not None:
            return await finish(connection, counted)
        await limit_waiting(connection, shop.settings.lock_wait_seconds)
        await loyalty_cards.hold_series(connection, series.id)
        return await finish(connection, await _free_numbers(connection, series, count, draw))


def _turn(series: CardSeries) -> list[UUID]:
    return [claim_key("loyalty card", "series", str(series.id))]


def _checked(
    order: GenerationOrder, organisation: Organisation, now: datetime
) -> tuple[CardSeries, NewCards]:
    wish, count = order.wish, order.count
    series = named_series(wish, organisation)
    if series is None:
        raise refused("series_invalid", pointer=wish.pointer)
    refuse_retired(series, wish.pointer)
    if not series.generates:
        raise refused("generation_disabled", series.code, pointer=wish.pointer)
    if count < 1:
        raise refused("count_invalid", str(count), pointer=wish.pointer)
    if count > CARDS_PER_GENERATION_MAX:
        raise refused("count_too_large", str(count), pointer=wish.pointer)
    if not wish.label:
        raise refused("status_missing", pointer=wish.pointer)
    label = unissued_label(wish.label, organisation, wish.pointer)
    log = (CardStatusChange(label.label, label.status, now, wish.reason, order.by),)
    return series, NewCards(series.id, label.label, label.status, now, encode(log))


async def _free_numbers(
    connection: Connection, series: CardSeries, count: int, draw: Draw
) -> Generated:
    """As many numbers as are wanted that are no cards, and how many were passed over."""
    if number_count(series) < count:
        raise refused("numbers_exhausted", series.code)
    picks = picks_of(series, draw)
    free: list[str] = []
    looked_at = passed_over = 0
    while len(free) < count:
        if looked_at > _LOOKS_BESIDE + _LOOKS_PER_CARD * count:
            raise refused("generation_failed", series.code)
        # Numbers that are counted are used up by looking at them, others are not.
        missing = count - len(free) if picks is None else max(count - len(free), _DRAWN_BATCH_MIN)
        batch = await next_numbers(connection, series, picks, min(_BATCH, missing))
        taken = await loyalty_cards.taken(connection, batch)
        free.extend(number for number in batch if number not in taken)
        passed_over += len(taken)
        looked_at += len(batch)
    return Generated(free[:count], _remarks(passed_over))


def _remarks(passed_over: int) -> tuple[CardFact, ...]:
    return (CardFact("numbers_duplicate", str(passed_over)),) if passed_over else ()
