"""Every code that a registration can be answered with."""

from collections.abc import Iterator
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


def errors_to_provoke() -> Iterator[tuple[str, Any, int]]:
    """Request, and the code of its refusal."""
    good = identifier("mobile", "6591234567")
    yield "no source", customer(profile(good, source=None)), 8004
    yield "unknown source", customer(profile(good, source="MARS")), 8003
    yield "no account", customer(profile(good, source="WECHAT")), 8045
    yield "account of the store", customer(profile(good, accountId="7")), 3217
    yield "no profiles", customer(), 8005
    yield "no identifiers", customer(profile()), 8005
    yield "no valid identifiers", customer(profile(identifier("email", "nonsense"))), 8005
    yield "an empty identifier", customer(profile(identifier("externalId", " "))), 8005
    yield "a bad primary", customer(profile(identifier("mobile", "65912"))), 8014
    yield "letters", customer(profile(identifier("mobile", "call me"))), 8014
    yield "a date to come", customer(profile(good), createDate="2999-01-01T00:00:00Z"), 8017
    yield "no date", customer(profile(good), createDate="yesterday"), 8017
    yield "an unknown label", customer(profile(good), statusLabel="Lovely"), 8086
    channel = {"type": "pigeon", "value": "x"}
    yield "an unknown channel", customer(profile(good, commChannels=[channel])), 8010
    yield "a channel without a type", customer(profile(good, commChannels=[{"value": "x"}])), 8106


@pytest.mark.parametrize(
    ("body", "code"), [pytest.param(*case, id=name) for name, *case in errors_to_provoke()]
)
def test_what_decides_and_is_wrong_has_its_code(
    counter: Counter, seen: Seen, body: Any, code: int
) -> None:
    status, answer = add(counter, body)
    assert (status, codes(answer, "errors")) == (400, [code])
    assert seen.id_of("mobile", "6591234567") is None


def test_codes_of_what_is_there_already(counter: Counter) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number))
    status, answer = add(counter, customer(profile(identifier("mobile", number))))
    assert (status, answer) == (
        400,
        {
            "errors": [
                {
                    "status": False,
                    "code": 8006,
                    "message": f"Add failed, Customer already exists with id {id_} for same source",
                }
            ]
        },
    )
    web = created(counter, identifier("email", f"x{number}@orchard.sg"), source="ECOMMERCE")
    both = profile(
        identifier("mobile", number),
        identifier("cuid", f"c{number}"),
        source="MARTJACK",
    )
    add(counter, customer(both))
    taken = profile(identifier("cuid", f"c{number}"), identifier("externalId", f"n{number}"))
    status, answer = add(counter, customer(taken))
    assert (status, codes(answer, "errors")) == (400, [8066])
    joins = profile(
        identifier("mobile", number), identifier("email", f"x{number}@orchard.sg"), source="JD"
    )
    status, answer = add(counter, customer(joins))
    assert (status, answer["createdId"], codes(answer)) == (200, id_, [8050, 8051])
    reply = counter.send("GET", f"/v2/customers/{web}?source=ALL")
    assert codes(reply.json, "warnings" if "warnings" in reply.json else "errors") == [8069]


def warnings_to_provoke() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], int]]:
    """What to add to a profile and to the request, and the code of the warning."""
    email = identifier("email", "nonsense")
    yield "email", {"identifiers": [email]}, {}, 8055
    placeholder = identifier("email", "noreply@orchard.sg")
    yield "placeholder", {"identifiers": [placeholder]}, {}, 8055
    yield "kind", {"identifiers": [identifier("aura", "blue")]}, {}, 8013
    yield "external id", {"identifiers": [identifier("externalId", "null")]}, {}, 8064
    wrong_email = {"type": "email", "value": "nonsense"}
    yield "channel email", {"commChannels": [wrong_email]}, {}, 8057
    wrong_mobile = {"type": "mobile", "value": "12"}
    yield "channel mobile", {"commChannels": [wrong_mobile]}, {}, 8058
    yield "name", {"firstName": "x" * 101}, {}, 91015
    yield "till", {}, {"associatedWith": "nowhere"}, 8077
    yield "unknown field", {}, {"extendedFields": {"aura": "blue"}}, 91015
    yield "ill-typed field", {}, {"extendedFields": {"gender": "purple"}}, 91015
    card = identifier("cardnumber", "GOLD1", seriesId=31, statusLabel="ACTIVE")
    yield "card", {"identifiers": [card]}, {}, 3010


@pytest.mark.parametrize(
    ("told", "more", "code"),
    [pytest.param(told, more, code, id=name) for name, told, more, code in warnings_to_provoke()],
)
def test_what_is_secondary_and_wrong_is_a_warning(
    counter: Counter, seen: Seen, told: dict[str, Any], more: dict[str, Any], code: int
) -> None:
    number = mobile()
    identifiers = [identifier("mobile", number), *told.get("identifiers", [])]
    body = customer({"source": "INSTORE", **told, "identifiers": identifiers}, **more)
    status, answer = add(counter, body)
    assert (status, codes(answer)) == (200, [code])
    assert seen.id_of("mobile", number) == answer["createdId"]


async def test_the_rules_of_the_shop(counter: Counter, rules: Any) -> None:
    number = mobile()
    created(counter, identifier("email", f"s{number}@orchard.sg"), source="ECOMMERCE")
    web = profile(identifier("mobile", mobile()), identifier("email", f"s{number}@orchard.sg"))
    await rules(primary_strict=True)
    status, answer = add(counter, customer(web))
    assert (status, codes(answer, "errors")) == (400, [8075])
    await rules(secondary_skipped_on_mismatch=True)
    status, answer = add(counter, customer(web))
    assert (status, codes(answer)) == (200, [8075])
    await rules(orphans_refused=True)
    orphan = profile(identifier("mobile", mobile()), source="WEB_ENGAGE", accountId="1")
    status, answer = add(counter, customer(orphan))
    assert (status, codes(answer, "errors")) == (400, [8090])
    await rules(failure_status=200)
    add(counter, customer(web))  # reads the new rules
    status, answer = add(counter, customer())
    assert (status, codes(answer, "errors")) == (200, [8005])


async def test_a_known_customer_is_updated_where_the_shop_says_so(
    counter: Counter, seen: Seen, rules: Any
) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number), firstName="Mira")
    await rules(updates_on_add=True)
    again = profile(identifier("mobile", number), firstName="Meera")
    status, answer = add(counter, customer(again))
    assert (status, answer["createdId"], codes(answer)) == (200, id_, [])
    assert seen.customer(id_)["profiles"][0]["firstName"] == "Meera"
