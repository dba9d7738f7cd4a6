"""Achievements in the Management API: those of a campaign (v1), and those of the account (v2)."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from habitue.edges.http.numbers import Number
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.achievements import DefinitionOut, TimePointShape, definition
from habitue.edges.talon_one.management.shared import ACCOUNT_ID, Id, ManagementCall, managed
from habitue.edges.talon_one.pages import PageWithoutTotal, Skip
from habitue.loyalty.achievement import Achievement, Activation, Recurrence, TimePoint
from habitue.promotions.configuration import Configuration
from habitue.usecases.configure.achievements import (
    AchievementFields,
    create_achievement,
    delete_achievement,
    update_achievement,
)

Instant = Annotated[datetime, Meta(tz=True)]
PAGE_SIZE_MAX = 1_000


class AchievementIn(msgspec.Struct, rename="camel", kw_only=True):
    """An achievement as it is sent; what is left out keeps its value."""

    name: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    target: Number | UnsetType = UNSET
    period: str | UnsetType | None = UNSET
    period_end_override: TimePointShape | UnsetType | None = UNSET
    recurrence_policy: Recurrence | UnsetType | None = UNSET
    activation_policy: Activation | UnsetType | None = UNSET
    fixed_start_date: Instant | UnsetType | None = UNSET
    end_date: Instant | UnsetType | None = UNSET
    allow_rollback_after_completion: bool | UnsetType | None = UNSET


class AccountAchievementIn(AchievementIn, rename="camel", kw_only=True):
    """An achievement of the account."""

    timezone: str | UnsetType = UNSET
    sandbox: bool | UnsetType = UNSET
    subscribed_applications: tuple[Id, ...] | UnsetType | None = UNSET


class AchievementOut(DefinitionOut, rename="camel", omit_defaults=True, kw_only=True):
    """An achievement of a campaign."""

    campaign_id: int
    user_id: int
    status: Literal["inprogress", "expired", "not_started"]


class AccountAchievementOut(DefinitionOut, rename="camel", omit_defaults=True, kw_only=True):
    """An achievement of the account."""

    timezone: str
    sandbox: bool
    subscribed_applications: list[int]
    user_id: int
    status: Literal["active", "scheduled", "expired"]


class AchievementsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which achievements to list."""

    page_size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] = 50
    skip: Skip = 0
    title: str = ""


class AccountAchievementsQuery(AchievementsQuery, rename="camel", kw_only=True):
    """Which achievements of the account to list."""

    application_id: Id | None = None
    sort: str = ""


async def get_achievements(call: ManagementCall[AchievementsQuery, None]) -> Answer:
    campaign_id = _campaign(call)
    found = [each for each in _all(call) if each.campaign_id == campaign_id]
    return Answer(200, _page(found, call.query, partial(_campaign_out, now=call.now)))


async def get_achievement(call: ManagementCall[None, None]) -> Answer:
    return Answer(200, _campaign_out(_found(call, _campaign(call)), call.now))


async def post_achievement(call: ManagementCall[None, AchievementIn]) -> Answer:
    achievement = await create_achievement(
        call.services.shop,
        _fields(call.body),
        call.now,
        application_id=call.integer("applicationId"),
        campaign_id=call.integer("campaignId"),
    )
    return Answer(201, _campaign_out(achievement, call.now))


async def put_achievement(call: ManagementCall[None, AchievementIn]) -> Answer:
    achievement = await update_achievement(
        call.services.shop,
        call.integer("achievementId"),
        _fields(call.body),
        campaign_id=_campaign(call),
    )
    return Answer(200, _campaign_out(achievement, call.now))


async def remove_achievement(call: ManagementCall[None, None]) -> Answer:
    campaign_id = _campaign(call)
    await delete_achievement(
        call.services.shop, call.integer("achievementId"), campaign_id=campaign_id
    )
    return Answer(204)


async def get_account_achievements(
    call: ManagementCall[AccountAchievementsQuery, None],
) -> Answer:
    serves = call.query.application_id
    found = [
        each
        for each in _all(call)
        if not each.campaign_id and (serves is None or serves in each.subscribed_application_ids)
    ]
    if call.query.sort.startswith("-"):
        found.reverse()
    return Answer(200, _page(found, call.query, partial(_account_out, now=call.now)))


async def get_account_achievement(call: ManagementCall[None, None]) -> Answer:
    return Answer(200, _account_out(_found(call, 0), call.now))


async def post_account_achievement(call: ManagementCall[None, AccountAchievementIn]) -> Answer:
    fields = _account_fields(call.body)
    achievement = await create_achievement(call.services.shop, fields, call.now)
    return Answer(201, _account_out(achievement, call.now))


async def put_account_achievement(call: ManagementCall[None, AccountAchievementIn]) -> Answer:
    id_, fields = call.integer("achievementId"), _account_fields(call.body)
    achievement = await update_achievement(call.services.shop, id_, fields)
    return Answer(200, _account_out(achievement, call.now))


async def remove_account_achievement(call: ManagementCall[None, None]) -> Answer:
    await delete_achievement(call.services.shop, call.integer("achievementId"))
    return Answer(204)


def _all(call: Call[Any, Any, Any]) -> list[Achievement]:
    achievements = call.services.shop.configuration.achievements
    return [achievements[id_] for id_ in sorted(achievements)]


