"""Items of a closed session come back; what was given for them is taken back.

A dry run reads and decides, and stores nothing.
"""

from datetime import datetime

from habitue.model.errors import NotFound
from habitue.model.idempotency import Idempotency
from habitue.promotions.decide import Decision, SessionCommand, State
from habitue.promotions.decide_return import ReturnCommand, decide_return
from habitue.promotions.program import Program
from habitue.promotions.session import SessionUpdate
from habitue.usecases.session_state import outcome_of, state_of
from habitue.usecases.shop import Shop
from habitue.usecases.update_session import Render, query_of, read_current, write_session
from habitue.usecases.writing import Reply


async def return_items(
    shop: Shop,
    command: ReturnCommand,
    now: datetime,
    render: Render,
    *,
    dry: bool = False,
    idempotency: Idempotency | None = None,
) -> Reply:
    """Returns the items; `render` gets the rollbacks, and what the rules give anew.

    Raises `NotFound`, `InvalidInput`, `SessionBusy` and `KeyReused`; nothing is stored then.
    """

    def decide(state: State, program: Program) -> Decision:
        if state.stored is None:
            raise NotFound("Customer session", command.integration_id)
        return decide_return(state, command, program, now)

    session = SessionCommand(
        command.application_id, command.integration_id, SessionUpdate(), tells=command.tells
    )
    if not dry:
        return await write_session(shop, session, decide, now, render, idempotency, gives_back=True)
    program = shop.program(command.application_id)
    query = query_of(session, program, now, gives_back=True)
    _, row, program = await read_current(
        shop, shop.database, session, query, program, now, gives_back=True
    )
    state = state_of(row, program, now)
    return render(outcome_of(decide(state, program), state, row, now, dry=True), program)
