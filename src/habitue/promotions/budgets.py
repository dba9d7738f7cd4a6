"""Budgets: how much of an action a campaign may do, in all or for each of some entities.

Words: a *limit* is what a marketer configured (action, entities, period). A *budget* is one thing
that is counted by it: a limit per store has a budget for every store, a limit per day one for every
day. An *amount* is money for `setDiscount`, points for the points actions, and a number of times
for all others. A *use* is what one session has taken of a budget; uses are given back when the
session is taken back, unless what they were taken for is kept.

A budget of a profile belongs to the customer and is the sum of that customer's uses. All others are
*shared* and counted beside the campaign (contracts/talon_one/SEMANTICS.md section 8,
docs/decisions/0100).
"""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal
from hashlib import sha256
from itertools import product

import msgspec

from habitue.model.instants import period_start
from habitue.model.numbers import ZERO
from habitue.promotions.campaign import Campaign, Limit

#: The name of the budget that a coupon's `discount_limit` is, and the action that takes from it.
DISCOUNT_LIMIT = "discountLimit"
#: What was created or given away at once, which no cancelling takes back.
KEPT_ACTIONS = frozenset({"createCoupon", "createReferral", "reserveCoupon", "awardGiveaway"})
#: What is done when the rule is evaluated, also in a session that stays open.
IMMEDIATE_ACTIONS = frozenset({"createCoupon", "createReferral", "reserveCoupon"})


class Budget(msgspec.Struct, frozen=True):
    """One thing that is counted. `name` is that of its limit in its period (`limit_name`); what the
    limit does not ask for is 0 or empty. `identifier` is a digest, so that nobody is named here."""

    campaign_id: int
    name: str
    coupon_id: int = 0
    referral_id: int = 0
    identifier: str = ""
    store: str = ""

    @property
    def action(self) -> str:
        return self.name.partition("/")[0]


class Counted(msgspec.Struct, frozen=True):
    """A budget, and how much of it is taken."""

    budget: Budget
    amount: Decimal


class Budgets(msgspec.Struct, frozen=True):
    """What was read: `shared` budgets, the customer's `own`, and the uses of the `session` that are
    given back when it is taken back."""

    shared: tuple[Counted, ...] = ()
    own: tuple[Counted, ...] = ()
    session: tuple[Counted, ...] = ()


class Take(msgspec.Struct, frozen=True, omit_defaults=True):
    """An amount to be taken of a budget that has `limit` in all; `kept` ones are never given back.

    `shared` ones are guarded by a counter of their own, the others by the customer's version.
    """

    budget: Budget
    amount: Decimal
    limit: Decimal
    shared: bool = False
    kept: bool = False


class BudgetChanges(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a decision changes. `release` gives all uses of the session back that are not kept,
    `gives` parts of them. `version` is that of the configuration, which limits are read from."""

    version: int = 0
    release: bool = False
    gives: tuple[Counted, ...] = ()
    takes: tuple[Take, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """Where a decision takes place, as far as budgets tell places apart.

    `identifiers` are digests; `referral_id` is 0 where no referral code is usable. `closes` says
    that what is decided is paid for now.
    """

    now: datetime
    zone: tzinfo
    has_profile: bool = False
    store: str = ""
    identifiers: tuple[str, ...] = ()
    referral_id: int = 0
    closes: bool = False


def limit_name(limit: Limit, now: datetime, zone: tzinfo) -> str:
    """The name under which `limit` counts at that moment: action, entities, period, its start."""
    name = f"{limit.action}/{limit.counted_by}"
    if limit.period is None:
        return name
    return f"{name}/{limit.period}/{period_start(now, limit.period, zone).isoformat()}"


def digest_of(identifier: str) -> str:
    """What an identifier is counted under."""
    return sha256(identifier.encode()).hexdigest()


def budgets_of(limit: Limit, campaign_id: int, coupon_id: int, place: Place) -> list[Budget]:
    """What `limit` counts for something that happens at that place, on behalf of that coupon (0 for
    none): nothing where one of its entities is not there, one for each identifier."""
    entities = limit.entities
    name = limit_name(limit, place.now, place.zone)
    if not entities:
        return [Budget(campaign_id, name)]
    coupons = (coupon_id,) if "Coupon" in entities else (0,)
    referrals = (place.referral_id,) if "Referral" in entities else (0,)
    identifiers = place.identifiers if "Identifier" in entities else ("",)
    stores = (place.store,) if "Store" in entities else ("",)
    absent = (
        ("Coupon" in entities and not coupon_id)
        or ("Referral" in entities and not place.referral_id)
        or ("Store" in entities and not place.store)
    )
    if absent:
        return []
    return [
        Budget(campaign_id, name, *each)
        for each in product(coupons, referrals, identifiers, stores)
    ]


class Count(msgspec.Struct, frozen=True):
    """How much of a limit of a whole campaign is taken in the period that runs."""

    limit: Limit
    counter: Decimal


def counts_of(
    campaign: Campaign, counted: Iterable[Counted], now: datetime, zone: tzinfo
) -> tuple[Count, ...]:
    """The budgets of the whole campaign, with what is counted of them."""
    amounts = {each.budget: each.amount for each in counted}
    return tuple(
        Count(limit, amounts.get(Budget(campaign.id, limit_name(limit, now, zone)), ZERO))
        for limit in campaign.limits
        if not limit.entities
    )


def counted_after(read: Budgets, changes: BudgetChanges | None) -> tuple[Counted, ...]:
    """The shared budgets as they stand once `changes` are made."""
    amounts = {each.budget: each.amount for each in read.shared}
    for take in changes.takes if changes else ():
        if take.shared:
            amounts[take.budget] = amounts.get(take.budget, ZERO) + take.amount
    return tuple(Counted(budget, amount) for budget, amount in amounts.items())


def is_shared(limit: Limit) -> bool:
    """Whether customers take from the same budget."""
    return "Profile" not in limit.entities and "Session" not in limit.entities
