"""What loyalty programs come to, and everything that was booked in them."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.loyalty import TransactionOut, cause_of, transaction_out
from habitue.edges.talon_one.management.loyalty_points import program_named
from habitue.edges.talon_one.management.paging import Page, PageWithoutTotal
from habitue.edges.talon_one.management.profile_ledger import LoyaltyLedgerOut, ledger_of_profile
from habitue.edges.talon_one.management.shared import USER_ID, Instant, ManagementCall, managed
from habitue.edges.talon_one.profile_points import (
    TransactionsQuery,
    refuse_not_awaiting,
    uuids,
)
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import STATISTICS_DAYS_MAX
from habitue.model.numbers import shortest
from habitue.store.loyalty_lists import LogQuery, LogRow
from habitue.store.loyalty_statistics import DayRow
from habitue.usecases.read_logs import read_program_log
from habitue.usecases.read_program_days import midnight, read_days, read_today


class DashboardQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which days, of which ledger."""

    range_start: Instant
    range_end: Instant
    subledger_id: str | None = None


class PointsBreakdownOut(msgspec.Struct, rename="camel"):
    """Points by where they came from."""

    created_manually: Decimal
    created_via_rule_engine: Decimal


class DashboardOut(msgspec.Struct, rename="camel"):
    """What a program came to at the end of a day, and what the day brought."""

    date: datetime
    total_active_points: Decimal
    total_pending_points: Decimal
    total_spent_points: Decimal
    total_expired_points: Decimal
    total_negative_points: Decimal
    total_members: int
    new_members: int
    spent_points: PointsBreakdownOut
    earned_points: PointsBreakdownOut


class ProgramTransactionOut(TransactionOut, rename="camel", omit_defaults=True, kw_only=True):
    """One entry of the log of a program."""

    transaction_uuid: str = msgspec.field(name="transactionUUID")
    customer_profile_id: str | None = None
    card_identifier: str | None = None
    campaign_id: int | None = None
    import_id: int | None = None
    user_id: int | None = None


async def get_transactions(call: ManagementCall[TransactionsQuery, None]) -> Answer:
    program, query = program_named(call), call.query
    refuse_not_awaiting(query.awaits_activation)
    wanted = LogQuery(
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
    found = await read_program_log(call.services.shop, wanted)
    shown = [_transaction_out(row, program) for row in found.rows]
    return Answer(200, PageWithoutTotal(found.has_more, shown))


async def get_dashboard(call: ManagementCall[DashboardQuery, None]) -> Answer:
    program, query = program_named(call), call.query
    first = query.range_start.astimezone(program.zone).date()
    yesterday = call.now.astimezone(program.zone).date() - timedelta(days=1)
    last = min(query.range_end.astimezone(program.zone).date(), yesterday)
    if query.range_end < query.range_start:
        details = "rangeEnd lies before rangeStart"
        raise InvalidInput(Fault("", "Out of range", details, parameter="rangeEnd"))
    if (last - first).days >= STATISTICS_DAYS_MAX:
        details = f"at most {STATISTICS_DAYS_MAX} days are told at once"
        raise InvalidInput(Fault("", "Out of range", details, parameter="rangeEnd"))
    if last < first:
        return Answer(200, Page[DashboardOut](0, []))
    rows = await read_days(call.services.shop, program, query.subledger_id, first, last)
    told = [_day_out(row, midnight(program, row.day + timedelta(days=1))) for row in rows]
    return Answer(200, Page(len(told), told))


async def get_statistics(call: ManagementCall[None, None]) -> Answer:
    program = program_named(call)
    row = await read_today(call.services.shop, program, call.now)
    return Answer(200, _day_out(row, call.now + timedelta(minutes=1)))


async def get_ledger(call: ManagementCall[None, None]) -> Answer:
    program, profile_id = program_named(call), integration_id(call, "integrationId")
    return Answer(200, await ledger_of_profile(call.services.shop, program, profile_id, call.now))


def _day_out(row: DayRow, end: datetime) -> DashboardOut:
    """The day as the protocol has it: collected in its last minute."""
    return DashboardOut(
        date=end - timedelta(minutes=1),
        total_active_points=shortest(row.active),
        total_pending_points=shortest(row.pending),
        total_spent_points=shortest(row.spent),
        total_expired_points=shortest(row.expired),
        total_negative_points=shortest(row.negative),
        total_members=row.members,
        new_members=row.new_members,
        spent_points=PointsBreakdownOut(shortest(row.spent_by_hand), shortest(row.spent_by_rules)),
        earned_points=PointsBreakdownOut(
            shortest(row.earned_by_hand), shortest(row.earned_by_rules)
        ),
    )


def _transaction_out(row: LogRow, program: LoyaltyProgram) -> ProgramTransactionOut:
    cause = cause_of(row)
    told = msgspec.structs.asdict(transaction_out(row, program.id))
    by_hand = cause.session_id is None and cause.import_id is None
    return ProgramTransactionOut(
        **told,
        customer_profile_id=None if program.card_based else row.profile_id,
        card_identifier=row.card_identifier,
        campaign_id=cause.campaign_id,
        import_id=cause.import_id,
        user_id=USER_ID if by_hand else None,
    )


def operations() -> list[Operation]:
    """The operations that tell of whole programs, and of all that one profile has."""
    program = "/v1/loyalty_programs/{loyaltyProgramId:int}"
    operation = partial(managed, group="Loyalty")
    listed: list[tuple[str, str, Any, str, Any, Any]] = [
        (
            "getLoyaltyProgramTransactions",
            "transactions",
            get_transactions,
            "List a loyalty program's transactions",
            PageWithoutTotal[ProgramTransactionOut],
            TransactionsQuery,
        ),
        (
            "getDashboardStatistics",
            "dashboard",
            get_dashboard,
            "Get what a loyalty program came to, day by day",
            Page[DashboardOut],
            DashboardQuery,
        ),
        (
            "getLoyaltyStatistics",
            "statistics",
            get_statistics,
            "Get what a loyalty program comes to now",
            DashboardOut,
            None,
        ),
        (
            "getLoyaltyPoints",
            "profile/{integrationId}",
            get_ledger,
            "Get everything that a customer has in a loyalty program",
            LoyaltyLedgerOut,
            None,
        ),
    ]
    return [
        operation(id_, "GET", f"{program}/{path}", handler, summary, {200: told}, query=query)
        for id_, path, handler, summary, told, query in listed
    ]
