"""Merging two customers on purpose, over the wire: asking, deciding, undoing."""

import asyncio
import itertools
from typing import Any

import pytest

from habitue.customers.card import Actor
from habitue.customers.merge import MergeReason
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.unmerge_customers import unmerge_customers
from tests.building import NOW
from tests.capillary.conftest import LOGIN, Counter
from tests.capillary.people import make_arjun, opened
from tests.serving import Reply

_numbers = itertools.count(6598000000)
MERGE = {"type": "CHANGE_IDENTIFIER", "baseType": "MERGE"}
EVERYTHING = (
    "SELECT (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM merge_request AS r)::text"
    " || (SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM customer AS c)::text"
)


async def two(url: str) -> tuple[int, int]:
    """Two customers who are strangers to one another."""
    async with opened(url) as shop:
        one = await make_arjun(shop, str(next(_numbers)))
        return one, await make_arjun(shop, str(next(_numbers)))


def ask(counter: Counter, victim: int, survivor: int, **more: Any) -> Reply:
    """Asks for a merge."""
    named = {"customer": {"id": victim}, "targetCustomer": {"id": survivor}}
    return counter.send("POST", "/v2/requests", {**MERGE, **named, **more})


def asked(counter: Counter, victim: int, survivor: int) -> int:
    """The id of a new request."""
    reply = ask(counter, victim, survivor)
    assert (reply.status, reply.json["warnings"]) == (200, [])
    created: int = reply.json["createdId"]
    return created


def decide(counter: Counter, request_id: Any, status: str, **more: Any) -> Reply:
    """Decides about one request."""
    return counter.send(
        "PUT", "/v2/requests", [{**MERGE, "id": request_id, "status": status, **more}]
    )


def code_in(reply: Reply) -> int:
    """The one code of a refused decision, or of a refused request."""
    body = reply.json
    (error,) = body["errors"] if "errors" in body else body["response"][0]["errors"]
    code: int = error["code"]
    return code


async def test_a_request_is_asked_for_and_approved(counter: Counter, capillary_url: str) -> None:
    survivor, victim = await two(capillary_url)
    request_id = asked(counter, victim, survivor)
    shown = counter.send("GET", f"/v2/requests/{request_id}").json
    assert shown["attribution"]["createdBy"]["code"] == LOGIN
    added_on = shown.pop("addedOn")
    assert shown.pop("attribution")["createDate"] == added_on
    assert shown == {
        **MERGE,
        "status": "PENDING",
        "id": request_id,
        "orgId": 1,
        "userId": victim,
        "comments": "",
        "changeIdentifierRequest": {
            "id": request_id,
            "userId": -1,
            "requestId": request_id,
            "changeType": "MERGE",
            "changeStatus": "PROCESSING",
            "changeIdentifiers": {
                "add": [{"type": "id", "value": str(survivor)}],
                "remove": [{"type": "id", "value": str(victim)}],
            },
            "oneStep": False,
        },
        "oneStep": False,
        "warnings": [],
    }
    reply = decide(counter, request_id, "APPROVED", comments="duplicate")
    assert reply.status == 200
    assert reply.json == {
        "response": [{"entityId": request_id, "result": True, "errors": [], "warnings": []}],
        "totalCount": 1,
        "failureCount": 0,
    }
    approved = counter.send("GET", f"/v2/requests/{request_id}").json
    assert (approved["status"], approved["comments"]) == ("APPROVED", "duplicate")
    gone = counter.send("GET", f"/v2/customers/{victim}?source=ALL")
    assert gone.status == 200
    assert gone.json == {
        "warnings": [{"status": False, "code": 8069, "message": "Merged customer found"}]
    }
    joined = counter.send("GET", f"/v2/customers/{survivor}?source=ALL").json
    assert [each["userId"] for each in joined["profiles"]] == [survivor, survivor]
    assert counter.send("POST", "/v2/bulk/getCustomers", [victim]).json["data"] == []


