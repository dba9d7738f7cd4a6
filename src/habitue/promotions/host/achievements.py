"""Progress in achievements that rules make, and what they ask about it."""

from collections.abc import Callable
from decimal import Decimal

from habitue.loyalty.achievement import Achievement, Iteration
from habitue.model.limits import AMOUNT_MAX
from habitue.promotions.achievement_book import AchievementBook
from habitue.promotions.evaluation import Evaluation
from habitue.rules.dialect import HostFunction
from habitue.rules.frame import RuleFailed
from habitue.rules.types import BOOLEAN, EFFECT, NUMBER


def increase_progress(frame: Evaluation, achievement_id: Decimal, value: Decimal) -> None:
    """The customer comes nearer to the target, where progress can be made."""
    book, achievement = _achievement(frame, achievement_id)
    if not value.is_finite() or not 0 < value <= AMOUNT_MAX:
        raise RuleFailed(f"{value} is no progress")
    for outcome in book.increase(achievement, value):
        frame.add(outcome)


def progress(frame: Evaluation, achievement_id: Decimal) -> Decimal:
    """The progress in the current iteration, as the request found it."""
    book, achievement = _achievement(frame, achievement_id)
    iteration = book.current(achievement.id, before=True)
    if iteration is None or iteration.is_over(book.now):
        return Decimal(0)
    return iteration.progress


def just_completed(frame: Evaluation, achievement_id: Decimal) -> bool:
    """Whether a rule before has completed it in this request."""
    book, achievement = _achievement(frame, achievement_id)
    return book.just_completed(achievement.id)


def started(frame: Evaluation, achievement_id: Decimal) -> bool:
    """Whether it has started for the customer: by progress, or by its schedule."""
    book, achievement = _achievement(frame, achievement_id)
    if achievement.activation == "fixed_schedule" and achievement.is_open(book.now):
        return True
    return _found(frame, achievement_id, lambda _: True)


def in_progress(frame: Evaluation, achievement_id: Decimal) -> bool:
    """Whether there is progress, and the target is not reached."""
    return _found(frame, achievement_id, lambda it: it.completed is None)


def completed(frame: Evaluation, achievement_id: Decimal) -> bool:
    """Whether the current iteration is completed."""
    return _found(frame, achievement_id, lambda it: it.completed is not None)


def _found(frame: Evaluation, achievement_id: Decimal, holds: Callable[[Iteration], bool]) -> bool:
    book, achievement = _achievement(frame, achievement_id)
    iteration = book.current(achievement.id, before=True)
    return iteration is not None and not iteration.is_over(book.now) and holds(iteration)


def _achievement(frame: Evaluation, achievement_id: Decimal) -> tuple[AchievementBook, Achievement]:
    book = frame.achievements
    whole = achievement_id == achievement_id.to_integral_value()
    achievement = book.achievements.get(int(achievement_id)) if book and whole else None
    if book is None or achievement is None:
        raise RuleFailed(f"achievement {achievement_id} does not serve this application")
    if frame.profile is None:
        raise RuleFailed("there is no profile that could achieve anything")
    return book, achievement


_ID = ("achievementId", NUMBER)


def _asks(name: str, call: Callable[..., bool], description: str) -> HostFunction:
    return HostFunction(
        name, (_ID,), BOOLEAN, call, feature="achievements", description=description
    )


FUNCTIONS: tuple[HostFunction, ...] = (
    HostFunction(
        "increaseAchievementProgress",
        (_ID, ("value", NUMBER)),
        EFFECT,
        increase_progress,
        feature="achievements",
        description="Progress towards the target of an achievement.",
    ),
    HostFunction(
        "achievementProgress",
        (_ID,),
        NUMBER,
        progress,
        feature="achievements",
        description="The customer's progress in an achievement.",
    ),
    _asks(
        "achievementJustCompleted", just_completed, "Whether this request has completed it so far."
    ),
    _asks("achievementStarted", started, "Whether an achievement has started for the customer."),
    _asks("achievementInProgress", in_progress, "Whether it has started and is not completed."),
    _asks("achievementCompleted", completed, "Whether the customer has completed it."),
)
