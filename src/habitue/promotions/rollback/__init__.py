"""Taking effects back when a closed session is cancelled or reopened, or some of its items return.

Discounts, points and coupon redemptions are rolled back, one rollback effect for each; free items,
custom effects, notifications and attribute updates stay (contracts/talon_one/SEMANTICS.md sections
3.5 and 3.6). A return rolls back what belongs to the units that come back, and no coupon (section
3.7). How each kind of outcome is taken back is told by its family's module here.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import msgspec

from habitue.promotions.effects import AcceptCoupon, Effect, Outcome
from habitue.promotions.rollback import achievements, coupons, discounts, points, referrals
from habitue.promotions.rollback.reversal import Giving, Reversal

__all__ = ["Difference", "Giving", "difference", "of_units", "rollbacks_of", "standing"]

_REVERSALS: Mapping[type, Reversal] = {
    **coupons.REVERSALS,
    **discounts.REVERSALS,
    **points.REVERSALS,
    **achievements.REVERSALS,
    **referrals.REVERSALS,
}


def rollbacks_of(effects: Iterable[Effect], giving: Giving) -> tuple[Effect, ...]:
    """The rollback effects for what a closed session gave, of which `giving` knows more."""
    return tuple(
        msgspec.structs.replace(effect, outcome=rollback)
        for effect in effects
        if (rollback := _rollback(effect, giving)) is not None
    )


def standing(effects: Iterable[Effect], giving: Giving) -> tuple[Effect, ...]:
    """The effects that stay when those were taken back: of kinds that nothing takes back, and of
    which not everything could be."""
    return tuple(effect for effect in effects if not _is_gone(effect.outcome, giving))


def of_units(
    effects: Iterable[Effect], units: Mapping[int, range]
) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    """The effects that belong to those units of the cart, and all others."""
    belonging: list[Effect] = []
    others: list[Effect] = []
    for effect in effects:
        (belonging if _returns(effect.outcome, units) else others).append(effect)
    return tuple(belonging), tuple(others)


class Difference(msgspec.Struct, frozen=True):
    """What a later evaluation changes: what it gives no more is `gone`, and what is `new`.

    `kept` are the earlier effects that stand, in their order.
    """

    gone: tuple[Effect, ...]
    kept: tuple[Effect, ...]
    new: tuple[Effect, ...]


def difference(
    earlier: Iterable[Effect], later: Iterable[Effect], campaign_ids: frozenset[int]
) -> Difference:
    """What can be taken back of those campaigns and only `earlier` has is gone.

    What only `later` has is new. Everything else that was given stays, accepted coupons among it,
    and none is accepted anew.
    """
    coming = Counter(map(_identity, later))
    gone: list[Effect] = []
    kept: list[Effect] = []
    for effect in earlier:
        identity = _identity(effect)
        reversal = _REVERSALS.get(type(effect.outcome))
        reversible = reversal is not None and reversal.at_returns
        if reversible and effect.campaign_id in campaign_ids and coming[identity] < 1:
            gone.append(effect)
        else:
            coming[identity] -= 1
            kept.append(effect)
    return Difference(tuple(gone), tuple(kept), tuple(_excess(later, kept)))


def _excess(later: Iterable[Effect], kept: Iterable[Effect]) -> Iterable[Effect]:
    known = Counter(map(_identity, kept))
    for effect in later:
        identity = _identity(effect)
        if known[identity]:
            known[identity] -= 1
        elif not isinstance(effect.outcome, AcceptCoupon):
            yield effect


def _identity(effect: Effect) -> Hashable:
    outcome = effect.outcome
    reversal = _REVERSALS.get(type(outcome))
    identity = reversal.identity if reversal else msgspec.structs.astuple
    cause = (effect.campaign_id, effect.ruleset_id, effect.rule_index, effect.rule_name)
    return (*cause, effect.coupon_id, type(outcome), _hashable(identity(outcome)))


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


def _is_gone(outcome: Outcome, giving: Giving) -> bool:
    reversal = _REVERSALS.get(type(outcome))
    return reversal is not None and reversal.is_whole(outcome, giving)


def _returns(outcome: Outcome, units: Mapping[int, range]) -> bool:
    reversal = _REVERSALS.get(type(outcome))
    unit = reversal.unit(outcome) if reversal else None
    return unit is not None and unit[1] in units.get(unit[0], ())
