"""What somebody has: balances now, then and some day, with the tiers that come of them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.loyalty.ledger import (
    NOTHING,
    Account,
    Balances,
    Ledger,
    Lot,
    Place,
    balances_of,
)
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.projection import (
    ProjectedTier,
    TierStanding,
    projected_tier,
    standing_of,
    tier_standing,
)
from habitue.loyalty.settling import settled
from habitue.model.errors import NotFound
from habitue.model.numbers import ZERO
from habitue.store import loyalty
from habitue.store.documents import decoder_of
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import as_of, customer_of
from habitue.usecases.change_points import loyalty_program, read_points
from habitue.usecases.points_state import AccountDocument, PointsState, calm_ledgers
from habitue.usecases.shop import Shop


async def owner_of(shop: Shop, profile_key: UUID, customer: object) -> int:
    """The customer who has that profile. Raises `NotFound`."""
    customer_id = await customer_of(shop.database, profile_key)
    if customer_id is None:
        raise NotFound("Customer profile", customer)
    return customer_id


class LedgerReading(msgspec.Struct, frozen=True):
    """One ledger at a moment."""

    balances: Balances
    standing: TierStanding
    projected: ProjectedTier | None

    @staticmethod
    def nothing(program: LoyaltyProgram) -> "LedgerReading":
        """A ledger to which nothing was ever posted."""
        return LedgerReading(Balances(), standing_of(program, None, ZERO), None)

    @property
    def is_used(self) -> bool:
        """Whether there is anything in it, or ever was, or a tier."""
        return self.balances != Balances() or self.standing.tier is not None


class PastLedger(msgspec.Struct, frozen=True):
    """What the postings up to a moment come to."""

    totals: dict[Place, Decimal]
    lots: list[Lot]


_PAST = decoder_of(dict[str, PastLedger])


async def read_balances(
    shop: Shop,
    query: PointsQuery,
    customer: object,
    now: datetime,
    at: datetime | None = None,
    *,
    projected: bool = True,
) -> tuple[LoyaltyProgram, Mapping[str, LedgerReading]]:
    """The ledgers of a customer by subledger, the main one always among them, as they are at a
    moment: `now` where none is named. Tiers are those of now. However many lots there are, they are
    looked at only where something has changed by itself, or where more than that is asked for.
    Raises `NotFound`.
    """
    if at is None and not projected:
        program = loyalty_program(shop, query.program_id)
        calm = await _calm_readings(shop, program, query, customer, now)
        if calm is not None:
            return program, calm
    state = await read_points(shop, shop.database, query, customer, now)
    names = {*state.ledgers, query.subledger if query.subledger is not None else MAIN_LEDGER}
    present = {name: settled(state.ledger(name), state.program, now) for name in names}
    shown: Mapping[str, Ledger] = present
    if at is not None and at < now:
        shown = await _past(shop, state, query.subledger, at)
    elif at is not None:
        shown = {name: settled(each, state.program, at) for name, each in present.items()}
    return state.program, {
        name: LedgerReading(
            balances_of(shown[name]) if name in shown else Balances(),
            tier_standing(ledger, state.program),
            projected_tier(ledger, state.program),
        )
        for name, ledger in sorted(present.items())
    }


async def _calm_readings(
    shop: Shop, program: LoyaltyProgram, query: PointsQuery, customer: object, now: datetime
) -> Mapping[str, LedgerReading] | None:
    """Balances as they were saved, where they still hold."""
    row = await loyalty.load(shop.database, msgspec.structs.replace(query, with_lots=False))
    if row.customer_id is None:
        raise NotFound("Customer profile" if query.card is None else "Loyalty card", customer)
    readings = calm_readings(program, row.ledgers, now)
    if readings is None or row.configuration_version != shop.configuration.version:
        return None
    wanted = query.subledger if query.subledger is not None else MAIN_LEDGER
    return {wanted: LedgerReading.nothing(program), **readings}


def calm_readings(
    program: LoyaltyProgram, ledgers: bytes, now: datetime
) -> dict[str, LedgerReading] | None:
    """The ledgers of a `PointsRow` as they were saved, without lots; None where that does not hold
    any more."""
    accounts = calm_ledgers(ledgers, now)
    if accounts is None:
        return None
    return {name: _calm_reading(program, each) for name, each in sorted(accounts.items())}


def _calm_reading(program: LoyaltyProgram, account: AccountDocument) -> LedgerReading:
    balances = Balances(
        active=account.active,
        pending=account.open - account.active,
        held=account.held,
        spent=account.spent,
        expired=account.expired,
        negative=-account.debt,
    )
    return LedgerReading(balances, standing_of(program, account.tier, account.active), None)


async def _past(
    shop: Shop, state: PointsState, subledger: str | None, at: datetime
) -> dict[str, Ledger]:
    """The ledgers as they were, brought to the moment: what had ended by then may be booked later.

    Tiers and debts are not looked at here, so nothing else happens to them.
    """
    document = await as_of(shop.database, state.customer_id, state.program.id, subledger, at)
    plain = msgspec.structs.replace(state.program, tiers=())
    ledgers = {}
    for name, past in _PAST.decode(document).items():
        account = Account(state.root_id, totals={**NOTHING, **past.totals})
        lots = {lot.key: msgspec.structs.replace(lot, root_id=state.root_id) for lot in past.lots}
        ledger = Ledger(state.program.id, name, state.root_id, at, {state.root_id: account}, lots)
        ledgers[name] = settled(ledger, plain, at)
    return ledgers
