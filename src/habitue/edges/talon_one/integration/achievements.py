"""How far customers have come, in the Integration API (contracts/talon_one/SEMANTICS.md 12)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.achievements import (
    DefinitionOut,
    ProgressOut,
    definition,
    progress_out,
)
from habitue.edges.talon_one.doors import INTEGRATION, Principal
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.pages import PageSize, Skip
from habitue.usecases.read_achievements import Standing, read_iterations, read_standings

Instant = Annotated[datetime, Meta(tz=True)]


class AchievementsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which achievements: by campaign, by id, by whether they have begun, by the progress made."""

    campaign_ids: list[str] = msgspec.field(default_factory=list)
    achievement_ids: list[str] = msgspec.field(default_factory=list)
    achievement_status: list[Literal["active", "scheduled"]] = msgspec.field(
        default_factory=lambda: ["active"]
    )
    current_progress_status: list[Literal["inprogress", "completed", "not_started"]] = (
        msgspec.field(default_factory=list)
    )
    page_size: PageSize = 50
    skip: Skip = 0


class HistoryQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which iterations: by what became of them, and by when they began."""

    progress_status: list[Literal["inprogress", "completed", "expired"]] | None = None
    start_date: Instant | None = None
    end_date: Instant | None = None
    page_size: PageSize = 50
    skip: Skip = 0


class AchievementStatusOut(DefinitionOut, rename="camel", omit_defaults=True, kw_only=True):
    """An achievement and where the customer stands in it."""

    campaign_id: int | None = None
    status: Literal["active", "scheduled"]
    current_progress: ProgressOut


class AchievementStatusPage(msgspec.Struct, rename="camel"):
    total_result_size: int
    data: list[AchievementStatusOut]


class ProgressPage(msgspec.Struct, rename="camel"):
    total_result_size: int
    data: list[ProgressOut]


async def get_achievements(call: Call[Principal, AchievementsQuery, None]) -> Answer:
    query, now = call.query, call.now
    profile_id = integration_id(call, "integrationId")
    found = await read_standings(call.services.shop, call.principal.application_id, profile_id, now)
    wanted = [each for each in found if _is_wanted(each, query, now)]
    page = wanted[query.skip : query.skip + query.page_size]
    return Answer(200, AchievementStatusPage(len(wanted), [_out(each, now) for each in page]))


async def get_achievement_history(call: Call[Principal, HistoryQuery, None]) -> Answer:
    query, now = call.query, call.now
    total, iterations = await read_iterations(
        call.services.shop,
        call.principal.application_id,
        integration_id(call, "integrationId"),
        call.integer("achievementId"),
        now,
        statuses=query.progress_status,
        since=query.start_date,
        until=query.end_date,
        skip=query.skip,
        limit=query.page_size,
    )
    return Answer(200, ProgressPage(total, [progress_out(each, now) for each in iterations]))


def _is_wanted(standing: Standing, query: AchievementsQuery, now: datetime) -> bool:
    achievement = standing.achievement
    campaigns, ids = _listed(query.campaign_ids), _listed(query.achievement_ids)
    if achievement.end is not None and achievement.end <= now:
        return False
    return (
        (not campaigns or str(achievement.campaign_id) in campaigns)
        and (not ids or str(achievement.id) in ids)
        and _status(standing, now) in query.achievement_status
        and (
            not query.current_progress_status
            or standing.status(now) in query.current_progress_status
        )
    )


def _listed(texts: Sequence[str]) -> set[str]:
    return {part.strip() for text in texts for part in text.split(",") if part.strip()}


def _status(standing: Standing, now: datetime) -> Literal["active", "scheduled"]:
    start = standing.achievement.fixed_start
    return "scheduled" if start is not None and start > now else "active"


def _out(standing: Standing, now: datetime) -> AchievementStatusOut:
    achievement = standing.achievement
    return AchievementStatusOut(
        **definition(achievement),
        campaign_id=achievement.campaign_id or None,
        status=_status(standing, now),
        current_progress=progress_out(standing.iteration, now),
    )


def achievement_operations() -> list[Operation]:
    """What integrations read of achievements."""
    base = "/v1/customer_profiles/{integrationId}/achievements"
    return [
        Operation(
            id="getCustomerAchievements",
            method="GET",
            path=base,
            handler=get_achievements,
            door=INTEGRATION,
            group="Achievements",
            summary="List a customer's achievements",
            description="Without achievementStatus the active ones: those that are scheduled have"
            " not begun, and those that have ended are not listed.",
            query=AchievementsQuery,
            responses={200: AchievementStatusPage},
        ),
        Operation(
            id="getCustomerAchievementHistory",
            method="GET",
            path=f"{base}/{{achievementId:int}}",
            handler=get_achievement_history,
            door=INTEGRATION,
            group="Achievements",
            summary="List a customer's progress in an achievement",
            description="One entry for each iteration, the latest first.",
            query=HistoryQuery,
            responses={200: ProgressPage},
        ),
    ]