async def test_what_was_approved_can_be_undone(counter: Counter, capillary_url: str) -> None:
    survivor, victim = await two(capillary_url)
    paths = [f"/v2/customers/{each}?source=ALL" for each in (survivor, victim)]
    before = [counter.send("GET", path).json for path in paths]
    request_id = asked(counter, victim, survivor)
    early = counter.send("POST", f"/v2/requests/{request_id}/undo", {})
    assert (early.status, code_in(early)) == (400, 9012)
    assert decide(counter, request_id, "APPROVED").status == 200
    undone = counter.send("POST", f"/v2/requests/{request_id}/undo", {"comments": "two people"})
    assert (undone.status, undone.json["status"]) == (200, "UNDONE")
    assert undone.json["comments"] == "two people"
    assert [counter.send("GET", path).json for path in paths] == before
    again = counter.send("POST", f"/v2/requests/{request_id}/undo")
    assert (again.status, code_in(again)) == (400, 9012)
    assert asked(counter, victim, survivor) > request_id


async def test_a_rejected_request_goes_back_to_pending_first(
    counter: Counter, capillary_url: str
) -> None:
    survivor, victim = await two(capillary_url)
    request_id = asked(counter, victim, survivor)
    assert decide(counter, request_id, "REJECTED").status == 200
    refused = decide(counter, request_id, "APPROVED")
    assert (refused.status, code_in(refused)) == (500, 9012)
    assert refused.json["failureCount"] == 1
    assert decide(counter, request_id, "PENDING").status == 200
    assert code_in(decide(counter, request_id, "PENDING")) == 9012
    assert decide(counter, request_id, "APPROVED").status == 200
    assert code_in(decide(counter, request_id, "REJECTED")) == 9012
    assert code_in(decide(counter, request_id, "APPROVED")) == 9012


async def test_many_are_decided_one_by_one(counter: Counter, capillary_url: str) -> None:
    survivor, victim = await two(capillary_url)
    request_id = asked(counter, victim, survivor)
    wishes = [
        {**MERGE, "id": request_id, "status": "approved"},
        {**MERGE, "id": 10**15, "status": "APPROVED"},
        {**MERGE, "id": request_id, "status": "CUSTOM"},
        {**MERGE, "status": "APPROVED"},
        {"type": "GOODWILL", "baseType": "POINTS", "id": request_id, "status": "APPROVED"},
        {"type": "CHANGE_IDENTIFIER", "baseType": "MOBILE", "id": request_id},
    ]
    reply = counter.send("PUT", "/v2/requests", wishes)
    assert (reply.status, reply.json["totalCount"], reply.json["failureCount"]) == (201, 6, 5)
    codes = [[each["code"] for each in row["errors"]] for row in reply.json["response"]]
    assert codes == [[], [9013], [9012], [9013], [9006], [9008]]


async def test_pending_requests_exclude_one_another(counter: Counter, capillary_url: str) -> None:
    (one, other), (third, fourth) = await two(capillary_url), await two(capillary_url)
    asked(counter, other, one)
    async with opened(capillary_url) as shop:
        before = await shop.database.fetchval(EVERYTHING)
        for victim, survivor, code in (
            (other, one, 9028),
            (other, third, 9018),
            (one, third, 9018),
            (third, other, 9026),
        ):
            reply = ask(counter, victim, survivor)
            assert (reply.status, code_in(reply)) == (400, code)
        assert await shop.database.fetchval(EVERYTHING) == before
    asked(counter, third, one)
    asked(counter, fourth, one)


