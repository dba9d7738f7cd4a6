"""Files of loyalty programs through the vendor's own client: what is exported, to the last row."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from talon_one.models import DeductLoyaltyPoints, TransferLoyaltyCard, UpdateLoyaltyCard

from tests.integration.test_vendor_loyalty import CLUB, add, customer, staff
from tests.integration.test_vendor_loyalty_cards import CARDS, give, make, managed
from tests.serving import MANAGEMENT_KEY, Shopfront

LONG_AGO, SOON = "2020-01-01T00:00:00Z", "2098-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def club(front: Shopfront) -> int:
    """A profile-based program with a few members; its id."""
    fields = {**CLUB, "programJoinPolicy": "points_earned", "defaultValidity": "unlimited"}
    club = int(front.manage("POST", "/v1/loyalty_programs", fields)["id"])
    for name in ("exp-ada", "exp-bob", "exp-without"):
        customer(front, name)
    add(front, club, "exp-ada", points=120.5, name='A "gift", you see')
    add(front, club, "exp-ada", points=7, subledgerId="stamps")
    add(front, club, "exp-bob", points=30, pendingDuration="on_action")
    deduct = DeductLoyaltyPoints.from_dict({"points": 20.25})
    staff(front).remove_loyalty_points(str(club), "exp-ada", deduct)
    return club


@pytest.fixture(scope="module")
def cards(front: Shopfront) -> int:
    """A card-based program with a few cards; its id."""
    program = int(front.manage("POST", "/v1/loyalty_programs", CARDS)["id"])
    for name in ("exp-kim", "exp-lee"):
        customer(front, name)
    make(front, program, "exp-card", customerProfileIds=["exp-kim", "exp-lee"])
    give(front, program, "exp-card", points=12)
    make(front, program, "exp-lost")
    give(front, program, "exp-lost", points=5, subledgerId="stamps")
    moved = TransferLoyaltyCard.from_dict({"newCardIdentifier": "exp-new", "blockReason": "lost"})
    staff(front).transfer_loyalty_card(program, "exp-lost", moved)
    make(front, program, "exp-idle")
    staff(front).update_loyalty_card(
        program, "exp-idle", UpdateLoyaltyCard.from_dict({"status": "inactive"})
    )
    return program


def table(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


def test_balances_of_customers(front: Shopfront, club: int) -> None:
    rows = table(staff(front).export_loyalty_balances(str(club)))
    common = {"loyaltyProgramID": str(club), "expiredBalance": "0", "negativeBalance": "0"}
    assert rows == [
        {
            **common,
            "loyaltySubledger": "",
            "profileIntegrationID": "exp-ada",
            "currentBalance": "100.25",
            "pendingBalance": "0",
            "spentBalance": "20.25",
            "currentTier": "Silver",
        },
        {
            **common,
            "loyaltySubledger": "stamps",
            "profileIntegrationID": "exp-ada",
            "currentBalance": "7",
            "pendingBalance": "0",
            "spentBalance": "0",
            "currentTier": "",
        },
        {
            **common,
            "loyaltySubledger": "",
            "profileIntegrationID": "exp-bob",
            "currentBalance": "0",
            "pendingBalance": "30",
            "spentBalance": "0",
            "currentTier": "",
        },
    ]
    older = managed(front, "GET", f"{club}/export_customer_balance").body.decode()
    assert table(older) == rows
    before = datetime.now(UTC) - timedelta(hours=1)
    assert table(staff(front).export_loyalty_balances(str(club), before)) == []
    after = datetime.now(UTC) + timedelta(hours=1)
    assert table(staff(front).export_loyalty_balances(str(club), after)) == rows


def test_balances_that_are_not_named_are_empty(front: Shopfront, club: int) -> None:
    path = f"/v1/loyalty_programs/{club}/export_customer_balances"
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    reply = front.send("GET", f"{path}?balances=pendingBalance", None, headers)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"].startswith("attachment; filename=")
    (_, _, bob) = table(reply.body.decode())
    assert (bob["currentBalance"], bob["pendingBalance"], bob["spentBalance"]) == ("0", "30", "")
    refused = front.send("GET", f"{path}?balances=everything", None, headers)
    assert (refused.status, refused.json["errors"][0]["source"]) == (
        400,
        {"parameter": "balances"},
    )


def test_tiers_and_days_of_joining(front: Shopfront, club: int) -> None:
    (row,) = table(staff(front).export_customers_tiers(str(club)))
    assert (row["customerprofileid"], row["tiername"], row["subledgerid"]) == (
        *("exp-ada", "Silver"),
        "",
    )
    started = datetime.fromisoformat(row["startdate"])
    assert datetime.fromisoformat(row["expirydate"]) > started + timedelta(days=364)
    assert table(staff(front).export_customers_tiers(str(club), ["stamps"])) == []
    assert table(staff(front).export_customers_tiers(str(club), None, ["Gold"])) == []
    reply = managed(front, "GET", f"{club}/export_join_dates")
    joined = table(reply.body.decode())
    assert [each["profileIntegrationID"] for each in joined] == ["exp-ada", "exp-bob"]
    assert all(datetime.fromisoformat(each["joinDate"]).tzinfo for each in joined)


def test_the_ledger_of_a_customer(front: Shopfront, club: int) -> None:
    rows = table(staff(front).export_loyalty_ledger(LONG_AGO, SOON, str(club), "exp-ada"))
    assert [(each["type"], each["amount"], each["subledgerid"]) for each in rows] == [
        ("addition", "120.5", ""),
        ("addition", "7", "stamps"),
        ("subtraction", "20.25", ""),
    ]
    first = rows[0]
    assert (first["customerprofileid"], first["name"]) == ("exp-ada", 'A "gift", you see')
    assert (first["startdate"], first["expirydate"]) == ("immediate", "unlimited")
    assert first["archived"] == "false"
    assert table(staff(front).export_loyalty_ledger(LONG_AGO, LONG_AGO, str(club), "exp-ada")) == []
    excel = staff(front).export_loyalty_ledger(LONG_AGO, SOON, str(club), "exp-bob", "excel")
    (bob,) = table(excel)
    assert bob["startdate"] == "on_action"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", bob["created"])


def test_cards_and_what_they_have(front: Shopfront, cards: int) -> None:
    rows = table(staff(front).export_loyalty_cards(cards))
    assert [
        (each["identifier"], each["status"], each["customerprofileids"], each["blockreason"])
        for each in rows
    ] == [
        ("exp-card", "active", "exp-kim;exp-lee", ""),
        ("exp-lost", "inactive", "", "lost"),
        ("exp-new", "active", "", ""),
        ("exp-idle", "inactive", "", ""),
    ]
    assert {each["userpercardlimit"] for each in rows} == {"2"}
    assert table(staff(front).export_loyalty_cards(cards, "no-batch")) == []
    assert len(table(staff(front).export_loyalty_cards(cards, created_after=LONG_AGO))) == 4
    assert table(staff(front).export_loyalty_cards(cards, created_before=LONG_AGO)) == []
    balances = table(staff(front).export_loyalty_card_balances(cards))
    assert [
        (
            each["cardIdentifier"],
            each["cardState"],
            each["loyaltySubledger"],
            each["currentBalance"],
        )
        for each in balances
    ] == [
        ("exp-card", "active", "", "12"),
        ("exp-lost", "inactive", "", "0"),
        ("exp-new", "active", "", "0"),
        ("exp-new", "active", "stamps", "5"),
        ("exp-idle", "inactive", "", "0"),
    ]
    (entry,) = table(staff(front).export_loyalty_card_ledger(cards, "exp-new", LONG_AGO, SOON))
    assert (entry["cardidentifier"], entry["amount"]) == ("exp-new", "5")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("{club}/export_card_balances", 400),
        ("{cards}/export_customer_balances", 400),
        ("{cards}/export_customers_tiers", 400),
        ("{cards}/export_join_dates", 400),
        ("{club}/cards/export", 400),
        ("99999/cards/export", 404),
        ("{cards}/cards/export?createdBefore=yesterday", 400),
        ("{cards}/cards/export?dateFormat=roman", 400),
        ("{cards}/export_card_balances?balances=negativeBalance", 400),
        ("{cards}/cards/none-such/export_log?rangeStart=2020-01-01T00:00:00Z"
         "&rangeEnd=2098-01-01T00:00:00Z", 404),
        ("{club}/profile/exp-ada/export_log", 400),
        ("{club}/profile/nobody/export_log?rangeStart=2020-01-01T00:00:00Z"
         "&rangeEnd=2098-01-01T00:00:00Z", 404),
        ("{club}/profile/exp-ada/export_log?rangeStart=2098-01-01T00:00:00Z"
         "&rangeEnd=2020-01-01T00:00:00Z", 400),
    ],
)  # fmt: skip
def test_what_is_not_exported(
    front: Shopfront, club: int, cards: int, path: str, status: int
) -> None:
    reply: Any = managed(front, "GET", path.format(club=club, cards=cards))
    assert (reply.status, reply.json["StatusCode"]) == (status, status)
