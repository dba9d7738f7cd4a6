"""Budgets of stores: what each store of a campaign may give, an amount of its own.

Words: a *store limit* is the limit that a store budget is for one store. It counts under that store
as a limit per store does, in counters of its own: a campaign may have both, and each holds. A
request that names no store, or one without an amount, is not limited by it
(contracts/talon_one/SEMANTICS.md section 8.1, docs/decisions/0124).
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from habitue.model.numbers import ZERO
from habitue.promotions.campaign import Campaign, Limit, StoreBudget

#: Limits by campaign.
Limits: TypeAlias = Mapping[int, tuple[Limit, ...]]
OwnLimits: TypeAlias = dict[int, tuple[Limit, ...]]


class StoreLimit(Limit, frozen=True):
    """What one store may have."""

    @property
    def counted_by(self) -> str:
        return "StoreBudget"


def store_limit(budget: StoreBudget, amount: Decimal) -> StoreLimit:
    """The limit of a store that has that amount."""
    return StoreLimit(budget.action, amount, ("Store",), budget.period)


class StoreTerms(msgspec.Struct, frozen=True):
    """What campaigns have to do with stores, by campaign: the stores that they are linked to, the
    budgets of these, and the limits whose counters are asked for, whatever the store."""

    linked: Mapping[int, frozenset[int]]
    budgets: Mapping[int, tuple[StoreBudget, ...]]
    limits_asked: Limits

    def run_in(self, campaign_id: int, store_id: int | None) -> bool:
        """Whether the campaign may apply in that store, or None for a request that names none."""
        linked = self.linked.get(campaign_id)
        return linked is None or store_id in linked


def store_terms(campaigns: Iterable[Campaign], limits: OwnLimits) -> StoreTerms:
    """What those campaigns have to do with stores; `limits` are their own."""
    found = list(campaigns)
    budgets = {each.id: each.store_budgets for each in found if each.store_budgets}
    asked = {
        id_: (*limits.get(id_, ()), *(store_limit(each, ZERO) for each in some))
        for id_, some in budgets.items()
    }
    return StoreTerms(
        {each.id: frozenset(each.linked_store_ids) for each in found if each.linked_store_ids},
        budgets,
        ChainMap(asked, limits) if asked else limits,
    )


def limits_by_campaign(campaigns: Iterable[Campaign]) -> OwnLimits:
    """The limits that budgets are counted for; those per customer of a coupon are the coupon's."""
    return {
        each.id: limits
        for each in campaigns
        if (limits := tuple(limit for limit in each.limits if not limit.is_personal))
    }


def limits_in_store(
    limits: OwnLimits, budgets: Mapping[int, Sequence[StoreBudget]], store_id: int | None
) -> Limits:
    """The limits that hold in that store, or None for a request that names none."""
    if not budgets or store_id is None:
        return limits
    here = {
        id_: (*limits.get(id_, ()), *found)
        for id_, some in budgets.items()
        if (found := [store_limit(e, e.limits[store_id]) for e in some if store_id in e.limits])
    }
    return ChainMap(here, limits) if here else limits


def without_store(budgets: Iterable[StoreBudget], store_id: int) -> tuple[StoreBudget, ...]:
    """The budgets once the store is gone; one that has no other store goes with it."""
    left = (
        StoreBudget(
            each.action,
            {id_: amount for id_, amount in each.limits.items() if id_ != store_id},
            each.period,
            each.imported,
        )
        for each in budgets
    )
    return tuple(each for each in left if each.limits)
