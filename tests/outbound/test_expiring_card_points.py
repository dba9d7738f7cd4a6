"""Telling of points of loyalty cards that are near their end."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from talon_one.models.expiring_card_points_notification import ExpiringCardPointsNotification

from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.terms import Wish
from habitue.model.errors import InvalidInput
from habitue.promotions.notification import Trigger
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment, add_points
from habitue.usecases.change_program_card import delete_card
from habitue.usecases.make_program_cards import CardWish, make_card
from habitue.usecases.notify_due import LATE, notify_due
from tests.building import Till
from tests.loyalty.points_machine import CAUSE
from tests.outbound.test_notifications import TEA, Post, messages, notification, till
from tests.usecases.points_till import club_of

__all__ = ["till"]

TRIGGERS = (Trigger(1, "w"), Trigger(2, "d"))


async def card(till: Till, club: LoyaltyProgram, identifier: str, *profiles: str) -> None:
    draw = random.Random(1).randrange
    await make_card(till.shop, club, CardWish(identifier, profiles=profiles), draw, till.now)


async def give(till: Till, club: LoyaltyProgram, identifier: str, points: int) -> None:
    query = PointsQuery(None, None, club.id, "", card=identifier)
    given = Adjustment(uuid4(), Decimal(points), "", CAUSE, Wish())
    await add_points(till.shop, query, identifier, given, till.now)


def by_card(told: list[Any]) -> dict[str, Any]:
    """Notices by the cards that they tell of, each of one; cards are told of in any order."""
    names = [each["Data"][0]["CardIdentifier"] for each in told]
    assert len(set(names)) == len(names)
    return dict(zip(names, told, strict=True))


async def test_points_of_cards_near_their_end(till: Till) -> None:
    club = await club_of(
        till, card_based=True, default_validity="10D", timezone="Pacific/Auckland", users_per_card=2
    )
    for name in ("ann", "bob"):
        await till.put(f"of-{name}", profile_id=name, cart_items=[TEA])
    await card(till, club, "shared", "ann", "bob")
    await card(till, club, "nobodys")
    await card(till, club, "thrown-away")
    await notification(till, "card_expiring_points", club.id, triggers=TRIGGERS)
    made = till.now
    await give(till, club, "shared", 40)
    await give(till, club, "shared", 2)
    await give(till, club, "nobodys", 7)
    await give(till, club, "thrown-away", 9)
    post = Post(till)
    assert await post.later(days=2) == []
    told = by_card(await post.later(days=1, hours=1))
    assert all(ExpiringCardPointsNotification.from_dict(each) is not None for each in told.values())
    ends = (made + timedelta(days=10)).astimezone(club.zone).date()
    assert told["shared"] == {
        "NotificationType": "LoyaltyCardPointsExpiring",
        "TotalResultSize": 1,
        "Data": [
            {
                "ExpiryDate": ends.isoformat(),
                "LoyaltyProgramID": club.id,
                "AmountOfExpiringPoints": 42,
                "SubledgerID": "",
                "CardIdentifier": "shared",
                "UsersPerCardLimit": 2,
                "Profiles": ["ann", "bob"],
            }
        ],
    }
    profiles = {name: each["Data"][0]["Profiles"] for name, each in told.items()}
    assert profiles == {"shared": ["ann", "bob"], "nobodys": [], "thrown-away": []}
    assert not any(b"ann" in each.document for each in await messages(till))
    till.wait(days=5)
    await notify_due(till.shop, till.now + LATE)
    assert [each.state for each in await messages(till)].count("waiting") == 3
    await delete_card(till.shop, club, "thrown-away", uuid4(), CAUSE, till.now)
    assert by_card(await post.told()).keys() == {"shared", "nobodys"}
    (left,) = [each for each in await messages(till) if each.state == "waiting"]
    assert left.response == "the card was deleted"
    assert await post.later(days=9) == []


async def test_types_tell_of_programs_of_their_kind(till: Till) -> None:
    cards = await club_of(till, name="cards", card_based=True)
    club = await club_of(till)
    for type_, program in (("card_expiring_points", club), ("expiring_points", cards)):
        with pytest.raises(InvalidInput) as refused:
            await notification(till, type_, program.id, triggers=TRIGGERS)
        (fault,) = refused.value.faults
        assert (fault.pointer, fault.title) == ("/entityId", "Not supported")
    with pytest.raises(InvalidInput) as untimed:
        await notification(till, "card_expiring_points", cards.id)
    assert [each.pointer for each in untimed.value.faults] == ["/policy/triggers"]
    assert till.shop.configuration.notifications == {}
