"""Progress in achievements, its start, and the taking back of it."""

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec


class _Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """An achievement, and the iteration of a customer in it."""

    achievement_id: int
    name: str
    iteration_id: int
    target: Decimal


class StartAchievementProgress(_Progress, frozen=True, tag=True, omit_defaults=True, kw_only=True):
    """An iteration that begins."""

    started: datetime
    ends: datetime | None = None


class IncreaseAchievementProgress(
    _Progress, frozen=True, tag=True, omit_defaults=True, kw_only=True
):
    """Progress that was made, and what it comes to."""

    delta: Decimal
    value: Decimal
    is_just_completed: bool


class RollbackAchievementProgress(
    _Progress, frozen=True, tag=True, omit_defaults=True, kw_only=True
):
    """Progress that was taken back, and what is left."""

    decreased_by: Decimal
    value: Decimal


AchievementOutcome: TypeAlias = (
    StartAchievementProgress | IncreaseAchievementProgress | RollbackAchievementProgress
)
