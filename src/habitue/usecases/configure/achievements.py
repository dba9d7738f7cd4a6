"""Achievements: what staff set as targets, of one campaign or of the whole account."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from habitue.loyalty.achievement import Achievement, Activation, Recurrence, TimePoint
from habitue.loyalty.duration import parse_duration
from habitue.model.errors import Conflict, Fault
from habitue.model.instants import zone_of
from habitue.model.limits import AMOUNT_MAX
from habitue.promotions.configuration import Configuration
from habitue.store import achievements
from habitue.store.configuration import new_ids
from habitue.store.database import Connection
from habitue.usecases.configuration import Change
from habitue.usecases.configure.checks import (
    application_faults,
    description_faults,
    name_faults,
    refuse_if_any,
)
from habitue.usecases.configure.fields import laid_over, sent
from habitue.usecases.configure.settle import Decision, settle
from habitue.usecases.shop import Shop

_NAME = re.compile(r"[a-zA-Z]\w+", re.ASCII)


class AchievementFields(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said about an achievement."""

    name: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    target: Decimal | UnsetType = UNSET
    period: str | UnsetType | None = UNSET
    period_end: TimePoint | UnsetType | None = UNSET
    recurrence: Recurrence | UnsetType | None = UNSET
    activation: Activation | UnsetType | None = UNSET
    fixed_start: datetime | UnsetType | None = UNSET
    end: datetime | UnsetType | None = UNSET
    allow_rollback: bool | UnsetType | None = UNSET
    timezone: str | UnsetType = UNSET
    sandbox: bool | UnsetType = UNSET
    subscribed_application_ids: tuple[int, ...] | UnsetType | None = UNSET


async def create_achievement(
    shop: Shop,
    fields: AchievementFields,
    now: datetime,
    *,
    application_id: int = 0,
    campaign_id: int = 0,
) -> Achievement:
    """The new achievement, of that campaign or of the account. One of a campaign serves its
    application, in whose zone its periods are counted.

    Raises `NotFound`, `InvalidInput`, or `Conflict` where the name is taken.
    """
    (id_,) = await new_ids(shop.database, "achievement")

    async def decide(configuration: Configuration) -> Decision[Achievement]:
        missing = [
            name
            for name in ("name", "title", "description", "target")
            if getattr(fields, name) is UNSET
        ]
        refuse_if_any(Fault(f"/{name}", "Missing", f"{name} is required") for name in missing)
        blank = Achievement(id=id_, name="", title="", target=Decimal(0), created=now)
        if campaign_id:
            application = configuration.application(application_id)
            configuration.campaign(application_id, campaign_id)
            blank = msgspec.structs.replace(
                blank,
                campaign_id=campaign_id,
                timezone=application.timezone,
                sandbox=application.sandbox,
                subscribed_application_ids=(application_id,),
            )
        wanted = {name: value for name, value in sent(fields).items() if value is not None}
        achievement = _checked(configuration, laid_over(blank, wanted))
        return Decision(achievement, (Change(achievement),))

    return await settle(shop, decide)


async def update_achievement(
    shop: Shop, achievement_id: int, fields: AchievementFields, *, campaign_id: int = 0
) -> Achievement:
    """The achievement as changed; iterations that have begun keep their target and their end.

    Raises `NotFound` or `InvalidInput`.
    """

    async def decide(configuration: Configuration) -> Decision[Achievement]:
        old = configuration.achievement(achievement_id, campaign_id)
        wanted = sent(fields)
        if wanted.get("name", old.name) != old.name:
            details = "the name of an achievement stays as it is"
            refuse_if_any([Fault("/name", "Not allowed", details)])
        achievement = _checked(configuration, laid_over(old, wanted))
        return Decision(achievement, () if achievement == old else (Change(achievement),))

    return await settle(shop, decide)


async def delete_achievement(shop: Shop, achievement_id: int, *, campaign_id: int = 0) -> None:
    """Removes the achievement with everybody's progress. Raises `NotFound`."""

    async def beside(connection: Connection) -> None:
        await achievements.remove_progress(connection, achievement_id)

    async def decide(configuration: Configuration) -> Decision[None]:
        achievement = configuration.achievement(achievement_id, campaign_id)
        return Decision(None, (Change(achievement, deleted=True),), beside)

    await settle(shop, decide)


