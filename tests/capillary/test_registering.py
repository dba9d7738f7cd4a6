"""Registration over a socket: the contract's requests, every code, every field wrong in turn."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.shop import Shop
from tests.capillary.conftest import LOGIN, Counter, set_rules

_numbers = itertools.count(1)


def mobile() -> str:
    """A telephone number that nobody has had."""
    return f"65911{next(_numbers):05d}"


def identifier(kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "value": value, **more}


def profile(*identifiers: dict[str, Any], source: str | None = "INSTORE", **more: Any) -> Any:
    named = {"source": source} if source else {}
    return {"identifiers": list(identifiers), **named, **more}


def customer(*profiles: Any, **more: Any) -> dict[str, Any]:
    return {"profiles": list(profiles), **more}


def add(counter: Counter, body: Any, query: str = "", **headers: str) -> tuple[int, Any]:
    reply = counter.send("POST", f"/v2/customers{query}", body, headers)
    return reply.status, reply.json


def created(counter: Counter, *identifiers: dict[str, Any], **more: Any) -> int:
    """The id of a customer who was registered without any warning."""
    status, body = add(counter, customer(profile(*identifiers, **more)))
    assert (status, body["warnings"], body["sideEffects"]) == (200, [], [])
    return int(body["createdId"])


def codes(body: Any, kind: str = "warnings") -> list[int]:
    assert all(each["status"] is False for each in body[kind])
    return [each["code"] for each in body[kind]]


class Seen:
    """What the server has stored, as it shows it."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def customer(self, id_: int) -> Any:
        reply = self._counter.send("GET", f"/v2/customers/{id_}?source=ALL")
        assert reply.status == 200, reply.body
        return reply.json

    def id_of(self, kind: str, value: str) -> int | None:
        query = f"source=ALL&identifierName={kind}&identifierValue={value}"
        reply = self._counter.send("GET", f"/v2/customers/lookup?{query}")
        return int(reply.json["entity"]) if reply.status == 200 else None


@pytest.fixture
def seen(counter: Counter) -> Seen:
    return Seen(counter)


@pytest.fixture
async def rules(capillary_url: str) -> Any:
    """Sets rules for one test."""
    async with open_database(External(capillary_url)) as database:
        shop = Shop(database)
        await shop.refresh()

        async def change(**fields: Any) -> None:
            await shop.refresh()
            await set_rules(shop, **fields)

        yield change
        await change()


def test_the_reference_request_gives_a_card_that_reads_back(counter: Counter, seen: Seen) -> None:
    number = mobile()
    body = {
        "loyaltyInfo": {"loyaltyType": "loyalty"},
        "associatedWith": LOGIN,
        "createDate": "2025-03-04T09:15:20+08:00",
        "profiles": [
            {
                "firstName": "Meera",
                "lastName": "Tan",
                "identifiers": [
                    identifier("mobile", number),
                    identifier("email", f"m{number}@orchard.sg"),
                    identifier("externalId", f"ORC{number}"),
                ],
                "commChannels": [
                    {
                        "type": "mobile",
                        "value": number,
                        "primary": True,
                        "verified": True,
                        "subscribed": True,
                        "meta": {"residence": True, "office": False},
                        "attributes": {},
                    },
                    {
                        "type": "email",
                        "value": f"m{number}@orchard.sg",
                        "primary": "true",
                        "verified": "false",
                        "meta": {"residence": "true"},
                    },
                ],
                "source": "INSTORE",
                "accountId": "",
                "fields": {"employee": "false", "dateofbirth": "14-02-1991"},
            }
        ],
        "extendedFields": {"gender": "Female", "city": "Singapore", "zip": "238841"},
        "loyaltyProgramEnrollments": [
            {
                "programId": 412,
                "tierNumber": 1,
                "loyaltyPoints": 75,
                "tierExpiryDate": "2026-03-03T23:59:59+08:00",
                "pointsExpiryDate": "2026-03-03T23:59:59+08:00",
            }
        ],
        "referralCode": "",
        "statusLabel": "Active",
    }
    status, answer = add(counter, body)
    assert (status, answer["warnings"], answer["sideEffects"]) == (200, [], [])
    card = seen.customer(answer["createdId"])
    (shown,) = card["profiles"]
    assert (shown["firstName"], shown["lastName"]) == ("Meera", "Tan")
    assert shown["identifiers"] == body["profiles"][0]["identifiers"]  # type: ignore[index]
    assert shown["fields"] == {"employee": "false", "dateofbirth": "14-02-1991"}
    assert [each["primary"] for each in shown["commChannels"]] == [True, True]
    assert [each["verified"] for each in shown["commChannels"]] == [True, False]
    assert card["extendedFields"] == {"gender": "Female", "city": "Singapore", "zip": "238841"}
    assert card["associatedWith"] == LOGIN
    assert card["loyaltyInfo"]["loyaltyType"] == "loyalty"
    assert card["loyaltyInfo"]["attributionV2"]["createDate"].startswith("2025-03-04T01:15:20")


