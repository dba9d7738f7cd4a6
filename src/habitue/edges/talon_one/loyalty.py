"""Points on the wire: what the Integration and the Management API tell alike.

Dates of points are texts there: a moment, or `immediate`, `on_action` and `unlimited`. The dates of
tiers are in the program's time zone.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.numbers import ENCODER
from habitue.loyalty.ledger import Balances, Cause
from habitue.loyalty.program import (
    IMMEDIATE,
    MAIN_LEDGER,
    ON_ACTION,
    UNLIMITED,
    DowngradePolicy,
    LoyaltyProgram,
    Tier,
)
from habitue.loyalty.tier import TierState
from habitue.model.documents import decoder_of
from habitue.model.numbers import shortest
from habitue.store.loyalty_lists import LogRow
from habitue.store.loyalty_reading import LotRow, TransactionRow
from habitue.usecases.activate_points import Activated
from habitue.usecases.read_points import LedgerReading
from habitue.usecases.writing import Reply


class TierOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """The tier somebody is in."""

    id: int
    name: str
    start_date: datetime
    expiry_date: datetime | None = None
    downgrade_policy: DowngradePolicy | None = None


class ProjectedTierOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """The tier that comes when the present one ends."""

    projected_active_points: Decimal
    stay_in_tier_points: Decimal | None = None
    projected_tier_name: str | None = None


class BalanceOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """The points of one ledger."""

    active_points: Decimal
    pending_points: Decimal
    spent_points: Decimal
    expired_points: Decimal
    negative_points: Decimal
    current_tier: TierOut | None = None
    projected_tier: ProjectedTierOut | None = None
    points_to_next_tier: Decimal | None = None
    next_tier_name: str | None = None


class BalancesOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """The main ledger and the others by name."""

    subledger_balances: dict[str, BalanceOut]
    balance: BalanceOut | UnsetType = UNSET


class FlagsOut(msgspec.Struct, rename="camel"):
    """What is special about an entry."""

    creates_negative_balance: bool


class PointsOut(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Unused points of one lot."""

    id: int
    transaction_uuid: str = msgspec.field(name="transactionUUID")
    created: datetime
    program_id: int
    customer_session_id: str | None = None
    name: str
    start_date: str
    expiry_date: str
    subledger_id: str
    amount: Decimal
    validity_duration: str | None = None


class TransactionOut(PointsOut, rename="camel", omit_defaults=True, kw_only=True):
    """One entry of the log of transactions."""

    transaction_uuid: str = msgspec.field(name="transactionUUID")
    type: str
    ruleset_id: int | None = None
    rule_name: str | None = None
    flags: FlagsOut | None = None


class LedgerEntryOut(
    msgspec.Struct,
    omit_defaults=True,
    rename={
        "program_id": "programID",
        "session_id": "customerSessionID",
        "start_date": "startDate",
        "expiry_date": "expiryDate",
        "subledger_id": "subLedgerID",
        "validity_duration": "validityDuration",
    },
):
    """Points that were activated."""

    created: datetime
    program_id: int
    type: str
    amount: Decimal
    start_date: datetime | None
    name: str
    subledger_id: str
    session_id: str | None = None
    expiry_date: datetime | None = None
    validity_duration: str | None = None


class ActivatedOut(msgspec.Struct, rename="camel"):
    """What an activation has made active."""

    ledger_entries: list[LedgerEntryOut]


_CAUSES = decoder_of(Cause)


def balances_out(
    program: LoyaltyProgram,
    readings: Iterable[tuple[str, LedgerReading]],
    *,
    tiers: bool,
    projected: bool,
) -> BalancesOut:
    """Balances of ledgers by name; a subledger with nothing in it is left out."""
    out = BalancesOut({})
    for name, reading in readings:
        balance = _balance_out(program, reading, tiers=tiers, projected=projected)
        if name == MAIN_LEDGER:
            out.balance = balance
        elif reading.balances != Balances():
            out.subledger_balances[name] = balance
    return out


def points_out(row: LotRow, program_id: int) -> PointsOut:
    """Unused points, of a profile or a card."""
    return PointsOut(
        id=row.id,
        transaction_uuid=str(row.key),
        created=row.created,
        program_id=program_id,
        customer_session_id=row.session_key or None,
        name=row.name,
        start_date=_start_text(row.start, row.created, awaits=row.start is None),
        expiry_date=_expiry_text(row.expiry),
        subledger_id=row.subledger,
        amount=shortest(row.amount),
        validity_duration=row.validity or None if row.start is None else None,
    )


