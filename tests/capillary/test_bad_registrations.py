"""Registrations with every field wrong in turn."""

from typing import Any

import pytest

from tests.capillary.conftest import Counter
from tests.capillary.registrations import (
    Seen,
    add,
    codes,
    created,
    customer,
    identifier,
    mobile,
    profile,
)


@pytest.fixture
def seen(counter: Counter) -> Seen:
    return Seen(counter)


WRONG: list[Any] = [7, True, "x", [], {}, ["x"], [7], {"x": 7}, None]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize(
    "place",
    [
        "profiles",
        "loyaltyInfo",
        "loyaltyType",
        "createDate",
        "associatedWith",
        "extendedFields",
        "loyaltyProgramEnrollments",
        "endPointsEnabled",
        "statusLabel",
        "subscriptionInfo",
        "profiles/0",
        "profiles/0/source",
        "profiles/0/accountId",
        "profiles/0/firstName",
        "profiles/0/identifiers",
        "profiles/0/identifiers/0",
        "profiles/0/identifiers/0/type",
        "profiles/0/identifiers/0/value",
        "profiles/0/commChannels",
        "profiles/0/commChannels/0/primary",
        "profiles/0/commChannels/0/meta",
        "profiles/0/fields",
    ],
)
def test_every_field_wrong_in_turn_is_no_failure_of_ours(
    counter: Counter, seen: Seen, place: str, value: Any
) -> None:
    number = mobile()
    body: Any = customer(
        profile(
            identifier("mobile", number),
            commChannels=[{"type": "mobile", "value": number, "primary": True, "meta": {}}],
        )
    )
    target = body
    *path, last = place.split("/")
    for step in path:
        target = target[int(step)] if step.isdecimal() else target[step]
    if isinstance(target, list):
        target[int(last)] = value
    else:
        target[last] = value
    status, answer = add(counter, body)
    assert status in (200, 400), answer
    if status == 400:
        assert "errors" in answer
        assert seen.id_of("mobile", number) is None


def test_too_much_is_refused_by_name(counter: Counter) -> None:
    many = [identifier("cuid", f"c{each}") for each in range(10_000)]
    status, answer = add(counter, customer(profile(*many)))
    assert (status, codes(answer, "errors")) == (400, [400])
    assert answer["errors"][0]["message"].startswith("/profiles/0/identifiers: Too many")


def test_the_same_identifier_twice_is_one(counter: Counter, seen: Seen) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number), identifier("mobile", f"+{number}"))
    (shown,) = seen.customer(id_)["profiles"]
    assert shown["identifiers"] == [identifier("mobile", number)]


@pytest.mark.parametrize(
    ("more", "error", "named"),
    [
        (
            {"commChannels": [{"type": "ios", "value": "t", "meta": {"x": "y" * 10_000}}]},
            400,
            "meta",
        ),
        (
            {"commChannels": [{"type": "ios", "value": "t", "attributes": {"x": "y" * 10_000}}]},
            400,
            "attributes",
        ),
        ({"fields": {f"f{index}": "x" for index in range(201)}}, 400, "/profiles/0/fields"),
        ({"source": "WECHAT", "accountId": "a" * 256}, 3217, "invalid"),
    ],
)
def test_what_a_profile_says_is_bounded(
    counter: Counter, seen: Seen, more: dict[str, Any], error: int, named: str
) -> None:
    number = mobile()
    status, body = add(counter, customer(profile(identifier("mobile", number), **more)))
    assert (status, codes(body, "errors")) == (400, [error])
    assert named in body["errors"][0]["message"]
    assert seen.id_of("mobile", number) is None


def test_an_endless_channel_is_left_out_with_a_short_warning(counter: Counter, seen: Seen) -> None:
    told = profile(
        identifier("mobile", mobile()),
        commChannels=[
            {"type": "line", "value": "x" * 4_001},
            {"type": "ios", "value": "x" * 4_000},
        ],
    )
    status, body = add(counter, customer(told))
    assert (status, codes(body)) == (200, [8013])
    assert body["warnings"][0]["message"] == "Invalid identifier passed - " + "x" * 80
    (kept,) = seen.customer(body["createdId"])["profiles"][0]["commChannels"]
    assert (kept["type"], len(kept["value"])) == ("ios", 4_000)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"channel": "PIGEON"}, 1101),
        ({"channel": None}, 1101),
        ({"priority": "X"}, 1102),
        ({"type": "MAYBE"}, 1106),
        ({"sourceName": "MARS"}, 8003),
        ({"accountId": "a" * 256}, 400),
    ],
)
def test_a_subscription_that_cannot_be_refuses_the_registration(
    counter: Counter, seen: Seen, changes: dict[str, Any], error: int
) -> None:
    number = mobile()
    said = {"channel": "EMAIL", "priority": "BULK", "type": "OPTIN", **changes}
    body = customer(
        profile(identifier("mobile", number)), subscriptionInfo={"subscriptions": [said]}
    )
    status, answer = add(counter, body)
    assert (status, codes(answer, "errors")) == (400, [error])
    assert seen.id_of("mobile", number) is None


def test_tiers_are_numbered_from_one(counter: Counter, seen: Seen) -> None:
    number = mobile()
    wish = {"programId": 1, "tierNumber": 0}
    body = customer(profile(identifier("mobile", number)), loyaltyProgramEnrollments=[wish])
    status, answer = add(counter, body)
    assert (status, codes(answer, "errors")) == (400, [400])
    assert "/loyaltyProgramEnrollments/0/tierNumber" in answer["errors"][0]["message"]
    assert seen.id_of("mobile", number) is None


def test_a_time_without_an_offset_is_one_in_utc(counter: Counter, seen: Seen) -> None:
    body = customer(profile(identifier("mobile", mobile())), createDate="2025-03-04T09:15:20")
    status, answer = add(counter, body)
    assert (status, codes(answer)) == (200, [])
    shown = seen.customer(answer["createdId"])["loyaltyInfo"]["attributionV2"]
    assert shown["createDate"] == "2025-03-04T09:15:20Z"
