"""Points that staff give to profiles and cards, and take: not rolled back with any session."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.loyalty import decide
from habitue.loyalty.card import usable
from habitue.loyalty.ledger import Cause, LedgerDecision
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.settling import begin
from habitue.loyalty.terms import Wish, terms_of
from habitue.model.errors import Fault, InvalidInput
from habitue.model.idempotency import Idempotency
from habitue.model.limits import POINTS_NAME_LENGTH_MAX, SUBLEDGER_LENGTH_MAX
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import GIVING_DEPTHS, answer_points
from habitue.usecases.configure.checks import text_faults
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply

#: What is answered where there is nothing to tell.
DONE = Reply(204, b"")


class Adjustment(msgspec.Struct, frozen=True):
    """Points to give or to take, under a key that is new; `wish` says when given ones start and
    end."""

    key: UUID
    points: Decimal
    subledger: str
    cause: Cause
    wish: Wish = Wish()


async def add_points(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    adjustment: Adjustment,
    now: datetime,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Gives points. Raises `InvalidInput`, `NotFound`, `ProfileBusy`, `KeyReused`."""

    def give(state: PointsState) -> tuple[Sequence[LedgerDecision], Reply]:
        program = checked_adjustment(state, adjustment)
        terms = terms_of(program, adjustment.wish, now)
        booking = begin(state.ledger(adjustment.subledger), program, now)
        decide.earn(booking, adjustment.key, adjustment.points, terms, adjustment.cause)
        return [booking.decision()], DONE

    return await answer_points(shop, query, customer, now, give, idempotency, GIVING_DEPTHS)


async def deduct_points(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    adjustment: Adjustment,
    now: datetime,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Takes active points. Raises `NotEnoughPoints`, and what `add_points` raises."""

    def take(state: PointsState) -> tuple[Sequence[LedgerDecision], Reply]:
        program = checked_adjustment(state, adjustment)
        booking = begin(state.ledger(adjustment.subledger), program, now)
        decide.deduct(booking, adjustment.key, adjustment.points, adjustment.cause)
        return [booking.decision()], DONE

    return await answer_points(shop, query, customer, now, take, idempotency)


def checked_adjustment(state: PointsState, adjustment: Adjustment) -> LoyaltyProgram:
    """The program, if that can be given or taken. Raises `InvalidInput`, `CardRefused`."""
    program = state.program
    if state.card is not None:
        usable(state.card, state.now)
    refuse_subledger(program, adjustment.subledger)
    decide.checked(program, adjustment.points)
    faults = tuple(text_faults(adjustment.cause.name, "/name", POINTS_NAME_LENGTH_MAX))
    if faults:
        raise InvalidInput(*faults)
    return program


def refuse_subledger(program: LoyaltyProgram, subledger: str) -> None:
    """Raises `InvalidInput` unless the program can have that subledger."""
    if subledger != MAIN_LEDGER and not program.allow_subledger:
        details = "this program has no subledgers"
        raise InvalidInput(Fault("/subledgerId", "Not allowed", details))
    faults = tuple(text_faults(subledger, "/subledgerId", SUBLEDGER_LENGTH_MAX))
    if faults:
        raise InvalidInput(*faults)
