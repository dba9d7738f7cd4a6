"""Reopening a closed session: what it gave is taken back, and it can be edited again."""

from datetime import datetime

from habitue.customers.claims import session_key
from habitue.model.errors import NotFound, SessionBusy
from habitue.model.idempotency import Idempotency
from habitue.promotions.decide import SessionCommand, decide_reopen
from habitue.promotions.session import SessionUpdate
from habitue.store import sessions
from habitue.store.database import Connection
from habitue.usecases.session_state import outcome_of, state_of, write_of
from habitue.usecases.shop import Shop
from habitue.usecases.update_session import Render, read_current
from habitue.usecases.writing import Reply, earlier_reply, settled


async def reopen_session(
    shop: Shop,
    application_id: int,
    integration_id: str,
    now: datetime,
    render: Render,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Opens the session again; `render` gets the rollback effects.

    Raises `NotFound`, `InvalidInput` unless the session is closed, `SessionBusy`, `KeyReused`.
    """
    command = SessionCommand(application_id, integration_id, SessionUpdate())

    async def attempt(connection: Connection, locked: bool) -> Reply:
        query, row, program = await read_current(
            shop, connection, command, now, idempotency, locked
        )
        earlier = earlier_reply(row.receipt, idempotency)
        if earlier is not None:
            return earlier
        state = state_of(row, now)
        if state.stored is None:
            raise NotFound("Customer session", integration_id)
        decision = decide_reopen(state, now)
        reply = render(outcome_of(decision, state, row, now, dry=False), program)
        write = write_of(query, row, decision, program.application, idempotency, reply)
        await sessions.save(connection, write)
        return reply

    async with shop.queue.turn([session_key(application_id, integration_id)], SessionBusy):
        return await settled(shop, attempt, SessionBusy)
