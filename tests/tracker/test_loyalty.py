"""The loyalty program at the tracker: servers ask for anybody, pages for themselves at most."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from habitue.loyalty.ledger import Cause
from habitue.loyalty.terms import Wish
from habitue.store.loyalty import PointsQuery
from habitue.usecases.adjust_points import Adjustment, add_points, deduct_points
from habitue.usecases.configure.loyalty_programs import (
    LoyaltyProgramFields,
    TierWish,
    create_loyalty_program,
)
from habitue.usecases.configure.registration_settings import update_registration_settings
from tests.tracker.conftest import SERVER_KEY, SHOP, Tracked, device_id, tracked_shop

SERVER = f"shop_id={SHOP}&shop_secret={SERVER_KEY}"
PHONE = "79261234567"


@pytest.fixture(scope="module")
async def club(server_url: str, template: str) -> AsyncIterator[Tracked]:
    """A served shop with a program that has one tier."""
    async with tracked_shop(server_url, template, tracker_new_devices_per_minute=0) as shop:
        fields = LoyaltyProgramFields(
            name="Club", timezone="UTC", tiers=(TierWish("Gold", Decimal(100)),)
        )
        await create_loyalty_program(shop.shop, fields, datetime.now(UTC))
        yield shop


def join(club: Tracked, phone: str, **more: str) -> Any:
    body = {"shop_id": SHOP, "shop_secret": SERVER_KEY, "phone": phone, **more}
    reply = club.post("/loyalty/members/join", body)
    assert reply.status == 200, reply.body
    return reply.json


async def program_id(club: Tracked) -> int:
    (id_,) = await club.database.fetch("SELECT id FROM loyalty_program")
    return int(id_["id"])


async def give(club: Tracked, customer_id: int, points: int, wish: Wish | None = None) -> None:
    """Points of staff; below zero they are taken."""
    query = PointsQuery(None, customer_id, await program_id(club))
    amount = Decimal(abs(points))
    adjustment = Adjustment(uuid4(), amount, "", Cause(name="staff"), wish or Wish())
    change = add_points if points > 0 else deduct_points
    await change(club.shop, query, customer_id, adjustment, datetime.now(UTC))


async def test_a_server_joins_a_person_by_phone(club: Tracked) -> None:
    told = join(club, "+7 926 123-45-67", first_name="Anna", email="anna@shop.ru")
    assert told == {
        "status": "success",
        "payload": {"message": "Member has joined", "identifier": PHONE},
    }
    assert join(club, PHONE)["payload"]["message"] == "Member has joined before"
    customer_id = club.customer("mobile", PHONE)
    assert customer_id is not None
    assert club.customer("email", "anna@shop.ru") == customer_id
    status = club.get(f"/loyalty/members/status?{SERVER}&identifier={PHONE}").json
    none = {"name": None, "code": None, "expiration_date": None}
    assert status == {"status": "success", "payload": {"member": True, "level": none}}
    await give(club, customer_id, 100)
    status = club.get(f"/loyalty/members/status?{SERVER}&identifier={PHONE}").json
    assert status["payload"]["level"]["name"] == "Gold"


async def test_balances_and_history(club: Tracked) -> None:
    phone = "79260000001"
    join(club, phone)
    customer_id = club.customer("mobile", phone)
    assert customer_id is not None
    await give(club, customer_id, 30, Wish(validity="10D"))
    await give(club, customer_id, 20)
    await give(club, customer_id, 7, Wish(pending="5D"))
    await give(club, customer_id, -5)
    path = f"/loyalty/bonuses/balance?{SERVER}&identifier={phone}"
    balance = club.get(path).json["payload"]["balance"]
    assert (balance["active"], balance["pending"], balance["expiring"]) == (45, 7, 25)
    assert club.get(f"{path}&expire_in=9").json["payload"]["balance"]["expiring"] == 0

    def history(query: str = "") -> list[tuple[str, int]]:
        reply = club.get(f"/loyalty/bonuses/history?{SERVER}&identifier={phone}{query}")
        assert reply.status == 200, reply.body
        return [(each["status"], each["amount"]) for each in reply.json["payload"]["transactions"]]

    everything = [("spent", -5), ("pending", 7), ("confirmed", 20), ("confirmed", 30)]
    assert history() == everything
    assert history("&limit=2&offset=1") == everything[1:3]
    assert history("&status=spent") == [("spent", -5)]
    assert history("&status=pending") == [("pending", 7)]
    assert history("&status=expired") == []


def test_who_is_no_member_has_nothing(club: Tracked) -> None:
    status = club.get(f"/loyalty/members/status?{SERVER}&identifier=79269999999").json
    assert status["payload"]["member"] is False
    balance = club.get(f"/loyalty/bonuses/balance?{SERVER}&identifier=79269999999").json
    assert balance["success"] is True
    assert balance["payload"]["balance"]["active"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"members/status?shop_id={SHOP}&identifier={PHONE}", 403),
        (f"members/status?shop_id={SHOP}&shop_secret=wrong&identifier={PHONE}", 403),
        (f"members/status?{SERVER}", 422),
        (f"bonuses/history?{SERVER}&identifier={PHONE}&limit=51", 422),
        (f"bonuses/history?{SERVER}&identifier={PHONE}&status=lost", 422),
        (f"bonuses/balance?{SERVER}&identifier={PHONE}&expire_in=soon", 422),
    ],
)
def test_what_is_refused(club: Tracked, path: str, status: int) -> None:
    assert club.get(f"/loyalty/{path}").status == status


async def test_a_page_joins_itself_and_reads_nobody(club: Tracked) -> None:
    page = {"shop_id": SHOP, "did": device_id(), "phone": "79260000002"}
    assert club.post("/loyalty/members/join", page).status == 403
    await update_registration_settings(club.shop, {"tracker_loyalty": True})
    try:
        reply = club.post("/loyalty/members/join", page)
        assert reply.status == 200, reply.body
        query = f"shop_id={SHOP}&did={page['did']}&identifier={PHONE}"
        status = club.get(f"/loyalty/members/status?{query}").json
        assert status["payload"]["member"] is False
        holder = await club.holder("device", page["did"])
        joined = await club.database.fetchval(
            "SELECT count(*) FROM loyalty_membership WHERE customer_id = $1", holder
        )
        assert joined == 1
    finally:
        await update_registration_settings(club.shop, {"tracker_loyalty": False})
