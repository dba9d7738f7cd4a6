"""Points that one customer gives to another one: they keep their start and their end."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.loyalty import decide
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import MAIN_LEDGER
from habitue.loyalty.settling import begin
from habitue.model.errors import Fault, InvalidInput, ProfileBusy
from habitue.store import loyalty
from habitue.store.database import Connection
from habitue.store.failures import GuardFailed
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import read_points
from habitue.usecases.points_state import PointsState, writes_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled


class TransferToOneself(InvalidInput):
    """Giver and receiver are one customer."""

    def __init__(self) -> None:
        details = "points are transferred to somebody else"
        super().__init__(Fault("/toCustomerIdentifier", "Not allowed", details))


class Transfer(msgspec.Struct, frozen=True):
    """Who gives how many points to whom, in which program, under a key that is new."""

    key: UUID
    giver_id: int
    receiver_id: int
    program_id: int
    points: Decimal
    cause: Cause


async def transfer_points(
    shop: Shop, transfer: Transfer, now: datetime, *, dry: bool = False
) -> Decimal:
    """What the giver can spend afterwards; with `dry` nothing is written.

    Raises `TransferToOneself`, `WrongPoints`, `NotEnoughPoints`, `NotFound`, `ProfileBusy`; nothing
    has happened then.
    """
    if transfer.giver_id == transfer.receiver_id:
        raise TransferToOneself

    async def attempt(connection: Connection, locked: bool) -> Decimal:
        if not dry and not locked:
            # Two customers change: they are locked in the order of their ids, so that nobody waits
            # in a circle.
            raise GuardFailed("two customers")
        states = {}
        for id_ in sorted((transfer.giver_id, transfer.receiver_id)):
            query = PointsQuery(None, id_, transfer.program_id, MAIN_LEDGER)
            states[id_] = await read_points(shop, connection, query, id_, now, locked=locked)
        giver, receiver = states[transfer.giver_id], states[transfer.receiver_id]
        return await _moved(connection, giver, receiver, transfer, now, dry=dry)

    if dry:
        return await attempt(shop.database, False)
    return await settled(shop, attempt, ProfileBusy)


async def _moved(
    connection: Connection,
    giver: PointsState,
    receiver: PointsState,
    transfer: Transfer,
    now: datetime,
    *,
    dry: bool,
) -> Decimal:
    program = giver.program
    decide.checked(program, transfer.points)
    source = begin(giver.ledger(MAIN_LEDGER), program, now)
    target = begin(receiver.ledger(MAIN_LEDGER), program, now)
    decide.transfer(source, target, transfer.key, transfer.points, transfer.cause)
    for state, booking in ((giver, source), (receiver, target)):
        writes = writes_of([booking.decision()])
        if writes is not None and not dry:
            version = state.customer_version
            await loyalty.save(connection, state.customer_id, version, now, writes)
    return source.active
