"""Fields that a source tells: taken in their types, left out with a notice where they are wrong."""

from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card import Told
from habitue.customers.field_patterns import PATTERN_LENGTH_MAX, pattern_flaw, whole_matches
from habitue.customers.fields import read_custom_fields, read_extended_fields
from habitue.customers.notices import Notice
from habitue.customers.organisation import CustomField, ExtendedField, FieldType, Organisation
from habitue.customers.settings import RegistrationSettings
from habitue.model.documents import decode_untyped, encode
from habitue.model.errors import InvalidInput

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

FIELDS: dict[str, FieldType] = {
    "city": "STRING",
    "children": "INTEGER",
    "income": "DOUBLE",
    "birthday": "DATETIME",
    "gender": "STANDARD_ENUM",
    "country": "COUNTRY",
    "currency": "CURRENCY",
    "language": "LANGUAGE",
    "store": "ORG_ENTITY",
    "cashier": "ASSOCIATE_USER",
    "brands": "LIST",
}
OPTIONS = {"gender": ("Male", "Female", "Other"), "brands": ("Acme", "Nord", "Sol")}


def shop(empty_refused: bool = True, *custom: CustomField) -> Organisation:
    """A shop with a field of each type."""
    defined = {
        id_: ExtendedField(id_, name, name.title(), type_, AT, options=OPTIONS.get(name, ()))
        for id_, (name, type_) in enumerate(FIELDS.items(), 1)
    }
    defined[90] = ExtendedField(90, "nick", "Nick", "STRING", AT, length_max=5)
    defined[91] = ExtendedField(91, "card_balance", "Balance", "DOUBLE", AT, entity="CARD")
    defined[92] = ExtendedField(
        92, "sizes", "Sizes", "LIST", AT, element_type="INTEGER", count_min=1, count_max=2
    )
    return Organisation(
        extended_fields=MappingProxyType(defined),
        custom_fields=MappingProxyType({each.id: each for each in custom}),
        settings=RegistrationSettings(empty_extended_fields_refused=empty_refused),
    )


SHOP = shop()


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        ("city", " Johor Bahru ", "Johor Bahru"),
        ("city", 238841, "238841"),
        ("city", Decimal("2.50"), "2.5"),
        ("city", True, "true"),
        ("nick", "abcde", "abcde"),
        ("children", 2, 2),
        ("children", " 2 ", 2),
        ("children", Decimal("2.0"), 2),
        ("children", "-3", -3),
        ("children", 2**53 - 1, 2**53 - 1),
        ("income", 2000, Decimal(2000)),
        ("income", "1500.250", Decimal("1500.25")),
        ("income", "1e3", Decimal(1000)),
        ("birthday", "1991-02-14", "1991-02-14"),
        ("birthday", "1991-02-14T00:00:00+08:00", "1991-02-14T00:00:00+08:00"),
        ("birthday", "1991-02-14 09:30:00", "1991-02-14T09:30:00Z"),
        ("birthday", "1991-02-14t09:30z", "1991-02-14T09:30:00Z"),
        ("birthday", "1991-02-14T09:30:00.250+0530", "1991-02-14T09:30:00.250+05:30"),
        ("gender", "female", "Female"),
        ("gender", " MALE ", "Male"),
        ("country", "sg", "SG"),
        ("country", "SGP", "SGP"),
        ("currency", "eur", "EUR"),
        ("language", "ZH_hant_tw", "zh-Hant-TW"),
        ("language", "en", "en"),
        ("store", "orchard.till03", "orchard.till03"),
        ("cashier", 77, "77"),
        ("brands", "acme, SOL,acme", ["Acme", "Sol"]),
        ("brands", ["nord"], ["Nord"]),
        ("sizes", ["42", 43], [42, 43]),
    ],
)
def test_what_says_the_same_thing_is_taken(name: str, sent: Any, kept: Any) -> None:
    told, notices = read_extended_fields({name: sent}, SHOP, AT)
    assert (told, notices) == ({name: Told(kept, AT)}, ())
    assert type(told[name].value) is type(kept)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("unheard_of", "x"),
        ("card_balance", 2000),
        ("city", ["Singapore"]),
        ("city", {"name": "Singapore"}),
        ("city", "half \ud800"),
        ("city", "nul \0"),
        ("city", "x" * 10_001),
        ("nick", "abcdef"),
        ("children", "two"),
        ("children", "2.5"),
        ("children", True),
        ("children", 2**53),
        ("children", "9" * 31),
        ("income", "12 EUR"),
        ("income", Decimal("Infinity")),
        ("income", Decimal(10) ** 16),
        ("birthday", "14-02-1991"),
        ("birthday", "1991-02-30"),
        ("birthday", "1991-02-14T25:00:00Z"),
        ("birthday", 666489600),
        ("gender", "Divers"),
        ("country", "Singapore"),
        ("currency", "€"),
        ("language", "Japanese!"),
        ("brands", ["acme", "unknown"]),
        ("brands", 5),
        ("sizes", [1, 2, 3]),
        ("sizes", ["big"]),
        ("sizes", []),
    ],
)
def test_what_a_field_does_not_take_is_left_out_with_a_notice(name: str, sent: Any) -> None:
    told, notices = read_extended_fields({name: sent, "city": "Rome"}, SHOP, AT)
    if name == "city":
        told, notices = read_extended_fields({"city": sent}, SHOP, AT)
        assert told == {}
    else:
        assert told == {"city": Told("Rome", AT)}
    assert notices == (Notice("extended_field_invalid", name, f"/extendedFields/{name}"),)


