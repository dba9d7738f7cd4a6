"""Placing somebody in a program or a tier on purpose: enrolments, and what staff decide.

Words: tiers are *numbered* from 1, the lowest, as tills know them. Whoever is *enrolled* joins, is
placed in a tier and is given points, in that order: enough points raise the tier at once.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from habitue.loyalty.booking import Booking
from habitue.loyalty.decide import earn
from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram, Tier
from habitue.loyalty.settling import join, standing_tier
from habitue.loyalty.terms import Terms, Wish, terms_of
from habitue.loyalty.tier import TierState, entered


class Enrolment(msgspec.Struct, frozen=True):
    """What comes with being enrolled; points without an expiry end as the program says."""

    tier: Tier | None = None
    tier_expiry: datetime | None = None
    points: Decimal | None = None
    points_expiry: datetime | None = None


def tier_of_number(program: LoyaltyProgram, number: int) -> Tier | None:
    """The tier of that number, if there are so many."""
    return program.tiers[number - 1] if 1 <= number <= len(program.tiers) else None


def number_of_tier(program: LoyaltyProgram, tier: Tier | None) -> int | None:
    """The number of a tier; None for none."""
    return None if tier is None else program.tiers.index(tier) + 1


def enrol(booking: Booking, key: UUID, enrolment: Enrolment, cause: Cause) -> None:
    """Enrols the owner of the ledger, for the root that the request names."""
    join(booking)
    booking.account(booking.before.root_id)
    if enrolment.tier is not None:
        place(booking, enrolment.tier, enrolment.tier_expiry)
    if enrolment.points:
        earn(booking, key, enrolment.points, _terms(booking, enrolment), cause)


def place(booking: Booking, tier: Tier, expiry: datetime | None = None) -> None:
    """The owner is in that tier from now on; without an expiry it ends as the program says.

    The tier that counted before, that of another root perhaps, does not count any more.
    """
    root_id, state = standing_tier(booking)
    new = entered(booking.program, tier, booking.moment, booking.anchors)
    if state is not None and state.tier_id == tier.id:
        new = TierState(tier.id, state.start, new.expiry)
    if expiry is not None:
        new = msgspec.structs.replace(new, expiry=expiry)
    booking.set_tier(root_id, new, "manual")


def prolong(booking: Booking, expiry: datetime) -> None:
    """The present tier, which there is, ends at another moment."""
    root_id, state = standing_tier(booking)
    assert state is not None, "only a tier that somebody is in is prolonged"
    booking.set_tier(root_id, msgspec.structs.replace(state, expiry=expiry), "manual")


def _terms(booking: Booking, enrolment: Enrolment) -> Terms:
    """Points of an enrolment can be spent at once: they are what somebody had elsewhere."""
    if enrolment.points_expiry is not None:
        return Terms(booking.moment, enrolment.points_expiry)
    return terms_of(booking.program, Wish(pending="immediate"), booking.moment)
