"""How one kind of outcome is taken back."""

from collections.abc import Callable
from typing import Any

import msgspec

from habitue.promotions.effects import Effect, Outcome


class Giving(msgspec.Struct, frozen=True):
    """What is known of what a closed session took: the coupons that it redeemed."""

    redeemed_coupon_ids: frozenset[int] = frozenset()


class Reversal(msgspec.Struct, frozen=True):
    """`roll_back` makes the outcome that takes the effect back, None where nothing is to be told.

    `unit` names the line and the unit of the cart that an outcome belongs to: it is rolled back
    when that unit returns. An outcome whose kind has no reversal stays as it is.
    """

    roll_back: Callable[[Any, Effect, Giving], Outcome | None]
    unit: Callable[[Any], tuple[int, int] | None] = lambda _: None
