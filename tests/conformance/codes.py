"""Checks of the operations on codes, events, achievements, campaigns, and the inventory."""

from typing import Any

from talon_one.models import (
    CouponReservations,
    IntegrationEventV2Request,
    NewReferral,
    NewReferralsForMultipleAdvocates,
)

from tests.conformance.scene import Answer, Scene, effect, profile, state
from tests.conformance.sessions import coupon


def _referral(scene: Scene, advocate: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "?", "created": "?", "usageLimit": 0, "campaignId": scene.ids["friends"],
        "advocateProfileIntegrationId": advocate, "friendProfileIntegrationId": "",
        "attributes": {}, "code": "?", "usageCounter": 0, "batchId": "", **fields,
    }  # fmt: skip


def create_referral(scene: Scene) -> Answer:
    body = {"campaignId": scene.ids["friends"], "advocateProfileIntegrationId": "dan"}
    sent = {**body, "friendProfileIntegrationId": "eve", "usageLimit": 3}
    answer = scene.api.create_referral(NewReferral.from_dict(sent))
    return answer, _referral(scene, "dan", friendProfileIntegrationId="eve", usageLimit=3)


def create_referrals(scene: Scene) -> Answer:
    sent = NewReferralsForMultipleAdvocates.from_dict(
        {
            "campaignId": scene.ids["friends"],
            "usageLimit": 2,
            "advocateProfileIntegrationIds": ["fay", "gil"],
            "referralPattern": "MANY-######",
        }
    )
    assert scene.api.create_referrals_for_multiple_advocates(sent) is None, "silent by default"
    answer = scene.api.create_referrals_for_multiple_advocates(sent, silent="no")
    assert all(each.code.startswith("MANY-") for each in answer.data)
    fields = {"usageLimit": 2, "batchId": "?batch"}
    found = [_referral(scene, each, **fields) for each in ("fay", "gil")]
    return answer, {"totalResultSize": 2, "data": found}


def _reserves(*names: str) -> Any:
    return CouponReservations.from_dict({"integrationIDs": list(names)})


def reserve(scene: Scene) -> Answer:
    scene.front.coupon(scene.ids["coupons"], "RESERVE-1")
    answer = scene.api.create_coupon_reservation("RESERVE-1", _reserves("hal", "ida"))
    return answer, coupon(scene, "RESERVE-1", reservationCounter=2)


def end_reservation(scene: Scene) -> Answer:
    scene.front.coupon(scene.ids["coupons"], "RESERVE-2")
    scene.api.create_coupon_reservation("RESERVE-2", _reserves("jim", "kay"))
    assert scene.api.delete_coupon_reservation("RESERVE-2", _reserves("jim")) is None
    left = {"totalResultSize": 1, "data": [profile("kay", lastActivity="?")]}
    return scene.api.get_reserved_customers("RESERVE-2"), left


def reserved_customers(scene: Scene) -> Answer:
    scene.front.coupon(scene.ids["coupons"], "RESERVE-3")
    scene.api.create_coupon_reservation("RESERVE-3", _reserves("lea", "max"))
    found = {"totalResultSize": 2, "data": [profile("lea"), profile("max")]}
    return scene.api.get_reserved_customers("RESERVE-3"), found


def _review(scene: Scene, profile_id: str) -> list[dict[str, Any]]:
    """What the first review of a customer gives."""
    iteration = {
        "achievementId": scene.ids["teas"], "achievementName": "teas",
        "progressTrackerId": "?tracker", "target": 10,
    }  # fmt: skip
    grows = {**iteration, "delta": 4, "value": 4, "isJustCompleted": False}
    points = {
        "name": "thanks", "programId": scene.ids["club"], "subLedgerId": "", "value": 5,
        "recipientIntegrationId": profile_id, "startDate": "?now", "transactionUUID": "?",
    }  # fmt: skip
    made = [
        ("startAchievementProgress", {**iteration, "startDate": "?now"}),
        ("increaseAchievementProgress", grows),
        ("addLoyaltyPoints", points),
    ]
    return [effect(scene, "reviews", "Reviews", kind, **props) for kind, props in made]


def track_event(scene: Scene) -> Answer:
    body = {"profileId": "ned", "type": "review", "attributes": {}}
    sent = IntegrationEventV2Request.from_dict({**body, "responseContent": ["event"]})
    event = {
        "id": "?", "created": "?", "applicationId": 1, "profileId": "ned", "type": "review",
        "attributes": {}, "sessionId": "", "effects": [],
    }  # fmt: skip
    answer = scene.api.track_event_v2(sent, silent="no")
    return answer, state(*_review(scene, "ned"), event=event)


def _advanced(profile_id: str) -> dict[str, Any]:
    return {
        "id": "?", "created": "?", "applicationId": 1, "profileId": profile_id, "type": "review",
        "attributes": {}, "integrationId": f"{profile_id}/1", "effects": [],
        "connectedSessionId": f"{profile_id}-1", "connectedSessionID": f"{profile_id}-1",
    }  # fmt: skip


