"""Reopening a closed session: what it gave is taken back, and it can be edited again."""

from datetime import datetime

from habitue.model.errors import NotFound
from habitue.model.idempotency import Idempotency
from habitue.promotions.decide import Decision, SessionCommand, State, decide_reopen
from habitue.promotions.program import Program
from habitue.promotions.session import SessionUpdate
from habitue.usecases.shop import Shop
from habitue.usecases.update_session import Render, write_session
from habitue.usecases.writing import Reply


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

    def decide(state: State, program: Program) -> Decision:
        if state.stored is None:
            raise NotFound("Customer session", integration_id)
        return decide_reopen(state, program, now)

    command = SessionCommand(application_id, integration_id, SessionUpdate())
    return await write_session(shop, command, decide, now, render, idempotency, gives_back=True)
