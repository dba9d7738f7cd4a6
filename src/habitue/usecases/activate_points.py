"""Activating points that await an action: all of a session, or those of named transactions.

Who has the points, customers or cards, is found out first; the points of several owners are
activated in one transaction, all or none.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from habitue.model.documents import decoder_of
from habitue.model.errors import NotFound, ProfileBusy
from habitue.model.idempotency import Idempotency
from habitue.store.database import Connection
from habitue.store.loyalty import PointsQuery, awaiting_in_session, causes_of, owners_of
from habitue.usecases.card_receipts import answered_before, keep_answer
from habitue.usecases.change_points import read_points, save_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, settled_locked

_CAUSE = decoder_of(Cause)


class Activated(msgspec.Struct, frozen=True):
    """Points that are active from now on, and why they were earned."""

    customer_id: int
    subledger: str
    lot: Lot
    earned: Cause


class Answering(msgspec.Struct, frozen=True):
    """How the caller is told what was activated, and the key under which that is promised."""

    render: Callable[[Sequence[Activated]], Reply]
    idempotency: Idempotency | None = None


async def activate_session(
    shop: Shop,
    program: LoyaltyProgram,
    application_id: int,
    session_id: str,
    cause: Cause,
    now: datetime,
    answering: Answering,
) -> Reply:
    """Activates what was earned in a session. Raises `NotFound`, `NotAwaiting`, `ProfileBusy`,
    `KeyReused`."""
    key = session_key(application_id, session_id)

    async def wanted(connection: Connection) -> dict[int, list[UUID]]:
        found = await awaiting_in_session(connection, key, program.id)
        if found is None:
            raise NotFound("Session", session_id)
        if not found:
            raise NotAwaiting(f"nothing in session {session_id}", "/sessionId")
        return found

    return await _activate(shop, program, wanted, "/sessionId", cause, now, answering)


async def activate_transactions(
    shop: Shop,
    program: LoyaltyProgram,
    keys: Sequence[UUID],
    cause: Cause,
    now: datetime,
    answering: Answering,
) -> Reply:
    """Activates what was earned in those transactions. Raises `NotAwaiting`, `ProfileBusy`,
    `KeyReused`."""
    pointer = "/transactionUUIDs"

    async def wanted(connection: Connection) -> dict[int, list[UUID]]:
        by_owner = {}
        for owner in sorted({each for each, _ in await owners_of(connection, program.id, keys)}):
            query = PointsQuery(None, owner, program.id, None, keys)
            state = await read_points(shop, connection, query, owner, now)
            by_owner[owner] = [key for key, _, _ in _awaiting(state, keys)]
        found = {key for listed in by_owner.values() for key in listed}
        for key in keys:
            if key not in found:
                raise NotAwaiting(f"transaction {key}", pointer)
        return by_owner

    return await _activate(shop, program, wanted, pointer, cause, now, answering)


async def _activate(
    shop: Shop,
    program: LoyaltyProgram,
    wanted: Callable[[Connection], Awaitable[dict[int, list[UUID]]]],
    pointer: str,
    cause: Cause,
    now: datetime,
    answering: Answering,
) -> Reply:
    async def attempt(connection: Connection, locked: bool) -> Reply:
        earlier = await answered_before(connection, answering.idempotency, now)
        if earlier is not None:
            return earlier
        activated: list[Activated] = []
        for owner_id, keys in sorted((await wanted(connection)).items()):
            query = PointsQuery(None, owner_id, program.id, None, keys)
            state = await read_points(shop, connection, query, owner_id, now, locked=locked)
            earned = await causes_of(connection, owner_id, program.id, keys)
            decisions, started = _started(state, keys, pointer, cause, earned)
            await save_points(connection, state, decisions)
            activated += started
        reply = answering.render(activated)
        await keep_answer(connection, answering.idempotency, reply, now)
        return reply

    try:
        return await settled_locked(shop, attempt, ProfileBusy)
    except NotAwaiting:
        # the same request may have been answered while this one was under way
        earlier = await answered_before(shop.database, answering.idempotency, now)
        if earlier is None:
            raise
        return earlier


def _started(
    state: PointsState,
    keys: Sequence[UUID],
    pointer: str,
    cause: Cause,
    earned: Mapping[tuple[str, int, UUID], bytes],
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
            reason = _CAUSE.decode(earned[subledger, lot.root_id, key])
            activated.append(Activated(state.customer_id, subledger, lot, reason))
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
