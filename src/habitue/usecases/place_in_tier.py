"""Staff put a customer into a tier, renew it, or let it last longer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from habitue.loyalty.ledger import LedgerDecision
from habitue.loyalty.placing import number_of_tier, place, prolong
from habitue.loyalty.program import MAIN_LEDGER, LoyaltyProgram, Tier
from habitue.loyalty.settling import begin, current_tier
from habitue.loyalty.terms import YEAR_MAX
from habitue.model.errors import Fault, InvalidInput
from habitue.store.loyalty import PointsQuery
from habitue.usecases.change_points import change_points
from habitue.usecases.points_state import PointsState
from habitue.usecases.shop import Shop

TierAction = Literal["UPGRADE", "DOWNGRADE", "RENEWAL", "EXTEND_CURRENT_TIER_EXPIRY_DATE"]


class TierRefused(InvalidInput):
    """The tier is none of the program, or not one that the action can lead to."""

    def __init__(self, reason: str, pointer: str) -> None:
        super().__init__(Fault(pointer, "Not possible", reason))
        self.reason = reason


class TierWish(msgspec.Struct, frozen=True):
    """What shall be done; without an expiry the tier ends as the program says."""

    action: TierAction
    tier_name: str = ""
    expiry: datetime | None = None


class Placed(msgspec.Struct, frozen=True):
    """The tiers before and after, with when the new one ends."""

    program: LoyaltyProgram
    before: Tier | None
    after: Tier
    expiry: datetime | None


async def place_in_tier(
    shop: Shop, customer_id: int, program_id: int, wish: TierWish, now: datetime
) -> Placed:
    """The customer is in that tier. Raises `TierRefused`, `NotFound` and `ProfileBusy`."""

    def put(state: PointsState) -> tuple[Sequence[LedgerDecision], Placed]:
        program = state.program
        booking = begin(state.ledger(MAIN_LEDGER), program, now)
        before, _ = current_tier(booking)
        if wish.expiry is not None and not now < wish.expiry.astimezone(now.tzinfo):
            raise TierRefused("a tier ends in the future", "/manualSlabActionValidityUpto")
        if wish.expiry is not None and wish.expiry.year > YEAR_MAX:
            details = f"the year {YEAR_MAX} is the last one"
            raise TierRefused(details, "/manualSlabActionValidityUpto")
        target = _target(program, before, wish)
        if wish.action == "EXTEND_CURRENT_TIER_EXPIRY_DATE":
            assert wish.expiry is not None, "checked with the target"
            prolong(booking, wish.expiry)
        else:
            place(booking, target, wish.expiry)
        _, after = current_tier(booking)
        expiry = None if after is None else after.expiry
        return [booking.decision()], Placed(program, before, target, expiry)

    query = PointsQuery(None, customer_id, program_id, MAIN_LEDGER)
    return await change_points(shop, query, customer_id, now, put)


def _target(program: LoyaltyProgram, before: Tier | None, wish: TierWish) -> Tier:
    if wish.action in ("RENEWAL", "EXTEND_CURRENT_TIER_EXPIRY_DATE"):
        if before is None:
            raise TierRefused("the customer is in no tier", "/slabAction")
        if wish.action == "EXTEND_CURRENT_TIER_EXPIRY_DATE" and wish.expiry is None:
            raise TierRefused("a date is needed", "/manualSlabActionValidityUpto")
        return before
    tier = next((each for each in program.tiers if each.name == wish.tier_name), None)
    if tier is None:
        raise TierRefused("the program has no such tier", "/toSlabName")
    number = number_of_tier(program, tier) or 0
    present = number_of_tier(program, before) or 0
    higher = number > present
    if number == present or higher != (wish.action == "UPGRADE"):
        word = "above" if wish.action == "UPGRADE" else "below"
        raise TierRefused(f"the tier is not {word} the present one", "/toSlabName")
    return tier
