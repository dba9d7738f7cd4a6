"""The golden view shows the value that the shop's rule picks, whatever order things came in."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card import Card, Channel, HeldIdentifier, Profile, Told
from habitue.customers.golden import (
    Contact,
    GoldenValue,
    age_of,
    attributes_of,
    filled_attributes,
    golden_view,
)
from habitue.customers.settings import RegistrationSettings, Survivorship
from habitue.customers.traits import read_trait
from habitue.model.attributes import AttributeDefinition, AttributeType, validate
from tests.customers.people import START, card, day, part, profile, told

DEFAULT = RegistrationSettings()
SOURCES = ["INSTORE", "ECOMMERCE", "WEBSITE", "LINE", "TMALL"]


def ruled(**rules: Survivorship) -> RegistrationSettings:
    return RegistrationSettings(survivorship=rules)


THREE = card(
    part(
        1,
        profile("INSTORE", day(1), first_name="Meera", fields={"hat": "XL"}),
        profile("WEBSITE", day(3), first_name="Mee", fields={"hat": "S"}),
        profile("LINE", day(2), account_id="shop-1", first_name="Meera-Louise"),
    )
)


@pytest.mark.parametrize(
    ("rule", "value", "source", "account_id", "at"),
    [
        ("most_recent", "Mee", "WEBSITE", "", 3),
        ("most_trusted", "Meera", "INSTORE", "", 1),
        ("longest", "Meera-Louise", "LINE", "shop-1", 2),
    ],
)
def test_each_rule_of_survivorship(
    rule: Survivorship, value: str, source: str, account_id: str, at: int
) -> None:
    golden = golden_view(THREE, ruled(first_name=rule))
    assert golden.traits["first_name"] == GoldenValue(value, source, account_id, day(at))


def test_the_most_recent_is_shown_where_nothing_is_set() -> None:
    golden = golden_view(THREE, DEFAULT)
    assert golden.traits == {"first_name": GoldenValue("Mee", "WEBSITE", "", day(3))}
    assert golden.fields == {"hat": GoldenValue("S", "WEBSITE", "", day(3))}
    trusted = golden_view(THREE, ruled(hat="most_trusted"))
    assert trusted.fields == {"hat": GoldenValue("XL", "INSTORE", "", day(1))}
    assert trusted.traits == golden.traits


def test_ties_are_told_apart_by_trust_then_by_part_then_by_the_name_of_the_source() -> None:
    at_once = card(
        part(1, profile("TMALL", city="T"), profile("LINE", account_id="b", city="L")),
        part(2, profile("WEBSITE", city="W"), profile("INSTORE", city="I")),
    )
    assert golden_view(at_once, DEFAULT).traits["city"].value == "I"
    untrusted = RegistrationSettings(trusted_sources=())
    assert golden_view(at_once, untrusted).traits["city"].value == "L"
    assert golden_view(at_once, RegistrationSettings(trusted_sources=("TMALL",))).traits[
        "city"
    ] == GoldenValue("T", "TMALL", "", START)


def test_what_is_empty_does_not_survive() -> None:
    who = card(
        part(1, profile("INSTORE", day(1), city="Oslo", kids=[{"gender": "male"}])),
        part(2, profile("WEBSITE", day(2), city="", kids=[], age=None)),
    )
    traits = golden_view(who, DEFAULT).traits
    assert {name: each.value for name, each in traits.items()} == {
        "city": "Oslo",
        "kids": [{"gender": "male"}],
    }


def test_of_extended_fields_the_survivors_stand_and_the_others_are_added() -> None:
    who = card(
        part(1, created_from="INSTORE", extended_fields=told({"city": "Oslo", "zip": ""}, day(1))),
        part(
            2,
            created_from="WEBSITE",
            extended_fields=told({"city": "Bergen", "zip": "5003", "pet": "cat"}, day(2)),
        ),
    )
    shown = golden_view(who, DEFAULT).extended_fields
    assert shown == {
        "city": GoldenValue("Oslo", "INSTORE", "", day(1)),
        "pet": GoldenValue("cat", "WEBSITE", "", day(2)),
        "zip": GoldenValue("5003", "WEBSITE", "", day(2)),
    }
    recent = golden_view(who, ruled(city="most_recent")).extended_fields
    assert recent["city"] == GoldenValue("Bergen", "WEBSITE", "", day(2))


def test_what_is_of_the_whole_card() -> None:
    who = card(
        part(1, registered=day(5)),
        part(2, registered=day(2), loyalty_type="loyalty", associated_with="till.2"),
        part(3, registered=day(3), associated_with="till.3"),
    )
    golden = golden_view(who, DEFAULT)
    assert (golden.loyalty_type, golden.registered, golden.associated_with) == (
        "loyalty",
        day(2),
        "till.2",
    )
    guest = golden_view(card(), DEFAULT)
    assert (guest.loyalty_type, guest.registered, guest.associated_with) == (
        "non_loyalty",
        START,
        "",
    )


def held(kind: str, value: str, at: int = 0, **fields: Any) -> HeldIdentifier:
    return HeldIdentifier(kind, value, value, day(at), **fields)


def test_the_best_contact_is_verified_then_primary_then_recent() -> None:
    old = Channel("email", "old@x.example", primary=True)
    new = Channel("EMAIL", "new@x.example")
    newest = Channel("email", "newest@x.example")
    verified = Channel("email", "sure@x.example", verified=True)

    def best(*channels: tuple[int, Channel]) -> str:
        profiles = [
            profile("LINE", day(at), account_id=str(at), channels=(each,)) for at, each in channels
        ]
        return golden_view(card(part(1, *profiles)), DEFAULT).contacts["email"].value

    assert best((1, verified), (2, old), (3, new)) == "sure@x.example"
    assert best((2, old), (3, new)) == "old@x.example"
    assert best((4, newest), (3, new)) == "newest@x.example"


def test_identifiers_are_contacts_where_there_are_no_channels() -> None:
    who = card(
        part(
            1,
            profile(
                "INSTORE",
                day(7),
                identifiers=(
                    held("mobile", "+6591234567", 1),
                    held("email", "told@x.example", 2),
                    held("externalId", "ORC1", 3),
                ),
                channels=(Channel("SMS", "6591234567", primary=True),),
            ),
        )
    )
    assert golden_view(who, DEFAULT).contacts == {
        "email": Contact("told@x.example", False, False, "INSTORE", "", day(2)),
        "mobile": Contact("6591234567", False, True, "INSTORE", "", day(7)),
    }


@pytest.mark.parametrize(
    ("remark", "reached"),
    [
        ("placeholder_domain", False),
        ("shared_identifier", False),
        ("held_by_another", True),
    ],
)
def test_nobody_is_reached_at_an_address_that_is_nobodys(remark: str, reached: bool) -> None:
    email = HeldIdentifier("email", "No@x.example", "no@x.example", START, False, remark)
    for value in ("No@x.example", "no@x.example"):
        who = card(part(1, profile(identifiers=(email,), channels=(Channel("email", value),))))
        assert ("email" in golden_view(who, DEFAULT).contacts) == reached


def test_the_age_follows_the_birthday_and_else_the_age_that_was_told() -> None:
    told_age = read_trait("age", 31, START.date()).value
    guessed = golden_view(card(part(1, profile(age=told_age))), DEFAULT)
    assert [age_of(guessed, date(year, 11, 20)) for year in (2026, 2027, 2036)] == [31, 32, 41]
    known = golden_view(card(part(1, profile(age=told_age, birthday="1990-03-11"))), DEFAULT)
    assert age_of(known, date(2026, 3, 10)) == 35
    assert age_of(golden_view(card(), DEFAULT), date(2026, 3, 10)) is None


FULL = card(
    part(
        1,
        profile(
            first_name="Meera",
            last_name="Tan",
            gender="female",
            birthday="1991-02-14",
            language="en-SG",
            country="Singapore",
            timezone="Asia/Singapore",
            location="stock-7",
            identifiers=(held("mobile", "6591234567"), held("email", "m@x.example")),
        ),
        registered=datetime(2025, 3, 4, 9, 15, 20, tzinfo=timezone(timedelta(hours=8))),
        extended_fields=told({"city": "Singapore", "zip": "238841", "gender": "Male"}),
    )
)
ATTRIBUTES = {
    "Name": "Meera Tan",
    "Email": "m@x.example",
    "Phone": "6591234567",
    "BirthDate": "1991-02-14T00:00:00Z",
    "SignupDate": "2025-03-04T01:15:20Z",
    "Gender": "female",
    "Language": "en-SG",
    "Country": "Singapore",
    "City": "Singapore",
    "PostalCode": "238841",
    "Timezone": "Asia/Singapore",
}


def test_the_attributes_that_rules_see() -> None:
    found = attributes_of(golden_view(FULL, DEFAULT))
    assert found == ATTRIBUTES
    types: dict[str, AttributeType] = {"BirthDate": "time", "SignupDate": "time"}
    definitions = {
        name: AttributeDefinition(
            1, "CustomerProfile", name, name, types.get(name, "string"), START
        )
        for name in found
    }
    assert validate(found, definitions, "CustomerProfile", "") == []


def test_attributes_of_somebody_unknown() -> None:
    assert attributes_of(golden_view(card(), DEFAULT)) == {"SignupDate": "2026-11-20T12:00:00Z"}


def test_extended_fields_stand_in_only_where_they_can_be_read() -> None:
    fields = {"Gender": "Female", "date_of_birth": "14-02-1991", "Postal_Code": 7, "city": "  "}
    who = card(part(1, profile(name="Meera T."), extended_fields=told(fields)))
    found = attributes_of(golden_view(who, DEFAULT))
    assert {name: found[name] for name in found if name != "SignupDate"} == {
        "Name": "Meera T.",
        "Gender": "female",
        "BirthDate": "1991-02-14T00:00:00Z",
        "PostalCode": "7",
    }
    junk = card(part(1, extended_fields=told({"gender": "tomato", "dateofbirth": "2090-01-01"})))
    assert set(attributes_of(golden_view(junk, DEFAULT))) == {"SignupDate"}


def with_attributes(who: Card, attributes: dict[str, Any]) -> Card:
    customer = msgspec.structs.replace(who.customer, attributes=attributes)
    return msgspec.structs.replace(who, customer=customer)


def test_attributes_are_filled_followed_and_taken_back_but_never_overwritten() -> None:
    empty = card(part(1))
    ann = card(part(1, profile(city="Oslo", first_name="Ann")))
    anna = card(part(1, profile(city="Bergen", first_name="Anna")))
    signup = {"SignupDate": "2026-11-20T12:00:00Z"}
    filled = filled_attributes(empty, ann, DEFAULT)
    assert filled == {"City": "Oslo", "Name": "Ann", **signup}
    set_elsewhere = {"Name": "Dr Ann", "City": "Oslo", "Shoe": "42"}
    before, after = with_attributes(ann, set_elsewhere), with_attributes(anna, set_elsewhere)
    assert filled_attributes(before, after, DEFAULT) == {
        "Name": "Dr Ann",
        "City": "Bergen",
        "Shoe": "42",
        **signup,
    }
    assert filled_attributes(before, with_attributes(empty, set_elsewhere), DEFAULT) == {
        "Name": "Dr Ann",
        "Shoe": "42",
        **signup,
    }
    settled = with_attributes(ann, filled)
    assert filled_attributes(settled, settled, DEFAULT) is None


VALUES = st.sampled_from(["a", "bb", "cc", "ddd", ""])
PROFILES = st.builds(
    lambda source, account, values: Profile(
        source=source,
        account_id=account,
        told={name: Told(value, day(at)) for name, (value, at) in values.items()},
        created=START,
        modified=START,
    ),
    st.sampled_from(SOURCES),
    st.sampled_from(["", "1"]),
    st.dictionaries(
        st.sampled_from(["first_name", "city"]), st.tuples(VALUES, st.integers(0, 2)), max_size=2
    ),
)
PARTS = st.lists(
    st.lists(PROFILES, max_size=4, unique_by=lambda each: each.place), min_size=1, max_size=3
)


def expected(who: Card, name: str, rule: Survivorship, trusted: tuple[str, ...]) -> Any:
    """The survivor by elimination: one criterion after another narrows the candidates down."""
    left = [
        (each.told[name], index, each)
        for index, its in enumerate(who.parts)
        for each in its.profiles
        if name in each.told and each.told[name].value
    ]

    def narrow(key: Any) -> None:
        best = min(map(key, left), default=None)
        left[:] = [each for each in left if key(each) == best]

    def trust(each: Any) -> int:
        return trusted.index(each[2].source) if each[2].source in trusted else len(trusted)

    def recency(each: Any) -> Any:
        return day(9) - each[0].at

    if rule == "longest":
        narrow(lambda each: -len(each[0].value))
    if rule == "most_trusted":
        narrow(trust)
    narrow(recency)
    narrow(trust)
    narrow(lambda each: each[1])
    narrow(lambda each: each[2].place)
    if not left:
        return None
    assert len(left) == 1
    found, _, its = left[0]
    return GoldenValue(found.value, its.source, its.account_id, found.at)


@settings(max_examples=300, deadline=None)
@given(
    PARTS,
    st.sampled_from(["most_recent", "most_trusted", "longest"]),
    st.permutations(SOURCES[:4]),
    st.randoms(use_true_random=False),
)
def test_the_survivor_is_that_of_elimination_in_any_order_of_profiles(
    profiles: list[list[Profile]], rule: Survivorship, trusted: list[str], chance: Any
) -> None:
    shop = RegistrationSettings(
        survivorship={"first_name": rule, "city": rule}, trusted_sources=tuple(trusted)
    )
    who = card(*(part(index + 1, *each) for index, each in enumerate(profiles)))
    shuffled = [chance.sample(each, len(each)) for each in profiles]
    again = card(*(part(index + 1, *each) for index, each in enumerate(shuffled)))
    golden = golden_view(who, shop)
    for name in ("first_name", "city"):
        assert golden.traits.get(name) == expected(who, name, rule, shop.trusted_sources)
    assert golden_view(again, shop) == golden


@settings(max_examples=200, deadline=None)
@given(
    PARTS,
    PARTS,
    st.dictionaries(st.sampled_from(["Name", "City", "Shoe"]), st.sampled_from(["a", "x"])),
)
def test_filling_keeps_what_was_set_and_settles_at_once(
    old: list[list[Profile]], new: list[list[Profile]], attributes: dict[str, Any]
) -> None:
    before, after = (
        with_attributes(card(*(part(i + 1, *each) for i, each in enumerate(its))), attributes)
        for its in (old, new)
    )
    filled = filled_attributes(before, after, DEFAULT)
    result = attributes if filled is None else filled
    view = attributes_of(golden_view(before, DEFAULT))
    for name, value in attributes.items():
        if view.get(name) != value:
            assert result[name] == value
    wanted = attributes_of(golden_view(after, DEFAULT))
    for name, value in wanted.items():
        if name not in attributes:
            assert result[name] == value
    settled = with_attributes(after, result)
    assert filled_attributes(settled, settled, DEFAULT) is None
