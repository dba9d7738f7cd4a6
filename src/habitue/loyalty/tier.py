"""Tiers as values: in which one an owner of points is, until when, and what comes then.

Words: a tier is *reviewed* at the moment at which it ends: enough active points renew it, too few
lower it by the program's policy. The *anchor* is the moment from which the ends of tiers are
counted: the start of the tier, the day of joining, a date of the customer, or the start of the
program's cycle. Whoever has no such date is counted from the start of the tier.

A program without an expiration policy never lowers anybody.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from habitue.loyalty.duration import next_boundary
from habitue.loyalty.program import LoyaltyProgram, Tier
from habitue.model.attributes import Attributes
from habitue.model.instants import parse_instant

TierCause = Literal["upgrade", "downgrade", "manual", "import"]


class TierState(msgspec.Struct, frozen=True):
    """The tier somebody is in since `start`; without `expiry` it has no end."""

    tier_id: int
    start: datetime
    expiry: datetime | None = None


class TierChange(msgspec.Struct, frozen=True):
    """One entry of the history of tiers; no name where there was or is no tier."""

    root_id: int
    at: datetime
    cause: TierCause
    old_name: str | None
    new_name: str | None
    expiry: datetime | None


class Anchors(msgspec.Struct, frozen=True):
    """The dates of an owner from which the ends of tiers may be counted."""

    joined: datetime | None = None
    attribute: datetime | None = None


def anchors_of(program: LoyaltyProgram, attributes: Attributes, joined: datetime | None) -> Anchors:
    """The dates of a customer from which a program may count tiers."""
    told = attributes.get(program.tier_attribute) if program.tier_attribute else None
    moment = parse_instant(told) if isinstance(told, str) else told
    attribute = moment if isinstance(moment, datetime) else None
    return Anchors(None if joined is None else joined.astimezone(UTC), attribute)


def expiry_of(
    program: LoyaltyProgram, start: datetime, anchors: Anchors, after: datetime
) -> datetime | None:
    """The first end after an instant of a tier that began at `start`."""
    duration = program.tier_duration
    if duration is None:
        return None
    anchor = {
        "program_join_date": anchors.joined,
        "customer_attribute": anchors.attribute,
        "absolute_expiration": program.tier_cycle_start,
    }.get(program.tiers_expiration or "")
    if anchor is not None and anchor > after:
        return anchor
    return next_boundary(anchor or start, duration, program.zone, after)


def entered(program: LoyaltyProgram, tier: Tier, moment: datetime, anchors: Anchors) -> TierState:
    """Being in a tier from this moment on."""
    return TierState(tier.id, moment, expiry_of(program, moment, anchors, moment))


def upgraded(
    program: LoyaltyProgram,
    state: TierState | None,
    active: Decimal,
    moment: datetime,
    anchors: Anchors,
) -> TierState | None:
    """The state after a change of the balance: a higher tier if it is reached, else as it was."""
    reached = program.tier_for(active)
    current = None if state is None else program.tier_of(state.tier_id)
    if reached is None or (current is not None and reached.min_points <= current.min_points):
        return state
    return entered(program, reached, moment, anchors)


def reviewed(
    program: LoyaltyProgram,
    state: TierState,
    active: Decimal,
    moment: datetime,
    anchors: Anchors,
    quiet_until: datetime,
) -> TierState | None:
    """The state after the review at `moment`, the end of `state`.

    Nothing happens to the balance before `quiet_until`: ends before that would all come to the
    same, so a renewed tier ends at the first one that does not lie before it.
    """
    current = program.tier_of(state.tier_id)
    after = max(moment, quiet_until - timedelta(microseconds=1))
    if current is None or program.tiers_downgrade is None or active >= current.min_points:
        return msgspec.structs.replace(
            state, expiry=expiry_of(program, state.start, anchors, after)
        )
    if program.tiers_downgrade == "one_down":
        lower = program.tier_below(current)
    else:
        lower = program.tier_for(active)
    return None if lower is None else entered(program, lower, moment, anchors)
