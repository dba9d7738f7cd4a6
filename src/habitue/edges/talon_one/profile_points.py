"""Reading the points of a profile: what both APIs of the protocol offer alike."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from habitue.customers.claims import profile_key
from habitue.edges.http.operation import Call
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.loyalty import (
    BalancesOut,
    TransactionOut,
    balances_out,
    transaction_out,
)
from habitue.edges.talon_one.pages import PageSize, PageWithoutTotal, Skip
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import TransactionsPage
from habitue.usecases.change_points import profile_based
from habitue.usecases.read_logs import read_transactions
from habitue.usecases.read_points import owner_of, read_balances

Instant = Annotated[datetime, Meta(tz=True)]


class BalancesQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which balances, as of when, and whether with tiers."""

    end_date: Instant | None = None
    subledger_id: str | None = None
    include_tiers: bool = False
    include_projected_tier: bool = False


class TransactionsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which transactions."""

    customer_session_ids: list[str] | None = msgspec.field(name="customerSessionIDs", default=None)
    transaction_uuids: list[str] | None = msgspec.field(name="transactionUUIDs", default=None)
    subledger_id: str | None = None
    loyalty_transaction_type: Literal["manual", "session", "import"] | None = None
    start_date: Instant | None = None
    end_date: Instant | None = None
    page_size: PageSize = 50
    skip: Skip = 0
    awaits_activation: bool | None = None


async def balances_of_profile(
    call: Call[Any, BalancesQuery, None], program: LoyaltyProgram
) -> BalancesOut:
    """The balances that a request asks for."""
    profile_based(program)
    query, profile_id = call.query, integration_id(call, "integrationId")
    _, readings = await read_balances(
        call.services.shop,
        profile_query(program, profile_id, query.subledger_id),
        profile_id,
        call.now,
        query.end_date,
        projected=query.include_projected_tier,
    )
    return balances_out(
        program,
        readings.items(),
        tiers=query.include_tiers,
        projected=query.include_projected_tier,
    )


async def transactions_of_profile(
    call: Call[Any, TransactionsQuery, None], program: LoyaltyProgram
) -> PageWithoutTotal[TransactionOut]:
    """The page of the log that a request asks for."""
    query = call.query
    refuse_not_awaiting(query.awaits_activation)
    page = TransactionsPage(
        customer_id=await customer_of_profile(call, program),
        program_id=program.id,
        now=call.now,
        subledgers=None if query.subledger_id is None else (query.subledger_id,),
        session_keys=query.customer_session_ids,
        keys=uuids(query.transaction_uuids),
        origin=query.loyalty_transaction_type,
        since=query.start_date,
        until=query.end_date,
        awaiting=bool(query.awaits_activation),
        skip=query.skip,
        limit=query.page_size,
    )
    found = await read_transactions(call.services.shop, page)
    shown = [transaction_out(row, program.id) for row in found.rows]
    return PageWithoutTotal(found.has_more, shown)


def refuse_not_awaiting(awaits_activation: bool | None) -> None:
    """Raises `InvalidInput` where what does not await activation is asked for."""
    if awaits_activation is False:
        details = "awaitsActivation is true or left out"
        raise InvalidInput(Fault("", "Not allowed", details, parameter="awaitsActivation"))


def named_subledgers(names: list[str] | None) -> list[str] | None:
    """The subledgers that a query names, None where it names none. The main one is the empty text,
    of which a query string leaves an empty list."""
    return [MAIN_LEDGER] if names == [] else names


def profile_query(
    program: LoyaltyProgram, profile_id: str, subledger: str | None = None
) -> PointsQuery:
    """The points of a profile in a program."""
    key = profile_key(profile_id, sandbox=program.sandbox)
    return PointsQuery(key, None, program.id, subledger)


async def customer_of_profile(call: Call[Any, Any, Any], program: LoyaltyProgram) -> int:
    """The customer whose profile the path names. Raises `NotFound`."""
    profile_based(program)
    profile_id = integration_id(call, "integrationId")
    key = profile_key(profile_id, sandbox=program.sandbox)
    return await owner_of(call.services.shop, key, profile_id)


def uuids(texts: list[str] | None) -> list[UUID] | None:
    """The keys that are named; what is none names nothing."""
    if texts is None:
        return None
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
