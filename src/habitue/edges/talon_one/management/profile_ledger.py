"""Everything that a profile has in a loyalty program, in one answer: the oldest way of asking.

Lists hold the newest thousand of their kind at most; the pages of points and transactions have all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from habitue.customers.claims import profile_key
from habitue.edges.talon_one.loyalty import FlagsOut, TierOut, cause_of, tier_out
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.model.limits import PAGE_SIZE_MAX
from habitue.model.numbers import shortest
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import (
    LotRow,
    PointsPage,
    PointsStatus,
    TransactionRow,
    TransactionsPage,
)
from habitue.usecases.change_points import profile_based
from habitue.usecases.read_logs import read_lots, read_transactions
from habitue.usecases.read_points import LedgerReading, owner_of, read_balances
from habitue.usecases.shop import Shop


class LedgerLineOut(
    msgspec.Struct,
    omit_defaults=True,
    kw_only=True,
    rename={
        "program_id": "programID",
        "profile_id": "customerProfileID",
        "session_id": "customerSessionID",
        "start_date": "startDate",
        "expiry_date": "expiryDate",
        "subledger_id": "subLedgerID",
        "validity_duration": "validityDuration",
    },
):
    """One addition, subtraction or expiry."""

    created: datetime
    program_id: int
    profile_id: str
    session_id: str | None = None
    type: Literal["addition", "subtraction", "expire", "expiring"]
    amount: Decimal
    start_date: datetime | None = None
    expiry_date: datetime | None = None
    name: str
    subledger_id: str
    flags: FlagsOut | None = None
    validity_duration: str | None = None


class SubLedgerOut(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One ledger with all its lists."""

    total: Decimal
    total_active_points: Decimal
    total_pending_points: Decimal
    total_spent_points: Decimal
    total_expired_points: Decimal
    total_negative_points: Decimal
    transactions: list[LedgerLineOut]
    expiring_points: list[LedgerLineOut]
    active_points: list[LedgerLineOut]
    pending_points: list[LedgerLineOut]
    expired_points: list[LedgerLineOut]
    current_tier: TierOut | None = None


class LoyaltyLedgerOut(msgspec.Struct, rename={"subledgers": "subLedgers"}):
    """The main ledger and the others by name."""

    ledger: SubLedgerOut
    subledgers: dict[str, SubLedgerOut]


class _Lists(msgspec.Struct, frozen=True):
    """What was read of all ledgers of one profile."""

    program: LoyaltyProgram
    profile_id: str
    transactions: Sequence[TransactionRow]
    lots: dict[PointsStatus, Sequence[LotRow]]


async def ledger_of_profile(
    shop: Shop, program: LoyaltyProgram, profile_id: str, now: datetime
) -> LoyaltyLedgerOut:
    """What the profile has. Raises `NotFound`, and `InvalidInput` where cards have the points."""
    profile_based(program)
    key = profile_key(profile_id, sandbox=program.sandbox)
    customer_id = await owner_of(shop, key, profile_id)
    query = PointsQuery(key, None, program.id)
    _, readings = await read_balances(shop, query, profile_id, now, projected=False)
    lists = await _lists(shop, program, profile_id, customer_id, now)
    told = {name: _subledger(name, reading, lists) for name, reading in readings.items()}
    main = told.pop(MAIN_LEDGER)
    return LoyaltyLedgerOut(main, told)


async def _lists(
    shop: Shop, program: LoyaltyProgram, profile_id: str, customer_id: int, now: datetime
) -> _Lists:
    log = TransactionsPage(
        customer_id=customer_id, program_id=program.id, now=now, limit=PAGE_SIZE_MAX
    )
    statuses: tuple[PointsStatus, ...] = ("active", "pending", "expired")
    lots = {
        status: await read_lots(
            shop,
            PointsPage(
                customer_id=customer_id,
                program_id=program.id,
                status=status,
                now=now,
                order="-start",
                limit=PAGE_SIZE_MAX,
            ),
        )
        for status in statuses
    }
    transactions = await read_transactions(shop, log)
    shown = {status: part.rows for status, part in lots.items()}
    return _Lists(program, profile_id, transactions.rows, shown)


def _subledger(name: str, reading: LedgerReading, lists: _Lists) -> SubLedgerOut:
    balances, standing = reading.balances, reading.standing
    active = shortest(balances.active)
    lots = {
        status: [row for row in rows if row.subledger == name]
        for status, rows in lists.lots.items()
    }
    out = SubLedgerOut(
        total=active,
        total_active_points=active,
        total_pending_points=shortest(balances.pending),
        total_spent_points=shortest(balances.spent),
        total_expired_points=shortest(balances.expired),
        total_negative_points=shortest(balances.negative),
        transactions=[
            _transaction(row, lists) for row in lists.transactions if row.subledger == name
        ],
        expiring_points=_lots(
            (row for row in lots["active"] if row.expiry is not None), "expiring", lists
        ),
        active_points=_lots(lots["active"], "addition", lists),
        pending_points=_lots(lots["pending"], "addition", lists),
        expired_points=_lots(lots["expired"], "expire", lists),
    )
    if standing.tier is not None and standing.state is not None:
        out.current_tier = tier_out(lists.program, standing.tier, standing.state)
    return out


def _transaction(row: TransactionRow, lists: _Lists) -> LedgerLineOut:
    cause = cause_of(row)
    return LedgerLineOut(
        created=row.created,
        program_id=lists.program.id,
        profile_id=lists.profile_id,
        session_id=cause.session_key or None,
        type="addition" if row.amount > 0 else "subtraction",
        amount=shortest(abs(row.amount)),
        start_date=row.start,
        expiry_date=row.expiry,
        name=cause.name,
        subledger_id=row.subledger,
        flags=FlagsOut(True) if row.negative else None,
        validity_duration=row.validity or None,
    )


def _lots(
    rows: Iterable[LotRow], kind: Literal["addition", "expire", "expiring"], lists: _Lists
) -> list[LedgerLineOut]:
    return [
        LedgerLineOut(
            created=row.created,
            program_id=lists.program.id,
            profile_id=lists.profile_id,
            session_id=row.session_key or None,
            type=kind,
            amount=shortest(row.amount),
            start_date=row.start,
            expiry_date=row.expiry,
            name=row.name,
            subledger_id=row.subledger,
            validity_duration=row.validity or None,
        )
        for row in rows
    ]
