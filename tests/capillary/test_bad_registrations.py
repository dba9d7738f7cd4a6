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
