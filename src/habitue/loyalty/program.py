"""A loyalty program as staff configure it (SEMANTICS.md 11.1).

Words: a *profile-based* program keeps the points of customers, a *card-based* one those of loyalty
cards. Points stand in the *main ledger*, whose id is the empty text, or in a *subledger*.
*Validity* is how long points can be spent once they are active, *pending* how long they wait before
that. A *tier* is what a customer reaches with a number of active points. *Scale* is how many
decimals points have.

Invariants: tiers are sorted by what they need, no two need the same or have one name; every
duration that a program holds can be read.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Decimal,
)
from typing import Literal

import msgspec

from habitue.loyalty.duration import Duration, parse_duration
from habitue.model.instants import zone_of
from habitue.model.numbers import EXACT

JoinPolicy = Literal["not_join", "points_activated", "points_earned"]
ReturnPolicy = Literal["only_pending", "within_balance", "unlimited"]
TierExpiration = Literal[
    "tier_start_date", "program_join_date", "customer_attribute", "absolute_expiration"
]
DowngradePolicy = Literal["one_down", "balance_based"]
PointsRounding = Literal["half_up", "half_even", "half_down", "floor", "ceiling"]

UNLIMITED = "unlimited"
IMMEDIATE = "immediate"
ON_ACTION = "on_action"
MAIN_LEDGER = ""

_ROUNDINGS: Mapping[str, str] = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "half_down": ROUND_HALF_DOWN,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}


class Tier(msgspec.Struct, frozen=True):
    """A tier: active points from `min_points` on."""

    id: int
    name: str
    min_points: Decimal
    created: datetime


class CardCodes(msgspec.Struct, frozen=True):
    """How the numbers of cards are generated: `#` of the pattern is one of the characters."""

    valid_characters: tuple[str, ...]
    pattern: str


class LoyaltyProgram(msgspec.Struct, frozen=True, kw_only=True):
    """One program. `tier_attribute` names the date from which tiers are counted where the policy
    is `customer_attribute`; `users_per_card` of 0 means that there is no limit;
    `points_to_currency_ratio` is what one point pays, in the shop's currency."""

    id: int
    name: str
    created: datetime
    title: str = ""
    description: str = ""
    timezone: str = "UTC"
    card_based: bool = False
    sandbox: bool = False
    subscribed_application_ids: tuple[int, ...] = ()
    allow_subledger: bool = False
    users_per_card: int = 0
    default_validity: str = UNLIMITED
    default_pending: str = IMMEDIATE
    join_policy: JoinPolicy = "not_join"
    tiers: tuple[Tier, ...] = ()
    tiers_expiration: TierExpiration | None = None
    tier_cycle_start: datetime | None = None
    tier_attribute: str = ""
    tiers_expire_in: str | None = None
    tiers_downgrade: DowngradePolicy | None = None
    card_codes: CardCodes | None = None
    return_policy: ReturnPolicy = "only_pending"
    points_scale: int = 2
    points_rounding: PointsRounding = "half_up"
    points_to_currency_ratio: Decimal = Decimal(1)

    @property
    def zone(self) -> tzinfo:
        """The program's time zone."""
        zone = zone_of(self.timezone)
        assert zone is not None, "a program's time zone is checked when it is saved"
        return zone

    @property
    def tier_duration(self) -> Duration | None:
        """How long a tier lasts; None where tiers have no end."""
        if self.tiers_expiration is None or self.tiers_expire_in is None:
            return None
        return parse_duration(self.tiers_expire_in)

    def is_precise(self, points: Decimal) -> bool:
        """Whether `points` have no more decimals than points may have."""
        return points == self.rounded(points)

    def rounded(self, points: Decimal) -> Decimal:
        """`points` with as many decimals as points have, by the program's rounding."""
        step = Decimal(1).scaleb(-self.points_scale)
        rounding = _ROUNDINGS[self.points_rounding]
        return points.quantize(step, rounding=rounding, context=EXACT)

    def rounded_down(self, points: Decimal) -> Decimal:
        """The most points there are among `points`."""
        step = Decimal(1).scaleb(-self.points_scale)
        return points.quantize(step, rounding=ROUND_FLOOR, context=EXACT)

    def tier_for(self, points: Decimal) -> Tier | None:
        """The highest tier that so many active points reach."""
        reached = [tier for tier in self.tiers if tier.min_points <= points]
        return reached[-1] if reached else None

    def tier_of(self, tier_id: int | None) -> Tier | None:
        """The tier of that id, if it still exists."""
        return next((tier for tier in self.tiers if tier.id == tier_id), None)

    def tier_below(self, tier: Tier) -> Tier | None:
        """The next lower tier, None below the lowest."""
        lower = [each for each in self.tiers if each.min_points < tier.min_points]
        return lower[-1] if lower else None

    def tier_above(self, tier: Tier | None) -> Tier | None:
        """The next higher tier, None above the highest; the lowest one above no tier."""
        floor = Decimal(-1) if tier is None else tier.min_points
        return next((each for each in self.tiers if each.min_points > floor), None)
