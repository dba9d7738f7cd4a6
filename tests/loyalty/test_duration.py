"""Durations: what is one, and when it ends, through every oddity of the calendar and the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.loyalty.duration import Duration, end_of, next_boundary, parse_duration

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def ends(start: str, duration: str, zone: ZoneInfo) -> str:
    """The end as the program's clock shows it."""
    parsed = parse_duration(duration)
    assert parsed is not None
    end = end_of(at(start), parsed, zone)
    assert end is not None
    assert end.tzinfo is UTC
    return end.astimezone(zone).isoformat()


@pytest.mark.parametrize(
    "text", ["30s", "40m", "1h", "5D", "7W", "10M", "15Y", "30D_D", "23W_U", "1D_U", "2M_U", "1Y_U"]
)
def test_what_is_a_duration(text: str) -> None:
    assert str(parse_duration(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "D", "0D", "-1D", "1.5D", "1d", "1D_", "1D_d", "5W_D", "5h_U", "5s_D"),
        *("1D_U ", "٣D", "unlimited", "immediate", "on_action", "1234567890D", "1D\n"),
        *("1Y_D", "1M_D"),
    ],
)
def test_what_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("start", "duration", "zone", "end"),
    [
        # elapsed time does not know of the clock change: it is skipped from 2 to 3
        ("2026-03-29T01:30:00+01:00", "1h", BERLIN, "2026-03-29T03:30:00+02:00"),
        ("2026-03-28T12:00:00+01:00", "24h", BERLIN, "2026-03-29T13:00:00+02:00"),
        # a day of the calendar has 23 hours there, and 25 in autumn
        ("2026-03-28T12:00:00+01:00", "1D", BERLIN, "2026-03-29T12:00:00+02:00"),
        ("2026-10-24T12:00:00+02:00", "1D", BERLIN, "2026-10-25T12:00:00+01:00"),
        ("2026-10-24T12:00:00+02:00", "1440m", BERLIN, "2026-10-25T11:00:00+01:00"),
        # a time that is skipped moves ahead; of one that comes twice the first is meant
        ("2026-03-28T02:30:00+01:00", "1D", BERLIN, "2026-03-29T03:30:00+02:00"),
        ("2026-10-24T02:30:00+02:00", "1D", BERLIN, "2026-10-25T02:30:00+02:00"),
        # months keep the day where they have it
        ("2026-01-31T10:00:00+01:00", "1M", BERLIN, "2026-02-28T10:00:00+01:00"),
        ("2028-01-31T10:00:00+01:00", "1M", BERLIN, "2028-02-29T10:00:00+01:00"),
        ("2026-11-30T10:00:00+01:00", "3M", BERLIN, "2027-02-28T10:00:00+01:00"),
        ("2028-02-29T10:00:00+01:00", "1Y", BERLIN, "2029-02-28T10:00:00+01:00"),
        ("2028-02-29T10:00:00+01:00", "4Y", BERLIN, "2032-02-29T10:00:00+01:00"),
        # rounded down to the first moment of the day, which is the program's
        ("2026-06-15T23:30:00+00:00", "30D_D", BERLIN, "2026-07-16T00:00:00+02:00"),
        ("2026-06-15T23:30:00+00:00", "30D_D", KATHMANDU, "2026-07-16T00:00:00+05:45"),
        ("2026-03-27T18:00:00+01:00", "2D_D", BERLIN, "2026-03-29T00:00:00+01:00"),
        # rounded up to the last second of the day, week, month or year
        ("2026-06-15T12:00:00+02:00", "1D_U", BERLIN, "2026-06-16T23:59:59+02:00"),
        ("2026-03-28T12:00:00+01:00", "1D_U", BERLIN, "2026-03-29T23:59:59+02:00"),
        ("2026-10-24T12:00:00+02:00", "1D_U", BERLIN, "2026-10-25T23:59:59+01:00"),
        ("2026-06-15T12:00:00+02:00", "23W_U", BERLIN, "2026-11-29T23:59:59+01:00"),
        ("2026-01-31T12:00:00+01:00", "1M_U", BERLIN, "2026-02-28T23:59:59+01:00"),
        ("2026-06-15T12:00:00+02:00", "1Y_U", BERLIN, "2027-12-31T23:59:59+01:00"),
        # half an hour of summer time
        ("2026-04-04T12:00:00+11:00", "1D", LORD_HOWE, "2026-04-05T12:00:00+10:30"),
        ("2026-04-04T12:00:00+11:00", "24h", LORD_HOWE, "2026-04-05T11:30:00+10:30"),
    ],
)
def test_when_it_ends(start: str, duration: str, zone: ZoneInfo, end: str) -> None:
    assert ends(start, duration, zone) == end


@pytest.mark.parametrize("text", ["9000Y", "999999999D", "999999999Y", "96000M", "7974Y_U"])
def test_no_end_beyond_the_calendar(text: str) -> None:
    parsed = parse_duration(text)
    assert parsed is not None
    assert end_of(at("2026-06-15T12:00:00+00:00"), parsed, BERLIN) is None


STARTS = st.integers(946_684_800, 2_524_608_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
DURATIONS = st.one_of(
    st.builds(Duration, st.integers(1, 400), st.sampled_from("smhDWM")),
    st.builds(Duration, st.integers(1, 400), st.just("D"), st.sampled_from(["_D", "_U"])),
    st.builds(Duration, st.integers(1, 30), st.sampled_from("WMY"), st.just("_U")),
)
ZONES = st.sampled_from([BERLIN, KATHMANDU, LORD_HOWE, ZoneInfo("America/St_Johns")])


@settings(max_examples=300, deadline=None)
@given(STARTS, DURATIONS, ZONES)
def test_the_end_comes_after_the_beginning(
    start: datetime, duration: Duration, zone: ZoneInfo
) -> None:
    end = end_of(start, duration, zone)
    assert end is not None
    assert end > start
    if duration.rounding == "_D":
        assert (end.astimezone(zone).hour, end.astimezone(zone).minute) == (0, 0)


@settings(max_examples=100, deadline=None)
@given(STARTS, DURATIONS, ZONES, st.integers(0, 10**8))
def test_the_next_boundary_is_the_first_one(
    anchor: datetime, step: Duration, zone: ZoneInfo, seconds: int
) -> None:
    after = anchor + timedelta(seconds=seconds)
    found = next_boundary(anchor, step, zone, after)
    assert found is not None
    assert found > after
    k = 1
    if step.unit in "smh":
        size = {"s": 1, "m": 60, "h": 3600}[step.unit] * step.count
        k = max(1, seconds // size - 2)
    while (end := end_of(anchor, step.times(k), zone)) is not None and end <= after:
        k += 1
    assert found == end


def test_no_boundary_beyond_the_calendar() -> None:
    after = at("9990-01-01T00:00:00+00:00")
    assert next_boundary(at("2026-01-01T00:00:00+00:00"), Duration(100, "Y"), BERLIN, after) is None
