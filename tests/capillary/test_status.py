"""Statuses over the wire: changing them, their log, and what stands after cards were joined."""

from typing import Any

import pytest

from habitue.customers.card import Actor
from habitue.customers.merge import MergeReason
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.unmerge_customers import unmerge_customers
from tests.building import NOW
from tests.capillary.conftest import LOGIN, Counter
from tests.capillary.people import make_arjun, make_meera, opened
from tests.customers.customer_cards import make_card, profile

SUSPENDED = {"label": "suspended", "reason": "chargeback review"}
EARLIER = {**SUSPENDED, "createdOn": "2025-04-01T10:10:45+08:00"}


@pytest.fixture(scope="module")
async def meera(capillary_url: str) -> int:
    """Meera's id."""
    async with opened(capillary_url) as shop:
        return await make_meera(shop)


async def arjun_of(url: str, mobile: str) -> int:
    """A new Arjun."""
    async with opened(url) as shop:
        return await make_arjun(shop, mobile)


def log_of(counter: Counter, customer_id: int) -> Any:
    """The log of a customer's statuses."""
    reply = counter.send("GET", f"/v2/customers/{customer_id}/statusLog")
    assert reply.status == 200
    return reply.json["data"]


def active_in(log: Any) -> str:
    """The one label that is active."""
    (active,) = [each for each in log if each["isActive"]]
    return str(active["label"])


def set_status(counter: Counter, customer_id: int, label: str) -> None:
    """Changes a status, which must succeed."""
    body = {"label": label, "reason": "because"}
    reply = counter.send("PUT", f"/v2/customers/{customer_id}/status", body)
    assert (reply.status, reply.json) == (200, {"warnings": [], "error": []})


def test_status_changes_by_identifier_and_is_logged(counter: Counter, meera: int) -> None:
    path = "/v2/customers/lookup/status?source=INSTORE&identifierName=mobile"
    reply = counter.send("PUT", f"{path}&identifierValue=6591234567", EARLIER)
    assert (reply.status, reply.json) == (200, {"warnings": [], "error": []})
    assert log_of(counter, meera) == [
        {
            "createdByUser": "orchard.till03",
            "reason": "",
            "createdBy": 7100421,
            "actions": [],
            "autoUpdateTime": "2025-03-04",
            "createdOn": "2025-03-04T01:15:20Z",
            "entityId": meera,
            "isActive": False,
            "label": "Active",
            "status": "ACTIVE",
        },
        {
            "createdByUser": LOGIN,
            "reason": "chargeback review",
            "createdBy": 0,
            "actions": [],
            "autoUpdateTime": "2025-04-01",
            "createdOn": "2025-04-01T02:10:45Z",
            "entityId": meera,
            "isActive": True,
            "label": "Suspended",
            "prevLabel": "Active",
            "status": "SUSPENDED",
        },
    ]


async def test_everybody_starts_as_active(counter: Counter, capillary_url: str) -> None:
    arjun = await arjun_of(capillary_url, "6598765001")
    (line,) = log_of(counter, arjun)
    assert (line["label"], line["isActive"]) == ("Active", True)
    set_status(counter, arjun, "Internal")
    assert [each["label"] for each in log_of(counter, arjun)] == ["Active", "Internal"]


async def test_who_is_deleted_stays_deleted(counter: Counter, capillary_url: str) -> None:
    arjun = await arjun_of(capillary_url, "6598765002")
    set_status(counter, arjun, "Deleted")
    before = log_of(counter, arjun)
    body = {"label": "Active", "reason": "came back"}
    reply = counter.send("PUT", f"/v2/customers/{arjun}/status", body)
    assert (reply.status, reply.json["errors"][0]["code"]) == (400, 3042)
    assert log_of(counter, arjun) == before
    assert active_in(before) == "Deleted"


