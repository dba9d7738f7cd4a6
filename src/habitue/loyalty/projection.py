"""What will be if nothing is done: the tier that comes when the present one ends.

Words: what is *projected* counts the points that are there now, with what starts and ends until
then; it is the answer of the very code that will decide about it.
"""

from decimal import Decimal

import msgspec

from habitue.loyalty.ledger import Ledger
from habitue.loyalty.program import LoyaltyProgram, Tier
from habitue.loyalty.settling import begin, current_tier
from habitue.loyalty.tier import TierState


class TierStanding(msgspec.Struct, frozen=True):
    """The tier of a ledger, and what the next one needs; all None at its edges."""

    tier: Tier | None
    state: TierState | None
    next_tier: Tier | None
    points_to_next: Decimal | None


class ProjectedTier(msgspec.Struct, frozen=True):
    """The active points at the end of the present tier, the tier then (None: none), and, where
    that is a lower one, what the present one needs."""

    active: Decimal
    tier: Tier | None
    points_to_stay: Decimal | None


def tier_standing(ledger: Ledger, program: LoyaltyProgram) -> TierStanding:
    """Where a ledger that has come to its moment stands."""
    booking = begin(ledger, program, ledger.moment)
    return standing_of(program, current_tier(booking)[1], booking.active)


def standing_of(program: LoyaltyProgram, state: TierState | None, active: Decimal) -> TierStanding:
    """Where somebody in that tier with so many active points stands."""
    tier = None if state is None else program.tier_of(state.tier_id)
    above = program.tier_above(tier)
    missing = None if above is None else max(above.min_points - active, Decimal(0))
    return TierStanding(tier, state if tier else None, above, missing)


def projected_tier(ledger: Ledger, program: LoyaltyProgram) -> ProjectedTier | None:
    """What comes when the present tier ends; None where it does not, or where there is none."""
    tier, state = current_tier(begin(ledger, program, ledger.moment))
    if tier is None or state is None or state.expiry is None:
        return None
    then = begin(ledger, program, state.expiry)
    later, _ = current_tier(then)
    lowered = later is None or later.min_points < tier.min_points
    missing = tier.min_points - then.active if lowered else None
    return ProjectedTier(then.active, later, missing)
