"""Customers of an application for staff: whom they have referred, and where they stand in
achievements."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.achievements import DefinedProgressOut, defined_progress_out
from habitue.edges.talon_one.integration.ids import integration_id
from habitue.edges.talon_one.management.paging import (
    ListOut,
    PageQuery,
    PageWithoutTotal,
    Skip,
    list_out,
)
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.usecases.read_achievements import Standing, read_standings
from habitue.usecases.read_inventory import read_owner
from habitue.usecases.read_logs import count_friends, read_friends


class FriendsQuery(PageQuery, rename="camel", kw_only=True):
    """Which page, in which order of time, and whether all are counted."""

    sort: Literal["", "created", "-created"] = ""
    with_total_result_size: bool = False


class FriendOut(msgspec.Struct, rename="camel"):
    """A session that redeemed a code of the advocate, and whose it is."""

    application_id: int
    session_id: str
    advocate_integration_id: str
    friend_integration_id: str
    code: str
    created: datetime


class ProgressQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which achievements: one by its id, or those with that text in their title, in any case."""

    page_size: Annotated[int, Meta(ge=1, le=50)] = 50
    skip: Skip = 0
    achievement_id: Id | None = None
    title: str = ""


async def get_friends(call: ManagementCall[FriendsQuery, None]) -> Answer:
    query, shop = call.query, call.services.shop
    application = shop.configuration.application(call.integer("applicationId"))
    advocate_id = integration_id(call, "integrationId")
    owner = await read_owner(shop, shop.program(application.id), advocate_id, call.now)
    whose = owner.customer.id, application.id
    newest_first = query.sort.startswith("-")
    found = await read_friends(shop, whose, query.skip, query.page_size, newest_first=newest_first)
    shown = [
        FriendOut(
            application.id,
            each.session_integration_id,
            each.advocate_id,
            each.friend_id,
            each.code,
            each.at,
        )
        for each in found.rows
    ]
    total = await count_friends(shop, whose) if query.with_total_result_size else None
    return Answer(200, list_out(shown, found.has_more, total))


async def get_progress(call: ManagementCall[ProgressQuery, None]) -> Answer:
    query, shop = call.query, call.services.shop
    application = shop.configuration.application(call.integer("applicationId"))
    profile_id = integration_id(call, "integrationId")
    standings = await read_standings(shop, application.id, profile_id, call.now)
    wanted = [each for each in standings if _is_wanted(each, query)]
    page = wanted[query.skip : query.skip + query.page_size]
    shown = [defined_progress_out(each, call.now) for each in page]
    return Answer(200, PageWithoutTotal(len(wanted) > query.skip + query.page_size, shown))


def _is_wanted(standing: Standing, query: ProgressQuery) -> bool:
    achievement = standing.achievement
    if query.achievement_id is not None and achievement.id != query.achievement_id:
        return False
    return query.title.casefold() in achievement.title.casefold()


def operations() -> list[Operation]:
    """The operations on customers of an application."""
    application = "/v1/applications/{applicationId:int}"
    operation = partial(managed, method="GET")
    return [
        operation(
            "getApplicationCustomerFriends",
            path=f"{application}/profile/{{integrationId}}/friends",
            handler=get_friends,
            summary="List the friends that a customer has referred",
            responses={200: ListOut[FriendOut]},
            group="Referrals",
            query=FriendsQuery,
        ),
        operation(
            "getCustomerProfileAchievementProgress",
            path=f"{application}/achievement_progress/{{integrationId}}",
            handler=get_progress,
            summary="List where a customer stands in achievements",
            responses={200: PageWithoutTotal[DefinedProgressOut]},
            group="Achievements",
            query=ProgressQuery,
        ),
    ]
