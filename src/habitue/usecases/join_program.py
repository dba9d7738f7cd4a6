"""Joining a loyalty program; a customer who is new comes to be by it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from habitue.customers.claims import profile_key
from habitue.loyalty.ledger import LedgerDecision
from habitue.loyalty.program import MAIN_LEDGER
from habitue.loyalty.refusals import AlreadyJoined
from habitue.loyalty.settling import begin, join
from habitue.model.errors import NotFound
from habitue.store.failures import GuardFailed
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import change_points, loyalty_program, profile_based
from habitue.usecases.create_profiles import create_profiles
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop


async def join_program(
    shop: Shop, program_id: int, integration_id: str, now: datetime, *, sandbox: bool
) -> None:
    """The customer is a member from now on. Raises `AlreadyJoined`, `NotFound`, `InvalidInput`,
    `ProfileBusy`."""
    program = profile_based(loyalty_program(shop, program_id, sandbox=sandbox))
    key = profile_key(integration_id, sandbox=sandbox)
    query = PointsQuery(key, None, program.id, MAIN_LEDGER)

    def decide(state: PointsState) -> tuple[Sequence[LedgerDecision], None]:
        booking = begin(state.ledger(MAIN_LEDGER), state.program, now)
        if booking.before.anchors.joined is not None:
            raise AlreadyJoined(integration_id)
        join(booking)
        return [booking.decision()], None

    try:
        await change_points(shop, query, integration_id, now, decide)
    except NotFound as refusal:
        if refusal.resource != "Customer profile":
            raise
        await _create(shop, integration_id, now, sandbox=sandbox)
        await change_points(shop, query, integration_id, now, decide)


async def _create(shop: Shop, integration_id: str, now: datetime, *, sandbox: bool) -> None:
    key = profile_key(integration_id, sandbox=sandbox)
    with suppress(GuardFailed):  # another request was faster: the customer is there
        await create_profiles(shop.database, {integration_id: key}, now)
