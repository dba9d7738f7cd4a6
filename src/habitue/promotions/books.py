"""What a customer has that rules give and take while they run: points and progress.

A book is there where the shop has any of its kind. What the books decide is saved with the request,
unless it is dry or an open session.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from habitue.loyalty.achievement import Iteration
from habitue.loyalty.ledger import LedgerDecision
from habitue.promotions.achievement_book import AchievementBook
from habitue.promotions.effects import (
    Effect,
    IncreaseAchievementProgress,
    StartAchievementProgress,
)
from habitue.promotions.points_book import PointsBook, give_again
from habitue.promotions.resources import OwnerDecision, ResourceChanges, Tentative
from habitue.promotions.rollback import Giving


class Books(NamedTuple):
    """The books of one customer; None for what the shop does not have."""

    points: PointsBook | None = None
    achievements: AchievementBook | None = None

    @property
    def tentatives(self) -> tuple[Tentative, ...]:
        """The books that there are."""
        return tuple(each for each in self if each is not None)

    @property
    def ledgers(self) -> tuple[LedgerDecision, ...]:
        """What happens to points of the customer."""
        return self.points.decisions() if self.points else ()

    @property
    def owners(self) -> tuple[OwnerDecision, ...]:
        """What happens to points of cards and of other customers."""
        return self.points.owner_decisions() if self.points else ()

    @property
    def iterations(self) -> tuple[Iteration, ...]:
        """What happens to progress in achievements."""
        return self.achievements.changes() if self.achievements else ()

    def undo(
        self, effects: Iterable[Effect], redeemed_coupon_ids: frozenset[int] = frozenset()
    ) -> Giving:
        """Takes back what can be of those effects; what there is to tell of that."""
        outcomes = [each.outcome for each in effects]
        return Giving(
            redeemed_coupon_ids,
            self.points.undo(outcomes) if self.points else {},
            self.achievements.undo(outcomes) if self.achievements else {},
        )

    def without(self, effects: Iterable[Effect], round_: str) -> "Books":
        """Books in which those effects never were, for a judgement."""
        outcomes = [each.outcome for each in effects]
        return Books(
            self.points.without(outcomes, round_) if self.points else None,
            self.achievements.without(outcomes) if self.achievements else None,
        )

    def give_again(self, effects: Iterable[Effect]) -> tuple[Effect, ...]:
        """Books what a judgement found to be given anew; the effects that stand. Progress is made
        when a session is closed, and not again."""
        once = (IncreaseAchievementProgress, StartAchievementProgress)
        wanted = tuple(each for each in effects if not isinstance(each.outcome, once))
        return give_again(self.points, wanted) if self.points else wanted

    def laid_over(self, changes: ResourceChanges) -> ResourceChanges:
        """`changes`, with those that the books have decided upon."""
        points, owners, achievements = self.ledgers, self.owners, self.iterations
        if not points and not owners and not achievements:
            return changes
        return msgspec.structs.replace(
            changes, points=points, owners=owners, achievements=achievements
        )


NO_BOOKS = Books()
