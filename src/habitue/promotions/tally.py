"""The tally: budgets while rules are tried on them.

Words: what *remains* of an action is the least that any budget leaves for it. `take` takes from all
of them or, where one has too little, from none. A tally is a resource as `Tentative` has it.

What a decision writes is worked out of the effects that it ends with (`takes_of`, `gives_of`), so
that whatever became of an effect after its rule, only what is given is paid for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from habitue.model.numbers import ZERO
from habitue.promotions.budgeted import amounts_of
from habitue.promotions.budgets import (
    DISCOUNT_LIMIT,
    IMMEDIATE_ACTIONS,
    KEPT_ACTIONS,
    Budget,
    BudgetChanges,
    Budgets,
    Counted,
    Place,
    Take,
    budgets_of,
    is_shared,
)
from habitue.promotions.campaign import Limit
from habitue.promotions.coupon import Coupon
from habitue.promotions.effects import Effect
from habitue.promotions.referral import ReferralRefusal
from habitue.promotions.resources import ResourceChanges
from habitue.rules.frame import RuleFailed

BudgetRefusal = Literal[
    "CampaignLimitReached",
    "ProfileLimitReached",
    "CouponLimitReached",
    "ProfileRequired",
    "EffectCouldNotBeApplied",
]
_ONE = Decimal(1)


class Line(msgspec.Struct, frozen=True):
    """One budget that an action takes from, and why it is refused where the budget is used up."""

    budget: Budget
    limit: Decimal
    shared: bool
    stored: bool
    refusal: BudgetRefusal


class Missing(msgspec.Struct, frozen=True):
    """A budget that cannot be told, because the request does not name whose it is."""

    refusal: BudgetRefusal
    details: str


class BudgetUsedUp(RuleFailed):
    """A budget has too little left, or cannot be told; `refusal` is the reason for a code."""

    def __init__(self, refusal: BudgetRefusal, details: str) -> None:
        super().__init__(details)
        self.refusal = refusal


Entry: TypeAlias = Line | Missing
#: A campaign, the coupon on whose behalf something happens (0 for none), and what happens once.
More: TypeAlias = tuple[int, int, str]
Mark: TypeAlias = tuple[int, int]


class Tally:
    """What is taken of each budget in one evaluation, on top of what was read."""

    __slots__ = ("_coupons", "_entries", "_limits", "_log", "_place", "_redeemed", "_used")

    def __init__(
        self,
        limits: Mapping[int, tuple[Limit, ...]],
        read: Budgets,
        place: Place,
        coupons: Iterable[Coupon] = (),
    ) -> None:
        self._limits = limits
        self._place = place
        self._coupons = {each.id: each for each in coupons}
        self._used: dict[Budget, Decimal] = defaultdict(Decimal)
        for counted in (*read.shared, *read.own):
            self._used[counted.budget] += counted.amount
        for coupon in self._coupons.values():
            self._used[_discount_budget(coupon)] = coupon.discount_counter
        self._entries: dict[tuple[int, int, str], tuple[Entry, ...]] = {}
        self._log: list[tuple[Budget, Decimal]] = []
        self._redeemed: list[int] = []

    def remaining(self, campaign_id: int, coupon_id: int, action: str) -> Decimal | None:
        """What is left for the action; None where nothing limits it, zero where it is unknown."""
        left: Decimal | None = None
        for entry in self.entries(campaign_id, coupon_id, action):
            here = ZERO if isinstance(entry, Missing) else entry.limit - self._used[entry.budget]
            left = here if left is None or here < left else left
        return None if left is None else max(left, ZERO)

    def take(self, campaign_id: int, coupon_id: int, action: str, amount: Decimal) -> None:
        """Takes the amount from every budget of the action. Raises `BudgetUsedUp`."""
        entries = self.entries(campaign_id, coupon_id, action)
        for entry in entries:
            refused = self._refused(entry, amount)
            if refused is not None:
                raise refused
        for entry in entries:
            if isinstance(entry, Line):
                self._used[entry.budget] += amount
                self._log.append((entry.budget, amount))

    def coupon_refusal(self, coupon: Coupon) -> BudgetRefusal | None:
        """Why budgets forbid that the coupon is redeemed once more; None when they allow it."""
        if coupon.id in self._redeemed:
            return None
        for entry in self.entries(coupon.campaign_id, coupon.id, "redeemCoupon"):
            refused = self._refused(entry, _ONE)
            if refused is not None:
                return refused.refusal
        return None

    def referral_refusal(self, campaign_id: int) -> ReferralRefusal | None:
        """Why budgets forbid that a referral code is redeemed; None when they allow it."""
        for entry in self.entries(campaign_id, 0, "redeemReferral"):
            refused = self._refused(entry, _ONE)
            if refused is not None:
                personal = refused.refusal in ("ProfileLimitReached", "ProfileRequired")
                return "ProfileLimitReached" if personal else "CampaignLimitReached"
        return None

    def redeem(self, coupon: Coupon) -> None:
        """Takes one redemption of the coupon, the first time; `coupon_refusal` has allowed it."""
        if coupon.id not in self._redeemed:
            self._redeemed.append(coupon.id)
            self.take(coupon.campaign_id, coupon.id, "redeemCoupon", _ONE)

    def mark(self) -> Mark:
        return len(self._log), len(self._redeemed)

    def roll_back(self, mark: Mark) -> None:
        for budget, amount in self._log[mark[0] :]:
            self._used[budget] -= amount
        del self._log[mark[0] :]
        del self._redeemed[mark[1] :]

    def entries(self, campaign_id: int, coupon_id: int, action: str) -> tuple[Entry, ...]:
        """The budgets that the action takes from."""
        key = (campaign_id, coupon_id, action)
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = tuple(self._found(*key))
        return found

    def _found(self, campaign_id: int, coupon_id: int, action: str) -> Iterable[Entry]:
        for limit in self._limits.get(campaign_id, ()):
            if limit.action == action:
                yield from self._of_limit(limit, campaign_id, coupon_id)
        coupon = self._coupons.get(coupon_id)
        if action == "setDiscount" and coupon is not None and coupon.discount_limit:
            budget = _discount_budget(coupon)
            yield Line(budget, coupon.discount_limit, True, True, "CouponLimitReached")

    def _of_limit(self, limit: Limit, campaign_id: int, coupon_id: int) -> Iterable[Entry]:
        place, entities = self._place, limit.entities
        if "Profile" in entities and not place.has_profile:
            yield Missing("ProfileRequired", "a budget is kept per profile, and there is none")
        elif "Identifier" in entities and not place.identifiers:
            if place.closes:
                details = "a budget is kept per identifier, and the session has none"
                yield Missing("EffectCouldNotBeApplied", details)
        else:
            # what a session counts of itself is known without the database, unless it is kept
            stored = "Session" not in entities or limit.action in IMMEDIATE_ACTIONS
            for budget in budgets_of(limit, campaign_id, coupon_id, place):
                yield Line(budget, limit.limit, is_shared(limit), stored, _refusal(limit))

    def _refused(self, entry: Entry, amount: Decimal) -> BudgetUsedUp | None:
        if isinstance(entry, Missing):
            return BudgetUsedUp(entry.refusal, entry.details)
        left = entry.limit - self._used[entry.budget]
        if amount <= left:
            return None
        action = entry.budget.action
        return BudgetUsedUp(entry.refusal, f"the budget {action} has {max(left, ZERO)} left")


class ClosedTally(Tally):
    """The tally of a closed session that is judged again: it takes no more than it has taken.

    What it took nothing of does not limit it, for the budget may be younger than the closing.
    """

    __slots__ = ("_uses",)

    def __init__(self, uses: tuple[Counted, ...], place: Place) -> None:
        super().__init__({}, Budgets(), place)
        self._uses = uses

    def _found(self, campaign_id: int, coupon_id: int, action: str) -> Iterable[Entry]:
        for use in self._uses:
            budget = use.budget
            if (
                budget.campaign_id == campaign_id
                and _action_of(budget) == action
                and budget.coupon_id in (0, coupon_id)
            ):
                yield Line(budget, use.amount, True, True, "EffectCouldNotBeApplied")


def takes_of(
    tally: Tally,
    effects: Iterable[Effect],
    redeemed: Iterable[Coupon],
    more: Iterable[More] = (),
) -> tuple[Take, ...]:
    """What effects, redemptions and `more` take, in the order in which budgets are locked."""
    taken: dict[Budget, tuple[Line, Decimal]] = {}
    asked = [
        (effect.campaign_id, effect.coupon_id or 0, action, amount)
        for effect in effects
        for action, amount in amounts_of(effect.outcome)
    ]
    asked += [(each.campaign_id, each.id, "redeemCoupon", _ONE) for each in redeemed]
    asked += [(*each, _ONE) for each in more]
    for campaign_id, coupon_id, action, amount in asked:
        for entry in tally.entries(campaign_id, coupon_id, action):
            if isinstance(entry, Line) and entry.stored and amount:
                before = taken[entry.budget][1] if entry.budget in taken else ZERO
                taken[entry.budget] = (entry, before + amount)
    return in_order(
        Take(budget, amount, line.limit, line.shared, budget.action in KEPT_ACTIONS)
        for budget, (line, amount) in taken.items()
    )


def gives_of(
    uses: Iterable[Counted], before: Iterable[Effect], after: Iterable[Effect]
) -> tuple[Counted, ...]:
    """What comes back of a session's uses when it keeps the effects `after` of those `before`."""
    less: dict[tuple[int, str, int], Decimal] = defaultdict(Decimal)
    for effects, sign in ((before, 1), (after, -1)):
        for effect in effects:
            for action, amount in amounts_of(effect.outcome):
                less[effect.campaign_id, action, effect.coupon_id or 0] += sign * amount
    return tuple(
        Counted(use.budget, given)
        for use in sorted(uses, key=lambda each: msgspec.structs.astuple(each.budget))
        if (given := min(use.amount, _lessened(use.budget, less))) > 0
    )


