"""When points start and end around the changes of the clock, worked out by hand.

Berlin 2026: 29 March 01:00Z ahead, 25 October 01:00Z back. New York: 8 March 07:00Z, 1 November
06:00Z. Lord Howe moves by half an hour: 4 April 15:00Z back, 3 October 15:30Z ahead. Beirut and
Santiago change at midnight: 29 March and 6 September have no first hour, and 24 October has its
last one twice in Beirut.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from habitue.loyalty import decide
from habitue.loyalty.duration import end_of, parse_duration
from habitue.loyalty.ledger import Ledger, balances_of
from habitue.loyalty.settling import begin, settled
from habitue.loyalty.terms import Terms, Wish, terms_of
from tests.loyalty.points_machine import CAUSE, program

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
BEIRUT, SANTIAGO = "Asia/Beirut", "America/Santiago"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


TABLE = [
    (BERLIN, "1D", "2026-03-28T11:00Z", "2026-03-29T10:00Z"),
    (BERLIN, "24h", "2026-03-28T11:00Z", "2026-03-29T11:00Z"),
    (BERLIN, "1440m", "2026-10-24T10:00Z", "2026-10-25T10:00Z"),
    (BERLIN, "1D", "2026-10-24T10:00Z", "2026-10-25T11:00Z"),
    (BERLIN, "1D", "2026-03-28T01:30Z", "2026-03-29T01:30Z"),  # 02:30 is skipped
    (BERLIN, "1D", "2026-10-24T00:30Z", "2026-10-25T00:30Z"),  # 02:30 comes twice
    (BERLIN, "30D_D", "2026-03-01T11:30Z", "2026-03-30T22:00Z"),
    (BERLIN, "30D_U", "2026-03-01T11:30Z", "2026-03-31T21:59:59Z"),
    (BERLIN, "30D_D", "2026-09-30T11:30Z", "2026-10-29T23:00Z"),
    (BERLIN, "1D_D", "2026-10-24T10:00Z", "2026-10-24T22:00Z"),
    (BERLIN, "1D_U", "2026-10-24T10:00Z", "2026-10-25T22:59:59Z"),
    (BERLIN, "1D_U", "2026-03-28T10:00Z", "2026-03-29T21:59:59Z"),
    (BERLIN, "23W_U", "2026-06-15T12:00Z", "2026-11-29T22:59:59Z"),
    (BERLIN, "1W_U", "2026-03-22T23:30Z", "2026-04-05T21:59:59Z"),  # a Monday there
    (BERLIN, "1M_U", "2026-02-10T10:00Z", "2026-03-31T21:59:59Z"),
    (BERLIN, "1M", "2026-01-31T11:00Z", "2026-02-28T11:00Z"),
    (BERLIN, "1Y", "2028-02-29T11:00Z", "2029-02-28T11:00Z"),
    (BERLIN, "1Y_U", "2026-06-15T12:00Z", "2027-12-31T22:59:59Z"),
    (NEW_YORK, "1D", "2026-03-07T17:00Z", "2026-03-08T16:00Z"),
    (NEW_YORK, "48h", "2026-03-07T17:00Z", "2026-03-09T17:00Z"),
    (NEW_YORK, "1D", "2026-10-31T05:30Z", "2026-11-01T05:30Z"),  # 01:30 comes twice
    (NEW_YORK, "1W_U", "2026-10-27T16:00Z", "2026-11-09T04:59:59Z"),
    (NEW_YORK, "3M_U", "2026-08-31T12:00Z", "2026-12-01T04:59:59Z"),
    (NEW_YORK, "30D_D", "2026-02-10T03:00Z", "2026-03-11T04:00Z"),  # the 9th there
    (LORD_HOWE, "1D", "2026-10-02T15:45Z", "2026-10-03T15:45Z"),  # 02:15 is skipped
    (LORD_HOWE, "1D", "2026-04-03T14:45Z", "2026-04-04T14:45Z"),  # 01:45 comes twice
    (LORD_HOWE, "1D_U", "2026-04-04T00:00Z", "2026-04-05T13:29:59Z"),
    (BEIRUT, "1D_D", "2026-03-28T10:00Z", "2026-03-28T22:00Z"),
    (BEIRUT, "1D_U", "2026-03-27T10:00Z", "2026-03-28T21:59:59Z"),
    (BEIRUT, "1D_U", "2026-10-23T10:00Z", "2026-10-24T21:59:59Z"),
    (SANTIAGO, "1D_D", "2026-09-05T16:00Z", "2026-09-06T04:00Z"),
    ("UTC", "30D_D", "2026-03-01T23:59:59Z", "2026-03-31T00:00Z"),
    ("Asia/Kolkata", "1M_U", "2026-01-31T18:40Z", "2026-03-31T18:29:59Z"),  # February there
]


@pytest.mark.parametrize(("zone", "text", "start", "end"), TABLE)
def test_durations(zone: str, text: str, start: str, end: str) -> None:
    duration = parse_duration(text)
    assert duration is not None
    assert end_of(at(start), duration, ZoneInfo(zone)) == at(end)


@pytest.mark.parametrize(("zone", "text", "start", "end"), TABLE)
def test_points_start_and_end_at_that_very_moment(
    zone: str, text: str, start: str, end: str
) -> None:
    club, now, moment = program(timezone=zone, tiers=()), at(start), at(end)
    told = terms_of(club, Wish(pending="immediate", validity=text), now)
    assert told == Terms(now, moment)
    assert terms_of(club, Wish(pending=text), now).start == moment
    ledger = Ledger(club.id, "", 1, now)
    booking = begin(ledger, club, now)
    decide.earn(booking, UUID(int=1), Decimal(7), told, CAUSE)
    decide.earn(booking, UUID(int=2), Decimal(5), Terms(moment), CAUSE)
    before = balances_of(settled(booking.ledger, club, moment - timedelta(microseconds=1)))
    assert (before.active, before.pending, before.expired) == (Decimal(7), Decimal(5), Decimal(0))
    after = balances_of(settled(booking.ledger, club, moment))
    assert (after.active, after.pending, after.expired) == (Decimal(5), Decimal(0), Decimal(7))


def test_validity_is_counted_from_the_start_on_both_sides_of_a_change() -> None:
    club = program(timezone=BERLIN)
    told = terms_of(club, Wish(pending="1D", validity="1D"), at("2026-03-28T11:00Z"))
    assert told == Terms(at("2026-03-29T10:00Z"), at("2026-03-30T10:00Z"))
    told = terms_of(club, Wish(pending="1D_D", validity="1W_U"), at("2026-10-24T11:00Z"))
    assert told == Terms(at("2026-10-24T22:00Z"), at("2026-11-01T22:59:59Z"))
