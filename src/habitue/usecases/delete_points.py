"""Deleting the transactions of a customer or a card: a reversal of everything, after which nothing
is told of them. The postings stay, as those of every ledger do."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from habitue.loyalty import decide
from habitue.loyalty.ledger import Cause, LedgerDecision
from habitue.loyalty.settling import begin
from habitue.model.idempotency import Idempotency
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import DONE
from habitue.usecases.change_points import answer_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply


async def delete_points(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    subledgers: Sequence[str] | None,
    key: UUID,
    cause: Cause,
    now: datetime,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Reverses what was posted to those subledgers, or to all. Raises `NotFound`,
    `ProfileBusy`."""

    def reverse(state: PointsState) -> tuple[Sequence[LedgerDecision], Reply]:
        wanted = state.ledgers if subledgers is None else set(subledgers) & state.ledgers.keys()
        return [reversed_ledger(state, name, key, cause) for name in sorted(wanted)], DONE

    return await answer_points(shop, query, customer, now, reverse, idempotency)


def reversed_ledger(state: PointsState, subledger: str, key: UUID, cause: Cause) -> LedgerDecision:
    """The decision that reverses one ledger."""
    booking = begin(state.ledger(subledger), state.program, state.now)
    decide.delete_all(booking, key, cause)
    return booking.decision()
