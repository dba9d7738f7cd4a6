"""Points that are kept while a checkout pays: kept, then spent or given back.

Words: a *hold* keeps points of one ledger under a key until it is *posted*, which spends them or a
part and gives the rest back, or *voided*, which gives all back, or until its time is over, which
does the same as voiding. What is kept is not active and cannot be spent by anybody else, and does
not expire while it is kept (decision 0040).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

import msgspec

from habitue.loyalty import decide
from habitue.loyalty.card import usable
from habitue.loyalty.ledger import Cause, Ledger, LedgerDecision, total
from habitue.loyalty.refusals import HoldUnknown
from habitue.loyalty.settling import begin, settled
from habitue.model.idempotency import Idempotency
from habitue.model.numbers import ZERO
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import DONE, Adjustment, checked_adjustment
from habitue.usecases.change_points import answer_points, read_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


class HeldPoints(msgspec.Struct, frozen=True):
    """One hold: how much of which ledger, until when."""

    key: UUID
    subledger: str
    points: Decimal
    expires: datetime | None


class PostedHold(msgspec.Struct, frozen=True):
    """What became of a hold."""

    key: UUID
    subledger: str
    spent: Decimal
    released: Decimal


class HoldAct(msgspec.Struct, frozen=True):
    """What is done to a hold, by whom."""

    key: UUID
    cause: Cause
    now: datetime
    idempotency: Idempotency | None = None


async def hold_points(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    adjustment: Adjustment,
    expires: datetime,
    act: HoldAct,
    render: Callable[[HeldPoints], Reply],
) -> Reply:
    """Keeps active points until they are posted or voided, or until `expires`.

    Raises `NotEnoughPoints`, `InvalidInput`, `NotFound`, `ProfileBusy`, `KeyReused`.
    """

    def keep(state: PointsState) -> tuple[Sequence[LedgerDecision], Reply]:
        program = checked_adjustment(state, adjustment)
        booking = begin(state.ledger(adjustment.subledger), program, act.now)
        decide.hold(booking, act.key, adjustment.points, expires, act.cause)
        held = HeldPoints(act.key, adjustment.subledger, adjustment.points, expires)
        return [booking.decision()], render(held)

    return await answer_points(shop, query, customer, act.now, keep, act.idempotency)


async def post_hold(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    points: Decimal | None,
    act: HoldAct,
    render: Callable[[PostedHold], Reply],
) -> Reply:
    """Spends so much of what is held, all where None, and gives the rest back.

    Raises `HoldUnknown`, `NotEnoughPoints`, and what `hold_points` raises.
    """

    def post(state: PointsState) -> tuple[Sequence[LedgerDecision], Reply]:
        ledger = _ledger_with(state, act.key)
        held = _held(ledger, act.key)
        spent = held if points is None else decide.checked(state.program, points)
        booking = begin(ledger, state.program, act.now)
        decide.post_hold(booking, uuid5(act.key, "post"), act.key, spent, act.cause)
        told = PostedHold(act.key, ledger.subledger, spent, held - spent)
        return [booking.decision()], render(told)

    return await answer_points(shop, query, customer, act.now, post, act.idempotency)


async def void_hold(shop: Shop, query: PointsQuery, customer: object, act: HoldAct) -> Reply:
    """Gives back what is held. Raises `HoldUnknown`, and what `hold_points` raises."""

    def void(state: PointsState) -> tuple[Sequence[LedgerDecision], Reply]:
        booking = begin(_ledger_with(state, act.key), state.program, act.now)
        decide.void_hold(booking, uuid5(act.key, "void"), act.key, act.cause)
        return [booking.decision()], DONE

    return await answer_points(shop, query, customer, act.now, void, act.idempotency)


async def read_holds(
    shop: Shop, query: PointsQuery, customer: object, now: datetime
) -> list[HeldPoints]:
    """What is held now, what ends first told first. Raises `NotFound`."""
    state = await read_points(shop, shop.database, query, customer, now)
    found = []
    for subledger, ledger in state.ledgers.items():
        present = settled(ledger, state.program, now)
        expiries = {hold.key: hold.expires for hold in present.holds}
        found += [
            HeldPoints(key, subledger, _held(present, key), expires)
            for key, expires in expiries.items()
        ]
    return sorted(found, key=lambda each: (each.expires is None, each.expires or now, each.key))


def _ledger_with(state: PointsState, hold_key: UUID) -> Ledger:
    """The ledger that holds points under that key. Raises `HoldUnknown`."""
    if state.card is not None:
        usable(state.card, state.now)
    for ledger in state.ledgers.values():
        if any(hold.key == hold_key for hold in ledger.holds):
            return ledger
    raise HoldUnknown(hold_key)


def _held(ledger: Ledger, key: UUID) -> Decimal:
    return total(hold.amount for hold in ledger.holds if hold.key == key) or ZERO
