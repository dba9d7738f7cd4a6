"""A customer who is known joins a loyalty program."""

from collections.abc import Sequence
from datetime import datetime

from habitue.loyalty.ledger import LedgerDecision
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.settling import begin, join
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import change_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop


async def join_customer(
    shop: Shop, customer_id: int, program: LoyaltyProgram, now: datetime
) -> bool:
    """Whether the customer joined now, and was no member before. Raises `NotFound`,
    `ProfileBusy`."""
    query = PointsQuery(None, customer_id, program.id, MAIN_LEDGER)

    def decide(state: PointsState) -> tuple[Sequence[LedgerDecision], bool]:
        booking = begin(state.ledger(MAIN_LEDGER), state.program, now)
        is_new = booking.before.anchors.joined is None
        join(booking)
        return [booking.decision()], is_new

    return await change_points(shop, query, customer_id, now, decide)
