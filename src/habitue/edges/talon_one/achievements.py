"""Achievements on the wire: what the Integration and the Management API tell alike."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from habitue.edges.http.numbers import Integer
from habitue.loyalty.achievement import (
    Achievement,
    Activation,
    Iteration,
    ProgressStatus,
    Recurrence,
    TimePoint,
)
from habitue.model.numbers import shortest
from habitue.usecases.read_achievements import Standing


class TimePointShape(msgspec.Struct, rename="camel", omit_defaults=True):
    """The moment in its period at which an iteration ends."""

    hour: Integer
    minute: Integer
    second: Integer
    month: Integer | None = None
    day_of_month: Integer | None = None
    day_of_week: Integer | None = None


class DefinitionOut(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What every answer says of an achievement."""

    id: int
    created: datetime
    name: str
    title: str
    description: str
    target: Decimal
    period: str | None = None
    period_end_override: TimePointShape | None = None
    recurrence_policy: Recurrence
    activation_policy: Activation
    fixed_start_date: datetime | None = None
    end_date: datetime | None = None
    allow_rollback_after_completion: bool


class ProgressOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """Where a customer stands."""

    status: ProgressStatus
    progress: Decimal
    start_date: datetime | None = None
    completion_date: datetime | None = None
    end_date: datetime | None = None


class DefinedProgressOut(ProgressOut, rename="camel", omit_defaults=True, kw_only=True):
    """Where a customer stands, with the achievement; one of the account has campaign 0."""

    achievement_id: int
    name: str
    title: str
    description: str
    campaign_id: int
    target: Decimal
    achievement_recurrence_policy: Recurrence
    achievement_activation_policy: Activation
    achievement_fixed_start_date: datetime | None = None
    achievement_end_date: datetime | None = None
    achievement_allow_rollback_after_completion: bool = False


def progress_out(iteration: Iteration | None, now: datetime) -> ProgressOut:
    """An iteration as it goes over the wire; None has not started."""
    return ProgressOut(**_progress(iteration, now))


def defined_progress_out(standing: Standing, now: datetime) -> DefinedProgressOut:
    """Where somebody stands, with the achievement."""
    achievement = standing.achievement
    return DefinedProgressOut(
        **_progress(standing.iteration, now),
        achievement_id=achievement.id,
        name=achievement.name,
        title=achievement.title,
        description=achievement.description,
        campaign_id=achievement.campaign_id,
        target=shortest(achievement.target),
        achievement_recurrence_policy=achievement.recurrence,
        achievement_activation_policy=achievement.activation,
        achievement_fixed_start_date=achievement.fixed_start,
        achievement_end_date=achievement.end,
        achievement_allow_rollback_after_completion=achievement.allow_rollback,
    )


def definition(achievement: Achievement) -> dict[str, Any]:
    """The fields of `DefinitionOut`, for one of the shapes that add to them."""
    point = achievement.period_end
    return {
        "id": achievement.id,
        "created": achievement.created,
        "name": achievement.name,
        "title": achievement.title,
        "description": achievement.description,
        "target": shortest(achievement.target),
        "period": achievement.period or None,
        "period_end_override": point_out(point) if point else None,
        "recurrence_policy": achievement.recurrence,
        "activation_policy": achievement.activation,
        "fixed_start_date": achievement.fixed_start,
        "end_date": achievement.end,
        "allow_rollback_after_completion": achievement.allow_rollback,
    }


def point_out(point: TimePoint) -> TimePointShape:
    """A named moment as it goes over the wire."""
    return TimePointShape(*msgspec.structs.astuple(point))


def _progress(iteration: Iteration | None, now: datetime) -> dict[str, Any]:
    if iteration is None:
        return {"status": "not_started", "progress": Decimal(0)}
    return {
        "status": iteration.status(now),
        "progress": shortest(iteration.progress),
        "start_date": iteration.started,
        "completion_date": iteration.completed,
        "end_date": iteration.ends,
    }
