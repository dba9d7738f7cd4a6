"""Files of what has happened: effects, sessions, referral codes, progress in achievements.

Columns are those of the published examples; what a row does not have is empty.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from habitue.edges.csv_files.writing import DateFormat, csv_answer, moment_text, number_text
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.effects import effect_out, shortened
from habitue.edges.talon_one.integration.answers import items_out
from habitue.edges.talon_one.management.shared import Id, Instant, ManagementCall, managed
from habitue.loyalty.achievement import Achievement, Iteration
from habitue.promotions.effects import Effect
from habitue.promotions.referral import Referral
from habitue.promotions.session import SessionState
from habitue.store.exports import EffectsPart, EffectsRow, ReferralsPart, SessionsPart
from habitue.usecases.export_records import (
    export_effects,
    export_progress,
    export_referrals,
    export_sessions,
)
from habitue.usecases.list_sessions import SessionReading

_EFFECTS = (
    *("created", "name", "applicationid", "campaignid", "rulesetid", "ruleindex"),
    *("sessionintegrationid", "profileintegrationid", "sessionid", "profileid", "eventid"),
    *("event_type", "total_revenue", "props", "couponid", "store_id", "store_integration_id"),
)
_SESSIONS = (
    *("id", "firstsession", "integrationid", "applicationid", "profileid"),
    *("profileintegrationid", "created", "state", "cartitems", "discounts", "total"),
    *("attributes", "closedat", "cancelledat", "referral", "identifiers", "additional_costs"),
    *("updated", "store_integration_id", "coupons"),
)
_REFERRALS = (
    *("id", "created", "campaignid", "advocateprofileintegrationid"),
    *("friendprofileintegrationid", "startdate", "expirydate", "code", "importid", "attributes"),
    *("batchid", "counter", "limitval"),
)
_PROGRESS = (
    *("profileIntegrationID", "title", "target", "progress", "status"),
    *("startDate", "endDate", "completionDate"),
)


class EffectsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which effects, and how dates are written."""

    campaign_id: Id | None = None
    created_before: Instant | None = None
    created_after: Instant | None = None
    date_format: DateFormat | None = None


class SessionsExportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which sessions, and how dates are written."""

    created_before: Instant | None = None
    created_after: Instant | None = None
    updated_before: Instant | None = None
    updated_after: Instant | None = None
    profile_integration_id: str | None = None
    date_format: DateFormat | None = None
    customer_session_state: SessionState | None = None


class ReferralsExportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Which codes, and how dates are written; without a campaign those of all."""

    campaign_id: Id | None = None
    created_before: Instant | None = None
    created_after: Instant | None = None
    valid: Literal["expired", "validNow", "validFuture"] | None = None
    usable: bool | None = None
    batch_id: str | None = None
    date_format: DateFormat | None = None


async def get_effects(call: ManagementCall[EffectsQuery, None]) -> Answer:
    query, application_id = call.query, call.integer("applicationId")
    application = call.services.shop.configuration.application(application_id)
    part = EffectsPart(
        application_id=application_id,
        campaign_id=query.campaign_id,
        created_after=query.created_after,
        created_before=query.created_before,
    )
    moment = partial(moment_text, date_format=query.date_format, zone=application.zone)
    stores = {
        each.integration_id: each.id
        for each in call.services.shop.configuration.stores.values()
        if each.application_id == application_id
    }

    async def rows() -> AsyncIterator[Sequence[Any]]:
        async for event, effect in export_effects(call.services.shop, part):
            store = event.store_integration_id
            first = (moment(event.created), *_effect_row(event, effect, application_id))
            yield (*first, stores.get(store, ""), store)

    return csv_answer("effects.csv", _EFFECTS, rows())


def _effect_row(event: EffectsRow, effect: Effect, application_id: int) -> Sequence[Any]:
    told = effect_out(effect)
    return (
        told.effect_type,
        application_id,
        effect.campaign_id,
        effect.ruleset_id,
        effect.rule_index,
        event.session_integration_id,
        event.profile_id,
        event.session_id or 0,
        event.customer_id or 0,
        event.id,
        event.type,
        number_text(event.total),
        _json(told.props),
        effect.coupon_id or "",
    )


async def get_sessions(call: ManagementCall[SessionsExportQuery, None]) -> Answer:
    query, application_id = call.query, call.integer("applicationId")
    application = call.services.shop.configuration.application(application_id)
    part = SessionsPart(
        application_id=application_id,
        created_after=query.created_after,
        created_before=query.created_before,
        updated_after=query.updated_after,
        updated_before=query.updated_before,
        profile=query.profile_integration_id,
        state=query.customer_session_state,
    )
    moment = partial(moment_text, date_format=query.date_format, zone=application.zone)

    async def rows() -> AsyncIterator[Sequence[Any]]:
        async for reading in export_sessions(call.services.shop, part):
            yield _session_row(reading, moment)

    return csv_answer("customer-sessions.csv", _SESSIONS, rows())


