"""The frame of one evaluation of campaigns: facts, the coupon at hand, and the effects so far.

Words: a rule is tried *for* one coupon or for none. What its effects add is kept only when the
whole rule succeeds; `begin` and `roll_back` bracket a try. `partial` says that rewards may be
partial where an effect says nothing of it; `cascade` keeps the lowered prices where discounts
cascade; `filtered` are the units that filters have let through; `won` are the units that the
campaign at hand may give something on, None for all; `group` is the one that it is judged in, where
the application has a campaign set.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from habitue.model.attributes import Definitions, Entity
from habitue.model.limits import EVALUATION_STEPS_MAX, RULE_STEPS_MAX
from habitue.promotions.audiences import Memberships
from habitue.promotions.books import NO_BOOKS, Books
from habitue.promotions.budgeted import amounts_of
from habitue.promotions.cascade import Cascade
from habitue.promotions.coupon import Coupon
from habitue.promotions.effects import Effect, Outcome
from habitue.promotions.event import EventFacts
from habitue.promotions.facts import (
    CouponFacts,
    ItemFacts,
    PastSession,
    ProfileFacts,
    ReferralFacts,
    SessionFacts,
    readable,
    time_names,
)
from habitue.promotions.issuing import Issuing
from habitue.promotions.item_filters import NO_FILTERS
from habitue.promotions.referral import Referral
from habitue.promotions.resources import Resources, Tentative
from habitue.promotions.shop_lists import NO_LISTS
from habitue.promotions.tally import Tally
from habitue.promotions.webhook import Webhook
from habitue.rules.frame import Frame, RuleFailed

#: Numbers of effects and of attribute changes, and the marks of the tentatives.
Marks: TypeAlias = tuple[int, int, tuple[Any, ...]]
#: The id and the mode of the group that the campaign at hand is judged in.
GroupMark: TypeAlias = tuple[int | None, str | None]
#: What one effect costs of the step budget, so that no rule can fill the memory with effects.
STEPS_PER_EFFECT = 10


class AttributeChange(NamedTuple):
    """An attribute that rules have set; `position` is the line's where it is a line's, `code` the
    coupon or referral code where it is one's."""

    entity: Entity
    name: str
    value: Any
    position: int | None = None
    code: Coupon | Referral | None = None