def _checked(configuration: Configuration, achievement: Achievement) -> Achievement:
    refuse_if_any(_faults(configuration, achievement))
    mine = (achievement.campaign_id, achievement.name)
    for other in configuration.achievements.values():
        if other.id != achievement.id and (other.campaign_id, other.name) == mine:
            raise Conflict(f"An achievement named {achievement.name!r} exists")
    return achievement


def _faults(configuration: Configuration, achievement: Achievement) -> Iterator[Fault]:
    yield from name_faults(achievement.title, "/title")
    yield from description_faults(achievement.description)
    if _NAME.fullmatch(achievement.name) is None:
        details = "a name is a letter followed by letters, digits and underscores"
        yield Fault("/name", "Invalid name", details)
    if not achievement.target.is_finite() or not 0 < achievement.target <= AMOUNT_MAX:
        yield Fault("/target", "Out of range", "a target is above zero")
    if zone_of(achievement.timezone) is None:
        yield Fault("/timezone", "Unknown", f"there is no time zone {achievement.timezone[:80]!r}")
    yield from _policy_faults(achievement)
    if not achievement.campaign_id:
        ids = achievement.subscribed_application_ids
        yield from application_faults(ids, configuration, "/subscribedApplications")
        for index, id_ in enumerate(ids):
            application = configuration.applications.get(id_)
            if application is not None and application.sandbox != achievement.sandbox:
                details = f"Application {id_} is of the other environment"
                yield Fault(f"/subscribedApplications/{index}", "Not allowed", details)


def _policy_faults(achievement: Achievement) -> Iterator[Fault]:
    period, recurrence = achievement.period, achievement.recurrence
    if period and parse_duration(period) is None:
        yield Fault("/period", "Invalid duration", f"{period[:40]!r} is no duration such as 30D")
    if recurrence == "on_expiration" and not period:
        yield Fault("/period", "required", "what recurs on expiration has a period")
    if recurrence == "on_completion" and period:
        yield Fault("/period", "Not allowed", "what recurs on completion has no period")
    scheduled = achievement.activation == "fixed_schedule"
    if scheduled and achievement.fixed_start is None:
        yield Fault("/fixedStartDate", "required", "a fixed schedule starts on a date")
    if not scheduled and achievement.fixed_start is not None:
        yield Fault("/fixedStartDate", "Not allowed", "only a fixed schedule starts on a date")
    start, end = achievement.fixed_start, achievement.end
    if start is not None and end is not None and end <= start:
        yield Fault("/endDate", "Out of range", "an achievement ends after it starts")
    if achievement.period_end is not None:
        yield from _point_faults(achievement.period_end, period)


#: Which parts of a point a period of that unit may name, and up to which number.
_PARTS = {"day_of_week": ("W", 7), "day_of_month": ("MY", 31), "month": ("Y", 12)}


def _point_faults(point: TimePoint, period: str) -> Iterator[Fault]:
    duration = parse_duration(period)
    if duration is None or duration.count != 1 or duration.unit not in "DWMY":
        details = "only a period of one day, week, month or year ends at a named moment"
        yield Fault("/periodEndOverride", "Not allowed", details)
        return
    bounds = {"hour": 23, "minute": 59, "second": 59}
    for name, highest in bounds.items():
        if not 0 <= getattr(point, name) <= highest:
            yield Fault(f"/periodEndOverride/{name}", "Out of range", f"0 to {highest}")
    for name, (units, highest) in _PARTS.items():
        value = getattr(point, name)
        at = f"/periodEndOverride/{_pointer_name(name)}"
        if value is not None and duration.unit not in units:
            yield Fault(at, "Not allowed", f"a period of {period} does not name it")
        elif value is not None and not 1 <= value <= highest:
            yield Fault(at, "Out of range", f"1 to {highest}")


def _pointer_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))
