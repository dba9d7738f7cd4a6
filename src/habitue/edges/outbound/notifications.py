"""Notices in the words of the Talon.One protocol (contracts/talon_one/SEMANTICS.md section 16).

Each is one thing that has happened, so lists have one element but for coupons, which come together.
One deployment has one user, who has no name here.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from habitue.edges.http.numbers import ENCODER
from habitue.edges.talon_one.effects import shortened
from habitue.edges.talon_one.management.campaigns import campaign_out
from habitue.edges.talon_one.management.coupon_wire import CouponOut, coupon_out
from habitue.edges.talon_one.management.shared import USER_ID
from habitue.model.documents import decoder_of, encode
from habitue.model.instants import zone_of
from habitue.promotions.campaign import Campaign
from habitue.promotions.coupon import Coupon
from habitue.promotions.notification import Notice, Notification


class _ExtendedCouponOut(CouponOut, rename="camel", kw_only=True):
    """A coupon with its application."""

    application_id: int = msgspec.field(name="ApplicationId")


_CAMPAIGN = decoder_of(Campaign)
_MOMENT = decoder_of(datetime)


def told(notification: Notification, notice: Notice) -> bytes:
    """The body of the request that tells of it."""
    return ENCODER.encode(shortened(_TELLERS[notification.type](notice)))


def _points(notice: Notice) -> dict[str, Any]:
    noted = notice.document
    added = noted["amount"] > 0
    return {
        "NotificationType": f"LoyaltyPoints{'Added' if added else 'Deducted'}",
        "TypeOfChange": noted["source"],
        "EmployeeName": "",
        "UserID": 0 if noted["source"] == "rule_engine" else USER_ID,
        "LoyaltyProgramID": noted["program_id"],
        "SubledgerID": noted["subledger"],
        "ProfileIntegrationID": noted["profile_id"],
        "SessionIntegrationID": noted["session_key"],
        "Operation": "addition" if added else "deduction",
        "Amount": abs(noted["amount"]),
        "Reason": noted["reason"],
        **_given(StartDate=noted["start"], ExpiryDate=noted["expiry"]),
    }


def _active_points(notice: Notice) -> dict[str, Any]:
    noted = notice.document
    item = {
        "LoyaltyProgramID": noted["program_id"],
        "SubledgerID": noted["subledger"],
        "CustomerProfileID": noted["profile_id"],
        "Points": noted["points"],
        "SessionIntegrationID": noted["session_key"],
        **_given(ActiveOn=noted["start"], ExpireOn=noted["expiry"]),
    }
    return _listed("LoyaltyPointsPendingToActive", [item])


def _expiring_points(notice: Notice) -> dict[str, Any]:
    noted = notice.document
    ends = _MOMENT.decode(encode(noted["expiry"])).astimezone(zone_of(noted["timezone"]))
    item = {
        "ExpiryDate": ends.date().isoformat(),
        "LoyaltyProgramID": noted["program_id"],
        "CustomerProfileID": noted["profile_id"],
        "AmountOfExpiringPoints": noted["points"],
        "SubledgerID": noted["subledger"],
    }
    return _listed("LoyaltyPointsExpiring", [item])


def _expiring_card_points(notice: Notice) -> dict[str, Any]:
    noted, card = notice.document, notice.card
    assert card is not None, "notices of cards are sent with their card"
    ends = _MOMENT.decode(encode(noted["expiry"])).astimezone(zone_of(noted["timezone"]))
    item = {
        "ExpiryDate": ends.date().isoformat(),
        "LoyaltyProgramID": noted["program_id"],
        "AmountOfExpiringPoints": noted["points"],
        "SubledgerID": noted["subledger"],
        "CardIdentifier": card.identifier,
        "UsersPerCardLimit": noted["users_per_card"],
        "Profiles": card.profile_ids,
    }
    return _listed("LoyaltyCardPointsExpiring", [item])


def _tier(notice: Notice) -> dict[str, Any]:
    noted = notice.document
    item = {
        "CustomerProfileID": noted["profile_id"],
        "LoyaltyProgramID": noted["program_id"],
        "SubledgerID": noted["subledger"],
        "CurrentPoints": noted["points"],
        "TimestampOfTierChange": noted["at"],
        **_given(
            CurrentTier=noted["new_tier"],
            OldTier=noted["old_tier"],
            TierExpirationDate=noted["expiry"],
        ),
    }
    return _listed("TierUpgrade" if noted["type"] == "tier_upgrade" else "TierDowngrade", [item])


def _coupons(notice: Notice) -> dict[str, Any]:
    operation = notice.document.get("operation", "Created")
    return {
        "NotificationType": f"Coupon{operation}",
        "TypeOfChange": notice.document["source"],
        "Operation": operation,
        "EmployeeName": "",
        "totalResultSize": len(notice.coupons),
        "data": [_coupon(each) for each in notice.coupons],
    }


def _coupon(coupon: Coupon) -> _ExtendedCouponOut:
    fields = msgspec.structs.asdict(coupon_out(coupon))
    return _ExtendedCouponOut(**fields, application_id=coupon.application_id)


def _expiring_coupons(notice: Notice) -> dict[str, Any]:
    return _listed("CouponCodeExpiring", [_expiring_coupon(each) for each in notice.coupons])


def _expiring_coupon(coupon: Coupon) -> dict[str, Any]:
    return {
        "CouponValue": coupon.code,
        "CreatedDate": coupon.created,
        "CampaignId": coupon.campaign_id,
        "CustomerProfileId": coupon.recipient_integration_id,
        "UsageLimit": coupon.usage_limit,
        "UsageCounter": coupon.usage_counter,
        "BatchId": coupon.batch_id,
        "Attributes": shortened(coupon.attributes),
        **_given(ValidFrom=coupon.start_date, ValidUntil=coupon.expiry_date),
    }


def _campaign(notice: Notice) -> dict[str, Any]:
    noted = notice.document
    at = _MOMENT.decode(encode(noted["at"]))
    old, new = (
        None if noted[name] is None else _CAMPAIGN.decode(encode(noted[name]))
        for name in ("old", "new")
    )
    if new is None and old is not None:
        gone = {"Event": "campaign_deleted", "campaign": _shown(old, at), "deletedAt": at}
        return _listed("CampaignNotification", [gone])
    assert new is not None, "a change has a campaign before or after it"
    if old is None:
        made = {"Event": "campaign_created", "campaign": _shown(new, at)}
        return _listed("CampaignNotification", [made])
    before = at - timedelta(microseconds=1) if noted["by_time"] else at
    return _listed("CampaignNotification", list(_changes(old, new, before, at)))


def _changes(
    old: Campaign, new: Campaign, before: datetime, at: datetime
) -> Iterator[dict[str, Any]]:
    shown = _shown(new, at)
    states = old.frontend_state(before), new.frontend_state(at)
    if states[0] != states[1]:
        turned = {"oldState": states[0], "newState": states[1]}
        yield {"Event": "campaign_state_changed", "campaign": shown, **turned}
    if old.active_ruleset_id != new.active_ruleset_id:
        yield {"Event": "campaign_ruleset_changed", "campaign": shown}
    if _described(old) != _described(new):
        yield {"Event": "campaign_edited", "campaign": shown, "oldCampaign": _shown(old, before)}


def _described(campaign: Campaign) -> dict[str, Any]:
    """What of a campaign is neither its state nor its rules."""
    names = set(campaign.__struct_fields__) - {"state", "active_ruleset_id", "updated"}
    return {name: getattr(campaign, name) for name in names}


def _shown(campaign: Campaign, at: datetime) -> Any:
    return campaign_out(campaign, at, ())


def _listed(type_: str, data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"NotificationType": type_, "TotalResultSize": len(data), "Data": data}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


_TELLERS: Mapping[str, Callable[[Notice], dict[str, Any]]] = {
    "campaign": _campaign,
    "coupon": _coupons,
    "expiring_points": _expiring_points,
    "card_expiring_points": _expiring_card_points,
    "expiring_coupons": _expiring_coupons,
    "loyalty_added_deducted_points": _points,
    "pending_to_active_points": _active_points,
    "tier_upgrade": _tier,
    "tier_downgrade": _tier,
}
