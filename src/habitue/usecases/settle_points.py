"""Booking what has happened by itself: points that ended or began, holds that ran out, tiers.

The next request to a ledger would book the very same, so it does not matter how often this runs, or
in how many processes: whoever is overtaken finds nothing left to do.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from habitue.loyalty.ledger import LedgerDecision
from habitue.loyalty.settling import begin
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_audit import Due, due
from habitue.usecases.change_points import change_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop

#: Ledgers that are looked up at once.
BATCH = 500


async def settle_due(shop: Shop, now: datetime) -> int:
    """Brings every ledger in which something is due to `now`; how many there were.

    Raises `ProfileBusy` where somebody keeps a customer for too long; what was done stays done.
    """
    await shop.refresh()
    count = 0
    while found := await due(shop.database, now, BATCH):
        for each in found:
            await _settle(shop, each, now)
        count += len(found)
    return count


async def _settle(shop: Shop, ledger: Due, now: datetime) -> None:
    query = PointsQuery(None, ledger.customer_id, ledger.program_id, ledger.subledger)

    def decide(state: PointsState) -> tuple[Sequence[LedgerDecision], None]:
        if ledger.subledger not in state.due:
            return [], None
        booking = begin(state.ledger(ledger.subledger), state.program, now)
        # saved also where nothing has happened, as after a split, so that it is due no more
        return [msgspec.structs.replace(booking.decision(), brought=True)], None

    await change_points(shop, query, ledger.customer_id, now, decide)
