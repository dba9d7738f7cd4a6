"""The changes of a card lead from what was to what is, exactly, and name every field."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.card import (
    Actor,
    Card,
    Channel,
    ConsentEntry,
    Enrollment,
    HeldIdentifier,
    Part,
    Profile,
    StatusChange,
    Told,
)
from habitue.customers.history import Change, changes_between, fields_of, part_changes, same
from tests.customers.people import START, card, day, part, profile, told

NOON = "2026-11-20T12:00:00Z"


def test_a_name_that_changes() -> None:
    before = card(part(1, profile(first_name="Meera", last_name="Tan")))
    after = card(part(1, profile(first_name="Meera", last_name="Tan-Lim", at=day(1))))
    after = msgspec.structs.replace(
        after,
        parts=(part(1, msgspec.structs.replace(after.parts[0].profiles[0], created=START)),),
    )
    assert changes_between(before, after) == (
        Change("profiles/INSTORE/last_name", "Tan", "Tan-Lim"),
    )


def test_what_a_registration_tells() -> None:
    who = card(
        part(
            1,
            profile(
                "WECHAT",
                account_id="shop/1",
                first_name="Meera",
                kids=[{"gender": "male"}],
                fields={"employee": "false"},
                identifiers=(
                    HeldIdentifier("email", "A@b.example", "a@b.example", START),
                    HeldIdentifier(
                        "mobile", "1", "+1", START, identity=False, remark="shared", opinion="valid"
                    ),
                ),
                channels=(Channel("email", "a@b.example", primary=True, meta={"residence": True}),),
            ),
            loyalty_type="loyalty",
            created_from="WECHAT",
            associated_with="till.1",
            endpoints=("TIMELINE_ENDPOINT",),
            referral_code="FRIEND-7",
            extended_fields=told({"city": "Singapore"}),
            enrollments=(Enrollment(412, START, tier_number=1, points=Decimal("7.50")),),
            statuses=(StatusChange("ACTIVE", "Active", "", START),),
            consents=(ConsentEntry("email", "BULK", "granted", START, "WECHAT"),),
        )
    )
    there = "profiles/WECHAT:shop~11"
    assert changes_between(card(), who) == tuple(
        Change(path, None, value)
        for path, value in (
            ("associated_with", "till.1"),
            (f"consents/email/BULK/{NOON}/basis", "opted"),
            (f"consents/email/BULK/{NOON}/source", "WECHAT"),
            (f"consents/email/BULK/{NOON}/state", "granted"),
            ("created_from", "WECHAT"),
            ("endpoints", ["TIMELINE_ENDPOINT"]),
            ("enrollments/412/enrolled", NOON),
            ("enrollments/412/points", Decimal("7.50")),
            ("enrollments/412/tier_number", 1),
            ("extended_fields/city", "Singapore"),
            ("loyalty_type", "loyalty"),
            (f"{there}/channels/email/a@b.example", "a@b.example"),
            (f"{there}/channels/email/a@b.example/meta/residence", True),
            (f"{there}/channels/email/a@b.example/primary", True),
            (f"{there}/channels/email/a@b.example/verified", False),
            (f"{there}/created", NOON),
            (f"{there}/fields/employee", "false"),
            (f"{there}/first_name", "Meera"),
            (f"{there}/identifiers/email/a@b.example", "A@b.example"),
            (f"{there}/identifiers/mobile/+1", "1"),
            (f"{there}/identifiers/mobile/+1/identity", False),
            (f"{there}/identifiers/mobile/+1/opinion", "valid"),
            (f"{there}/identifiers/mobile/+1/remark", "shared"),
            (f"{there}/kids", [{"gender": "male"}]),
            ("referral_code", "FRIEND-7"),
            ("registered", NOON),
            (f"statuses/{NOON}/label", "Active"),
            (f"statuses/{NOON}/status", "ACTIVE"),
        )
    )


def test_a_channel_that_is_verified_and_an_identifier_that_is_replaced() -> None:
    email = Channel("email", "a@b.example", subscribed=False)
    before = profile(
        identifiers=(HeldIdentifier("email", "a@b.example", "a@b.example", START),),
        channels=(email,),
    )
    after = profile(
        identifiers=(HeldIdentifier("email", "c@b.example", "c@b.example", START),),
        channels=(msgspec.structs.replace(email, verified=True, subscribed=True),),
    )
    assert part_changes(part(1, before), part(1, after)) == (
        Change("profiles/INSTORE/channels/email/a@b.example/subscribed", False, True),
        Change("profiles/INSTORE/channels/email/a@b.example/verified", False, True),
        Change("profiles/INSTORE/identifiers/email/a@b.example", "a@b.example", None),
        Change("profiles/INSTORE/identifiers/email/c@b.example", None, "c@b.example"),
    )


def test_what_is_joined_stands_under_its_own_id() -> None:
    own = part(1, profile(first_name="Ann"))
    other = part(2, profile(first_name="Anna"))
    renamed = part(2, profile(first_name="Anne"))
    assert changes_between(card(own, other), card(own, renamed)) == (
        Change("joined/2/profiles/INSTORE/first_name", "Anna", "Anne"),
    )


def test_the_card_itself() -> None:
    before = card(part())
    customer = msgspec.structs.replace(before.customer, attributes={"Name": "Ann"}, version=7)
    after = Card(customer, before.parts, merged_into=9, erased=START)
    assert changes_between(before, after) == (
        Change("attributes/Name", None, "Ann"),
        Change("erased", None, NOON),
        Change("merged_into", None, 9),
    )


def test_being_told_the_same_again_is_no_change() -> None:
    once = profile(first_name="Ann", identifiers=(HeldIdentifier("mobile", "1", "+1", START),))
    again = msgspec.structs.replace(
        once,
        told={"first_name": Told("Ann", day(5))},
        identifiers=(HeldIdentifier("mobile", "1", "+1", day(5)),),
        modified=day(5),
        modified_by=Actor("STAFF", 5, "eve"),
    )
    assert part_changes(part(1, once), part(1, again)) == ()


def test_yes_is_not_one_and_numbers_are_compared_by_value() -> None:
    assert same(1, Decimal("1.00"))
    assert not same(1, True)
    assert not same([0], [False])
    assert same({"a": [Decimal("1.0")]}, {"a": [1]})
    assert not same({"a": 1}, {"a": 1, "b": 2})
    assert not same([1], [1, 1])


MOMENTS = st.integers(0, 2).map(lambda number: START + timedelta(days=number))
WORDS = st.sampled_from(["", "a", "b/c", "~", "fields"])
PLAIN = st.recursive(
    st.booleans() | st.integers(0, 2) | st.sampled_from([Decimal("1.5"), Decimal(1)]) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=3,
)
TOLD = st.builds(Told, PLAIN, MOMENTS)
PROFILES = st.builds(
    Profile,
    source=st.sampled_from(["INSTORE", "WECHAT"]),
    account_id=st.sampled_from(["", "x", "x/y"]),
    told=st.dictionaries(st.sampled_from(["first_name", "gender", "kids"]), TOLD, max_size=2),
    fields=st.dictionaries(st.sampled_from(["a", "b/c"]), TOLD, max_size=2),
    identifiers=st.lists(
        st.builds(
            HeldIdentifier,
            st.sampled_from(["email", "mobile"]),
            WORDS,
            st.sampled_from(["x", "y/z"]),
            MOMENTS,
            identity=st.booleans(),
            remark=WORDS,
        ),
        max_size=3,
        unique_by=lambda each: (each.kind, each.normal_form),
    ).map(tuple),
    channels=st.lists(
        st.builds(
            Channel,
            st.sampled_from(["email", "mobile"]),
            st.sampled_from(["x", "y"]),
            primary=st.booleans(),
            subscribed=st.sampled_from([None, True, False]),
            meta=st.dictionaries(WORDS, PLAIN, max_size=1),
        ),
        max_size=2,
        unique_by=lambda each: (each.type, each.value),
    ).map(tuple),
    created=MOMENTS,
    modified=MOMENTS,
)
PARTS = st.builds(
    Part,
    root_id=st.just(1),
    registered=MOMENTS,
    associated_with=WORDS,
    loyalty_type=st.sampled_from(["loyalty", "non_loyalty"]),
    profiles=st.lists(PROFILES, max_size=2, unique_by=lambda each: each.place).map(tuple),
    extended_fields=st.dictionaries(WORDS, TOLD, max_size=2),
    statuses=st.lists(
        st.builds(StatusChange, st.just("ACTIVE"), WORDS, WORDS, MOMENTS), max_size=2
    ).map(tuple),
)
CARDS = st.tuples(PARTS, PARTS).map(
    lambda parts: card(parts[0], msgspec.structs.replace(parts[1], root_id=2))
)
_BESIDE = {"at", "since", "modified", "modified_by", "created_by"}


def with_changes(fields: dict[str, Any], changes: tuple[Change, ...]) -> dict[str, Any]:
    result = dict(fields)
    for each in changes:
        assert same(result.get(each.path), each.before)
        if each.after is None:
            del result[each.path]
        else:
            result[each.path] = each.after
    return result


@settings(max_examples=150, deadline=None)
@given(CARDS, CARDS)
def test_changes_lead_from_one_to_the_other_and_back(before: Card, after: Card) -> None:
    changes = changes_between(before, after)
    assert same(with_changes(fields_of(before), changes), fields_of(after))
    assert [each.path for each in changes] == sorted({each.path for each in changes})
    back = tuple(Change(each.path, each.after, each.before) for each in changes)
    assert changes_between(after, before) == back
    assert changes_between(after, after) == ()


@settings(max_examples=150, deadline=None)
@given(PROFILES, PROFILES, st.integers(0, 9))
def test_no_difference_goes_unseen(one: Profile, other: Profile, field: int) -> None:
    """One field of a profile is taken from another profile: a change, unless it is the same."""
    name = Profile.__struct_fields__[field % len(Profile.__struct_fields__)]
    mixed = msgspec.structs.replace(one, **{name: getattr(other, name)})
    before, after = part(1, one), part(1, mixed)
    plain = [msgspec.to_builtins(each, builtin_types=(Decimal,)) for each in (one, mixed)]
    differs = _without_order(plain[0]) != _without_order(plain[1])
    assert bool(part_changes(before, after)) == differs


def _without_order(plain: dict[str, Any]) -> Any:
    """A profile with its identifiers and channels by what they are."""
    facts = {name: value for name, value in plain.items() if name not in _BESIDE}
    for name in ("told", "fields"):
        facts[name] = {key: _exact(each["value"]) for key, each in facts[name].items()}
    facts["identifiers"] = {
        (each["kind"], each["normal_form"]): (each["value"], each["identity"], each["remark"])
        for each in facts["identifiers"]
    }
    facts["channels"] = {
        (each["type"], each["value"]): (
            each["primary"],
            str(each["subscribed"]),
            {key: _exact(value) for key, value in each["meta"].items()},
        )
        for each in facts["channels"]
    }
    return facts


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return [_exact(each) for each in value]
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    return ("flag", value) if isinstance(value, bool) else value