async def test_a_repeated_request_is_meant_once(counter: Counter, capillary_url: str) -> None:
    arjun = await arjun_of(capillary_url, "6598765003")
    key = {"Idempotency-Key": "status-1"}
    path = f"/v2/customers/{arjun}/status"
    replies = [counter.send("PUT", path, SUSPENDED, key) for _ in range(2)]
    assert [each.json for each in replies] == [{"warnings": [], "error": []}] * 2
    assert len(log_of(counter, arjun)) == 2
    other = counter.send("PUT", path, {**SUSPENDED, "reason": "another"}, key)
    assert other.status == 409


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ("", SUSPENDED, 8001),
        ("source=NOWHERE&identifierName=mobile&identifierValue=1", SUSPENDED, 8003),
        ("source=ALL&identifierName=shoe&identifierValue=1", SUSPENDED, 8013),
        ("source=ALL&identifierName=mobile&identifierValue=6500000000", SUSPENDED, 8015),
        ("source=ALL&identifierName=mobile", SUSPENDED, 8002),
        ("source=WECHAT&identifierName=mobile&identifierValue=1", SUSPENDED, 8045),
        ("source=TMALL&identifierName=mobile&identifierValue=6591234567", SUSPENDED, 8065),
    ],
)
def test_whom_it_is_about_must_be_known(
    counter: Counter, meera: int, query: str, body: Any, code: int
) -> None:
    before = log_of(counter, meera)
    reply = counter.send("PUT", f"/v2/customers/lookup/status?{query}", body)
    assert (reply.status, reply.json["errors"][0]["code"]) == (400, code)
    assert log_of(counter, meera) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 8084),
        ({"label": "Suspended"}, 8084),
        ({"reason": "why not"}, 8084),
        ({"label": " ", "reason": "why not"}, 8084),
        ({"label": "Vanished", "reason": "why not"}, 8086),
        ({"label": 7, "reason": "why not"}, 400),
        ({**SUSPENDED, "reason": "x" * 1001}, 400),
        ({**SUSPENDED, "createdOn": "yesterday"}, 400),
        ({**SUSPENDED, "createdOn": "2999-01-01T00:00:00Z"}, 400),
        ({**SUSPENDED, "createdOn": 5}, 400),
        ([], 400),
    ],
)
def test_wrong_bodies_change_nothing(counter: Counter, meera: int, body: Any, code: int) -> None:
    before = log_of(counter, meera)
    reply = counter.send("PUT", f"/v2/customers/{meera}/status", body)
    assert (reply.status, reply.json["errors"][0]["code"]) == (400, code)
    assert log_of(counter, meera) == before


@pytest.mark.parametrize("path", ["0/statusLog", "9007199254740991/statusLog"])
def test_log_of_nobody_is_not_found(counter: Counter, path: str) -> None:
    reply = counter.send("GET", f"/v2/customers/{path}")
    assert (reply.status, reply.json["errors"][0]["code"]) == (400, 8015)


async def test_joined_cards_have_the_most_severe_status_until_a_new_one(
    counter: Counter, capillary_url: str
) -> None:
    async with opened(capillary_url) as shop:
        one = await make_card(shop, profile(shop, identifiers=(("mobile", "6598765004"),)))
        other = await make_card(shop, profile(shop, identifiers=(("mobile", "6598765005"),)))
        set_status(counter, other, "Fraud suspected")
        reason = MergeReason(kind="request")
        await merge_customers(shop, one, other, Actor(), reason, NOW)
        assert active_in(log_of(counter, one)) == "Fraud suspected"
        set_status(counter, one, "Suspended")
        assert active_in(log_of(counter, one)) == "Suspended"
        refused = counter.send("PUT", f"/v2/customers/{other}/status", SUSPENDED)
        assert refused.json["errors"][0]["code"] == 8069
        await unmerge_customers(shop, other, Actor(), NOW)
    assert active_in(log_of(counter, one)) == "Suspended"
    assert active_in(log_of(counter, other)) == "Fraud suspected"
    assert [each["label"] for each in log_of(counter, other)] == ["Active", "Fraud suspected"]
