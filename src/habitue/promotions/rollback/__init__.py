"""Taking effects back when a closed session is cancelled or reopened, or some of its items return.

Discounts and coupon redemptions are rolled back, one rollback effect for each; free items, custom
effects, notifications and attribute updates stay as they are (contracts/talon_one/SEMANTICS.md
sections 3.5 and 3.6). A return rolls back the discounts of the units that come back, and no coupon
(section 3.7). How each kind of outcome is taken back is told by its family's module here.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import msgspec

from habitue.promotions.effects import AcceptCoupon, Effect, Outcome
from habitue.promotions.rollback import coupons, discounts
from habitue.promotions.rollback.reversal import Giving, Reversal

_REVERSALS: Mapping[type, Reversal] = {**coupons.REVERSALS, **discounts.REVERSALS}


def rollbacks_of(
    effects: Iterable[Effect], redeemed_coupon_ids: frozenset[int]
) -> tuple[Effect, ...]:
    """The rollback effects for what a closed session gave, among it the coupons it redeemed."""
    giving = Giving(redeemed_coupon_ids)
    return tuple(
        msgspec.structs.replace(effect, outcome=rollback)
        for effect in effects
        if (rollback := _rollback(effect, giving)) is not None
    )


def standing(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """The effects that stay when a closed session is cancelled or reopened."""
    return tuple(effect for effect in effects if type(effect.outcome) not in _REVERSALS)


def without_units(
    effects: Iterable[Effect], units: Mapping[int, range]
) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    """The rollbacks of the discounts on those units, and the effects that stand without them."""
    rollbacks: list[Effect] = []
    kept: list[Effect] = []
    for effect in effects:
        if _returns(effect.outcome, units):
            rollbacks += rollbacks_of((effect,), frozenset())
        else:
            kept.append(effect)
    return tuple(rollbacks), tuple(kept)


class Difference(msgspec.Struct, frozen=True):
    """What a later evaluation changes: `rollbacks` of what it gives no more, and what is `new`.

    `kept` are the earlier effects that stand, in their order.
    """

    rollbacks: tuple[Effect, ...]
    kept: tuple[Effect, ...]
    new: tuple[Effect, ...]


def difference(
    earlier: Iterable[Effect], later: Iterable[Effect], campaign_ids: frozenset[int]
) -> Difference:
    """Discounts of those campaigns that only `earlier` has are rolled back.

    What only `later` has is new. Everything else that was given stays, accepted coupons among it,
    and none is accepted anew.
    """
    coming = Counter(map(_identity, later))
    rollbacks: list[Effect] = []
    kept: list[Effect] = []
    for effect in earlier:
        identity = _identity(effect)
        rollback = rollbacks_of((effect,), frozenset())
        if rollback and effect.campaign_id in campaign_ids and coming[identity] < 1:
            rollbacks += rollback
        else:
            coming[identity] -= 1
            kept.append(effect)
    return Difference(tuple(rollbacks), tuple(kept), tuple(_excess(later, kept)))


def _excess(later: Iterable[Effect], kept: Iterable[Effect]) -> Iterable[Effect]:
    known = Counter(map(_identity, kept))
    for effect in later:
        identity = _identity(effect)
        if known[identity]:
            known[identity] -= 1
        elif not isinstance(effect.outcome, AcceptCoupon):
            yield effect


def _identity(effect: Effect) -> Hashable:
    *cause, outcome, coupon_id = msgspec.structs.astuple(effect)
    return (*cause, coupon_id, type(outcome), _hashable(msgspec.structs.astuple(outcome)))


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return frozenset((name, _hashable(each)) for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    assert isinstance(value, Hashable), "everything else in an effect is a plain value"
    return value


def _rollback(effect: Effect, giving: Giving) -> Outcome | None:
    reversal = _REVERSALS.get(type(effect.outcome))
    return reversal.roll_back(effect.outcome, effect, giving) if reversal else None


def _returns(outcome: Outcome, units: Mapping[int, range]) -> bool:
    reversal = _REVERSALS.get(type(outcome))
    unit = reversal.unit(outcome) if reversal else None
    return unit is not None and unit[1] in units.get(unit[0], ())
