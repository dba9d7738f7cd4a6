"""Telling of points that are near their end."""

from datetime import timedelta

import pytest
from talon_one.models.expiring_points_notification import ExpiringPointsNotification

from habitue.model.errors import InvalidInput
from habitue.promotions.notification import Trigger
from tests.building import Till, item, rule
from tests.outbound.test_notifications import TEA, Post, notification, till
from tests.usecases.points_till import club_of

__all__ = ["till"]


async def test_points_near_their_end(till: Till) -> None:
    club = await club_of(till, default_validity="10D", timezone="Pacific/Auckland")
    give = f'addLoyaltyPoints("tea", {club.id}, "", session.total)'
    await till.campaign(rule("true", give, give))
    await till.put("s0", profile_id="ann", cart_items=[TEA], state="closed")
    till.wait(days=4)
    triggers = (Trigger(1, "w"), Trigger(2, "d"))
    await notification(till, "expiring_points", club.id, triggers=triggers)
    made = till.now
    await till.put("s1", profile_id="bob", cart_items=[TEA], state="closed")
    await till.put("s2", profile_id="cyd", cart_items=[item("tea", 1)], state="closed")
    post = Post(till)
    # s0 ends in 6 days, so that the trigger of a week is over for it; the others in 10.
    assert await post.later(days=2) == []
    (week, another) = await post.later(days=1, hours=1)
    assert ExpiringPointsNotification.from_dict(week) is not None
    ends = (made + timedelta(days=10)).astimezone(club.zone).date()
    assert week == {
        "NotificationType": "LoyaltyPointsExpiring",
        "TotalResultSize": 1,
        "Data": [
            {
                "ExpiryDate": ends.isoformat(),
                "LoyaltyProgramID": club.id,
                "CustomerProfileID": "bob",
                "AmountOfExpiringPoints": 60,
                "SubledgerID": "",
            }
        ],
    }
    assert another["Data"][0]["CustomerProfileID"] == "cyd"
    (last_days,) = await post.later(days=1)
    assert last_days["Data"][0]["CustomerProfileID"] == "ann"
    both = await post.later(days=6)
    assert [each["Data"][0]["AmountOfExpiringPoints"] for each in both] == [60, 2]
    assert await post.later(days=9) == []


async def test_points_near_their_end_need_triggers(till: Till) -> None:
    club = await club_of(till)
    with pytest.raises(InvalidInput):
        await notification(till, "expiring_points", club.id)
    assert till.shop.configuration.notifications == {}