def _campaign(call: Call[Any, Any, Any]) -> int:
    """The campaign of the path. Raises `NotFound`."""
    application_id, campaign_id = call.integer("applicationId"), call.integer("campaignId")
    call.services.shop.configuration.campaign(application_id, campaign_id)
    return campaign_id


def _found(call: Call[Any, Any, Any], campaign_id: int) -> Achievement:
    configuration: Configuration = call.services.shop.configuration
    return configuration.achievement(call.integer("achievementId"), campaign_id)


def _page(found: list[Achievement], query: AchievementsQuery, out: Any) -> PageWithoutTotal[Any]:
    wanted = [each for each in found if query.title.lower() in each.title.lower()]
    end = query.skip + query.page_size
    return PageWithoutTotal(len(wanted) > end, [out(each) for each in wanted[query.skip : end]])


def _fields(body: AchievementIn) -> AchievementFields:
    return AchievementFields(**_sent(body))


def _account_fields(body: AccountAchievementIn) -> AchievementFields:
    return AchievementFields(
        **_sent(body),
        timezone=body.timezone,
        sandbox=body.sandbox,
        subscribed_application_ids=body.subscribed_applications,
    )


def _sent(body: AchievementIn) -> dict[str, Any]:
    point: Any = body.period_end_override
    if isinstance(point, TimePointShape):
        point = TimePoint(*msgspec.structs.astuple(point))
    return {
        "name": body.name,
        "title": body.title,
        "description": body.description,
        "target": body.target,
        "period": body.period,
        "period_end": point,
        "recurrence": body.recurrence_policy,
        "activation": body.activation_policy,
        "fixed_start": body.fixed_start_date,
        "end": body.end_date,
        "allow_rollback": body.allow_rollback_after_completion,
    }


def _campaign_out(achievement: Achievement, now: datetime) -> AchievementOut:
    return AchievementOut(
        **definition(achievement),
        campaign_id=achievement.campaign_id,
        user_id=ACCOUNT_ID,
        status=_phase(achievement, now, "not_started", "inprogress"),
    )


def _account_out(achievement: Achievement, now: datetime) -> AccountAchievementOut:
    return AccountAchievementOut(
        **definition(achievement),
        timezone=achievement.timezone,
        sandbox=achievement.sandbox,
        subscribed_applications=list(achievement.subscribed_application_ids),
        user_id=ACCOUNT_ID,
        status=_phase(achievement, now, "scheduled", "active"),
    )


def _phase(achievement: Achievement, now: datetime, before: str, during: str) -> Any:
    if achievement.end is not None and achievement.end <= now:
        return "expired"
    return during if achievement.is_open(now) else before


def operations() -> list[Operation]:
    """The operations on achievements."""
    return [*_campaign_operations(), *_account_operations()]


def _campaign_operations() -> list[Operation]:
    many = "/v1/applications/{applicationId:int}/campaigns/{campaignId:int}/achievements"
    one = f"{many}/{{achievementId:int}}"
    operation = partial(managed, group="Achievements")
    return [
        operation(
            "listAchievements",
            "GET",
            many,
            get_achievements,
            "List the achievements of a campaign",
            {200: PageWithoutTotal[AchievementOut]},
            query=AchievementsQuery,
        ),
        operation(
            "createAchievement",
            "POST",
            many,
            post_achievement,
            "Create an achievement in a campaign",
            {201: AchievementOut},
            body=AchievementIn,
            description="Periods are counted in the Application's time zone.",
        ),
        operation(
            "getAchievement",
            "GET",
            one,
            get_achievement,
            "Get an achievement",
            {200: AchievementOut},
        ),
        operation(
            "updateAchievement",
            "PUT",
            one,
            put_achievement,
            "Update an achievement",
            {200: AchievementOut},
            body=AchievementIn,
            description="Progress that has begun keeps its target and its end.",
        ),
        operation(
            "deleteAchievement",
            "DELETE",
            one,
            remove_achievement,
            "Delete an achievement with everybody's progress",
            {204: None},
        ),
    ]


def _account_operations() -> list[Operation]:
    many = "/v2/achievements"
    one = f"{many}/{{achievementId:int}}"
    operation = partial(managed, group="Achievements")
    return [
        operation(
            "listAchievementsV2",
            "GET",
            many,
            get_account_achievements,
            "List the achievements of the account",
            {200: PageWithoutTotal[AccountAchievementOut]},
            query=AccountAchievementsQuery,
        ),
        operation(
            "createAchievementV2",
            "POST",
            many,
            post_account_achievement,
            "Create an achievement of the account",
            {201: AccountAchievementOut},
            body=AccountAchievementIn,
            description="It serves the Applications that are subscribed to it.",
        ),
        operation(
            "getAchievementV2",
            "GET",
            one,
            get_account_achievement,
            "Get an achievement of the account",
            {200: AccountAchievementOut},
        ),
        operation(
            "updateAchievementV2",
            "PUT",
            one,
            put_account_achievement,
            "Update an achievement of the account",
            {200: AccountAchievementOut},
            body=AccountAchievementIn,
        ),
        operation(
            "deleteAchievementV2",
            "DELETE",
            one,
            remove_account_achievement,
            "Delete an achievement of the account",
            {204: None},
        ),
    ]
