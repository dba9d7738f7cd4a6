"""Reading a session with the effects that stand."""

from datetime import datetime

from habitue.model.errors import NotFound
from habitue.promotions.decide import SessionCommand
from habitue.promotions.session import Session, SessionUpdate
from habitue.usecases.session_state import state_of
from habitue.usecases.shop import Shop
from habitue.usecases.update_session import query_of, read_current


async def read_session(
    shop: Shop, application_id: int, integration_id: str, now: datetime
) -> Session:
    """The stored session. Raises `NotFound`."""
    command = SessionCommand(application_id, integration_id, SessionUpdate())
    program = shop.program(application_id)
    query = query_of(command, program, now)
    _, row, _ = await read_current(shop, shop.database, command, query, program, now)
    stored = state_of(row, program, now).stored
    if stored is None:
        raise NotFound("Customer session", integration_id)
    return stored
