"""Reading the points of a card: what both APIs of the protocol offer alike."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from habitue.edges.http.operation import Call
from habitue.edges.talon_one.cards import (
    CardBalancesOut,
    CardTransactionOut,
    card_identifier,
    profiles_out,
)
from habitue.edges.talon_one.loyalty import balances_out, cause_of, transaction_out
from habitue.edges.talon_one.pages import PageSize, PageWithoutTotal, Skip
from habitue.edges.talon_one.profile_points import named_subledgers, refuse_not_awaiting, uuids
from habitue.loyalty.card import ProgramCard
from habitue.loyalty.program import LoyaltyProgram
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import TransactionRow, TransactionsPage
from habitue.usecases.change_program_card import read_card
from habitue.usecases.read_logs import read_transactions
from habitue.usecases.read_points import read_balances

Instant = Annotated[datetime, Meta(tz=True)]


class CardBalancesQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which balances of a card, as of when."""

    end_date: Instant | None = None
    subledger_id: list[str] | None = None


class CardTransactionsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which transactions of a card."""

    subledger_id: list[str] | None = None
    loyalty_transaction_type: Literal["manual", "session", "import"] | None = None
    start_date: Instant | None = None
    end_date: Instant | None = None
    customer_session_ids: list[str] | None = msgspec.field(name="customerSessionIDs", default=None)
    transaction_uuids: list[str] | None = msgspec.field(name="transactionUUIDs", default=None)
    page_size: PageSize = 50
    skip: Skip = 0
    awaits_activation: bool | None = None


async def card_of(call: Call[Any, Any, Any], program: LoyaltyProgram) -> ProgramCard:
    """The card that the path names. Raises `NotFound` or `InvalidInput`."""
    shop = call.services.shop
    return await read_card(shop, shop.database, program, card_identifier(call))


async def balances_of_card(
    call: Call[Any, CardBalancesQuery, None], program: LoyaltyProgram
) -> CardBalancesOut:
    """The balances that a request asks for; the main ledger's only where no subledger is named."""
    card, query = await card_of(call, program), call.query
    _, readings = await read_balances(
        call.services.shop,
        PointsQuery(None, None, program.id, card=card.identifier),
        card.identifier,
        call.now,
        query.end_date,
        projected=False,
    )
    wanted = named_subledgers(query.subledger_id)
    shown = [each for each in readings.items() if wanted is None or each[0] in wanted]
    told = balances_out(program, shown, tiers=False, projected=False)
    return CardBalancesOut(told.subledger_balances, told.balance, profiles=profiles_out(card))


async def transactions_of_card(
    call: Call[Any, Any, None], program: LoyaltyProgram
) -> PageWithoutTotal[CardTransactionOut]:
    """The page of the log that a request asks for by a `CardTransactionsQuery`."""
    card = await card_of(call, program)
    query: CardTransactionsQuery = call.query
    refuse_not_awaiting(query.awaits_activation)
    page = TransactionsPage(
        customer_id=card.owner_id,
        program_id=program.id,
        now=call.now,
        subledgers=named_subledgers(query.subledger_id),
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
    shown = [_transaction_out(row, program, card) for row in found.rows]
    return PageWithoutTotal(found.has_more, shown)


def _transaction_out(
    row: TransactionRow, program: LoyaltyProgram, card: ProgramCard
) -> CardTransactionOut:
    cause = cause_of(row)
    told = msgspec.structs.asdict(transaction_out(row, program.id))
    return CardTransactionOut(
        **told,
        card_identifier=card.identifier,
        application_id=cause.application_id,
        session_id=cause.session_id,
    )
