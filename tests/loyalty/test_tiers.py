"""Tiers: when they begin and end, what comes then, and what is foreseen."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from habitue.loyalty import decide
from habitue.loyalty.ledger import Ledger, LedgerDecision
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.projection import projected_tier, tier_standing
from habitue.loyalty.settling import begin, current_tier, settled
from habitue.loyalty.terms import Terms
from habitue.loyalty.tier import Anchors
from tests.loyalty.points_machine import CAUSE, NOW, program

NO_ANCHORS = Anchors()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def earned(
    club: LoyaltyProgram, *lots: tuple[str, int | None], anchors: Anchors = NO_ANCHORS
) -> LedgerDecision:
    """Points that were earned at the beginning, each lasting so many hours."""
    booking = begin(Ledger(1, "", 7, NOW, anchors=anchors), club, NOW)
    for index, (amount, hours) in enumerate(lots, 1):
        expiry = None if hours is None else NOW + timedelta(hours=hours)
        decide.earn(booking, UUID(int=index), Decimal(amount), Terms(NOW, expiry), CAUSE)
    return booking.decision()


def standing(
    ledger: Ledger, club: LoyaltyProgram, now: datetime
) -> tuple[str | None, datetime | None, datetime | None]:
    tier, state = current_tier(begin(ledger, club, now))
    if tier is None or state is None:
        return None, None, None
    return tier.name, state.start, state.expiry


def test_a_tier_is_entered_the_moment_it_is_reached() -> None:
    club = program()
    decision = earned(club, ("9.99", None), ("0.01", None), ("20", None))
    assert [
        (each.cause, each.old_name, each.new_name, each.expiry) for each in decision.tier_changes
    ] == [
        ("upgrade", None, "tier 1", NOW + timedelta(hours=60)),
        ("upgrade", "tier 1", "tier 2", NOW + timedelta(hours=60)),
    ]
    standing_ = tier_standing(decision.after, club)
    assert standing_.tier is not None
    assert standing_.next_tier is not None
    assert (standing_.tier.name, standing_.next_tier.name) == ("tier 2", "tier 3")
    assert standing_.points_to_next == Decimal(30)


def test_spending_lowers_nobody_until_the_tier_ends() -> None:
    club = program()
    booking = begin(earned(club, ("70", None)).after, club, NOW)
    decide.deduct(booking, UUID(int=9), Decimal(65), CAUSE)
    ledger = booking.decision().after
    end = NOW + timedelta(hours=60)
    assert standing(ledger, club, end - timedelta(seconds=1))[0] == "tier 3"
    assert standing(ledger, club, end) == (None, None, None)
    one_down = program(tiers_downgrade="one_down")
    assert standing(ledger, one_down, end) == ("tier 2", end, end + timedelta(hours=60))
    assert standing(ledger, one_down, end + timedelta(hours=60))[0] == "tier 1"
    assert standing(ledger, one_down, end + timedelta(hours=120)) == (None, None, None)


def test_enough_points_renew_a_tier_however_long_nobody_looked() -> None:
    club = program()
    ledger = earned(club, ("12", None)).after
    later = NOW + timedelta(hours=60 * 50_000 + 1)
    expected = ("tier 1", NOW, NOW + timedelta(hours=60 * 50_001))
    assert standing(ledger, club, later) == expected
    assert begin(ledger, club, later).decision().tier_changes == ()


def test_points_that_end_with_the_tier_do_not_count_for_the_next() -> None:
    club = program()
    ledger = earned(club, ("12", 60), ("1", None)).after
    assert standing(ledger, club, NOW + timedelta(hours=60)) == (None, None, None)
    longer = earned(club, ("12", 61), ("1", None)).after
    end = NOW + timedelta(hours=120)
    assert standing(longer, club, NOW + timedelta(hours=60)) == ("tier 1", NOW, end)
    assert standing(longer, club, end) == (None, None, None)


@pytest.mark.parametrize(
    ("policy", "anchors", "cycle", "expiry"),
    [
        ("tier_start_date", Anchors(), None, "2027-06-15T14:00:00+02:00"),
        ("program_join_date", Anchors(joined=NOW), None, "2027-06-15T14:00:00+02:00"),
        (
            "program_join_date",
            Anchors(joined=moment("2020-02-29T08:00:00+01:00")),
            None,
            "2027-02-28T08:00:00+01:00",
        ),
        ("customer_attribute", Anchors(), None, "2027-06-15T14:00:00+02:00"),
        (
            "customer_attribute",
            Anchors(attribute=moment("1990-06-16T00:00:00+02:00")),
            None,
            "2026-06-16T00:00:00+02:00",
        ),
        ("absolute_expiration", Anchors(), "2026-09-01T00:00:00+02:00", "2026-09-01T00:00:00"),
        ("absolute_expiration", Anchors(), "2024-01-01T00:00:00+01:00", "2027-01-01T00:00:00"),
    ],
)
def test_where_the_end_is_counted_from(
    policy: str, anchors: Anchors, cycle: str | None, expiry: str
) -> None:
    club = program(
        tiers_expiration=policy,
        tiers_expire_in="1Y",
        tier_cycle_start=None if cycle is None else moment(cycle),
        timezone="Europe/Berlin",
    )
    decision = earned(club, ("10", None), anchors=anchors)
    found = standing(decision.after, club, NOW)[2]
    assert found is not None
    assert found.astimezone(club.zone).isoformat().startswith(expiry)


def test_without_a_policy_a_tier_has_no_end() -> None:
    club = program(tiers_expiration=None, tiers_expire_in=None, tiers_downgrade=None)
    booking = begin(earned(club, ("10", None)).after, club, NOW)
    decide.deduct(booking, UUID(int=9), Decimal(10), CAUSE)
    ledger = booking.decision().after
    assert standing(ledger, club, NOW + timedelta(days=3_000)) == ("tier 1", NOW, None)
    assert projected_tier(ledger, club) is None


@pytest.mark.parametrize(
    ("downgrade", "lots", "active", "name", "missing"),
    [
        ("balance_based", [("70", None)], "70", "tier 3", None),
        ("balance_based", [("70", 59), ("11", None)], "11", "tier 1", "49"),
        ("one_down", [("70", 59), ("11", None)], "11", "tier 2", "49"),
        ("balance_based", [("70", 60)], "0", None, "60"),
    ],
)
def test_what_is_foreseen(
    downgrade: str,
    lots: list[tuple[str, int | None]],
    active: str,
    name: str | None,
    missing: str | None,
) -> None:
    club = program(tiers_downgrade=downgrade)
    found = projected_tier(earned(club, *lots).after, club)
    assert found is not None
    assert (found.active, found.tier and found.tier.name) == (Decimal(active), name)
    assert found.points_to_stay == (None if missing is None else Decimal(missing))


def test_points_that_start_later_raise_the_tier_then() -> None:
    club = program()
    booking = begin(Ledger(1, "", 7, NOW), club, NOW)
    starts = NOW + timedelta(hours=5)
    decide.earn(booking, UUID(int=1), Decimal(30), Terms(starts), CAUSE)
    ledger = booking.decision().after
    assert standing(ledger, club, NOW)[0] is None
    late = begin(ledger, club, NOW + timedelta(hours=30)).decision()
    assert [(each.at, each.new_name) for each in late.tier_changes] == [(starts, "tier 2")]
    assert settled(ledger, club, starts).accounts == late.after.accounts
