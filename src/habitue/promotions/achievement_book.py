"""The achievements of one customer while rules run, and while what a session did is taken back.

Words: *progress* is what was read, the last iteration of each root and achievement, and those that
the session itself has worked at. A customer who is joined of several works at the iteration that is
furthest; the others stand where they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from habitue.loyalty.achievement import (
    ITERATIONS_MAX,
    Achievement,
    Iteration,
    advanced,
    begun,
    can_begin,
    is_live,
    taken_back,
)
from habitue.model.numbers import EXACT
from habitue.promotions.effects import (
    AchievementOutcome,
    IncreaseAchievementProgress,
    StartAchievementProgress,
)
from habitue.promotions.points_origin import Origin


class AchievementBook:
    """The iterations of one customer; a resource as `Tentative` has it."""

    __slots__ = ("_before", "_iterations", "_root_id", "_undo", "achievements", "now", "origin")

    def __init__(
        self,
        achievements: Mapping[int, Achievement],
        read: Iterable[Iteration],
        root_id: int,
        origin: Origin,
        now: datetime,
    ) -> None:
        self.achievements = achievements
        self.origin = origin
        self.now = now
        self._root_id = root_id
        self._before = {each.id: each for each in read}
        self._iterations = dict(self._before)
        self._undo: list[tuple[int, Iteration | None]] = []

    def current(self, achievement_id: int, *, before: bool = False) -> Iteration | None:
        """The iteration that is told and worked at, as it is now or as the request found it."""
        iterations = self._before if before else self._iterations
        last: dict[int, Iteration] = {}
        for each in iterations.values():
            known = last.get(each.root_id)
            if each.achievement_id == achievement_id and (
                known is None or known.number < each.number
            ):
                last[each.root_id] = each
        return max(last.values(), key=self._rank, default=None)

    def increase(self, achievement: Achievement, wanted: Decimal) -> Iterator[AchievementOutcome]:
        """Makes progress, in as many iterations as it takes; none where nothing can be made."""
        left = wanted
        for _ in range(ITERATIONS_MAX):
            iteration = self.current(achievement.id)
            if not is_live(achievement, iteration, self.now):
                if not can_begin(achievement, iteration, self.now):
                    return
                iteration = self._begin(achievement, iteration)
                yield StartAchievementProgress(
                    achievement.id,
                    achievement.name,
                    iteration.id,
                    iteration.target,
                    started=iteration.started,
                    ends=iteration.ends,
                )
            assert iteration is not None, "it was live, or has begun"
            delta = min(left, iteration.missing)
            grown = advanced(iteration, delta, self.now)
            self._put(grown)
            yield IncreaseAchievementProgress(
                achievement.id,
                achievement.name,
                grown.id,
                grown.target,
                delta=delta,
                value=grown.progress,
                is_just_completed=grown.completed is not None,
            )
            left = EXACT.subtract(left, delta)
            if not left or achievement.stops_at_target:
                return

    def just_completed(self, achievement_id: int) -> bool:
        """Whether an iteration was completed since the request began."""
        for each in self._iterations.values():
            if each.achievement_id == achievement_id and each.completed is not None:
                known = self._before.get(each.id)
                if known is None or known.completed is None:
                    return True
        return False

    def undo(self, outcomes: Iterable[object], *, always: bool = False) -> dict[int, Decimal]:
        """Takes progress back where it can be, or `always`; what is left, by iteration."""
        undone: dict[int, Decimal] = {}
        for outcome in outcomes:
            if not isinstance(outcome, IncreaseAchievementProgress):
                continue
            iteration = self._iterations.get(outcome.iteration_id)
            achievement = self.achievements.get(outcome.achievement_id)
            if iteration is None or achievement is None:
                continue
            allowed = always or iteration.id in undone or achievement.may_roll_back(iteration)
            if allowed:
                less = taken_back(iteration, outcome.delta)
                self._put(less)
                undone[iteration.id] = less.progress
        return undone

    def without(self, outcomes: Iterable[object]) -> "AchievementBook":
        """A book in which those outcomes never were, for a judgement."""
        book = AchievementBook(
            self.achievements, self._before.values(), self._root_id, self.origin, self.now
        )
        book.undo(outcomes, always=True)
        read = book._iterations.values()
        return AchievementBook(self.achievements, read, self._root_id, self.origin, self.now)

    def changes(self) -> tuple[Iteration, ...]:
        """The iterations that are new or have changed."""
        return tuple(
            each for id_, each in sorted(self._iterations.items()) if self._before.get(id_) != each
        )

    def mark(self) -> int:
        return len(self._undo)

    def roll_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            id_, earlier = self._undo.pop()
            if earlier is None:
                del self._iterations[id_]
            else:
                self._iterations[id_] = earlier

    def _begin(self, achievement: Achievement, last: Iteration | None) -> Iteration:
        mine = [each for each in self._iterations.values() if each.root_id == self._root_id]
        own = [each for each in mine if each.achievement_id == achievement.id]
        number = max((each.number for each in own), default=0) + 1
        key = self.origin.key("achievement", achievement.id, number)
        # ids of the protocol are whole numbers that every client can hold
        id_ = int.from_bytes(key.bytes[:8], "big") >> 11
        iteration = begun(achievement, last, id_, self._root_id, self.now)
        return msgspec.structs.replace(iteration, number=number)

    def _put(self, iteration: Iteration) -> None:
        self._undo.append((iteration.id, self._iterations.get(iteration.id)))
        self._iterations[iteration.id] = iteration

    def _rank(self, iteration: Iteration) -> tuple[bool, bool, Decimal, int]:
        """Further iterations of roots rank higher: those that run, completed ones first."""
        return (
            not iteration.is_over(self.now),
            iteration.completed is not None,
            iteration.progress,
            -iteration.root_id,
        )
