"""Activating points that await an action: all of a session, or those of named transactions.

Who has the points, customers or cards, is found out first; the points of several owners are
activated one after the other, each in a write of its own, once all that was named is known to be
pending.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from habitue.customers.claims import session_key
from habitue.loyalty import decide
from habitue.loyalty.card import usable
from habitue.loyalty.ledger import Cause, LedgerDecision, Lot
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.refusals import NotAwaiting
from habitue.loyalty.settling import begin
from habitue.model.errors import NotFound
from habitue.store.loyalty import PointsQuery, awaiting_in_session, owners_of
from habitue.usecases.change_points import change_points, read_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop


class Activated(msgspec.Struct, frozen=True):
    """Points that are active from now on."""

    customer_id: int
    subledger: str
    lot: Lot
    cause: Cause


async def activate_session(
    shop: Shop,
    program: LoyaltyProgram,
    application_id: int,
    session_id: str,
    cause: Cause,
    now: datetime,
) -> list[Activated]:
    """Activates what was earned in a session. Raises `NotFound`, `NotAwaiting`, `ProfileBusy`."""
    key = session_key(application_id, session_id)
    owner_id, lots = await awaiting_in_session(
        shop.database, key, program.id, of_card=program.card_based
    )
    if owner_id is None:
        raise NotFound("Session", session_id)
    if not lots:
        raise NotAwaiting(f"nothing in session {session_id}", "/sessionId")
    return await _activate(shop, program, {owner_id: lots}, "/sessionId", cause, now)


async def activate_transactions(
    shop: Shop, program: LoyaltyProgram, keys: Sequence[UUID], cause: Cause, now: datetime
) -> list[Activated]:
    """Activates what was earned in those transactions. Raises `NotAwaiting`, `ProfileBusy`."""
    pointer, wanted = "/transactionUUIDs", defaultdict[int, list[UUID]](list)
    owners = sorted({each for each, _ in await owners_of(shop.database, program.id, keys)})
    for customer_id in owners:
        query = PointsQuery(None, customer_id, program.id, None, keys)
        state = await read_points(shop, shop.database, query, customer_id, now)
        wanted[customer_id] = [key for key, _, _ in _awaiting(state, keys)]
    found = {key for listed in wanted.values() for key in listed}
    for key in keys:
        if key not in found:
            raise NotAwaiting(f"transaction {key}", pointer)
    return await _activate(shop, program, wanted, pointer, cause, now)


async def _activate(
    shop: Shop,
    program: LoyaltyProgram,
    wanted: dict[int, list[UUID]],
    pointer: str,
    cause: Cause,
    now: datetime,
) -> list[Activated]:
    activated: list[Activated] = []
    for customer_id, keys in sorted(wanted.items()):

        def start(
            state: PointsState, keys: Sequence[UUID] = tuple(keys)
        ) -> tuple[Sequence[LedgerDecision], list[Activated]]:
            return _started(state, keys, pointer, cause)

        query = PointsQuery(None, customer_id, program.id, None, keys)
        activated += await change_points(shop, query, customer_id, now, start)
    return activated


def _started(
    state: PointsState, keys: Sequence[UUID], pointer: str, cause: Cause
) -> tuple[Sequence[LedgerDecision], list[Activated]]:
    if state.card is not None:
        usable(state.card, state.now)
    found = _awaiting(state, keys)
    if len(found) < len(set(keys)):
        raise NotAwaiting("one of the transactions", pointer)
    decisions, activated = [], []
    for subledger in sorted({each for _, each, _ in found}):
        booking = begin(state.ledger(subledger), state.program, state.now)
        for key in (key for key, name, _ in found if name == subledger):
            lot = decide.activate(booking, uuid5(key, "activate"), booking.lots[key], cause)
            activated.append(Activated(state.customer_id, subledger, lot, cause))
        decisions.append(booking.decision())
    return decisions, activated


def _awaiting(state: PointsState, keys: Sequence[UUID]) -> list[tuple[UUID, str, Lot]]:
    """What of the keys are lots that await an action, and where."""
    found = []
    for subledger, ledger in state.ledgers.items():
        lots = begin(ledger, state.program, state.now).lots
        for key in dict.fromkeys(keys):
            lot = lots.get(key)
            if lot is not None and lot.start is None and lot.remaining:
                found.append((key, subledger, lot))
    return found
