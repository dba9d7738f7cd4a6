"""Achievements: targets that customers work towards, and what becomes of their progress
(contracts/talon_one/SEMANTICS.md section 12).

Words: an *iteration* is one run at the target, with a start, and an end where the achievement has a
period. It is *over* at its end, completed or not. An achievement recurs by a policy: never, when an
iteration is over (`on_expiration`), or as soon as it is completed (`on_completion`): then what goes
beyond the target is progress of the next iteration. All others stop at the target. It is activated
by the customer's first progress, or starts on a fixed day for everybody.

Invariant: iterations are numbered from 1; only the last one can be worked at.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Literal

import msgspec

from habitue.loyalty.duration import Duration, end_of, next_boundary, parse_duration
from habitue.model.instants import zone_of
from habitue.model.numbers import EXACT, ZERO

Recurrence = Literal["no_recurrence", "on_expiration", "on_completion"]
Activation = Literal["user_action", "fixed_schedule"]
ProgressStatus = Literal["not_started", "inprogress", "completed", "expired"]

#: How many iterations one effect completes at most.
ITERATIONS_MAX = 100


class TimePoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """The moment in its period at which an iteration ends, in the achievement's zone; the day of a
    week counts from Monday as 1."""

    hour: int
    minute: int
    second: int
    month: int | None = None
    day_of_month: int | None = None
    day_of_week: int | None = None


class Achievement(msgspec.Struct, frozen=True, kw_only=True):
    """One achievement, of a campaign, or of the whole account where `campaign_id` is 0."""

    id: int
    name: str
    title: str
    target: Decimal
    created: datetime
    description: str = ""
    campaign_id: int = 0
    period: str = ""
    period_end: TimePoint | None = None
    recurrence: Recurrence = "no_recurrence"
    activation: Activation = "user_action"
    fixed_start: datetime | None = None
    end: datetime | None = None
    allow_rollback: bool = False
    timezone: str = "UTC"
    sandbox: bool = False
    subscribed_application_ids: tuple[int, ...] = ()

    @property
    def zone(self) -> tzinfo:
        """The zone in which periods are counted."""
        zone = zone_of(self.timezone)
        assert zone is not None, "the zone was checked when the achievement was saved"
        return zone

    @property
    def duration(self) -> Duration | None:
        """How long an iteration lasts; None where it has no end of its own."""
        return parse_duration(self.period) if self.period else None

    @property
    def stops_at_target(self) -> bool:
        """Whether progress beyond the target is lost."""
        return self.recurrence != "on_completion"

    def is_open(self, now: datetime) -> bool:
        """Whether anybody can make progress at that moment."""
        begun = self.fixed_start is None or self.fixed_start <= now
        return begun and (self.end is None or now < self.end)

    def may_roll_back(self, iteration: "Iteration") -> bool:
        """Whether progress in the iteration can be taken back."""
        if iteration.completed is None:
            return True
        return self.allow_rollback and self.recurrence != "on_completion"


class Iteration(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one customer at the target, which is kept as it was when the run began."""

    id: int
    achievement_id: int
    root_id: int
    number: int
    progress: Decimal
    target: Decimal
    started: datetime
    ends: datetime | None = None
    completed: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.ends is not None and self.ends <= now

    def status(self, now: datetime) -> ProgressStatus:
        """What is told of it at that moment."""
        if self.completed is not None:
            return "completed"
        return "expired" if self.is_over(now) else "inprogress"

    @property
    def missing(self) -> Decimal:
        """What is left to the target."""
        return EXACT.subtract(self.target, self.progress)


def can_begin(achievement: Achievement, last: Iteration | None, now: datetime) -> bool:
    """Whether a new iteration may follow the last one at that moment."""
    if not achievement.is_open(now):
        return False
    _, ends = window(achievement, now)
    if ends is not None and ends <= now:
        return False
    if last is None:
        return True
    if achievement.recurrence == "on_expiration":
        return last.is_over(now)
    if achievement.recurrence == "on_completion":
        return last.completed is not None or last.is_over(now)
    return False


def is_live(achievement: Achievement, last: Iteration | None, now: datetime) -> bool:
    """Whether progress is made in the last iteration at that moment."""
    return (
        last is not None
        and last.completed is None
        and not last.is_over(now)
        and achievement.is_open(now)
    )


def begun(
    achievement: Achievement, last: Iteration | None, id_: int, root_id: int, now: datetime
) -> Iteration:
    """The iteration that begins now."""
    start, ends = window(achievement, now)
    return Iteration(
        id=id_,
        achievement_id=achievement.id,
        root_id=root_id,
        number=1 if last is None else last.number + 1,
        progress=ZERO,
        target=achievement.target,
        started=start,
        ends=ends,
    )


def advanced(iteration: Iteration, delta: Decimal, now: datetime) -> Iteration:
    """The iteration with so much more progress, which is no more than is missing."""
    progress = EXACT.add(iteration.progress, delta)
    completed = now if progress >= iteration.target else None
    return msgspec.structs.replace(iteration, progress=progress, completed=completed)


def taken_back(iteration: Iteration, delta: Decimal) -> Iteration:
    """The iteration with so much less progress, and open again below its target."""
    progress = max(EXACT.subtract(iteration.progress, delta), ZERO)
    completed = iteration.completed if progress >= iteration.target else None
    return msgspec.structs.replace(iteration, progress=progress, completed=completed)


def window(achievement: Achievement, now: datetime) -> tuple[datetime, datetime | None]:
    """When an iteration that begins at `now` starts and ends."""
    duration, zone = achievement.duration, achievement.zone
    start, ends = now, None
    if achievement.activation == "fixed_schedule" and achievement.fixed_start is not None:
        start = achievement.fixed_start
    if duration is not None:
        if start < now and achievement.recurrence == "on_expiration":
            ends = next_boundary(start, duration, zone, now)
            start = _latest_boundary(start, duration, zone, now)
        else:
            ends = end_of(start, duration, zone)
        if achievement.period_end is not None:
            ends = _next_point(achievement.period_end, zone, now)
    known = [each for each in (ends, achievement.end) if each is not None]
    return start, min(known, default=None)


def _latest_boundary(anchor: datetime, step: Duration, zone: tzinfo, now: datetime) -> datetime:
    """The last of the boundaries of a schedule that has passed; `anchor` before the first one."""
    count = 0
    low, high = 0, 1
    while (end := end_of(anchor, step.times(high), zone)) is not None and end <= now:
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        end = end_of(anchor, step.times(middle), zone)
        if end is not None and end <= now:
            low = middle
        else:
            high = middle
    count = low
    latest = anchor if count == 0 else end_of(anchor, step.times(count), zone)
    assert latest is not None, "it lies before now"
    return latest


def _next_point(point: TimePoint, zone: tzinfo, now: datetime) -> datetime | None:
    """The first moment after `now` that the point names."""
    local = now.astimezone(zone)
    for days in range(366 * 5):
        day = (local + timedelta(days=days)).date()
        if not _names(point, day.month, day.day, day.isoweekday(), (day + timedelta(1)).day == 1):
            continue
        moment = datetime(
            day.year, day.month, day.day, point.hour, point.minute, point.second, tzinfo=zone
        ).astimezone(UTC)
        if moment > now:
            return moment
    return None


def _names(point: TimePoint, month: int, day: int, weekday: int, is_last: bool) -> bool:
    """Whether the point names that day; a month without the day means its last one."""
    if point.month not in (None, month) or point.day_of_week not in (None, weekday):
        return False
    wanted = point.day_of_month
    return wanted is None or wanted == day or (is_last and wanted > day)