async def test_who_cannot_be_merged(counter: Counter, capillary_url: str) -> None:
    (one, other), (third, victim) = await two(capillary_url), await two(capillary_url)
    async with opened(capillary_url) as shop:
        await merge_customers(shop, one, victim, Actor(), MergeReason(kind="request"), NOW)
    for victim_id, survivor_id, code in (
        (victim, third, 9027),
        (third, victim, 9023),
        (third, third, 9029),
        (10**15, third, 9011),
        (third, 10**15, 9007),
    ):
        reply = ask(counter, victim_id, survivor_id)
        assert (reply.status, code_in(reply)) == (400, code)
    request_id = asked(counter, other, third)
    async with opened(capillary_url) as shop:
        await merge_customers(shop, one, other, Actor(), MergeReason(kind="request"), NOW)
        assert code_in(decide(counter, request_id, "APPROVED")) == 9027
        await unmerge_customers(shop, other, Actor(), NOW)
        await merge_customers(shop, one, third, Actor(), MergeReason(kind="request"), NOW)
    assert code_in(decide(counter, request_id, "APPROVED")) == 9023
    assert counter.send("GET", f"/v2/requests/{request_id}").json["status"] == "PENDING"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 9006),
        ({"type": "GOODWILL", "baseType": "MERGE"}, 9006),
        ({"type": "CHANGE_IDENTIFIER"}, 9008),
        ({"type": "CHANGE_IDENTIFIER", "baseType": "MOBILE"}, 9008),
        (MERGE, 9019),
        ({**MERGE, "customer": {}, "targetCustomer": {"id": 1}}, 9019),
        ({**MERGE, "customerId": 10**15, "targetCustomerId": 1}, 9011),
        ({**MERGE, "customerId": 10**15}, 9019),
        ({**MERGE, "customer": {"mobile": 6500000000}, "targetCustomer": {"id": 1}}, 9011),
        ({**MERGE, "customer": {"type": "x", "value": "1"}, "targetCustomer": {"id": 1}}, 8013),
        ({**MERGE, "customer": {"id": "one"}, "targetCustomer": {"id": 1}}, 400),
        ({**MERGE, "comments": "x" * 1001}, 400),
        ([], 400),
    ],
)
def test_wrong_requests_store_nothing(counter: Counter, body: Any, code: int) -> None:
    reply = counter.send("POST", "/v2/requests", body)
    assert (reply.status, code_in(reply)) == (400, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [([], 8084), ([{}] * 11, 1060), ({}, 400), ([1], 400), ([{"id": "x"}], 400)],
)
def test_wrong_decisions_decide_nothing(counter: Counter, body: Any, code: int) -> None:
    reply = counter.send("PUT", "/v2/requests", body)
    assert (reply.status, code_in(reply)) == (400, code)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v2/requests/9007199254740991", 9013),
        ("GET", "/v2/requests/first", 400),
        ("POST", "/v2/requests/9007199254740991/undo", 9013),
    ],
)
def test_unknown_requests(counter: Counter, method: str, path: str, code: int) -> None:
    reply = counter.send(method, path)
    assert (reply.status, code_in(reply)) == (400, code)


async def test_identifiers_name_both_customers(counter: Counter, capillary_url: str) -> None:
    async with opened(capillary_url) as shop:
        one = await make_arjun(shop, "6597000001")
        other = await make_arjun(shop, "6597000002")
    named = {
        "customer": {"type": "mobile", "value": "6597000002"},
        "targetCustomer": {"mobile": 6597000001},
    }
    key = {"Idempotency-Key": "merge-1"}
    replies = [counter.send("POST", "/v2/requests", {**MERGE, **named}, key) for _ in range(2)]
    assert replies[0].json == replies[1].json
    shown = counter.send("GET", f"/v2/requests/{replies[0].json['createdId']}").json
    changed = shown["changeIdentifierRequest"]["changeIdentifiers"]
    assert (changed["add"][0]["value"], changed["remove"][0]["value"]) == (str(one), str(other))


async def test_an_interrupted_approval_is_finished_by_repeating_it(
    counter: Counter, capillary_url: str
) -> None:
    survivor, victim = await two(capillary_url)
    request_id = asked(counter, victim, survivor)
    async with opened(capillary_url) as shop:
        reason = MergeReason(kind="request", request_id=request_id)
        await merge_customers(shop, survivor, victim, Actor(), reason, NOW)
        assert code_in(decide(counter, request_id, "REJECTED")) == 9012
        assert decide(counter, request_id, "APPROVED").status == 200
        merges = await shop.database.fetchval(
            "SELECT count(*) FROM customer_merge WHERE victim_id = $1", victim
        )
    assert merges == 1


async def test_many_ask_and_approve_at_once(counter: Counter, capillary_url: str) -> None:
    survivor, victim = await two(capillary_url)

    async def together(work: Any, *arguments: Any) -> list[Reply]:
        calls = (asyncio.to_thread(work, counter, *arguments) for _ in range(8))
        return list(await asyncio.gather(*calls))

    replies = await together(ask, victim, survivor)
    (created,) = [each.json["createdId"] for each in replies if each.status == 200]
    refused = sorted({code_in(each) for each in replies if each.status == 400})
    assert refused in ([9028], [9018], [9018, 9028])
    approvals = await together(decide, created, "APPROVED")
    assert sorted(each.status for each in approvals) == [200] + [500] * 7
    assert {code_in(each) for each in approvals if each.status == 500} == {9012}