def _session_row(reading: SessionReading, moment: Callable[[Any], str]) -> Sequence[Any]:
    session = reading.session
    costs = {name: {"price": price} for name, price in session.additional_costs.items()}
    return (
        session.id,
        str(session.first_session).lower(),
        session.integration_id,
        session.application_id,
        reading.customer_id or 0,
        session.profile_id,
        moment(session.created),
        session.state,
        _json(items_out(session)),
        _json(shortened(reading.discounts_by_name)),
        number_text(session.totals.total),
        _json(shortened(session.attributes)),
        moment(session.closed_at),
        moment(session.updated if session.state == "cancelled" else None),
        session.referral_code,
        _json(session.identifiers),
        _json(shortened(costs)),
        moment(session.updated),
        session.store_integration_id,
        _json(session.coupon_codes),
    )


async def get_referrals(call: ManagementCall[ReferralsExportQuery, None]) -> Answer:
    query, configuration = call.query, call.services.shop.configuration
    application = configuration.application(call.integer("applicationId"))
    ids = [
        each.id
        for each in configuration.campaigns_of(application.id)
        if query.campaign_id in (None, each.id)
    ]
    part = ReferralsPart(
        campaign_id=0,
        now=call.now,
        created_after=query.created_after,
        created_before=query.created_before,
        valid=query.valid,
        usable=query.usable,
        batch_id=query.batch_id,
    )
    moment = partial(moment_text, date_format=query.date_format, zone=application.zone)

    async def rows() -> AsyncIterator[Sequence[Any]]:
        async for referral in export_referrals(call.services.shop, part, ids):
            yield _referral_row(referral, moment)

    return csv_answer("referrals.csv", _REFERRALS, rows())


def _referral_row(referral: Referral, moment: Callable[[Any], str]) -> Sequence[Any]:
    return (
        referral.id,
        moment(referral.created),
        referral.campaign_id,
        referral.advocate_id,
        referral.friend_id,
        moment(referral.start_date),
        moment(referral.expiry_date),
        referral.code,
        referral.import_id or "",
        _json(shortened(referral.attributes)),
        referral.batch_id,
        referral.usage_counter,
        referral.usage_limit,
    )


async def get_progress_of_campaign(call: ManagementCall[None, None]) -> Answer:
    application_id, campaign_id = call.integer("applicationId"), call.integer("campaignId")
    call.services.shop.configuration.campaign(application_id, campaign_id)
    return _progress(call, campaign_id)


async def get_progress(call: ManagementCall[None, None]) -> Answer:
    return _progress(call, 0)


def _progress(call: ManagementCall[None, None], campaign_id: int) -> Answer:
    configuration = call.services.shop.configuration
    achievement = configuration.achievement(call.integer("achievementId"), campaign_id)

    async def rows() -> AsyncIterator[Sequence[Any]]:
        async for name, iteration in export_progress(call.services.shop, achievement.id):
            yield _progress_row(call, achievement, name, iteration)

    return csv_answer(f"achievement-{achievement.id}.csv", _PROGRESS, rows())


def _progress_row(
    call: ManagementCall[None, None], achievement: Achievement, name: str, iteration: Iteration
) -> Sequence[Any]:
    moments = (iteration.started, iteration.ends, iteration.completed)
    return (
        name,
        achievement.title,
        number_text(iteration.target),
        number_text(iteration.progress),
        iteration.status(call.now),
        *(moment_text(each and each.astimezone(achievement.zone)) for each in moments),
    )


def _json(value: Any) -> str:
    return ENCODER.encode(value).decode()


def operations() -> list[Operation]:
    """The exports."""
    application = "/v1/applications/{applicationId:int}"
    campaign = f"{application}/campaigns/{{campaignId:int}}"

    def operation(
        id_: str, path: str, handler: Any, summary: str, group: str, query: Any = None
    ) -> Operation:
        told = {200: CsvFile}
        return managed(id_, "GET", path, handler, summary, told, group=group, query=query)

    return [
        operation(
            "exportEffects",
            f"{application}/export_effects",
            get_effects,
            "Export effects",
            "Customer sessions",
            EffectsQuery,
        ),
        operation(
            "exportCustomerSessions",
            f"{application}/export_customer_sessions",
            get_sessions,
            "Export customer sessions",
            "Customer sessions",
            SessionsExportQuery,
        ),
        operation(
            "exportReferrals",
            f"{application}/export_referrals",
            get_referrals,
            "Export referral codes",
            "Referrals",
            ReferralsExportQuery,
        ),
        operation(
            "exportAchievements",
            f"{campaign}/achievements/{{achievementId:int}}/export",
            get_progress_of_campaign,
            "Export who has begun with an achievement of a campaign",
            "Achievements",
        ),
        operation(
            "exportAchievementV2",
            "/v2/achievements/{achievementId:int}/export",
            get_progress,
            "Export who has begun with an achievement",
            "Achievements",
        ),
    ]
