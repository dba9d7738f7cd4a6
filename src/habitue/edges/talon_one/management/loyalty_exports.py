"""Files of loyalty programs that are exported (contracts/talon_one/openapi.json, export_*)."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from habitue.edges.csv_files.writing import DateFormat, csv_answer, moment_text, number_text
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.card_points import card_of
from habitue.edges.talon_one.loyalty import cause_of, log_dates
from habitue.edges.talon_one.management.loyalty_points import program_named
from habitue.edges.talon_one.management.shared import Instant, ManagementCall, managed
from habitue.edges.talon_one.profile_points import customer_of_profile
from habitue.loyalty.ledger import Balances
from habitue.loyalty.program import LoyaltyProgram
from habitue.model.errors import Fault, InvalidInput
from habitue.store.loyalty_lists import CardsExport, LogQuery, LogRow
from habitue.usecases.change_points import card_based, profile_based
from habitue.usecases.export_points import (
    OwnerReading,
    export_balances,
    export_cards,
    export_log,
    export_members,
)

Row = Sequence[Any]

_BALANCES = {
    "currentBalance": "active",
    "pendingBalance": "pending",
    "expiredBalance": "expired",
    "spentBalance": "spent",
    "negativeBalance": "negative",
}
_LOG = (
    *("customersessionid", "rulesetid", "rulename", "programid", "type", "name", "subledgerid"),
    *("startdate", "expirydate", "id", "created", "amount", "archived", "campaignid", "flags"),
    "transactionUUID",
)


class BalancesExportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """As of when, and which balances."""

    end_date: Instant | None = None
    balances: str = ""


class TiersExportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Of which subledgers and tiers."""

    subledger_ids: list[str] | None = None
    tier_names: list[str] | None = None


class LogExportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """From when to when."""

    range_start: Instant
    range_end: Instant
    date_format: DateFormat | None = None


class CardsExportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which cards."""

    batch_id: str = ""
    created_before: Instant | None = None
    created_after: Instant | None = None
    date_format: DateFormat | None = None


async def get_customer_balances(call: ManagementCall[BalancesExportQuery, None]) -> Answer:
    program = profile_based(program_named(call))
    chosen = _chosen(call.query.balances, tuple(_BALANCES)) | {"currentBalance"}
    header = ("loyaltyProgramID", "loyaltySubledger", "profileIntegrationID", *_BALANCES)

    def row(owner: OwnerReading) -> Row:
        tier = owner.reading.standing.tier
        told = _balances(owner.reading.balances, tuple(_BALANCES), chosen)
        return (program.id, owner.subledger, owner.name, *told, "" if tier is None else tier.name)

    rows = _each(export_balances(call.services.shop, program, call.query.end_date, call.now), row)
    return csv_answer(f"balances-{program.id}.csv", (*header, "currentTier"), rows)


async def get_card_balances(call: ManagementCall[BalancesExportQuery, None]) -> Answer:
    program = card_based(program_named(call))
    names = tuple(_BALANCES)[:4]
    chosen = _chosen(call.query.balances, names)
    header = ("loyaltyProgramID", "loyaltySubledger", "cardIdentifier", "cardState", *names)

    def row(owner: OwnerReading) -> Row:
        assert owner.card is not None, "cards have the points of this program"
        told = _balances(owner.reading.balances, names, chosen)
        return (program.id, owner.subledger, owner.name, owner.card.status_at(call.now), *told)

    rows = _each(export_balances(call.services.shop, program, call.query.end_date, call.now), row)
    return csv_answer(f"card-balances-{program.id}.csv", header, rows)


async def get_tiers(call: ManagementCall[TiersExportQuery, None]) -> Answer:
    program, query = profile_based(program_named(call)), call.query
    header = ("programid", "subledgerid", "customerprofileid", "tiername", "startdate")

    async def rows() -> AsyncIterator[Row]:
        async for owner in export_balances(call.services.shop, program, None, call.now):
            tier, state = owner.reading.standing.tier, owner.reading.standing.state
            if tier is None or state is None:
                continue
            if query.subledger_ids and owner.subledger not in query.subledger_ids:
                continue
            if query.tier_names and tier.name not in query.tier_names:
                continue
            dates = moment_text(state.start), moment_text(state.expiry)
            yield (program.id, owner.subledger, owner.name, tier.name, *dates)

    return csv_answer(f"tiers-{program.id}.csv", (*header, "expirydate"), rows())


async def get_join_dates(call: ManagementCall[None, None]) -> Answer:
    program = profile_based(program_named(call))
    members = export_members(call.services.shop, program)
    rows = _each(members, lambda each: (program.id, each.name, moment_text(each.joined)))
    header = ("loyaltyProgramID", "profileIntegrationID", "joinDate")
    return csv_answer(f"join-dates-{program.id}.csv", header, rows)


async def get_cards(call: ManagementCall[CardsExportQuery, None]) -> Answer:
    program, query = card_based(program_named(call)), call.query
    wanted = CardsExport(
        program.id, 0, 500, query.batch_id, query.created_before, query.created_after
    )
    header = (
        *("identifier", "created", "status", "userpercardlimit", "customerprofileids"),
        *("blockreason", "generated", "batchid", "attributes"),
    )
    rows = _each(
        export_cards(call.services.shop, wanted),
        lambda card: (
            card.identifier,
            moment_text(card.created, query.date_format, program.zone),
            card.status_at(call.now),
            program.users_per_card,
            ";".join(each.integration_id for each in card.links),
            card.block_reason,
            str(card.generated).lower(),
            card.batch_id,
            "{}",
        ),
    )
    return csv_answer(f"cards-{program.id}.csv", header, rows)


async def get_profile_log(call: ManagementCall[LogExportQuery, None]) -> Answer:
    program = program_named(call)
    owner_id = await customer_of_profile(call, program)
    return _log_answer(call, program, owner_id, "customerprofileid", call.path["integrationId"])


async def get_card_log(call: ManagementCall[LogExportQuery, None]) -> Answer:
    program = program_named(call)
    card = await card_of(call, program)
    return _log_answer(call, program, card.owner_id, "cardidentifier", card.identifier)


def _log_answer(
    call: ManagementCall[LogExportQuery, None],
    program: LoyaltyProgram,
    owner_id: int,
    column: str,
    name: str,
) -> Answer:
    query = call.query
    if query.range_end < query.range_start:
        details = "rangeEnd lies before rangeStart"
        raise InvalidInput(Fault("", "Out of range", details, parameter="rangeEnd"))
    wanted = LogQuery(
        program_id=program.id,
        now=call.now,
        owner_id=owner_id,
        since=query.range_start,
        until=query.range_end,
    )
    entries = export_log(call.services.shop, wanted)
    rows = _each(entries, lambda row: (name, *_log_row(row, program, query.date_format)))
    return csv_answer(f"ledger-{program.id}.csv", (column, *_LOG), rows)


def _log_row(row: LogRow, program: LoyaltyProgram, date_format: DateFormat | None) -> Row:
    cause = cause_of(row)
    start, expiry = (
        each if isinstance(each, str) else moment_text(each, date_format, program.zone)
        for each in log_dates(row)
    )
    return (
        cause.session_key,
        cause.ruleset_id or "",
        cause.rule_name,
        program.id,
        "addition" if row.amount > 0 else "subtraction",
        cause.name,
        row.subledger,
        start,
        expiry,
        row.id,
        moment_text(row.created, date_format, program.zone),
        number_text(abs(row.amount)),
        "false",
        cause.campaign_id or "",
        '{"createsNegativeBalance":true}' if row.negative else "",
        row.key,
    )


async def _each(source: AsyncIterator[Any], row: Any) -> AsyncIterator[Row]:
    async for each in source:
        yield row(each)


def _chosen(text: str, names: Sequence[str]) -> set[str]:
    """The balances that a query names, all where it names none. Raises `InvalidInput`."""
    wanted = [each.strip() for each in text.split(",") if each.strip()]
    wrong = [each for each in wanted if each not in names]
    if wrong:
        details = f'"{wrong[0][:80]}" is none of {", ".join(names)}'
        raise InvalidInput(Fault("", "enum", details, parameter="balances"))
    return set(wanted or names)


def _balances(balances: Balances, names: Sequence[str], chosen: set[str]) -> Row:
    return [
        number_text(getattr(balances, _BALANCES[name])) if name in chosen else "" for name in names
    ]


def operations() -> list[Operation]:
    """The exports of loyalty programs."""
    return [*_profile_operations(), *_card_operations()]


def _operation(
    id_: str,
    path: str,
    handler: Any,
    summary: str,
    query: type[msgspec.Struct] | None = None,
) -> Operation:
    full = f"/v1/loyalty_programs/{{loyaltyProgramId:int}}/{path}"
    told = {200: CsvFile}
    return managed(id_, "GET", full, handler, summary, told, group="Loyalty", query=query)


def _profile_operations() -> list[Operation]:
    return [
        _operation(
            "exportLoyaltyBalances",
            "export_customer_balances",
            get_customer_balances,
            "Export customers' loyalty balances",
            BalancesExportQuery,
        ),
        _operation(
            "exportLoyaltyBalance",
            "export_customer_balance",
            get_customer_balances,
            "Export customers' loyalty balances (older name)",
            BalancesExportQuery,
        ),
        _operation(
            "exportCustomersTiers",
            "export_customers_tiers",
            get_tiers,
            "Export customers' tiers",
            TiersExportQuery,
        ),
        _operation(
            "exportLoyaltyJoinDates",
            "export_join_dates",
            get_join_dates,
            "Export the days on which customers joined",
        ),
        _operation(
            "exportLoyaltyLedger",
            "profile/{integrationId}/export_log",
            get_profile_log,
            "Export a customer's loyalty transactions",
            LogExportQuery,
        ),
    ]


def _card_operations() -> list[Operation]:
    return [
        _operation(
            "exportLoyaltyCardBalances",
            "export_card_balances",
            get_card_balances,
            "Export loyalty cards' balances",
            BalancesExportQuery,
        ),
        _operation(
            "exportLoyaltyCards",
            "cards/export",
            get_cards,
            "Export loyalty cards",
            CardsExportQuery,
        ),
        _operation(
            "exportLoyaltyCardLedger",
            "cards/{loyaltyCardId}/export_log",
            get_card_log,
            "Export a loyalty card's transactions",
            LogExportQuery,
        ),
    ]
