"""The way of every write of points: load, decide, save; and again when something moved in between.

Words: a *decider* is given the points of one customer, or of one card, in one program as they were
read, and says what happens to which of its ledgers, with what the caller is told.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from habitue.customers.claims import claim_key
from habitue.loyalty.ledger import LedgerDecision
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput, NotFound, ProfileBusy
from habitue.store import loyalty
from habitue.store.database import Connection
from habitue.store.loyalty import PointsQuery
from habitue.usecases.points_state import PointsState, points_state, writes_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import settled

Result = TypeVar("Result")
Decider = Callable[[PointsState], tuple[Sequence[LedgerDecision], Result]]


def loyalty_program(shop: Shop, program_id: int, *, sandbox: bool | None = None) -> LoyaltyProgram:
    """The program of that id, in that environment. Raises `NotFound`."""
    program = shop.configuration.loyalty_programs.get(program_id)
    if program is None or (sandbox is not None and program.sandbox != sandbox):
        raise NotFound("Loyalty program", program_id)
    return program


async def found_program(shop: Shop, program_id: int, *, sandbox: bool) -> LoyaltyProgram:
    """The same, also where it came to be a moment ago."""
    if program_id not in shop.configuration.loyalty_programs:
        await shop.refresh()
    return loyalty_program(shop, program_id, sandbox=sandbox)


def profile_based(program: LoyaltyProgram) -> LoyaltyProgram:
    """The program, if profiles have its points. Raises `InvalidInput`."""
    if program.card_based:
        details = "this loyalty program is card-based; profiles have no points in it"
        raise InvalidInput(Fault("", "Card-based", details, parameter="loyaltyProgramId"))
    return program


def card_based(program: LoyaltyProgram) -> LoyaltyProgram:
    """The program, if cards have its points. Raises `InvalidInput`."""
    if not program.card_based:
        details = "this loyalty program is profile-based; it has no cards"
        raise InvalidInput(Fault("", "Profile-based", details, parameter="loyaltyProgramId"))
    return program


def card_turn(program_id: int, identifier: str) -> UUID:
    """The key under which writes of one card follow one another."""
    return claim_key("program card", str(program_id), identifier)


async def change_points(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    now: datetime,
    decide: Decider[Result],
) -> Result:
    """What `decide` tells, once all that it decided is saved.

    Raises what `decide` raises, `NotFound` where the customer or card does not exist,
    `InvalidInput` where the program has no such owners, and `ProfileBusy`.
    """

    async def attempt(connection: Connection, locked: bool) -> Result:
        state = await read_points(shop, connection, query, customer, now, locked=locked)
        decisions, result = decide(state)
        writes = writes_of(decisions)
        if writes is not None:
            save = loyalty.save if state.card is None else loyalty.save_of_card
            await save(connection, state.customer_id, state.customer_version, now, writes)
        return result

    keys = [] if query.profile_key is None else [query.profile_key]
    if query.card is not None:
        keys = [card_turn(query.program_id, query.card)]
    async with shop.queue.turn(keys, ProfileBusy):
        return await settled(shop, attempt, ProfileBusy)


async def read_points(
    shop: Shop,
    connection: Connection,
    query: PointsQuery,
    customer: object,
    now: datetime,
    *,
    locked: bool = False,
) -> PointsState:
    """The points, with the program as the configuration has it now. Raises `NotFound`, and
    `InvalidInput` where profiles are asked for in a card-based program, or the other way round."""
    while True:
        program = loyalty_program(shop, query.program_id)
        if query.card is not None:
            card_based(program)
        elif query.profile_key is not None:
            profile_based(program)
        if locked:
            await loyalty.lock(connection, query)
        row = await loyalty.load(connection, query)
        if row.configuration_version != shop.configuration.version:
            await shop.refresh()
            continue
        state = points_state(row, program, now)
        if state is None:
            raise NotFound("Customer profile" if query.card is None else "Loyalty card", customer)
        return state
