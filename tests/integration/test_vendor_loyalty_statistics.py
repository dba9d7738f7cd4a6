"""What is told of whole programs and of one profile, through the vendor's own client."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from talon_one.models import DeductLoyaltyPoints

from tests.integration.test_vendor_loyalty import CLUB, add, customer, staff
from tests.integration.test_vendor_loyalty_cards import CARDS, give, make, managed
from tests.serving import Shopfront


@pytest.fixture(scope="module")
def club(front: Shopfront) -> int:
    """A profile-based program with a history; its id."""
    fields = {**CLUB, "programJoinPolicy": "points_earned"}
    club = int(front.manage("POST", "/v1/loyalty_programs", fields)["id"])
    for name in ("sta-ada", "sta-bob"):
        customer(front, name)
    add(front, club, "sta-ada", points=120.5, name="first", validityDuration="5D")
    add(front, club, "sta-ada", points=7, subledgerId="stamps")
    add(front, club, "sta-bob", points=30, pendingDuration="on_action")
    deduct = DeductLoyaltyPoints.from_dict({"points": 20.25})
    staff(front).remove_loyalty_points(str(club), "sta-ada", deduct)
    return club


def test_transactions_of_a_program(front: Shopfront, club: int) -> None:
    log = staff(front).get_loyalty_program_transactions(club)
    assert log.has_more is False
    assert [(each.type, each.amount, each.customer_profile_id) for each in log.data] == [
        ("subtraction", 20.25, "sta-ada"),
        ("addition", 30, "sta-bob"),
        ("addition", 7, "sta-ada"),
        ("addition", 120.5, "sta-ada"),
    ]
    assert {each.user_id for each in log.data} == {1}
    page = staff(front).get_loyalty_program_transactions(club, page_size=1, skip=1)
    assert (page.has_more, page.data[0].id) == (True, log.data[1].id)
    stamps = staff(front).get_loyalty_program_transactions(club, subledger_id="stamps")
    assert [each.amount for each in stamps.data] == [7]
    waiting = staff(front).get_loyalty_program_transactions(club, awaits_activation=True)
    assert [each.amount for each in waiting.data] == [30]
    one = staff(front).get_loyalty_program_transactions(
        club, transaction_uuids=[log.data[0].transaction_uuid]
    )
    assert [each.id for each in one.data] == [log.data[0].id]
    of_sessions = staff(front).get_loyalty_program_transactions(
        club, loyalty_transaction_type="session"
    )
    assert of_sessions.data == []


def test_transactions_of_a_program_with_cards(front: Shopfront) -> None:
    program = int(front.manage("POST", "/v1/loyalty_programs", CARDS)["id"])
    make(front, program, "sta-card")
    give(front, program, "sta-card", points=3)
    (entry,) = staff(front).get_loyalty_program_transactions(program).data
    assert (entry.card_identifier, entry.customer_profile_id) == ("sta-card", None)


@pytest.mark.filterwarnings("ignore:GET .* is deprecated")
def test_what_a_program_comes_to(front: Shopfront, club: int) -> None:
    now = staff(front).get_loyalty_statistics(club)
    assert (now.total_active_points, now.total_pending_points) == (107.25, 30)
    assert (now.total_spent_points, now.total_expired_points) == (20.25, 0)
    assert (now.total_members, now.new_members) == (2, 2)
    assert (now.earned_points.created_manually, now.spent_points.created_manually) == (157.5, 20.25)
    today = datetime.now(UTC)
    past = staff(front).get_dashboard_statistics(club, today - timedelta(days=3), today)
    assert past.total_result_size == len(past.data) in (2, 3)
    assert {each.total_active_points for each in past.data} == {0}
    future = staff(front).get_dashboard_statistics(
        club, today + timedelta(days=1), today + timedelta(days=2)
    )
    assert future.data == []


@pytest.mark.filterwarnings("ignore:GET .* is deprecated")
def test_all_of_one_profile(front: Shopfront, club: int) -> None:
    told = staff(front).get_loyalty_points(str(club), "sta-ada")
    bob = staff(front).get_loyalty_points(str(club), "sta-bob")
    main, stamps = told.ledger, told.sub_ledgers["stamps"]
    assert (main.total, main.total_active_points, main.total_spent_points) == (
        *(100.25, 100.25),
        20.25,
    )
    assert main.current_tier.name == "Silver"
    assert [(each.type, each.amount) for each in main.transactions] == [
        ("subtraction", 20.25),
        ("addition", 120.5),
    ]
    assert [(each.type, each.amount) for each in main.expiring_points] == [("expiring", 100.25)]
    assert [each.name for each in main.active_points] == ["first"]
    assert (main.pending_points, main.expired_points) == ([], [])
    assert [each.amount for each in stamps.transactions] == [7]
    assert [each.amount for each in bob.ledger.pending_points] == [30]


DAY = "rangeStart=2026-01-01T00:00:00Z&rangeEnd="


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("{club}/transactions?awaitsActivation=false", 400),
        ("{club}/transactions?pageSize=1001", 400),
        ("{club}/transactions?loyaltyTransactionType=gift", 400),
        ("99999/transactions", 404),
        ("{club}/dashboard", 400),
        ("{club}/dashboard?" + DAY + "2025-01-01T00:00:00Z", 400),
        ("{club}/dashboard?rangeStart=1990-01-01T00:00:00Z&rangeEnd=2098-01-01T00:00:00Z", 400),
        ("99999/dashboard?" + DAY + "2026-01-02T00:00:00Z", 404),
        ("99999/statistics", 404),
        ("{club}/profile/nobody-at-all", 404),
    ],
)
def test_what_is_not_told(front: Shopfront, club: int, path: str, status: int) -> None:
    reply: Any = managed(front, "GET", path.format(club=club))
    assert (reply.status, reply.json["StatusCode"]) == (status, status)
