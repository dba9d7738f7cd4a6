"""Budgets as requests word them, and the ones that this version can keep.

Words: a *wish* is a limit as it was asked for. What cannot be kept is refused when it is asked for,
never ignored when money is spent.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from habitue.model.errors import Fault
from habitue.model.instants import Period
from habitue.model.limits import LIMITS_MAX
from habitue.model.numbers import is_amount
from habitue.promotions.campaign import Limit

_ACTION = "redeemCoupon"


class LimitWish(msgspec.Struct, frozen=True):
    """A limit as it was asked for (contracts/talon_one/SEMANTICS.md section 8.1)."""

    action: str
    limit: Decimal
    entities: tuple[str, ...] = ()
    period: Period | None = None


def kept_limits(wishes: Iterable[LimitWish]) -> tuple[Limit, ...]:
    """The limits that were asked for; `limit_faults` has found nothing."""
    return tuple(
        Limit(_ACTION, each.limit, tuple(each.entities), each.period)  # type: ignore[arg-type]
        for each in wishes
    )


def limit_faults(wishes: Iterable[LimitWish], pointer: str = "/limits") -> Iterator[Fault]:
    """What is wrong with `wishes`, or cannot be kept by this version."""
    seen = set()
    for index, wish in enumerate(wishes):
        at = f"{pointer}/{index}"
        if index == LIMITS_MAX:
            yield Fault(pointer, "Too many", f"at most {LIMITS_MAX} limits are accepted")
            return
        if not (wish.limit >= 0 and is_amount(wish.limit)):
            yield Fault(f"{at}/limit", "Out of range", "a limit is a number from 0 to 10^15")
        if not is_kept(wish):
            yield Fault(at, "Not supported", _unsupported(wish))
        key = (wish.action, frozenset(wish.entities), wish.period)
        if key in seen:
            yield Fault(at, "Duplicate", "the same budget is limited twice")
        seen.add(key)


def is_kept(wish: LimitWish) -> bool:
    """Whether this version can keep such a limit."""
    entities = set(wish.entities)
    return wish.action == _ACTION and (
        len(entities) == len(wish.entities)
        and "Profile" in entities
        and entities <= {"Profile", "Coupon"}
    )


def _unsupported(wish: LimitWish) -> str:
    entities = ", ".join(wish.entities) or "none: the whole campaign"
    return (
        f"the budget {wish.action[:80]} per [{entities[:200]}] is not supported by this version; "
        "supported is redeemCoupon per [Profile] and per [Profile, Coupon]"
    )
