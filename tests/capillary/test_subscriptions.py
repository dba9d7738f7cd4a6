"""Subscriptions over the wire."""

from typing import Any

import pytest

from tests.capillary.conftest import Counter
from tests.capillary.people import make_arjun, make_meera, opened

LOOKUP = "/v2/customers/lookup/subscriptions?source=INSTORE&identifierName=mobile"
OUT = {"channel": "EMAIL", "priority": "BULK", "type": "OPTOUT", "sourceName": "INSTORE"}


@pytest.fixture(scope="module")
async def meera(capillary_url: str) -> int:
    """Meera's id."""
    async with opened(capillary_url) as shop:
        return await make_meera(shop)


@pytest.fixture
async def arjun(capillary_url: str) -> int:
    """A new Arjun's id."""
    async with opened(capillary_url) as shop:
        count = await shop.database.fetchval("SELECT count(*) FROM customer")
        return await make_arjun(shop, f"65987{count:05d}")


def told(counter: Counter, customer_id: int) -> dict[tuple[str, str], str]:
    """What the customer is opted in to and out of."""
    reply = counter.send("GET", f"/v2/customers/{customer_id}/subscriptions")
    assert reply.status == 200
    assert reply.json["warnings"] == []
    listed = reply.json["subscriptions"]
    return {(each["channel"], each["priority"]): each["type"] for each in listed}


DEFAULT = {
    (channel, priority): "OPTIN" for channel in ("EMAIL", "SMS") for priority in ("TRANS", "BULK")
}


def test_what_is_sent_is_echoed_and_kept(counter: Counter, meera: int) -> None:
    assert told(counter, meera) == DEFAULT
    sent = {
        "communicationId": -1,
        "campaignId": -1,
        "reason": "preference centre",
        "scope": {"scope": "USER", "subScope": "NONE"},
        "subscriptions": [
            {**OUT, "accountId": "", "orgUnitId": -1},
            {**OUT, "channel": "MOBILE", "accountId": "", "orgUnitId": -1},
            {**OUT, "channel": "whatsapp", "type": "OPTIN", "accountId": "", "orgUnitId": -1},
        ],
    }
    reply = counter.send("POST", f"{LOOKUP}&identifierValue=6591234567", sent)
    assert (reply.status, reply.json) == (200, {**sent, "warnings": []})
    expected = {**DEFAULT, ("EMAIL", "BULK"): "OPTOUT", ("SMS", "BULK"): "OPTOUT"}
    assert told(counter, meera) == {**expected, ("WHATSAPP", "BULK"): "OPTIN"}
    by_identifier = counter.send("GET", f"{LOOKUP}&identifierValue=6591234567")
    assert by_identifier.json == counter.send("GET", f"/v2/customers/{meera}/subscriptions").json
    shown = counter.send("GET", f"/v2/customers/{meera}?source=ALL&embed=subscriptions").json
    assert {"channel": "EMAIL", "priority": "BULK", "type": "OPTOUT"} in shown["subscriptionInfo"][
        "subscriptions"
    ]


def test_who_opted_out_can_opt_in_again(counter: Counter, arjun: int) -> None:
    path = f"/v2/customers/{arjun}/subscriptions"
    for type_ in ("OPTOUT", "OPTIN", "optout"):
        assert counter.send("POST", path, {"subscriptions": [{**OUT, "type": type_}]}).status == 200
        assert told(counter, arjun)["EMAIL", "BULK"] == type_.upper()


async def test_subscriptions_are_told_to_the_card_with_its_history(
    counter: Counter, arjun: int, capillary_url: str
) -> None:
    path = f"/v2/customers/{arjun}/subscriptions"
    key = {"Idempotency-Key": f"subscriptions-{arjun}"}
    replies = [counter.send("POST", path, {"subscriptions": [OUT]}, key) for _ in range(2)]
    assert replies[0].json == replies[1].json
    async with opened(capillary_url) as shop:
        kinds = await shop.database.fetch(
            "SELECT kind FROM customer_change WHERE customer_id = $1 ORDER BY id", arjun
        )
    assert [row["kind"] for row in kinds] == ["subscriptions_changed"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 1110),
        ({"subscriptions": []}, 1110),
        ({"subscriptions": [{**OUT, "channel": "PIGEON"}]}, 1101),
        ({"subscriptions": [{**OUT, "channel": None}]}, 1101),
        ({"subscriptions": [{**OUT, "priority": "SOMETIMES"}]}, 1102),
        ({"subscriptions": [{**OUT, "type": "MAYBE"}]}, 1106),
        ({"subscriptions": [{**OUT, "sourceName": "NOWHERE"}]}, 8003),
        ({"subscriptions": [OUT], "scope": {"scope": "ORG"}}, 1103),
        ({"subscriptions": [OUT] * 101}, 1060),
        ({"subscriptions": [OUT], "reason": "x" * 1001}, 400),
        ({"subscriptions": "all"}, 400),
        ({"subscriptions": [OUT], "campaignId": "x"}, 400),
        ({"subscriptions": [OUT, {**OUT, "type": 1}]}, 400),
    ],
)
def test_wrong_bodies_change_nothing(counter: Counter, arjun: int, body: Any, code: int) -> None:
    reply = counter.send("POST", f"/v2/customers/{arjun}/subscriptions", body)
    assert (reply.status, reply.json["errors"][0]["code"]) == (400, code)
    assert told(counter, arjun) == DEFAULT


@pytest.mark.parametrize(
    ("query", "writing", "reading"),
    [
        ("", 8001, 8016),
        ("source=NOWHERE&identifierName=mobile&identifierValue=1", 8003, 8012),
        ("source=LINE&identifierName=mobile&identifierValue=1", 8045, 8091),
        ("source=ALL", 8002, 8092),
        ("source=ALL&identifierName=mobile", 8002, 8093),
        ("source=ALL&identifierName=shoe&identifierValue=1", 8013, 8013),
        ("source=ALL&identifierName=mobile&identifierValue=6500000000", 8015, 8015),
    ],
)
def test_whom_it_is_about_must_be_known(
    counter: Counter, query: str, writing: int, reading: int
) -> None:
    path = f"/v2/customers/lookup/subscriptions?{query}"
    written = counter.send("POST", path, {"subscriptions": [OUT]})
    assert (written.status, written.json["errors"][0]["code"]) == (400, writing)
    read = counter.send("GET", path)
    assert (read.status, read.json["errors"][0]["code"]) == (400, reading)
