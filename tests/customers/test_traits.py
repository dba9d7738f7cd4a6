"""Fields of a person are read in every spelling that shops have, and junk is told apart."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.traits import (
    TRAITS,
    BirthEstimate,
    Fashion,
    Kid,
    Sizes,
    TraitFault,
    TraitReading,
    Vehicle,
    age_years,
    read_trait,
    typed_trait,
)
from habitue.model.documents import decode_untyped, encode

TODAY = date(2026, 11, 20)
DAYS = st.dates(date(1900, 1, 1), TODAY)

READ: list[tuple[str, Any, Any]] = [
    ("first_name", "  John ", "John"),
    ("first_name", "Anna  Maria", "Anna Maria"),
    ("last_name", "O'Neil-Løve", "O'Neil-Løve"),
    ("middle_name", "Иванович", "Иванович"),
    ("gender", "m", "male"),
    ("gender", "M", "male"),
    ("gender", " Male ", "male"),
    ("gender", "f", "female"),
    ("gender", "Female", "female"),
    ("gender", "Ж", "female"),
    ("gender", "diverse", "other"),
    ("gender", "unknown", None),
    ("birthday", "1990-03-11", "1990-03-11"),
    ("birthday", "1990-3-1", "1990-03-01"),
    ("birthday", "1990/03/11", "1990-03-11"),
    ("birthday", "11.03.1990", "1990-03-11"),
    ("birthday", "14-02-1991", "1991-02-14"),
    ("birthday", "1990-03-11T23:30:00-05:00", "1990-03-11"),
    ("birthday", "1990-03-11 00:00:00", "1990-03-11"),
    ("birthday", "1900-01-01", "1900-01-01"),
    ("birthday", "2026-11-20", "2026-11-20"),
    ("birthday", "2000-02-29", "2000-02-29"),
    ("age", 31, {"earliest": "1994-11-21", "latest": "1995-11-20"}),
    ("age", "31", {"earliest": "1994-11-21", "latest": "1995-11-20"}),
    ("age", 0, {"earliest": "2025-11-21", "latest": "2026-11-20"}),
    ("language", "en_us", "en-US"),
    ("language", "RU", "ru"),
    ("language", "zh-hant-tw", "zh-Hant-TW"),
    ("location", "NY", "NY"),
    ("location", 77, "77"),
    ("location", "Санкт-Петербург", "Санкт-Петербург"),
    ("location", "я" * 50, "я" * 50),
    ("city", "Johor Bahru", "Johor Bahru"),
    ("postal_code", 238841, "238841"),
    ("timezone", "Europe/Berlin", "Europe/Berlin"),
    ("bought_something", True, True),
    ("bought_something", "1", True),
    ("bought_something", 0, False),
    ("bought_something", "FALSE", False),
    ("loyalty_status", "5% discount", "5% discount"),
    ("loyalty_bonuses", 1123, Decimal(1123)),
    ("loyalty_bonuses_to_next_level", "12.50", Decimal("12.5")),
    (
        "kids",
        [{"gender": "m", "birthday": "2001-04-12"}, {"gender": "f", "birthday": "2015-07-28"}],
        [
            {"gender": "male", "birthday": "2001-04-12"},
            {"gender": "female", "birthday": "2015-07-28"},
        ],
    ),
    ("kids", '[{"gender": "", "birthday": "12.04.2001"}]', [{"birthday": "2001-04-12"}]),
    ("kids", ['{"gender": "m"}'], [{"gender": "male"}]),
    ("kids", {"gender": "f"}, [{"gender": "female"}]),
    ("kids", "[]", None),
    (
        "vehicles",
        [{"brand": "Nissan", "model": "Qashqai", "vds": "tm7n243e4g0bjg978"}],
        [{"brand": "Nissan", "model": "Qashqai", "vds": "TM7N243E4G0BJG978"}],
    ),
    ("vehicles", [{"brand": "Lada", "year": 1999}], [{"brand": "Lada"}]),
    ("fashion", {"sizes": {"shoe": 42, "hat": ""}}, {"sizes": {"shoe": "42"}}),
    ("fashion", {"shoe": "e40", "dress": "M"}, {"sizes": {"dress": "M", "shoe": "e40"}}),
    ("fashion", '{"sizes": {"shoe": 42.5}}', {"sizes": {"shoe": "42.5"}}),
    ("fashion", {"sizes": {}}, None),
]


@pytest.mark.parametrize(("name", "raw", "plain"), READ)
def test_what_is_read(name: str, raw: Any, plain: Any) -> None:
    assert read_trait(name, raw, TODAY) == TraitReading(plain)


REFUSED: list[tuple[str, Any, str]] = [
    ("first_name", 5, "wrong_type"),
    ("first_name", "a\x00b", "bad_characters"),
    ("first_name", "\ud800", "bad_characters"),
    ("gender", "tomato", "bad_format"),
    ("gender", True, "wrong_type"),
    ("birthday", "2026-11-21", "in_the_future"),
    ("birthday", "1899-12-31", "too_long_ago"),
    ("birthday", "0000-00-00", "nothing_in_it"),
    ("birthday", "2001-02-29", "bad_format"),
    ("birthday", "03/11/1990", "bad_format"),
    ("birthday", "01990-03-11", "bad_format"),
    ("birthday", "11.03-1990", "bad_format"),
    ("birthday", "yesterday", "bad_format"),
    ("birthday", 19900311, "wrong_type"),
    ("age", -1, "out_of_range"),
    ("age", 121, "out_of_range"),
    ("age", Decimal("31.5"), "out_of_range"),
    ("age", "old", "bad_format"),
    ("age", True, "wrong_type"),
    ("age", {"earliest": "2020-01-02", "latest": "2020-01-01"}, "out_of_range"),
    ("age", {"earliest": "soon"}, "wrong_type"),
    ("language", "english please", "bad_format"),
    ("language", 1, "wrong_type"),
    ("location", "я" * 51, "too_long"),
    ("location", {"id": 1}, "wrong_type"),
    ("location", Decimal("1E+40"), "out_of_range"),
    ("timezone", "Mars/Olympus", "bad_format"),
    ("timezone", "../etc/passwd", "bad_format"),
    ("timezone", 3, "wrong_type"),
    ("bought_something", "maybe", "wrong_type"),
    ("bought_something", 2, "wrong_type"),
    ("loyalty_bonuses", "many", "bad_format"),
    ("loyalty_bonuses", Decimal("1E+40"), "out_of_range"),
    ("loyalty_bonuses", "NaN", "out_of_range"),
    ("loyalty_bonuses", [], "nothing told"),
    ("kids", "[{", "bad_format"),
    ("kids", 3, "wrong_type"),
    ("kids", [{"gender": "m"}] * 51, "too_many"),
    ("fashion", [1], "wrong_type"),
    ("shoe_size", 42, "unknown"),
]


@pytest.mark.parametrize(("name", "raw", "reason"), REFUSED)
def test_what_is_refused(name: str, raw: Any, reason: str) -> None:
    reading = read_trait(name, raw, TODAY)
    assert reading.value is None
    if reason == "nothing told":
        assert reading == TraitReading()
    else:
        assert [(each.reason, each.path) for each in reading.faults] == [(reason, "")]
        assert reading.notice == "trait_invalid"


@pytest.mark.parametrize("name", sorted(TRAITS))
@pytest.mark.parametrize("raw", ["", "  ", None, "null", "undefined", [], {}])
def test_what_is_empty_was_not_told(name: str, raw: Any) -> None:
    assert read_trait(name, raw, TODAY) == TraitReading()
    assert read_trait(name, raw, TODAY).notice is None


def test_faulty_entries_are_left_out_and_the_others_stay() -> None:
    kids = [
        {"gender": "m", "birthday": "2030-01-01"},
        {"gender": "f"},
        {"gender": "tomato"},
        {},
        7,
    ]
    assert read_trait("kids", kids, TODAY) == TraitReading(
        [{"gender": "female"}],
        (
            TraitFault("in_the_future", "0/birthday"),
            TraitFault("bad_format", "2/gender"),
            TraitFault("nothing_in_it", "3"),
            TraitFault("wrong_type", "4"),
        ),
    )
    vehicles = [{"vds": "A" * 18}, {"vds": "a b-c"}, {"vds": "ЖЖЖ"}]
    assert read_trait("vehicles", vehicles, TODAY) == TraitReading(
        [{"vds": "ABC"}], (TraitFault("too_long", "0/vds"), TraitFault("bad_characters", "2/vds"))
    )
    sizes = {"sizes": {"shoe": "42", "wing": "9", "hat": "1" * 21}}
    assert read_trait("fashion", sizes, TODAY) == TraitReading(
        {"sizes": {"shoe": "42"}},
        (TraitFault("unknown", "sizes/wing"), TraitFault("too_long", "sizes/hat")),
    )


def test_names_are_cut_at_a_hundred_characters_and_that_is_said() -> None:
    assert read_trait("first_name", "ж" * 100, TODAY) == TraitReading("ж" * 100)
    long = read_trait("first_name", "ж" * 101, TODAY)
    assert (long.value, long.notice) == ("ж" * 100, "name_truncated")


def test_typed_forms() -> None:
    assert typed_trait("birthday", "1990-03-11") == date(1990, 3, 11)
    assert typed_trait("kids", [{"gender": "male", "birthday": "2001-04-12"}, {}]) == (
        Kid("male", date(2001, 4, 12)),
        Kid(),
    )
    assert typed_trait("vehicles", [{"brand": "Nissan"}]) == (Vehicle("Nissan"),)
    assert typed_trait("fashion", {"sizes": {"shoe": "42"}}) == Fashion(Sizes(shoe="42"))
    assert typed_trait("fashion", {}).sizes.shoe == ""
    assert typed_trait("age", {"earliest": "1994-11-21", "latest": "1995-11-20"}) == BirthEstimate(
        date(1994, 11, 21), date(1995, 11, 20)
    )
    assert typed_trait("city", "Oslo") == "Oslo"


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(1990, 3, 11), date(2026, 3, 10), 35),
        (date(1990, 3, 11), date(2026, 3, 11), 36),
        (date(2000, 2, 29), date(2026, 2, 28), 25),
        (date(2000, 2, 29), date(2026, 3, 1), 26),
        (date(2000, 2, 29), date(2028, 2, 29), 28),
        (date(2026, 11, 21), date(2026, 11, 20), 0),
    ],
)
def test_ages(born: date, today: date, years: int) -> None:
    assert age_years(born, today) == years


def test_an_age_that_was_told_grows_in_the_middle_of_the_year_of_birth() -> None:
    estimate = typed_trait("age", read_trait("age", 31, TODAY).value)
    assert estimate.middle == date(1995, 5, 22)
    assert age_years(estimate, date(2027, 5, 21)) == 31
    assert age_years(estimate, date(2027, 5, 22)) == 32


@settings(max_examples=300, deadline=None)
@given(DAYS, st.integers(0, 120), st.integers(0, 40_000))
def test_an_age_that_was_told_grows_with_the_years(told: date, years: int, later: int) -> None:
    reading = read_trait("age", years, told)
    if told.year - years - 1 < 1900:
        assert reading.faults == (TraitFault("too_long_ago"),)
        return
    estimate = typed_trait("age", reading.value)
    assert age_years(estimate, told) == years
    for birth in (estimate.earliest, estimate.latest):
        assert age_years(birth, told) == years
    assert age_years(estimate.earliest - timedelta(days=1), told) == years + 1
    if estimate.latest < told:
        assert age_years(estimate.latest + timedelta(days=1), told) == max(0, years - 1)
    future = told + timedelta(days=later)
    likeliest = age_years(estimate, future)
    assert age_years(estimate.latest, future) <= likeliest <= age_years(estimate.earliest, future)
    assert later // 366 <= likeliest - years <= later // 365 + 1


@settings(max_examples=200, deadline=None)
@given(DAYS)
def test_every_spelling_of_a_day_is_that_day(day: date) -> None:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y-%m-%dT12:00:00Z"):
        assert read_trait("birthday", day.strftime(form), TODAY).value == day.isoformat()


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text()
    | st.sampled_from([raw for _, raw, _ in READ])
    | DAYS.map(str),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["gender", "birthday", "brand", "vds", "sizes", "shoe", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted(TRAITS)), ANYTHING)
def test_whatever_is_sent_is_read_or_refused_and_reads_the_same_again(name: str, raw: Any) -> None:
    reading = read_trait(name, raw, TODAY)
    again = read_trait(name, reading.value, TODAY)
    assert (again.value, again.faults) == (reading.value, ())
    stored = decode_untyped(encode(reading.value))
    assert read_trait(name, stored, TODAY).value == reading.value
    if reading.value is not None:
        typed_trait(name, reading.value)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"gender": st.sampled_from("mf"), "birthday": DAYS.map(str)}))
)
def test_kids_as_a_text_are_the_same_kids(kids: list[dict[str, str]]) -> None:
    assert read_trait("kids", json.dumps(kids), TODAY) == read_trait("kids", kids, TODAY)
