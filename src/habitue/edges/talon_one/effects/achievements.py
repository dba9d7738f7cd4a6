"""Progress in achievements on the wire."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from habitue.edges.talon_one.effects.props import Out, Props
from habitue.model.numbers import shortest
from habitue.promotions import effects as house


class StartProgressProps(Props):
    achievement_id: int
    achievement_name: str
    progress_tracker_id: int
    target: Decimal
    start_date: datetime
    end_date: datetime | None = None


class IncreaseProgressProps(Props, omit_defaults=False):
    achievement_id: int
    achievement_name: str
    progress_tracker_id: int
    delta: Decimal
    value: Decimal
    target: Decimal
    is_just_completed: bool


class RollbackProgressProps(Props, omit_defaults=False):
    achievement_id: int
    achievement_name: str
    progress_tracker_id: int
    decrease_progress_by: Decimal
    current_progress: Decimal
    target: Decimal


OUT: Mapping[type, Out] = {
    house.StartAchievementProgress: (
        "startAchievementProgress",
        lambda it: StartProgressProps(
            it.achievement_id, it.name, it.iteration_id, shortest(it.target), it.started, it.ends
        ),
    ),
    house.IncreaseAchievementProgress: (
        "increaseAchievementProgress",
        lambda it: IncreaseProgressProps(
            it.achievement_id,
            it.name,
            it.iteration_id,
            shortest(it.delta),
            shortest(it.value),
            shortest(it.target),
            it.is_just_completed,
        ),
    ),
    house.RollbackAchievementProgress: (
        "rollbackIncreasedAchievementProgress",
        lambda it: RollbackProgressProps(
            it.achievement_id,
            it.name,
            it.iteration_id,
            shortest(it.decreased_by),
            shortest(it.value),
            shortest(it.target),
        ),
    ),
}