@pytest.mark.parametrize("empty", [None, "", " ", "null", "NULL"])
def test_an_empty_value_is_dropped_in_silence_or_told_as_none(empty: Any) -> None:
    raw = {"city": empty, "unheard_of": empty}
    assert read_extended_fields(raw, SHOP, AT) == ({}, ())
    told, notices = read_extended_fields(raw, shop(False), AT)
    assert (told, notices) == ({"city": Told(None, AT)}, ())


def test_a_card_has_fields_of_its_own() -> None:
    told, notices = read_extended_fields({"card_balance": "20.50"}, SHOP, AT, entity="CARD")
    assert (told, notices) == ({"card_balance": Told(Decimal("20.5"), AT)}, ())


def test_custom_fields_are_texts_and_undefined_ones_are_kept() -> None:
    raw = {"employee": False, "dateofbirth": "14-02-1991", "visits": 3, "note": None}
    told, notices = read_custom_fields(raw, "loyalty_registration", SHOP, AT)
    assert notices == ()
    assert {name: each.value for name, each in told.items()} == {
        "employee": "false",
        "dateofbirth": "14-02-1991",
        "visits": "3",
        "note": "",
    }


def test_a_custom_field_that_does_not_match_its_pattern_is_left_out() -> None:
    pin = CustomField(1, "pin", "PIN", AT, regex="[0-9]{4}")
    old = CustomField(2, "old", "Old", AT, disabled=True)
    organisation = shop(True, pin, old)
    raw = {"pin": "12345", "old": "x", "list": [1], "": "y", "free": "z"}
    told, notices = read_custom_fields(raw, "loyalty_registration", organisation, AT)
    assert told == {"free": Told("z", AT)}
    assert [(each.kind, each.subject, each.pointer) for each in notices] == [
        ("custom_field_invalid", "pin", "/fields/pin"),
        ("custom_field_invalid", "old", "/fields/old"),
        ("custom_field_invalid", "list", "/fields/list"),
        ("custom_field_invalid", "", "/fields/"),
    ]
    assert read_custom_fields({"pin": 1234}, "loyalty_registration", organisation, AT) == (
        {"pin": Told("1234", AT)},
        (),
    )
    told, notices = read_custom_fields({"pin": "12345"}, "customer_card", organisation, AT)
    assert (told, notices) == ({"pin": Told("12345", AT)}, ())
    emptied, notices = read_custom_fields({"pin": ""}, "loyalty_registration", organisation, AT)
    assert (emptied, notices) == ({"pin": Told("", AT)}, ())


def test_more_fields_than_anybody_has_are_refused_with_the_place() -> None:
    raw = {f"f{index}": "x" for index in range(201)}
    with pytest.raises(InvalidInput) as refusal:
        read_extended_fields(raw, SHOP, AT)
    assert [each.pointer for each in refusal.value.faults] == ["/extendedFields"]
    with pytest.raises(InvalidInput) as refusal:
        read_custom_fields(raw, "loyalty_registration", SHOP, AT)
    assert [each.pointer for each in refusal.value.faults] == ["/fields"]


def test_patterns_match_in_whole_and_bad_ones_are_named() -> None:
    assert whole_matches("a|ab", "ab")
    assert not whole_matches("a", "ab")
    assert not whole_matches("(", "(")
    assert pattern_flaw("[a-z]+") == ""
    assert pattern_flaw("(") != ""
    assert pattern_flaw(r"(a)\1") != ""
    assert pattern_flaw("a" * (PATTERN_LENGTH_MAX + 1)) != ""
    assert pattern_flaw("\ud800") != ""
    assert not whole_matches(".*", "\ud800")


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, allow_infinity=True)
    | st.text(max_size=20)
    | st.dates().map(str)
    | st.datetimes().map(str)
    | st.sampled_from(["Male", "female", "acme,sol", "sg", "en-GB", "null", "12", "1.50"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)
NAMES = st.sampled_from([*FIELDS, "nick", "sizes", "card_balance"]) | st.text(max_size=10)


@settings(max_examples=100, deadline=None)
@given(raw=st.dictionaries(NAMES, VALUES, max_size=8), empty_refused=st.booleans())
def test_each_field_is_kept_or_noticed_or_empty_and_never_more_than_one(
    raw: dict[str, Any], empty_refused: bool
) -> None:
    organisation = shop(empty_refused)
    told, notices = read_extended_fields(raw, organisation, AT)
    noticed = {each.subject for each in notices}
    assert len(noticed) == len(notices)
    assert not noticed & told.keys()
    assert noticed | told.keys() <= raw.keys()
    for name in raw.keys() - noticed - told.keys():
        value = raw[name]
        assert value is None or value.strip() in ("", "null", "NULL")


@settings(max_examples=100, deadline=None)
@given(raw=st.dictionaries(NAMES, VALUES, max_size=8))
def test_what_is_kept_is_kept_again_as_it_is_also_after_it_was_stored(raw: dict[str, Any]) -> None:
    told, _ = read_extended_fields(raw, SHOP, AT)
    stored = decode_untyped(encode({name: each.value for name, each in told.items()}))
    assert read_extended_fields(stored, SHOP, AT) == (told, ())


@settings(max_examples=80, deadline=None)
@given(raw=st.dictionaries(st.text(max_size=10), VALUES, max_size=8))
def test_custom_fields_are_kept_as_texts_or_noticed(raw: dict[str, Any]) -> None:
    told, notices = read_custom_fields(raw, "loyalty_registration", SHOP, AT)
    assert {each.subject for each in notices} | told.keys() == raw.keys()
    assert all(isinstance(each.value, str) for each in told.values())
    again, none = read_custom_fields(
        {name: each.value for name, each in told.items()}, "loyalty_registration", SHOP, AT
    )
    assert (again, none) == (told, ())