def _track_advanced(scene: Scene, profile_id: str) -> Any:
    scene.closes(f"{profile_id}-1", profile_id)
    body = {
        "integrationId": f"{profile_id}/1", "profileId": profile_id, "type": "review",
        "connectedSessionId": f"{profile_id}-1", "responseContent": ["advancedEvent"],
    }  # fmt: skip
    return scene.api.send("trackEventV3", "POST", "/v3/events?silent=no", body)


def track_advanced_event(scene: Scene) -> Answer:
    answer = _track_advanced(scene, "oda")
    return answer, state(*_review(scene, "oda"), advancedEvent=_advanced("oda"))


def get_advanced_event(scene: Scene) -> Answer:
    _track_advanced(scene, "pia")
    answer = scene.api.send("getEventV3", "GET", "/v3/events/pia%2F1")
    return answer, _advanced("pia")


def _reviewed(scene: Scene, profile_id: str) -> None:
    event = {"profileId": profile_id, "type": "review"}
    assert scene.front.call("POST", "/v2/events", event).status == 204


_PROGRESS = {"status": "inprogress", "progress": 4, "startDate": "?"}


def _teas(scene: Scene) -> dict[str, Any]:
    return {
        "name": "teas", "title": "Teas", "description": "many of them", "target": 10,
        "campaignId": scene.ids["coupons"],
    }  # fmt: skip


def achievements(scene: Scene) -> Answer:
    _reviewed(scene, "ray")
    policies = {
        "recurrencePolicy": "no_recurrence", "activationPolicy": "user_action",
        "allowRollbackAfterCompletion": False,
    }  # fmt: skip
    one = {
        **_teas(scene), **policies, "id": scene.ids["teas"], "created": "?", "status": "active",
        "currentProgress": _PROGRESS,
    }  # fmt: skip
    wanted = {"totalResultSize": 1, "data": [one]}
    return scene.api.get_customer_achievements("ray", campaign_ids=[str(one["campaignId"])]), wanted


def achievement_history(scene: Scene) -> Answer:
    _reviewed(scene, "sam")
    answer = scene.api.get_customer_achievement_history("sam", scene.ids["teas"])
    return answer, {"totalResultSize": 1, "data": [_PROGRESS]}


def inventory(scene: Scene) -> Answer:
    _reviewed(scene, "ted")
    scene.front.coupon(scene.ids["coupons"], "TEDS-ONE", recipientIntegrationId="ted")
    body = {"campaignId": scene.ids["friends"], "advocateProfileIntegrationId": "ted"}
    scene.front.call("POST", "/v1/referrals", body)
    answer = scene.api.get_customer_inventory(
        "ted", profile=True, coupons=True, referrals=True, loyalty=True, giveaways=True,
        achievements=True,
    )  # fmt: skip
    club = {
        "id": scene.ids["club"], "title": "The club", "name": "club", "joinDate": "?",
        "ledger": {
            "currentBalance": 5, "pendingBalance": 0, "negativeBalance": 0, "expiredBalance": 0,
            "spentBalance": 0, "tentativeCurrentBalance": 5, "tentativePendingBalance": 0,
            "tentativeNegativeBalance": 0, "pointsToNextTier": 95,
        },
        "subLedgers": {},
    }  # fmt: skip
    mine = {"recipientIntegrationId": "ted", "profileRedemptionCount": 0, "state": "active"}
    policies = {
        "achievementRecurrencePolicy": "no_recurrence",
        "achievementActivationPolicy": "user_action",
    }
    progress = {**_PROGRESS, **_teas(scene), **policies, "achievementId": scene.ids["teas"]}
    return answer, {
        "profile": profile("ted"),
        "coupons": [coupon(scene, "TEDS-ONE", reservation=False, **mine)],
        "referrals": [_referral(scene, "ted", referredCustomers=[])],
        "loyalty": {"programs": {str(scene.ids["club"]): club}},
        "giveaways": [],
        "achievements": [progress],
    }


def all_campaigns(scene: Scene) -> Answer:
    id_ = scene.ids["friends"]
    path = f"/v1/integration/campaigns?campaignIds={id_}"
    answer = scene.api.send("integrationGetAllCampaigns", "GET", path)
    campaign = {
        "id": id_, "applicationId": 1, "name": "Friends", "description": "", "attributes": {},
        "state": "enabled", "tags": [],
        "features": ["coupons", "referrals", "loyalty", "giveaways", "achievements"],
        "rules": [{"title": "A friend"}], "linkedStoreIds": [], "linkedAudienceIds": [],
    }  # fmt: skip
    return answer, {"hasMore": False, "data": [campaign]}


CHECKS = {
    "createReferral": create_referral,
    "createReferralsForMultipleAdvocates": create_referrals,
    "createCouponReservation": reserve,
    "deleteCouponReservation": end_reservation,
    "getReservedCustomers": reserved_customers,
    "trackEventV2": track_event,
    "trackEventV3": track_advanced_event,
    "getEventV3": get_advanced_event,
    "getCustomerAchievements": achievements,
    "getCustomerAchievementHistory": achievement_history,
    "getCustomerInventory": inventory,
    "integrationGetAllCampaigns": all_campaigns,
}
