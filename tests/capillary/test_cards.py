"""Loyalty cards over the registration door, in the shapes of the protocol's example."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from habitue.customers.organisation import CardLabel, CardSeries, CustomField, Till
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.link_card import link_card
from habitue.usecases.shop import Shop
from tests.capillary.conftest import Counter
from tests.customers.shop_cards import NOW, TILL, series, wish

CUSTOMER = 5_001


@pytest.fixture(scope="module")
async def shop(capillary_url: str) -> AsyncIterator[Shop]:
    """The shop that the tests of this file share: two series, a label, a field and a till."""
    async with open_database(External(capillary_url)) as database:
        shop = Shop(database)
        await shop.refresh()
        entries: list[CardSeries | CardLabel | CustomField | Till] = [
            series(131, code="GOLDPHY25", name="Gold physical", expires=True, expiry_days=365),
            series(132, code="APP", name="App", type="DIGITAL", generates=False, prefix="APP"),
            CardLabel(151, "CARD_GENERATED", "NOT_ISSUED", NOW),
            CustomField(152, "size", "Size", NOW, scope="customer_card", regex="[SML]"),
            Till(107, "orchard.till03", "Till 3", NOW, store_code="orchard"),
        ]
        changes = [Change(each) for each in entries]
        await save_configuration(database, shop.configuration.version, changes)
        await shop.refresh()
        await database.execute(
            "INSERT INTO customer (id, anonymous, created, last_activity) "
            "VALUES ($1, false, $2, $2)",
            CUSTOMER,
            NOW,
        )
        yield shop


@pytest.fixture
def till(shop: Shop, counter: Counter) -> Counter:
    return counter


def added(till: Counter, number: str, **fields: Any) -> int:
    body = {"seriesId": 131, "cardNumber": number, "statusLabel": "NOT_ISSUED", **fields}
    reply = till.send("POST", "/v2/card", body)
    assert reply.status == 200, reply.body
    assert reply.json["warnings"] == []
    return int(reply.json["entity"])


def errors(till: Counter, method: str, path: str, body: Any = None) -> list[tuple[int, str]]:
    reply = till.send(method, path, body)
    assert reply.status == 400, reply.body
    assert set(reply.json) == {"errors"}
    assert {each["status"] for each in reply.json["errors"]} == {False}
    return [(each["code"], each["message"]) for each in reply.json["errors"]]


def code(till: Counter, method: str, path: str, body: Any = None) -> int:
    (error,) = errors(till, method, path, body)
    return error[0]


def test_cards_are_generated(till: Counter) -> None:
    body = {"seriesId": "131", "count": 2, "statusLabel": "NOT_ISSUED"}
    reply = till.send("POST", "/v2/card/generate", body)
    assert (reply.status, set(reply.json)) == (200, {"entity", "warnings"})
    assert reply.json["warnings"] == []
    first, second = reply.json["entity"]
    assert re.fullmatch(r"GOLD\d{16}2025", first)
    assert int(second[4:20]) == int(first[4:20]) + 1


def test_a_generation_is_made_once_under_its_key(till: Counter) -> None:
    body = {"seriesId": 131, "count": 3, "statusLabel": "card_generated"}
    key = {"Idempotency-Key": "print-run-7"}
    first = till.send("POST", "/v2/card/generate", body, key)
    assert till.send("POST", "/v2/card/generate", body, key).json == first.json
    assert len(first.json["entity"]) == 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"seriesId": None}, 3000),
        ({"seriesId": 999}, 3004),
        ({"seriesId": 132}, 703),
        ({"count": 0}, 3025),
        ({"count": None}, 3025),
        ({"count": 100_001}, 3026),
        ({"statusLabel": ""}, 3011),
        ({"statusLabel": "nonsense"}, 3017),
        ({"statusLabel": "ACTIVE"}, 3018),
    ],
)
def test_codes_of_generation(till: Counter, fields: dict[str, Any], expected: int) -> None:
    body = {"seriesId": 131, "count": 1, "statusLabel": "NOT_ISSUED", **fields}
    assert code(till, "POST", "/v2/card/generate", body) == expected


def test_a_card_is_added_and_read(till: Counter) -> None:
    card_id = added(
        till,
        "EXT-CARD-000001",
        cardExternalId="ext-1",
        statusLabel="CARD_GENERATED",
        statusInfo={"reason": "imported"},
        customFields={"size": "M"},
        extendedFields={"card_balance": "20"},
        mappedEntity={"type": "TILL", "value": "orchard.till03"},
    )
    card = till.send("GET", "/v2/card?number=EXT-CARD-000001").json
    info = card.pop("statusInfo")
    day = card.pop("createdDate")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    assert card == {
        "cardId": card_id,
        "expiryDays": 365,
        "seriesName": "Gold physical",
        "customerId": 0,
        "maxActiveCards": 1,
        "entityCode": "orchard.till03",
        "extendedFields": {"card_balance": 20},
        "customFields": {"size": "M"},
        "type": "PHYSICAL",
        "cardNumber": "EXT-CARD-000001",
        "cardExternalId": "ext-1",
        "seriesId": 131,
        "seriesCode": "GOLDPHY25",
        "orgId": 1,
        "entityId": 107,
        "id": card_id,
        "activeAndDigital": False,
        "transactionNotAllowed": False,
        "warnings": [],
    }
    assert (info["reason"], info["label"], info["status"], info["labelId"]) == (
        "imported",
        "CARD_GENERATED",
        "NOT_ISSUED",
        151,
    )
    assert (info["isActive"], info["entityId"], info["actions"]) == (True, card_id, [])


def test_fields_that_the_shop_does_not_take_are_remarked_and_the_card_is_added(
    till: Counter,
) -> None:
    body = {
        "seriesId": 131,
        "cardNumber": "FIELDS-1",
        "statusLabel": "NOT_ISSUED",
        "customFields": {"size": "XXL", "colour": "red"},
        "extendedFields": {"card_balance": "much", "shoe": 1},
    }
    reply = till.send("POST", "/v2/card", body)
    assert reply.status == 200
    assert sorted(each["code"] for each in reply.json["warnings"]) == [1017, 91015, 91015]
    card = till.send("GET", "/v2/card?number=FIELDS-1").json
    assert (card["customFields"], card["extendedFields"]) == ({"colour": "red"}, {})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"seriesId": 999}, 3004),
        ({"seriesId": None}, 3000),
        ({"cardNumber": ""}, 3005),
        ({"cardNumber": "X" * 251}, 3005),
        ({"cardNumber": "CODES-1"}, 3009),
        ({"cardExternalId": "ext-codes"}, 3045),
        ({"cardExternalId": "e" * 10_000}, 3005),
        ({"statusLabel": None}, 3011),
        ({"statusLabel": "nonsense"}, 3017),
        ({"statusLabel": "ACTIVE"}, 3018),
        ({"mappedEntity": {"type": "TILL", "value": "nowhere"}}, 3048),
        ({"mappedEntity": {"type": "ZONE", "value": "north"}}, 3049),
    ],
)
def test_codes_of_adding(till: Counter, fields: dict[str, Any], expected: int) -> None:
    if till.send("GET", "/v2/card?number=CODES-1").status != 200:
        added(till, "CODES-1", cardExternalId="ext-codes")
    body = {"seriesId": 131, "cardNumber": "CODES-2", "statusLabel": "NOT_ISSUED", **fields}
    assert code(till, "POST", "/v2/card", body) == expected
    assert code(till, "GET", "/v2/card?number=CODES-2") == 3010


def test_the_label_that_a_card_has_is_a_warning(till: Counter) -> None:
    card_id = added(till, "SAME-1", statusLabel="CARD_GENERATED")
    body = {"cardNumber": "SAME-1", "statusLabel": "CARD_GENERATED"}
    reply = till.send("PUT", "/v2/card", body)
    assert reply.status == 200
    card = reply.json
    assert card["warnings"] == [
        {"status": False, "code": 3039, "message": "No update in status label"}
    ]
    label = card["statusLabelInfo"]
    assert label.pop("createdOn") == "2026-06-15"
    assert label.pop("orgId") == 1
    assert label == {
        "id": 151,
        "isActive": True,
        "label": "CARD_GENERATED",
        "status": "NOT_ISSUED",
        "type": "CARD",
        "actions": {},
        "default": False,
    }
    assert (card["cardId"], card["customerId"], card["cardNumber"]) == (card_id, 0, "SAME-1")
    assert card["transactionNotAllowed"] is False


async def test_a_held_card_is_suspended_and_logged(shop: Shop, till: Counter) -> None:
    card_id = added(till, "HELD-1")
    await link_card(shop, CUSTOMER, wish("HELD-1"), NOW, TILL)
    # NOW was the middle of June 2026: the card's year is not over.
    reply = till.send(
        "PUT",
        "/v2/card",
        {
            "cardNumber": "HELD-1",
            "statusLabel": "suspended",
            "statusInfo": {"reason": "lost"},
            "mappedEntity": {"type": "TILL", "value": "orchard.till03"},
        },
    )
    assert reply.status == 200, reply.body
    assert reply.json["warnings"] == []
    assert (reply.json["customerId"], reply.json["transactionNotAllowed"]) == (CUSTOMER, True)
    assert reply.json["statusInfo"] == {"reason": "lost", "actions": []}
    assert reply.json["mappedEntity"] == {"type": "TILL", "value": "orchard.till03", "id": 107}
    log = till.send("GET", "/v2/card/statusLog?number=HELD-1").json
    assert (log["warnings"], log["errors"]) == ([], [])
    told = [
        (each["status"], each.get("prevLabel"), each["isActive"], each["entityId"])
        for each in log["data"]
    ]
    assert told == [
        ("NOT_ISSUED", None, False, card_id),
        ("ACTIVE", "NOT_ISSUED", False, card_id),
        ("SUSPENDED", "ACTIVE", True, card_id),
    ]
    assert (log["data"][2]["reason"], log["data"][1]["createdOn"]) == (
        "lost",
        "2026-06-15T12:00:00Z",
    )
    card = till.send("GET", "/v2/card?number=HELD-1").json
    assert (card["issuedDate"], card["expiryDate"]) == (
        "2026-06-15T12:00:00Z",
        "2027-06-15T12:00:00Z",
    )


async def test_a_card_whose_time_is_up_is_read_as_expired(shop: Shop, till: Counter) -> None:
    added(till, "OLD-1")
    long_ago = NOW.replace(year=2020)
    decision = await link_card(shop, CUSTOMER, wish("OLD-1"), long_ago, TILL)
    assert decision.card.status == "ACTIVE"
    card = till.send("GET", "/v2/card?number=OLD-1").json
    assert (card["statusInfo"]["status"], card["statusInfo"]["label"]) == ("EXPIRED", "EXPIRED")
    assert card["statusInfo"]["createdOn"] == card["expiryDate"] == "2021-06-15T12:00:00Z"
    assert card["transactionNotAllowed"] is True
    for label in ("ACTIVE", "DELETED"):
        body = {"cardNumber": "OLD-1", "statusLabel": label}
        assert 3000 < code(till, "PUT", "/v2/card", body) < 3060


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"cardNumber": "NOPE", "statusLabel": "SUSPENDED"}, 3010),
        ({"cardExternalId": "nope", "statusLabel": "SUSPENDED"}, 3010),
        ({"statusLabel": "SUSPENDED"}, 3010),
        ({"cardNumber": "STATUS-1"}, 3011),
        ({"cardNumber": "STATUS-1", "statusLabel": "nonsense"}, 3017),
        ({"cardNumber": "STATUS-1", "cardExternalId": "other", "statusLabel": "SUSPENDED"}, 3046),
        ({"cardNumber": "STATUS-1", "seriesId": 132, "statusLabel": "SUSPENDED"}, 3000),
    ],
)
def test_codes_of_changes(till: Counter, body: dict[str, Any], expected: int) -> None:
    if till.send("GET", "/v2/card?number=STATUS-1").status != 200:
        added(till, "STATUS-1", cardExternalId="ext-status")
    before = till.send("GET", "/v2/card?number=STATUS-1").json
    assert code(till, "PUT", "/v2/card", body) == expected
    assert till.send("GET", "/v2/card?number=STATUS-1").json == before


def test_many_cards_are_changed_in_one_envelope(till: Counter) -> None:
    added(till, "BULK-1")
    good = {"cardNumber": "BULK-1", "statusLabel": "SUSPENDED"}
    bad = {"cardNumber": "NOPE", "statusLabel": "SUSPENDED"}
    reply = till.send("PUT", "/v2/card/bulk", [good, bad, good])
    assert reply.status == 201
    done, unknown, again = reply.json["response"]
    assert (reply.json["totalCount"], reply.json["failureCount"]) == (3, 1)
    assert done["entityId"]["statusLabelInfo"]["status"] == "SUSPENDED"
    assert (done["errors"], done["warnings"]) == ([], [])
    assert unknown == {
        "entityId": {"cardNumber": "NOPE"},
        "errors": [{"status": False, "code": 3010, "message": "Card number does not exists"}],
        "warnings": [],
    }
    assert [each["code"] for each in again["warnings"]] == [3039]
    assert till.send("PUT", "/v2/card/bulk", [bad]).status == 500


def test_more_than_two_hundred_cards_are_refused(till: Counter) -> None:
    body = [{"cardNumber": "NOPE", "statusLabel": "SUSPENDED"}] * 201
    assert code(till, "PUT", "/v2/card/bulk", body) == 1060


@pytest.mark.parametrize("path", ["/v2/card", "/v2/card?number=NOPE", "/v2/card/statusLog"])
def test_a_card_that_is_not_there(till: Counter, path: str) -> None:
    assert errors(till, "GET", path) == [(3010, "Card number does not exists")]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v2/card", {"seriesId": [], "cardNumber": 5, "statusLabel": "x"}),
        ("POST", "/v2/card", {"seriesId": "many", "cardNumber": "x", "statusLabel": "x"}),
        ("POST", "/v2/card", {"cardNumber": {"a": 1}}),
        ("POST", "/v2/card/generate", {"seriesId": 131, "count": "lots"}),
        ("PUT", "/v2/card/bulk", {"cardNumber": "x"}),
        ("PUT", "/v2/card", {"cardNumber": "x", "statusInfo": "lost"}),
        ("PUT", "/v2/card", []),
        ("POST", "/v2/card", {"seriesId": 131, "cardNumber": "a\0b", "statusLabel": "x"}),
        ("POST", "/v2/card", {"seriesId": 131, "cardNumber": "\ud800", "statusLabel": "ISSUED"}),
        ("PUT", "/v2/card", {"cardNumber": "x", "statusInfo": {"reason": "\ud800"}}),
        ("PUT", "/v2/card", {"cardNumber": "x", "cardExternalId": "e" * 10_000}),
        ("GET", "/v2/card?number=" + "9" * 5_000, None),
        ("GET", "/v2/card?number=%00", None),
    ],
)
def test_bodies_of_other_types_are_refused(
    till: Counter, method: str, path: str, body: Any
) -> None:
    assert till.send(method, path, body).status == 400


def test_a_reason_has_a_bound(till: Counter) -> None:
    added(till, "REASON-1")
    body = {
        "cardNumber": "REASON-1",
        "statusLabel": "SUSPENDED",
        "statusInfo": {"reason": "e" * 1_001},
    }
    ((_, message),) = errors(till, "PUT", "/v2/card", body)
    assert message.startswith("/statusInfo/reason: Too long")
    card = till.send("GET", "/v2/card?number=REASON-1").json
    assert card["statusInfo"]["status"] == "NOT_ISSUED"


def test_numbers_may_come_as_json_numbers(till: Counter) -> None:
    card_id = added(till, 4_000_123)  # type: ignore[arg-type]
    assert till.send("GET", "/v2/card?number=4000123").json["cardId"] == card_id
