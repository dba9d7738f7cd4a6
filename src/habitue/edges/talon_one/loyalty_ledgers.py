"""Points of a customer by program, as sessions and inventories tell them."""

from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET

from habitue.edges.talon_one.cards import CardLedgerOut, ledger_out
from habitue.edges.talon_one.loyalty import BalanceOut, TierOut, balances_out
from habitue.loyalty.ledger import Balances
from habitue.loyalty.program import MAIN_LEDGER
from habitue.usecases.read_inventory import ProgramReading


class LedgerInfoOut(CardLedgerOut, rename="camel", omit_defaults=True, kw_only=True):
    """What a customer has in one ledger, and the tier that comes of it."""

    current_tier: TierOut | None = None
    points_to_next_tier: Decimal | None = None
    next_tier_name: str | None = None


class ProgramLedgersOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """The ledgers of a customer in one program; subledgers with nothing in them are left out."""

    id: int
    title: str
    name: str
    ledger: LedgerInfoOut
    sub_ledgers: dict[str, LedgerInfoOut]
    join_date: datetime | None = None


def program_ledgers_out(reading: ProgramReading) -> ProgramLedgersOut:
    """What a customer has in a program; dates are in its time zone."""
    program, joined = reading.program, reading.joined
    told = balances_out(program, reading.ledgers.items(), tiers=True, projected=False)
    main = reading.ledgers[MAIN_LEDGER].balances if MAIN_LEDGER in reading.ledgers else Balances()
    return ProgramLedgersOut(
        id=program.id,
        title=program.title,
        name=program.name,
        ledger=_info(main, None if told.balance is UNSET else told.balance),
        sub_ledgers={
            name: _info(reading.ledgers[name].balances, balance)
            for name, balance in told.subledger_balances.items()
        },
        join_date=None if joined is None else joined.astimezone(program.zone),
    )


def _info(balances: Balances, told: BalanceOut | None) -> LedgerInfoOut:
    amounts = msgspec.structs.asdict(ledger_out(balances))
    if told is None:
        return LedgerInfoOut(**amounts)
    return LedgerInfoOut(
        **amounts,
        current_tier=told.current_tier,
        points_to_next_tier=told.points_to_next_tier,
        next_tier_name=told.next_tier_name,
    )
