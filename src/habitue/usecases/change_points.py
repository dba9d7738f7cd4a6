"""The way of every write of points: load, decide, save; and again when something moved in between.

Those that wait for each other are decided together, upon one reading (`deciding_together`).

Words: a *decider* is given the points of one customer, or of one card, in one program as they were
read, and says what happens to which of its ledgers, with what the caller is told.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from habitue.customers.claims import claim_key
from habitue.loyalty.ledger import LedgerDecision, LotsUnread
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput, NotFound, ProfileBusy, StoreUnavailable
from habitue.model.idempotency import Idempotency
from habitue.store import loyalty, loyalty_earning, loyalty_spending
from habitue.store.database import Connection
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_earning import CalmRow
from habitue.store.loyalty_spending import SPENDABLE_MAX
from habitue.store.receipts import Receipt
from habitue.usecases import points_earned, points_spent
from habitue.usecases.deciding_together import Request, decided_together
from habitue.usecases.points_earned import calm_state, earning_of
from habitue.usecases.points_spent import spending_of
from habitue.usecases.points_state import PointsState, points_state, writes_of
from habitue.usecases.shop import Shop
from habitue.usecases.writing import Reply, earlier_reply, settled

Result = TypeVar("Result")
#: How many of the lots that can be spent are read at first, then, and then.
DEPTHS = (SPENDABLE_MAX, 256, None)
#: The same for who takes nothing from lots, unless something is owed.
GIVING_DEPTHS = (0, *DEPTHS)

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
    """What `decide` tells, once all that it decided is saved. It may be asked more than once: again
    when something moved, or with more of the lots when it needs them.

    Raises what `decide` raises, `NotFound` where the customer or card does not exist,
    `InvalidInput` where the program has no such owners, and `ProfileBusy`.
    """
    result: Result = await _in_turn(shop, query, customer, Request(now, decide, DEPTHS), None)
    return result


async def answer_points(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    now: datetime,
    decide: Decider[Reply],
    idempotency: Idempotency | None,
    depths: tuple[int | None, ...] = DEPTHS,
) -> Reply:
    """The same where `decide` tells an answer, which is stored under the caller's key, and given
    again to the same request. Raises `KeyReused` as well."""
    request = Request(now, decide, depths)
    reply: Reply = await _in_turn(shop, query, customer, request, idempotency)
    return reply


async def _in_turn(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    request: Request,
    idempotency: Idempotency | None,
) -> Any:
    keys = [] if query.profile_key is None else [query.profile_key]
    if query.card is not None:
        keys = [card_turn(query.program_id, query.card)]
    if keys and idempotency is None:
        work = partial(_together, shop, query, customer)
        return await shop.joint_turns.take(query, keys, request, ProfileBusy, work)
    async with shop.queue.turn(keys, ProfileBusy):
        return await _alone(shop, query, customer, request, idempotency)


async def _together(
    shop: Shop, query: PointsQuery, customer: object, requests: Sequence[Request]
) -> Sequence[object]:
    """What becomes of each; where they cannot be saved together, each runs by itself."""
    if len(requests) == 1:
        return [await _alone(shop, query, customer, requests[0], None)]
    try:
        return await _at_once(shop, query, customer, requests)
    except (StoreUnavailable, ProfileBusy):
        raise
    except Exception:
        alone = (_alone(shop, query, customer, each, None) for each in requests)
        return [await _outcome(each) for each in alone]


async def _outcome(answer: Awaitable[object]) -> object:
    try:
        return await answer
    except Exception as failure:
        return failure


async def _at_once(
    shop: Shop, query: PointsQuery, customer: object, requests: Sequence[Request]
) -> Sequence[object]:
    depths = min((each.depths for each in requests), key=len)
    now = max(each.now for each in requests)

    async def attempt(connection: Connection, locked: bool) -> Sequence[object]:
        for depth in depths:
            state = await read_points(
                shop, connection, query, customer, now, locked=locked, depth=depth
            )
            try:
                decisions, outcomes = decided_together(state, requests)
            except LotsUnread:
                continue
            await save_points(connection, state, decisions)
            return outcomes
        raise AssertionError("all lots were read, and some were missing")

    return await settled(shop, attempt, ProfileBusy)


async def _alone(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    request: Request,
    idempotency: Idempotency | None,
) -> Any:
    async def attempt(connection: Connection, locked: bool) -> Any:
        for depth in request.depths:
            state, receipt = await _read(
                shop, connection, query, customer, request.now, locked, depth, idempotency
            )
            earlier = earlier_reply(receipt, idempotency)
            if earlier is not None:
                return earlier
            try:
                decisions, result = request.decide(state)
            except LotsUnread:
                continue
            await save_points(connection, state, decisions, idempotency, result)
            return result
        raise AssertionError("all lots were read, and some were missing")

    return await settled(shop, attempt, ProfileBusy)


async def save_points(
    connection: Connection,
    state: PointsState,
    decisions: Sequence[LedgerDecision],
    idempotency: Idempotency | None = None,
    reply: object = None,
) -> None:
    """Saves what was decided, with the answer where it is promised to be the same again. Raises
    `GuardFailed`."""
    key = receipt = None
    if idempotency is not None and isinstance(reply, Reply):
        receipt = Receipt(idempotency.request_hash, reply.status, reply.body)
        key = UUID(bytes=idempotency.key_digest)
    if await _saved_as_usual(connection, state, decisions, key, receipt):
        return
    writes, of_card = writes_of(decisions), state.card is not None
    if key is not None and receipt is not None:
        owner = (state.customer_id, state.customer_version, state.root_id)
        await loyalty.save_answered(
            connection, owner, state.now, writes or b"[]", key, receipt, of_card=of_card
        )
    elif writes is not None:
        save = loyalty.save_of_card if of_card else loyalty.save
        await save(connection, state.customer_id, state.customer_version, state.now, writes)


async def _saved_as_usual(
    connection: Connection,
    state: PointsState,
    decisions: Sequence[LedgerDecision],
    key: UUID | None,
    receipt: Receipt | None,
) -> bool:
    """Whether it was saved as what many do at a time is. Raises `GuardFailed`."""
    earning = earning_of(state, decisions)
    if earning is not None:
        await loyalty_earning.earn(connection, earning, key, receipt)
        return True
    spending = spending_of(state, decisions)
    if spending is not None:
        await loyalty_spending.spend(connection, spending, key, receipt)
    return spending is not None


async def read_points(
    shop: Shop,
    connection: Connection,
    query: PointsQuery,
    customer: object,
    now: datetime,
    *,
    locked: bool = False,
    depth: int | None = None,
) -> PointsState:
    """The points, with the program as the configuration has it now; with a `depth` only so many of
    the lots that can be spent. Raises `NotFound`, and `InvalidInput` where profiles are asked for
    in a card-based program, or the other way round."""
    state, _ = await _read(shop, connection, query, customer, now, locked, depth, None)
    return state


async def _read(
    shop: Shop,
    connection: Connection,
    query: PointsQuery,
    customer: object,
    now: datetime,
    locked: bool,
    depth: int | None,
    idempotency: Idempotency | None,
) -> tuple[PointsState, Receipt | None]:
    key = None if idempotency is None else UUID(bytes=idempotency.key_digest)
    while True:
        program = loyalty_program(shop, query.program_id)
        if query.card is not None:
            card_based(program)
        elif query.profile_key is not None:
            profile_based(program)
        if locked:
            await loyalty.lock(connection, query)
        calm = await _calm(connection, query, program, now, depth, key)
        if calm is not None and calm.configuration_version != shop.configuration.version:
            await shop.refresh()
            continue
        if calm is not None:
            return calm_state(calm, program, query.subledger or "", now), calm.receipt
        row = await loyalty.load(connection, query, now, depth, key)
        if row.configuration_version != shop.configuration.version:
            await shop.refresh()
            continue
        state = points_state(row, program, now)
        if state is None:
            raise NotFound("Customer profile" if query.card is None else "Loyalty card", customer)
        return state, row.receipt


async def _calm(
    connection: Connection,
    query: PointsQuery,
    program: LoyaltyProgram,
    now: datetime,
    depth: int | None,
    receipt_key: UUID | None,
) -> CalmRow | None:
    """The ledger as those who earn and those who spend read it; None where the reading is another,
    and where the ledger is not calm."""
    attributed = bool(program.tier_attribute)
    if depth == 0 and points_earned.is_usual(query) and query.profile_key is not None:
        return await loyalty_earning.load_calm(
            connection,
            query.profile_key,
            program.id,
            query.subledger or "",
            now,
            attributed=attributed,
            receipt_key=receipt_key,
        )
    if depth == SPENDABLE_MAX and points_spent.is_usual(query):
        return await loyalty_spending.load_spendable(
            connection, query, now, attributed=attributed, receipt_key=receipt_key
        )
    return None