class Evaluation(Frame):
    """Everything that compiled rules of the promotion dialect read and write."""

    __slots__ = (
        "achievements",
        "additional_cost_ids",
        "attribute_changes",
        "audience_names",
        "cascade",
        "cause",
        "coupon",
        "coupon_facts",
        "coupon_read",
        "effects",
        "event",
        "filtered",
        "filters",
        "group",
        "issuing",
        "lists",
        "memberships",
        "partial",
        "points",
        "profile",
        "redeem",
        "referral_read",
        "referral_redeem",
        "resources",
        "session",
        "steps_total_left",
        "store",
        "tally",
        "tentatives",
        "webhooks",
        "won",
        "writable",
    )

    def __init__(
        self,
        now: datetime,
        zone: tzinfo,
        session: SessionFacts | None,
        profile: ProfileFacts | None,
        additional_cost_ids: Mapping[str, int],
        writable: Mapping[str, Definitions],
        resources: Resources,
        audience_names: Mapping[int, str],
        webhooks: Mapping[int, Webhook],
        tally: Tally | None = None,
        event: EventFacts | None = None,
        books: Books = NO_BOOKS,
        issuing: Issuing | None = None,
    ) -> None:
        super().__init__(now, zone)
        self.session = session
        self.profile = profile
        self.event = event
        self.additional_cost_ids = additional_cost_ids
        self.writable = writable
        self.resources = resources
        self.audience_names = audience_names
        self.memberships = Memberships(resources.audiences)
        self.webhooks = webhooks
        self.tally = tally
        tentatives: list[Tentative] = [self.memberships] if audience_names else []
        if tally is not None:
            tentatives.append(tally)
        self.points, self.achievements = books
        tentatives += books.tentatives
        self.issuing = issuing
        if issuing is not None:
            tentatives += issuing.tentatives()
        self.tentatives: tuple[Tentative, ...] = tuple(tentatives)
        self.lists = NO_LISTS
        self.filters = NO_FILTERS
        self.filtered: dict[str, list[ItemFacts]] = {}
        self.store: str | None = None
        self.partial = False
        self.cascade: Cascade | None = None
        self.group: GroupMark = (None, None)
        self.won: frozenset[tuple[int, int]] | None = None
        self.effects: list[Effect] = []
        self.attribute_changes: list[AttributeChange] = []
        self.coupon: Coupon | None = None
        self.coupon_facts: CouponFacts | None = None
        self.coupon_read = False
        self.redeem = False
        self.referral_read = False
        self.referral_redeem = False
        self.cause = (0, 0, 0, "")
        self.steps_total_left = EVALUATION_STEPS_MAX

    def begin(self, cause: tuple[int, int, int, str], coupon: Coupon | None) -> Marks:
        """Starts a try of a rule for a coupon; the marks to roll back to."""
        self.cause = cause
        self.coupon = coupon
        self.coupon_read = False
        self.redeem = False
        self.referral_read = False
        self.referral_redeem = False
        left = self.steps_total_left
        self.steps_left = granted = RULE_STEPS_MAX if left > RULE_STEPS_MAX else left
        self.steps_total_left = left - granted
        return self.marks()

    def marks(self) -> Marks:
        """Where everything stands now, for `roll_back`."""
        tentatives = self.tentatives
        marked = tuple([each.mark() for each in tentatives]) if tentatives else ()
        return len(self.effects), len(self.attribute_changes), marked

    def end(self) -> None:
        """Ends a try: what it did not use of its step budget is there for the next."""
        if self.steps_left > 0:
            self.steps_total_left += self.steps_left

    def roll_back(self, marks: Marks) -> None:
        """Forgets what was added, taken and given since those marks."""
        del self.effects[marks[0] :]
        del self.attribute_changes[marks[1] :]
        for tentative, mark in zip(self.tentatives, marks[2], strict=True):
            tentative.roll_back(mark)

    def add(self, outcome: Outcome) -> None:
        """Adds an effect of the rule that is being tried. Raises `BudgetUsedUp`."""
        self.charge(STEPS_PER_EFFECT)
        coupon_id = self.coupon.id if self.coupon is not None else None
        if self.tally is not None:
            for action, amount in amounts_of(outcome):
                self.tally.take(self.cause[0], coupon_id or 0, action, amount)
        self.effects.append(Effect(*self.cause, outcome, coupon_id, *self.group))

    def remaining(self, action: str) -> Decimal | None:
        """What budgets leave to the rule for that action; None where nothing limits it."""
        if self.tally is None:
            return None
        return self.tally.remaining(self.cause[0], self.coupon.id if self.coupon else 0, action)

    def issuing_or_fail(self) -> Issuing:
        """What can be issued. Raises `RuleFailed` where nothing can."""
        if self.issuing is None:
            raise RuleFailed("nothing can be made here")
        return self.issuing

    @property
    def referral(self) -> ReferralFacts | None:
        """The session's referral code, where it is one of the campaign at hand."""
        referral = self.referral_code
        if referral is None:
            return None
        return ReferralFacts(
            referral.code,
            referral.advocate_id,
            referral.friend_id or None,
            Decimal(referral.usage_counter),
            readable(referral.attributes, time_names(self.writable["Referral"])),
        )

    @property
    def referral_code(self) -> Referral | None:
        """The code itself."""
        book = self.issuing.referral if self.issuing else None
        referral = book.referral if book else None
        return referral if referral and referral.campaign_id == self.cause[0] else None

    @property
    def advocate(self) -> ProfileFacts | None:
        """Whose referral code it is, where it is one of the campaign at hand."""
        return self.issuing.advocate if self.issuing and self.referral else None

    def session_or_fail(self) -> SessionFacts:
        """The session that something is given in.

        Raises `RuleFailed` where there is none, as in a profile update, or only one of the past.
        """
        if self.session is None:
            raise RuleFailed("there is no session")
        if isinstance(self.session, PastSession):
            raise RuleFailed("the session is closed")
        return self.session
