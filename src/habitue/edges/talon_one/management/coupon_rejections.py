"""Why codes were refused in a session, in words: each reason has its sentence, and nothing is
guessed (docs/decisions/0162). Summaries are in English, whatever language is asked for."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.promotions.effects import RejectCoupon
from habitue.usecases.read_rejections import CodeVerdict, SessionVerdicts, read_verdicts

_WORDS: Mapping[str, str] = {
    "CouponNotFound": "there is no such code in this Application",
    "CouponPartOfNotRunningCampaign": "its campaign does not run at present",
    "CouponStartDateInFuture": "it is not valid yet",
    "CouponExpired": "it has expired",
    "CouponLimitReached": "it was redeemed as often as it can be",
    "CouponRecipientDoesNotMatch": "it is another customer's",
    "CouponReservationRequired": "it has to be reserved first",
    "ProfileRequired": "it is limited per customer, and the session has no profile",
    "CampaignLimitReached": "the budget of its campaign is used up",
    "ProfileLimitReached": "this customer has used up what it allows each customer",
    "CouponRejectedByCondition": "a condition of its campaign does not hold",
    "EffectCouldNotBeApplied": "an effect of its campaign could not be applied",
    "CouponPartOfNotTriggeredCampaign": "another campaign was chosen before its own",
}
_EXCLUSIONS: Mapping[str, str] = {
    "CampaignGaveLowerDiscount": "that gives more",
    "CampaignIsNotFirst": "that comes first",
    "CampaignNotInEvaluationSet": "as its own is not among those that are evaluated",
}


class RejectionsQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Of which session, and of which of its codes."""

    session_integration_id: str
    application_id: Id | None = None
    language: str | None = None
    coupon_code: str | None = None


class CouponSummaryOut(
    msgspec.Struct,
    rename={
        "event_id": "eventID",
        "coupon_code": "couponCode",
        "created_at": "createdAt",
        "updated_at": "updatedAt",
        "session_id": "sessionID",
        "profile_id": "profileID",
    },
):
    """What became of one code. `id` counts the codes of an answer, which is not stored."""

    id: int
    event_id: int
    status: str
    coupon_code: str
    language: str
    summary: str
    created_at: datetime
    updated_at: datetime
    session_id: str
    profile_id: str | UnsetType = UNSET


class CouponSummariesOut(msgspec.Struct):
    """What became of codes."""

    data: list[CouponSummaryOut]


async def get_rejections(call: ManagementCall[RejectionsQuery, None]) -> Answer:
    query = call.query
    found = await read_verdicts(
        call.services.shop,
        query.session_integration_id,
        query.application_id,
        query.coupon_code,
        call.now,
    )
    shown = [(each, verdict) for each in found for verdict in each.verdicts]
    data = [_out(number, *each, call.now) for number, each in enumerate(shown, 1)]
    return Answer(200, CouponSummariesOut(data))


def _out(
    number: int, found: SessionVerdicts, verdict: CodeVerdict, now: datetime
) -> CouponSummaryOut:
    return CouponSummaryOut(
        id=number,
        event_id=found.event_id,
        status="applied" if verdict.rejection is None else "rejected",
        coupon_code=verdict.code,
        language="en",
        summary=" ".join(_summary(verdict)),
        created_at=now,
        updated_at=found.session.updated,
        session_id=found.session.integration_id,
        profile_id=found.session.profile_id or UNSET,
    )


def _summary(verdict: CodeVerdict) -> Iterator[str]:
    campaign = f' by the campaign "{verdict.campaign_name}"' if verdict.campaign_name else ""
    rejection = verdict.rejection
    if rejection is None:
        yield f'The code "{verdict.code}" was accepted{campaign}.'
        return
    words = _WORDS.get(rejection.reason, rejection.reason)
    if rejection.exclusion_reason:
        words = f"{words}, {_EXCLUSIONS.get(rejection.exclusion_reason, '')}".rstrip(", ")
    yield f'The code "{verdict.code}" was rejected{campaign}: {words}.'
    yield from _places(verdict, rejection)


def _places(verdict: CodeVerdict, rejection: RejectCoupon) -> Iterator[str]:
    if verdict.rule_name:
        yield f'It was tried for the rule "{verdict.rule_name}".'
    if rejection.condition_index is not None:
        yield f"Condition {rejection.condition_index + 1} of the rule decided."
    if rejection.effect_index is not None:
        yield f"Effect {rejection.effect_index + 1} of the rule failed."
    if rejection.details:
        yield f"{rejection.details[:1].upper()}{rejection.details[1:]}."


def operations() -> list[Operation]:
    """Why codes were refused."""
    return [
        managed(
            "generateCouponRejections",
            "GET",
            "/v1/coupon_rejections",
            get_rejections,
            "Tell in words what became of the codes of a session",
            {200: CouponSummariesOut},
            group="Coupons",
            query=RejectionsQuery,
            description="As the last evaluation of the session left it. In English only.",
        )
    ]
