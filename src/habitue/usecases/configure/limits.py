"""Budgets as requests word them.

Words: a *wish* is a limit as it was asked for.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import cast, get_args

import msgspec

from habitue.model.errors import Fault
from habitue.model.instants import Period
from habitue.model.limits import LIMITS_MAX
from habitue.model.numbers import is_amount
from habitue.promotions.campaign import Limit, LimitedAction, LimitedEntity

ACTIONS: tuple[str, ...] = get_args(LimitedAction)
ENTITIES: tuple[str, ...] = get_args(LimitedEntity)


class LimitWish(msgspec.Struct, frozen=True):
    """A limit as it was asked for (contracts/talon_one/SEMANTICS.md section 8.1)."""

    action: str
    limit: Decimal
    entities: tuple[str, ...] = ()
    period: Period | None = None


def kept_limits(wishes: Iterable[LimitWish]) -> tuple[Limit, ...]:
    """The limits that were asked for; `limit_faults` has found nothing."""
    return tuple(map(_limit, wishes))


def limit_faults(
    wishes: Iterable[LimitWish], pointer: str = "/limits", *, of_coupon: bool = False
) -> Iterator[Fault]:
    """What is wrong with `wishes`; those of a coupon can only be per profile."""
    seen = set()
    for index, wish in enumerate(wishes):
        at = f"{pointer}/{index}"
        if index == LIMITS_MAX:
            yield Fault(pointer, "Too many", f"at most {LIMITS_MAX} limits are accepted")
            return
        if not (wish.limit >= 0 and is_amount(wish.limit)):
            yield Fault(f"{at}/limit", "Out of range", "a limit is a number from 0 to 10^15")
        unknown = list(_unknown(wish, at))
        yield from unknown
        if not unknown and of_coupon and not _limit(wish).is_personal:
            details = "a coupon limits redeemCoupon per [Profile] or per [Profile, Coupon]"
            yield Fault(at, "Not supported", details)
        key = (wish.action, frozenset(wish.entities), wish.period)
        if key in seen:
            yield Fault(at, "Duplicate", "the same budget is limited twice")
        seen.add(key)


def _limit(wish: LimitWish) -> Limit:
    entities = cast(tuple[LimitedEntity, ...], tuple(wish.entities))
    return Limit(cast(LimitedAction, wish.action), wish.limit, entities, wish.period)


def _unknown(wish: LimitWish, at: str) -> Iterator[Fault]:
    if wish.action not in ACTIONS:
        details = f"{wish.action[:80]!r} is no action that can be limited; known are "
        yield Fault(f"{at}/action", "Not supported", details + ", ".join(ACTIONS))
    for index, entity in enumerate(wish.entities):
        if entity not in ENTITIES:
            details = f"{entity[:80]!r} is no entity; known are " + ", ".join(ENTITIES)
            yield Fault(f"{at}/entities/{index}", "Not supported", details)
    if len(set(wish.entities)) < len(wish.entities):
        yield Fault(f"{at}/entities", "Duplicate", "an entity is named twice")
