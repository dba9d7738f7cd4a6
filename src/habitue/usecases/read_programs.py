"""What a customer has in the loyalty programs of the shop, all of them or one."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.loyalty.ledger import Ledger, Place, total
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram
from habitue.loyalty.projection import TierStanding, tier_standing
from habitue.loyalty.settling import settled
from habitue.model.errors import NotFound
from habitue.model.numbers import ZERO
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import read_points
from habitue.usecases.shop import Shop


class Membership(msgspec.Struct, frozen=True):
    """The main ledger of a customer in one program; `enrolled` says that they have joined it or
    that there was ever a posting."""

    program: LoyaltyProgram
    ledger: Ledger
    standing: TierStanding
    enrolled: bool

    def total(self, place: Place) -> Decimal:
        """The balance of one place, over all roots of the customer."""
        accounts = self.ledger.accounts.values()
        return total(each.totals[place] for each in accounts) if accounts else ZERO

    @property
    def active(self) -> Decimal:
        """What can be spent now."""
        return total(lot.remaining for lot in self.ledger.active_lots())

    @property
    def pending(self) -> Decimal:
        """What will be there later, or after an action."""
        return self.total("open") - self.active


async def programs_of(shop: Shop) -> list[LoyaltyProgram]:
    """The programs of customers as they are now, the oldest, the default one, first."""
    programs = (await shop.refresh()).loyalty_programs.values()
    listed = [each for each in programs if not each.card_based and not each.sandbox]
    return sorted(listed, key=lambda each: each.id)


async def program_of(shop: Shop, program_id: int | None) -> LoyaltyProgram:
    """The program of that id, the default one for None. Raises `NotFound`."""
    for program in await programs_of(shop):
        if program_id in (None, program.id):
            return program
    raise NotFound("Loyalty program", program_id or "")


async def read_memberships(
    shop: Shop, customer_id: int, programs: Sequence[LoyaltyProgram], now: datetime
) -> list[Membership]:
    """What the customer has in each of those programs, enrolled or not."""
    return [await _membership(shop, customer_id, each, now) for each in programs]


async def _membership(
    shop: Shop, customer_id: int, program: LoyaltyProgram, now: datetime
) -> Membership:
    query = PointsQuery(None, customer_id, program.id, MAIN_LEDGER)
    state = await read_points(shop, shop.database, query, customer_id, now)
    ledger = settled(state.ledger(MAIN_LEDGER), state.program, now)
    enrolled = state.anchors.joined is not None or bool(state.ledgers)
    return Membership(state.program, ledger, tier_standing(ledger, state.program), enrolled)