def transaction_out(row: TransactionRow | LogRow, program_id: int) -> TransactionOut:
    """One entry of the log."""
    cause = cause_of(row)
    added = row.amount > 0
    return TransactionOut(
        id=row.id,
        transaction_uuid=str(row.key),
        created=row.created,
        program_id=program_id,
        customer_session_id=cause.session_key or None,
        type="addition" if added else "subtraction",
        name=cause.name,
        start_date=_start_text(row.start, row.created, awaits=row.awaits),
        expiry_date=_expiry_text(row.expiry),
        subledger_id=row.subledger,
        amount=shortest(abs(row.amount)),
        ruleset_id=cause.ruleset_id,
        rule_name=cause.rule_name or None,
        flags=FlagsOut(True) if row.negative else None,
        validity_duration=row.validity or None,
    )


def cause_of(row: TransactionRow | LogRow) -> Cause:
    """Why an entry was posted."""
    return _CAUSES.decode(row.cause)


def log_dates(row: LogRow) -> tuple[datetime | str, datetime | str]:
    """When the points of an entry start and end: moments, or the protocol's words."""
    start: datetime | str | None = row.start
    if row.awaits:
        start = ON_ACTION
    elif row.start is None or row.start <= row.created:
        start = IMMEDIATE
    return start or IMMEDIATE, row.expiry or UNLIMITED


def render_activated(program: LoyaltyProgram) -> Callable[[Sequence[Activated]], Reply]:
    """How it is told what has become active."""
    return lambda activated: Reply(200, ENCODER.encode(_activated_out(program, activated)))


def _activated_out(program: LoyaltyProgram, activated: Iterable[Activated]) -> ActivatedOut:
    return ActivatedOut(
        [
            LedgerEntryOut(
                created=each.lot.created,
                program_id=program.id,
                type="addition",
                amount=shortest(each.lot.remaining),
                start_date=each.lot.start,
                name=each.earned.name,
                subledger_id=each.subledger,
                session_id=each.earned.session_key or None,
                expiry_date=each.lot.expiry,
                validity_duration=each.lot.validity or None,
            )
            for each in activated
        ]
    )


def _balance_out(
    program: LoyaltyProgram, reading: LedgerReading, *, tiers: bool, projected: bool
) -> BalanceOut:
    balances, standing = reading.balances, reading.standing
    out = BalanceOut(
        active_points=shortest(balances.active),
        pending_points=shortest(balances.pending),
        spent_points=shortest(balances.spent),
        expired_points=shortest(balances.expired),
        negative_points=shortest(balances.negative),
    )
    if tiers and standing.tier is not None and standing.state is not None:
        out.current_tier = tier_out(program, standing.tier, standing.state)
    if tiers and standing.next_tier is not None and standing.points_to_next is not None:
        out.next_tier_name = standing.next_tier.name
        out.points_to_next_tier = shortest(standing.points_to_next)
    if projected and reading.projected is not None:
        tier, stay = reading.projected.tier, reading.projected.points_to_stay
        out.projected_tier = ProjectedTierOut(
            projected_active_points=shortest(reading.projected.active),
            stay_in_tier_points=None if stay is None else shortest(stay),
            projected_tier_name=None if tier is None else tier.name,
        )
    return out


def tier_out(program: LoyaltyProgram, tier: Tier, state: TierState) -> TierOut:
    """The tier somebody is in, with its dates in the program's zone."""
    zone = program.zone
    return TierOut(
        id=tier.id,
        name=tier.name,
        start_date=state.start.astimezone(zone),
        expiry_date=None if state.expiry is None else state.expiry.astimezone(zone),
        downgrade_policy=program.tiers_downgrade,
    )


def _start_text(start: datetime | None, created: datetime, *, awaits: bool = False) -> str:
    if awaits:
        return ON_ACTION
    if start is None or start <= created:
        return IMMEDIATE
    return _moment_text(start)


def _expiry_text(expiry: datetime | None) -> str:
    return UNLIMITED if expiry is None else _moment_text(expiry)


def _moment_text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
