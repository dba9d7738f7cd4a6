"""How one kind of outcome is taken back."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from habitue.promotions.effects import Effect, Outcome
from habitue.promotions.points_origin import Undone


class Giving(msgspec.Struct, frozen=True):
    """What is known of what a closed session took: the coupons that it redeemed, how much of its
    transactions of points was taken back, by key, what is left of the progress in iterations of
    achievements that was taken back, by iteration, and whether it redeemed its referral code."""

    redeemed_coupon_ids: frozenset[int] = frozenset()
    undone: Mapping[UUID, Undone] = {}
    decreased: Mapping[int, Decimal] = {}
    referral_redeemed: bool = False


class Reversal(msgspec.Struct, frozen=True):
    """`roll_back` makes the outcome that takes the effect back, None where nothing is to be told.

    `unit` names the line and the unit of the cart that an outcome belongs to: it is rolled back
    when that unit returns. `identity` is what makes two outcomes the same one at a later judgement.
    `is_whole` tells whether nothing of the outcome stands once it was taken back; `at_returns`
    whether a later judgement may take it back. An outcome whose kind has no reversal stays.
    """

    roll_back: Callable[[Any, Effect, Giving], Outcome | None]
    unit: Callable[[Any], tuple[int, int] | None] = lambda _: None
    identity: Callable[[Any], object] = msgspec.structs.astuple
    is_whole: Callable[[Any, Giving], bool] = lambda _outcome, _giving: True
    at_returns: bool = True
