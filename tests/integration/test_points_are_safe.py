"""Points over the socket: holds of a checkout, and requests that come twice under a key."""

from typing import Any

import pytest

from tests.integration.test_vendor_loyalty import CLUB, customer
from tests.serving import MANAGEMENT_KEY, Shopfront

STAFF = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}


@pytest.fixture(scope="module")
def club(front: Shopfront) -> int:
    """A program without tiers; its id."""
    fields = {**CLUB, "name": "kept", "tiers": []}
    for name in ("tiersExpirationPolicy", "tiersExpireIn", "tiersDowngradePolicy"):
        fields.pop(name)
    return int(front.manage("POST", "/v1/loyalty_programs", fields)["id"])


def add(front: Shopfront, club: int, name: str, points: int, **headers: str) -> Any:
    path = f"/v1/loyalty_programs/{club}/profile/{name}/add_points"
    return front.send("PUT", path, {"points": points}, {**STAFF, **headers})


def told(front: Shopfront, club: int, name: str) -> tuple[Any, Any]:
    """What is active, and what was spent."""
    path = f"/v1/loyalty_programs/{club}/profile/{name}/balances"
    balance = front.call("GET", path).json["balance"]
    return balance["activePoints"], balance["spentPoints"]


def test_a_checkout_holds_points_and_spends_a_part(front: Shopfront, club: int) -> None:
    name = customer(front, "holder")
    assert add(front, club, name, 100).status == 204
    holds = f"/v1/loyalty_programs/{club}/profile/{name}/holds"
    made = front.call("POST", holds, {"points": 70, "timeToLiveSeconds": 60})
    assert (made.status, made.json["points"]) == (201, 70)
    assert told(front, club, name) == (30, 0)
    refused = front.call("POST", holds, {"points": 31})
    assert (refused.status, told(front, club, name)) == (400, (30, 0))
    assert [each["id"] for each in front.call("GET", holds).json["data"]] == [made.json["id"]]
    one = f"{holds}/{made.json['id']}"
    assert front.call("POST", f"{one}/post", {"points": 71}).status == 400
    posted = front.call("POST", f"{one}/post", {"points": 45.5})
    assert posted.json["spentPoints"] == 45.5
    assert posted.json["releasedPoints"] == 24.5
    assert told(front, club, name) == (54.5, 45.5)
    assert front.call("POST", f"{one}/post").status == 409
    assert front.call("POST", f"{one}/void").status == 409
    assert front.call("GET", holds).json == {"data": []}
    assert told(front, club, name) == (54.5, 45.5)


def test_a_hold_is_given_back_or_spent_whole(front: Shopfront, club: int) -> None:
    name = customer(front, "giver")
    add(front, club, name, 10)
    holds = f"/v1/loyalty_programs/{club}/profile/{name}/holds"
    first = front.call("POST", holds, {"points": 10}).json["id"]
    assert front.call("POST", f"{holds}/{first}/void").status == 204
    assert told(front, club, name) == (10, 0)
    second = front.call("POST", holds, {"points": 10}).json["id"]
    assert front.call("POST", f"{holds}/{second}/post").json["spentPoints"] == 10
    assert told(front, club, name) == (0, 10)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"points": 0}, "/points"),
        ({"points": 1, "timeToLiveSeconds": 0}, "/timeToLiveSeconds"),
        ({"points": 1, "timeToLiveSeconds": 604_801}, "/timeToLiveSeconds"),
        ({}, "/points"),
    ],
)
def test_wrong_holds_are_refused(
    front: Shopfront, club: int, body: dict[str, Any], pointer: str
) -> None:
    name = customer(front, "wrong")
    reply = front.call("POST", f"/v1/loyalty_programs/{club}/profile/{name}/holds", body)
    assert reply.status == 400
    assert pointer in reply.body.decode()


def test_requests_on_holds_that_are_not_there(front: Shopfront, club: int) -> None:
    holds = f"/v1/loyalty_programs/{club}/profile/nobody-here/holds"
    assert front.call("POST", holds, {"points": 1}).status == 404
    assert front.call("GET", holds).status == 404
    name = customer(front, "somebody")
    holds = f"/v1/loyalty_programs/{club}/profile/{name}/holds"
    assert front.call("POST", f"{holds}/no-uuid/void").status == 404


def test_points_are_given_and_taken_once_under_a_key(front: Shopfront, club: int) -> None:
    name, key = customer(front, "twice"), {"idempotency-key": "once"}
    assert [add(front, club, name, 9, **key).status for _ in range(3)] == [204, 204, 204]
    assert told(front, club, name) == (9, 0)
    assert add(front, club, name, 8, **key).status in (409, 422)
    assert told(front, club, name) == (9, 0)
    path = f"/v1/loyalty_programs/{club}/profile/{name}/deduct_points"
    taken = [front.send("PUT", path, {"points": 4}, {**STAFF, **key}).status for _ in range(2)]
    assert (taken, told(front, club, name)) == ([204, 204], (5, 4))
    holds = f"/v1/loyalty_programs/{club}/profile/{name}/holds"
    made = [front.call("POST", holds, {"points": 5}, key) for _ in range(2)]
    assert made[0].json == made[1].json
    assert told(front, club, name) == (0, 4)
    one = f"{holds}/{made[0].json['id']}/post"
    spent = [front.call("POST", one, {"points": 5}, key) for _ in range(2)]
    assert [each.status for each in spent] == [200, 200]
    assert told(front, club, name) == (0, 9)


def test_points_are_activated_once_under_a_key(front: Shopfront, club: int) -> None:
    name = customer(front, "waits")
    path = f"/v1/loyalty_programs/{club}/profile/{name}"
    body = {"points": 5, "pendingDuration": "on_action"}
    assert front.send("PUT", f"{path}/add_points", body, STAFF).status == 204
    listed = front.call("GET", f"{path}/transactions?awaitsActivation=true").json["data"]
    wish = {"transactionUUIDs": [listed[0]["transactionUUID"]]}
    activate = f"/v1/loyalty_programs/{club}/activate_points"
    key = {"idempotency-key": "start"}
    first, second = (front.call("POST", activate, wish, key) for _ in range(2))
    assert (first.status, first.body) == (200, second.body)
    assert front.call("POST", activate, wish).status == 400
    assert told(front, club, name) == (5, 0)
