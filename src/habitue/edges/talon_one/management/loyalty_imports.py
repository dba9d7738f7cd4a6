"""Files of loyalty programs that are imported (contracts/talon_one/openapi.json, import_*)."""

from decimal import Decimal
from functools import partial

import msgspec

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.imports import (
    Importing,
    actor_of,
    imported,
    importing_operation,
)
from habitue.edges.talon_one.management.loyalty_points import program_named
from habitue.edges.talon_one.management.shared import ManagementCall
from habitue.loyalty.program import IMMEDIATE, ON_ACTION, UNLIMITED, LoyaltyProgram
from habitue.model.limits import (
    CARD_IDENTIFIER_LENGTH_MAX,
    CARD_IMPORT_ROWS_MAX,
    INTEGRATION_ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
    POINTS_NAME_LENGTH_MAX,
    SUBLEDGER_LENGTH_MAX,
)
from habitue.usecases.import_cards import CardImporter, CardLine
from habitue.usecases.import_members import (
    JoinDateImporter,
    JoinLine,
    TierImporter,
    TierLine,
)
from habitue.usecases.import_points import PointsImporter, PointsLine


class ImportPointsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Whether the import shall notify of what it brings about."""

    notifications_enabled: bool = True


async def post_import_points(call: ManagementCall[ImportPointsQuery, None]) -> Answer:
    program = program_named(call)
    quiet = not call.query.notifications_enabled
    importer = PointsImporter(call.services.shop, program, actor_of(call), call.now, quiet=quiet)
    decode = partial(_points_line, program, call)
    place = f"program {program.id}"
    return await imported(
        call, Importing("LoyaltyLedger", place, _points_columns(program), decode, importer)
    )


async def post_import_tiers(call: ManagementCall[None, None]) -> Answer:
    program = program_named(call)
    importer = TierImporter(call.services.shop, program, call.now)
    columns = (
        Column("subledgerid"),
        *(Column(name, required=True) for name in ("customerprofileid", "tiername", "expirydate")),
    )
    place = f"program {program.id}"
    return await imported(call, Importing("LoyaltyTier", place, columns, _tier_line, importer))


async def post_import_join_dates(call: ManagementCall[None, None]) -> Answer:
    program = program_named(call)
    importer = JoinDateImporter(program, call.now)
    columns = [Column(name, required=True) for name in ("customerprofileid", "newjoindate")]
    place = f"program {program.id}"
    importing = Importing("LoyaltyJoinDate", place, columns, _join_line, importer, batch=1_000)
    return await imported(call, importing)


async def post_import_cards(call: ManagementCall[None, None]) -> Answer:
    program = program_named(call)
    columns = (
        Column("identifier", required=True),
        Column("state", required=True),
        Column("customerprofileids"),
        Column("attributes"),
    )
    importing = Importing(
        "LoyaltyCard",
        f"program {program.id}",
        columns,
        _card_line,
        CardImporter(program, call.now),
        rows_max=CARD_IMPORT_ROWS_MAX,
        batch=1_000,
    )
    return await imported(call, importing)


def _tier_line(row: RowReader) -> TierLine:
    return TierLine(
        row.line,
        row.required("customerprofileid", INTEGRATION_ID_LENGTH_MAX),
        row.text("subledgerid", SUBLEDGER_LENGTH_MAX),
        row.required("tiername", NAME_LENGTH_MAX),
        row.required_moment("expirydate"),
    )


def _join_line(row: RowReader) -> JoinLine:
    profile = row.required("customerprofileid", INTEGRATION_ID_LENGTH_MAX)
    return JoinLine(row.line, profile, row.required_moment("newjoindate"))


def _card_line(row: RowReader) -> CardLine:
    if row.json_object("attributes"):
        row.fault("attributes", "Not supported", "loyalty cards have no attributes in this version")
    return CardLine(
        row.line,
        row.required("identifier", CARD_IDENTIFIER_LENGTH_MAX),
        "inactive" if row.choice("state", ("active", "inactive")) == "inactive" else "active",
        row.names("customerprofileids", INTEGRATION_ID_LENGTH_MAX),
    )


def _points_columns(program: LoyaltyProgram) -> tuple[Column, ...]:
    return (
        Column("customerprofileid", required=not program.card_based),
        Column("identifier", required=program.card_based),
        Column("amount", required=True),
        *map(Column, ("startdate", "expirydate", "validityDuration", "subledgerid", "reason")),
    )


def _points_line(
    program: LoyaltyProgram, call: ManagementCall[ImportPointsQuery, None], row: RowReader
) -> PointsLine:
    column, most = "customerprofileid", INTEGRATION_ID_LENGTH_MAX
    other = "identifier"
    if program.card_based:
        column, most, other = other, CARD_IDENTIFIER_LENGTH_MAX, column
    if row.text(other, INTEGRATION_ID_LENGTH_MAX):
        row.fault(other, "Not allowed", f"the points of this program belong to a {column}")
    amount = row.amount("amount")
    if amount is None and not row.faults:
        row.fault("amount", "Missing", "a value is required")
    start = row.text("startdate", 64) or IMMEDIATE
    expiry = row.text("expirydate", 64)
    return PointsLine(
        line=row.line,
        owner=row.required(column, most),
        amount=amount or Decimal(0),
        start={IMMEDIATE: call.now, ON_ACTION: None}[start]
        if start in (IMMEDIATE, ON_ACTION)
        else row.moment("startdate"),
        expiry=None if expiry in ("", UNLIMITED) else row.moment("expirydate"),
        validity=row.text("validityDuration", 64) or None,
        subledger=row.text("subledgerid", SUBLEDGER_LENGTH_MAX),
        reason=row.text("reason", POINTS_NAME_LENGTH_MAX),
    )


def operations() -> list[Operation]:
    """The imports of loyalty programs."""
    program = "/v1/loyalty_programs/{loyaltyProgramId:int}"
    operation = partial(importing_operation, group="Loyalty")
    return [
        operation(
            "importLoyaltyPoints",
            "POST",
            f"{program}/import_points",
            post_import_points,
            "Import loyalty points",
            query=ImportPointsQuery,
        ),
        operation(
            "importLoyaltyCustomersTiers",
            "POST",
            f"{program}/import_customers_tiers",
            post_import_tiers,
            "Import customers' tiers",
        ),
        operation(
            "importLoyaltyJoinDates",
            "POST",
            f"{program}/import_join_dates",
            post_import_join_dates,
            "Import the days on which customers joined",
        ),
        operation(
            "importLoyaltyCards",
            "POST",
            f"{program}/import_cards",
            post_import_cards,
            "Import loyalty cards",
        ),
    ]
