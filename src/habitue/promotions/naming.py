"""Whom effects name beside the customer whose they are.

A session of a friend can give something to an advocate, and so can a rule to anybody whose id it
knows. Whoever is erased must not be named there any more, so it is noted whose records name whom.
"""

from collections.abc import Iterable

import msgspec

from habitue.promotions.effects import (
    AwardGiveaway,
    CouponCreated,
    Effect,
    ReserveCoupon,
    WillAwardGiveaway,
)
from habitue.promotions.resources import ResourceChanges

_FOR_SOMEBODY = (AwardGiveaway, CouponCreated, ReserveCoupon, WillAwardGiveaway)


def with_names(changes: ResourceChanges, effects: Iterable[Effect], own_id: str) -> ResourceChanges:
    """The changes, with the profile ids of those who are named by effects of somebody else."""
    named = {
        outcome.profile_id
        for effect in effects
        if isinstance(outcome := effect.outcome, _FOR_SOMEBODY) and outcome.profile_id
    }
    others = named - {own_id}
    return msgspec.structs.replace(changes, names=tuple(sorted(others))) if others else changes