def in_order(takes: Iterable[Take]) -> tuple[Take, ...]:
    """Takes in the one order in which everybody takes."""
    found = tuple(takes)
    if len(found) < 2:
        return found
    return tuple(sorted(found, key=lambda each: msgspec.structs.astuple(each.budget)))


def _lessened(budget: Budget, less: Mapping[tuple[int, str, int], Decimal]) -> Decimal:
    wanted = _action_of(budget)
    return sum(
        (
            amount
            for (campaign_id, action, coupon_id), amount in less.items()
            if campaign_id == budget.campaign_id
            and action == wanted
            and budget.coupon_id in (0, coupon_id)
        ),
        ZERO,
    )


def _action_of(budget: Budget) -> str:
    return "setDiscount" if budget.name == DISCOUNT_LIMIT else budget.action


def _discount_budget(coupon: Coupon) -> Budget:
    return Budget(coupon.campaign_id, DISCOUNT_LIMIT, coupon_id=coupon.id)


def _refusal(limit: Limit) -> BudgetRefusal:
    if limit.action not in ("redeemCoupon", "redeemReferral"):
        return "EffectCouldNotBeApplied"
    if "Profile" in limit.entities or "Identifier" in limit.entities:
        return "ProfileLimitReached"
    return "CouponLimitReached" if "Coupon" in limit.entities else "CampaignLimitReached"


def tally_of(
    limits: Mapping[int, tuple[Limit, ...]],
    read: Budgets,
    place: Place,
    coupons: Iterable[Coupon],
) -> Tally | None:
    """The tally of an evaluation; None where nothing is limited, so that nothing is counted."""
    limited = [each for each in coupons if each.discount_limit]
    return Tally(limits, read, place, limited) if limits or limited else None


def paid(changes: ResourceChanges, takes: tuple[Take, ...], version: int) -> ResourceChanges:
    """The changes, with what is taken of budgets at that version of the configuration."""
    if not takes:
        return changes
    return msgspec.structs.replace(changes, budgets=BudgetChanges(version, takes=takes))