def test_one_person_from_three_sources_is_one_card(counter: Counter, seen: Seen) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number))
    app = profile(
        identifier("mobile", int(number)),
        identifier("cuid", f"cuid_{number}"),
        source="MOBILE_APP",
        accountId="app-1",
    )
    status, answer = add(counter, customer(app))
    assert (status, answer["createdId"], codes(answer)) == (200, id_, [8050])
    assert answer["warnings"][0]["message"] == "Same Customer found in other sources,Combining"
    other = profile(
        identifier("mobile", number),
        identifier("wechat", f"w{number}"),
        source="WECHAT",
        accountId="WX-SG",
    )
    status, answer = add(counter, customer(other))
    assert (answer["createdId"], codes(answer)) == (id_, [8050])
    shown = seen.customer(id_)["profiles"]
    assert [(each["source"], each["accountId"]) for each in shown] == [
        ("INSTORE", ""),
        ("MOBILE_APP", "app-1"),
        ("WECHAT", "WX-SG"),
    ]
    assert seen.id_of("cuid", f"cuid_{number}") == id_
    assert seen.id_of("wechat", f"w{number}") == id_


def test_the_web_shops_id_and_the_tills_external_id_are_one_customer(
    counter: Counter, seen: Seen
) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number), identifier("externalId", f"E{number}"))
    web = profile(identifier("integrationId", f"E{number}"), source="ECOMMERCE")
    _, answer = add(counter, customer(web))
    assert (answer["createdId"], codes(answer)) == (id_, [8050])


def test_the_source_may_stand_in_the_query(counter: Counter) -> None:
    body = customer(profile(identifier("mobile", mobile()), source=None))
    assert add(counter, body)[1]["errors"][0]["code"] == 8004
    assert add(counter, body, "?source=INSTORE&format=json")[0] == 200


def test_a_retry_with_a_key_is_answered_alike_and_registers_once(counter: Counter) -> None:
    body = customer(profile(identifier("mobile", mobile())))
    key = {"idempotency-key": f"key-{mobile()}"}
    first = add(counter, body, **key)
    assert first[0] == 200
    assert add(counter, body, **key) == first
    status, answer = add(counter, customer(profile(identifier("mobile", mobile()))), **key)
    assert (status, codes(answer, "errors")) == (409, [409])


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


def test_updates_and_identifier_changes_have_their_codes(counter: Counter, seen: Seen) -> None:
    number = mobile()
    id_ = created(counter, identifier("mobile", number), firstName="Mira")
    body = customer({"lastName": "Tan"})
    reply = counter.send("PUT", f"/v2/customers/{id_}?source=INSTORE", body)
    assert (reply.status, reply.json) == (
        200,
        {"createdId": id_, "warnings": [], "sideEffects": []},
    )
    reply = counter.send("PUT", "/v2/customers/999999?source=INSTORE", body)
    assert codes(reply.json, "errors") == [8009]
    reply = counter.send("PUT", f"/v2/customers/{id_}?source=ECOMMERCE", body)
    assert codes(reply.json, "errors") == [8065]
    where = f"source=INSTORE&identifierName=mobile&identifierValue={number}"
    reply = counter.send("PUT", f"/v2/customers/lookup?{where}", customer({"lastName": "Lim"}))
    assert reply.json["createdId"] == id_
    assert seen.customer(id_)["profiles"][0]["lastName"] == "Lim"
    downgrade = customer({"firstName": "M"}, loyaltyInfo={"loyaltyType": "non_loyalty"})
    reply = counter.send("PUT", f"/v2/customers/{id_}?source=INSTORE", downgrade)
    assert codes(reply.json, "errors") == [8018]
    change = f"/v2/customers/{id_}/changeIdentifier?source=INSTORE"
    add_mail = {"add": [identifier("email", f"u{number}@orchard.sg")]}
    assert counter.send("POST", change, add_mail).json == {"createdId": id_, "warnings": []}
    assert codes(counter.send("POST", change, add_mail).json) == [8072, 8070]
    assert codes(counter.send("POST", change, {}).json, "errors") == [8070]
    other = created(counter, identifier("externalId", f"o{number}"), source="ECOMMERCE")
    merged = counter.send("POST", change, {"add": [identifier("externalId", f"o{number}")]})
    assert (merged.json["createdId"], codes(merged.json)) == (other, [8051])
    assert seen.id_of("mobile", number) == other
