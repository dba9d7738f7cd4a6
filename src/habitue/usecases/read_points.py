"""What somebody has: balances now, then and some day, with the tiers that come of them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from habitue.loyalty.ledger import Balances, LotsUnread, balances_of
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.projection import (
    ProjectedTier,
    TierStanding,
    projected_tier,
    standing_of,
    tier_standing,
)
from habitue.model.errors import NotFound
from habitue.model.numbers import ZERO
from habitue.store.loyalty import PointsQuery
from habitue.store.loyalty_reading import customer_of
from habitue.usecases.change_points import read_points
from habitue.usecases.points_state import AccountDocument, PointsState, calm_ledgers
from habitue.usecases.read_past import ledgers_as_of
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
    moment: `now` where none is named. However many lots there are, only those are looked at to
    which something happens until then, unless the moment has passed. Raises `NotFound`.
    """
    for depth in (0, None):
        state = await read_points(shop, shop.database, query, customer, now, depth=depth)
        try:
            return state.program, await _readings(shop, state, query, at, projected)
        except LotsUnread:
            continue
    raise AssertionError("all lots were read, and some were missing")


async def _readings(
    shop: Shop, state: PointsState, query: PointsQuery, at: datetime | None, projected: bool
) -> Mapping[str, LedgerReading]:
    names = {*state.ledgers, query.subledger if query.subledger is not None else MAIN_LEDGER}
    shown = await ledgers_as_of(shop, state, names, query.subledger, at or state.now)
    return {
        name: LedgerReading(
            balances_of(shown[name]),
            tier_standing(shown[name], state.program),
            projected_tier(shown[name], state.program) if projected else None,
        )
        for name in sorted(names)
    }


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
