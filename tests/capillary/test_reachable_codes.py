"""Codes that take two customers, a rule of the shop or a header to reach, over the wire."""

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


def test_codes_of_changing_identifiers(counter: Counter, seen: Seen) -> None:
    number, other = mobile(), mobile()
    mine = [identifier("mobile", number), identifier("externalId", f"E{number}")]
    id_ = created(counter, *mine, identifier("email", f"a{number}@orchard.sg"))
    theirs = created(counter, identifier("mobile", other))
    cuid = identifier("cuid", f"c{number}")
    email = identifier("email", f"d{number}@orchard.sg")
    created(counter, cuid, source="MARTJACK")
    created(counter, email, source="ECOMMERCE")
    path = f"/v2/customers/{id_}/changeIdentifier?source=INSTORE"
    for added, expected in (
        ([identifier("mobile", number)], [8071, 8070]),
        ([identifier("email", f"a{number}@orchard.sg")], [8072, 8070]),
        ([identifier("externalId", f"E{number}")], [8073, 8070]),
    ):
        reply = counter.send("POST", path, {"add": added})
        assert (reply.status, codes(reply.json)) == (200, expected)
        assert reply.json["createdId"] == id_
    for added, refusal in (([identifier("mobile", other)], 8007), ([cuid, email], 8074)):
        reply = counter.send("POST", path, {"add": added})
        assert (reply.status, codes(reply.json, "errors")) == (400, [refusal])
    assert (seen.id_of("mobile", number), seen.id_of("mobile", other)) == (id_, theirs)
    assert len({id_, theirs, seen.id_of(**cuid_of(cuid)), seen.id_of(**cuid_of(email))}) == 4


def cuid_of(told: dict[str, Any]) -> Any:
    """An identifier as it is looked up."""
    return {"kind": told["type"], "value": told["value"]}


def test_several_customers_and_nothing_that_decides(counter: Counter, seen: Seen) -> None:
    number = mobile()
    email, cuid = identifier("email", f"b{number}@orchard.sg"), identifier("cuid", f"c{number}")
    first = created(counter, email, source="ECOMMERCE")
    second = created(counter, cuid, source="MARTJACK")
    status, answer = add(counter, customer(profile(email, cuid, source="JD")))
    assert (status, answer["createdId"], codes(answer)) == (200, first, [8050, 8052])
    assert seen.id_of("cuid", f"c{number}") == second


async def test_a_bad_mobile_is_secondary_where_the_address_decides(
    counter: Counter, seen: Seen, rules: Any
) -> None:
    await rules(primary_kind="email")
    email = f"e{mobile()}@orchard.sg"
    told = profile(identifier("email", email), identifier("mobile", "12"))
    status, answer = add(counter, customer(told))
    assert (status, codes(answer)) == (200, [8056])
    assert seen.id_of("email", email) == answer["createdId"]


def test_headers_of_what_shall_follow_are_kept_with_the_change(
    counter: Counter, seen: Seen
) -> None:
    number = mobile()
    body = customer(
        profile(identifier("mobile", number)),
        endPointsEnabled=["POINTSENGINE_ENDPOINT", "POINTENGINE_ENDPOINT", "DVS_ENDPOINT"],
    )
    headers = {
        "WAIT_FOR_DOWNSTREAM": "true",
        "X-CAP-DIRECT-REPLAY": "false",
        "SKIP-DOWNSTREAM": "TRUE",
    }
    status, answer = add(counter, body, "", **headers)
    assert (status, answer["warnings"], answer["sideEffects"]) == (200, [], [])
    (change,) = counter.send("GET", f"/v2/customers/{answer['createdId']}/history").json["data"]
    assert change["changedBy"]["context"] == (
        "WAIT_FOR_DOWNSTREAM=true, X-CAP-DIRECT-REPLAY=false, SKIP-DOWNSTREAM=true"
    )
    told = {each["path"]: each["after"] for each in change["changes"]}
    assert told["endpoints"] == ["POINTENGINE_ENDPOINT", "DVS_ENDPOINT"]
    other = mobile()
    wrong = customer(profile(identifier("mobile", other)))
    for header in headers:
        status, answer = add(counter, wrong, "", **{header: "maybe"})
        assert (status, codes(answer, "errors")) == (400, [400])
    lookup = {"X-CAP-API-ATTRIBUTION-LOOKUP": "orchard.till03"}
    status, answer = add(counter, wrong, "", **lookup)
    assert (status, codes(answer, "errors")) == (400, [1061])
    assert seen.id_of("mobile", other) is None
