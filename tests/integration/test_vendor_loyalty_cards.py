"""Loyalty cards through the vendor's own client, over a real socket."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from talon_one.exceptions import ApiException, BadRequestException, NotFoundException
from talon_one.models import (
    ActivateLoyaltyPoints,
    AddLoyaltyPoints,
    DeductLoyaltyPoints,
    GenerateLoyaltyCard,
    LoyaltyCardBatch,
    LoyaltyCardRegistration,
    TransferLoyaltyCard,
    UpdateLoyaltyCard,
)

from tests.integration.test_vendor_loyalty import CLUB, client, customer, numbers, staff
from tests.serving import MANAGEMENT_KEY, Reply, Shopfront

CARDS = {
    **CLUB,
    "name": "cards",
    "title": "Cards",
    "cardBased": True,
    "usersPerCardLimit": 2,
    "cardCodeSettings": {"validCharacters": ["0", "1", "2", "3", "4"], "couponPattern": "C-#####"},
    "tiers": [],
    "tiersExpirationPolicy": None,
    "tiersExpireIn": None,
    "tiersDowngradePolicy": None,
}
PROFILES = {**CLUB, "name": "profiles", "title": "Profiles"}


@pytest.fixture(scope="module")
def program(front: Shopfront) -> int:
    """A card-based program; its id."""
    return int(front.manage("POST", "/v1/loyalty_programs", CARDS)["id"])


@pytest.fixture(scope="module")
def profiles(front: Shopfront) -> int:
    """A profile-based program; its id."""
    return int(front.manage("POST", "/v1/loyalty_programs", PROFILES)["id"])


def make(front: Shopfront, program: int, identifier: str | None = None, **fields: Any) -> Any:
    body = {**fields} if identifier is None else {"cardIdentifier": identifier, **fields}
    return client(front).generate_loyalty_card(program, GenerateLoyaltyCard.from_dict(body))


def give(front: Shopfront, program: int, card: str, **fields: Any) -> None:
    staff(front).add_loyalty_card_points(program, card, AddLoyaltyPoints.from_dict(fields))


def balances(front: Shopfront, program: int, card: str, **query: Any) -> Any:
    return client(front).get_loyalty_card_balances(program, card, **query)


def registration(profile: str) -> Any:
    return LoyaltyCardRegistration.from_dict({"integrationId": profile})


def managed(front: Shopfront, method: str, path: str, body: Any = None) -> Reply:
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    return front.send(method, f"/v1/loyalty_programs/{path}", body, headers)


def test_a_card_is_made_and_linked(front: Shopfront, program: int) -> None:
    for name in ("kim", "lee", "moe"):
        customer(front, name)
    card = make(front, program, "summer_card-1", customerProfileIds=["kim"])
    assert (card.identifier, card.status, card.program_id) == ("summer_card-1", "active", program)
    assert (card.program_name, card.users_per_card_limit) == ("cards", 2)
    assert [each.integration_id for each in card.profiles] == ["kim"]
    assert (card.ledger.current_balance, card.subledgers) == (0, {})
    api = client(front)
    for _ in range(2):
        linked = api.link_loyalty_card_to_profile(program, "summer_card-1", registration("lee"))
    assert [each.integration_id for each in linked.profiles] == ["kim", "lee"]
    with pytest.raises(BadRequestException):
        api.link_loyalty_card_to_profile(program, "summer_card-1", registration("moe"))
    unlinked = api.unlink_loyalty_card_from_profile(program, "summer_card-1", registration("kim"))
    assert [each.integration_id for each in unlinked.profiles] == ["lee"]
    assert unlinked.modified > card.modified
    with pytest.raises(NotFoundException):
        api.link_loyalty_card_to_profile(program, "no-such-card", registration("moe"))
    with pytest.raises(NotFoundException):
        api.link_loyalty_card_to_profile(program, "summer_card-1", registration("nobody-there"))
    assert staff(front).get_loyalty_card(program, "summer_card-1").profiles == unlinked.profiles


def test_identifiers_may_hold_what_this_release_of_the_client_refuses(
    front: Shopfront, program: int
) -> None:
    body = {"cardIdentifier": "summer%card+1@x.y"}
    reply = front.call("POST", f"/v1/loyalty_programs/{program}/cards", body)
    assert reply.status == 200, reply.body
    path = f"{program}/cards/{quote('summer%card+1@x.y', safe='')}"
    assert managed(front, "GET", path).json["identifier"] == "summer%card+1@x.y"


def test_codes_come_from_the_pattern(front: Shopfront, program: int) -> None:
    card = make(front, program, status="inactive")
    assert card.identifier.startswith("C-")
    assert (len(card.identifier), card.status) == (7, "inactive")


def test_points_of_a_card(front: Shopfront, program: int) -> None:
    make(front, program, "points-card")
    give(front, program, "points-card", points=120.5, name="Hello", validityDuration="unlimited")
    give(front, program, "points-card", points=30, pendingDuration="on_action")
    give(front, program, "points-card", points=7, subledgerId="stamps")
    deduct = DeductLoyaltyPoints.from_dict({"points": 20.25, "name": "Gift"})
    staff(front).deduct_loyalty_card_points(program, "points-card", deduct)
    told = balances(front, program, "points-card")
    assert numbers(told.balance) == (100.25, 30, 20.25, 0, 0)
    assert numbers(told.subledger_balances["stamps"]) == (7, 0, 0, 0, 0)
    assert told.profiles == []
    only = balances(front, program, "points-card", subledger_id=["stamps"])
    assert (only.balance, list(only.subledger_balances)) == (None, ["stamps"])
    before = balances(
        front, program, "points-card", end_date=datetime.now(UTC) - timedelta(hours=1)
    )
    assert numbers(before.balance) == (0, 0, 0, 0, 0)
    api = client(front)
    active = api.get_loyalty_card_points(program, "points-card", subledger_id=[""])
    assert [(each.name, each.amount, each.expiry_date) for each in active.data] == [
        ("Hello", 100.25, "unlimited")
    ]
    log = api.get_loyalty_card_transactions(program, "points-card")
    assert [(each.type, each.amount, each.card_identifier) for each in log.data] == [
        ("subtraction", 20.25, "points-card"),
        ("addition", 7, "points-card"),
        ("addition", 30, "points-card"),
        ("addition", 120.5, "points-card"),
    ]
    page = api.get_loyalty_card_transactions(program, "points-card", page_size=3)
    assert (page.has_more, len(page.data)) == (True, 3)
    stamps = api.get_loyalty_card_transactions(program, "points-card", subledger_id=["stamps"])
    assert [each.amount for each in stamps.data] == [7]
    logs = staff(front).get_loyalty_card_transaction_logs(program, "points-card")
    assert [each.id for each in logs.data] == [each.id for each in log.data]
    (waiting,) = api.get_loyalty_card_points(program, "points-card", status="pending").data
    body = ActivateLoyaltyPoints.from_dict({"transactionUUIDs": [waiting.transaction_uuid]})
    (entry,) = api.activate_loyalty_points(program, body).ledger_entries
    assert (entry.amount, entry.type) == (30, "addition")
    with pytest.raises(BadRequestException):
        api.activate_loyalty_points(program, body)
    assert numbers(balances(front, program, "points-card").balance) == (130.25, 0, 20.25, 0, 0)
    shown = staff(front).get_loyalty_card(program, "points-card")
    assert (shown.ledger.current_balance, shown.subledgers["stamps"].current_balance) == (130.25, 7)


def test_cards_in_number(front: Shopfront, program: int) -> None:
    order = LoyaltyCardBatch.from_dict({"numberOfCards": 25, "batchId": "autumn-26"})
    made = staff(front).create_batch_loyalty_cards(program, order)
    assert (made.number_of_cards_generated, made.batch_id) == (25, "autumn-26")
    with pytest.raises(BadRequestException):
        staff(front).create_batch_loyalty_cards(program, order)
    found = staff(front).get_loyalty_cards(program, batch_id="autumn-26", page_size=20)
    assert (found.has_more, len(found.data)) == (True, 20)
    rest = staff(front).get_loyalty_cards(program, batch_id="autumn-26", page_size=20, skip=20)
    assert (rest.has_more, len(rest.data)) == (False, 5)
    assert len({each.identifier for each in (*found.data, *rest.data)}) == 25
    last = staff(front).get_loyalty_cards(program, sort="-id", page_size=1).data[0]
    assert last.id == rest.data[-1].id
    another = {"numberOfCards": 2, "cardCodeSettings": CARDS["cardCodeSettings"]}
    other = staff(front).create_batch_loyalty_cards(program, LoyaltyCardBatch.from_dict(another))
    assert other.batch_id != "autumn-26"


def test_cards_are_found(front: Shopfront, program: int) -> None:
    customer(front, "nia")
    make(front, program, "nias-card", customerProfileIds=["nia"])
    by_name = staff(front).get_loyalty_cards(program, identifier="nias-card")
    assert [each.identifier for each in by_name.data] == ["nias-card"]
    reply = front.call("PUT", "/v2/customer_profiles/nia", {"responseContent": ["customerProfile"]})
    profile_id = reply.json["customerProfile"]["id"]
    by_profile = staff(front).get_loyalty_cards(program, profile_id=profile_id)
    assert [each.identifier for each in by_profile.data] == ["nias-card"]
    assert staff(front).get_loyalty_cards(program, identifier="none-such").data == []


def test_a_card_is_paused_replaced_and_deleted(front: Shopfront, program: int) -> None:
    customer(front, "oda")
    make(front, program, "old-card", customerProfileIds=["oda"])
    give(front, program, "old-card", points=40)
    paused = staff(front).update_loyalty_card(
        program, "old-card", UpdateLoyaltyCard.from_dict({"status": "inactive"})
    )
    assert paused.status == "inactive"
    with pytest.raises(BadRequestException):
        give(front, program, "old-card", points=1)
    body = TransferLoyaltyCard.from_dict({"newCardIdentifier": "new-card", "blockReason": "lost"})
    for _ in range(2):
        staff(front).transfer_loyalty_card(program, "old-card", body)
    old, new = (staff(front).get_loyalty_card(program, each) for each in ("old-card", "new-card"))
    assert (old.status, old.block_reason, old.new_card_identifier) == (
        *("inactive", "lost"),
        "new-card",
    )
    assert (new.status, new.old_card_identifier) == ("active", "old-card")
    assert [each.integration_id for each in new.profiles] == ["oda"]
    assert (old.ledger.current_balance, new.ledger.current_balance) == (0, 40)
    log = client(front).get_loyalty_card_transactions(program, "new-card")
    assert [each.amount for each in log.data] == [40]
    with pytest.raises(BadRequestException):
        staff(front).update_loyalty_card(
            program, "old-card", UpdateLoyaltyCard.from_dict({"status": "active"})
        )
    staff(front).delete_loyalty_card(program, "new-card")
    with pytest.raises(NotFoundException):
        staff(front).get_loyalty_card(program, "new-card")
    with pytest.raises(NotFoundException):
        staff(front).delete_loyalty_card(program, "new-card")
    assert numbers(balances(front, program, "old-card").balance) == (0, 0, 0, 0, 0)


def test_a_request_with_a_key_is_answered_once(front: Shopfront, program: int) -> None:
    path, key = f"/v1/loyalty_programs/{program}/cards", {"idempotency-key": "one-card"}
    first, again = (front.call("POST", path, {"status": "active"}, key) for _ in range(2))
    assert (first.status, first.json) == (200, again.json)
    assert front.call("POST", path, {"status": "inactive"}, key).status == 409
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}", "idempotency-key": "k-1"}
    batches = [front.send("POST", f"{path}/batch", {"numberOfCards": 3}, headers) for _ in "ab"]
    assert batches[0].json == batches[1].json
    identifier = first.json["identifier"]
    points, add = f"{path}/{identifier}/add_points", {**headers, "idempotency-key": "k-2"}
    assert [front.send("PUT", points, {"points": 5}, add).status for _ in "ab"] == [204, 204]
    assert numbers(balances(front, program, identifier).balance) == (5, 0, 0, 0, 0)
    gone = {**headers, "idempotency-key": "k-3"}
    removed = [front.send("DELETE", f"{path}/{identifier}", None, gone) for _ in "ab"]
    assert [(each.status, each.body) for each in removed] == [(204, b"")] * 2
    found = front.manage("GET", f"{path}?batchId={batches[0].json['batchId']}")
    assert len(found["data"]) == 3


WRONG_ADDITIONS: list[tuple[dict[str, Any], str]] = [
    ({"points": 0}, "/points"),
    ({"points": -5}, "/points"),
    ({"points": 0.001}, "/points"),
    ({"points": 1000000000000}, "/points"),
    ({"points": "NaN"}, "/points"),
    ({}, "/points"),
    ({"points": 1, "pendingUntil": "2020-01-01T00:00:00Z"}, "/pendingUntil"),
    ({"points": 1, "validUntil": "2020-01-01T00:00:00Z"}, "/validUntil"),
    ({"points": 1, "validUntil": "9999-12-31T23:59:59Z"}, "/validUntil"),
    ({"points": 1, "validityDuration": "9000Y"}, "/validityDuration"),
    ({"points": 1, "subledgerId": "s" * 65}, "/subledgerId"),
]


@pytest.mark.parametrize(("body", "pointer"), WRONG_ADDITIONS)
def test_wrong_points_leave_the_card_as_it_was(
    front: Shopfront, program: int, body: dict[str, Any], pointer: str
) -> None:
    if managed(front, "GET", f"{program}/cards/wrong-card").status == 404:
        make(front, program, "wrong-card")
    before = managed(front, "GET", f"{program}/cards/wrong-card").json
    reply = managed(front, "PUT", f"{program}/cards/wrong-card/add_points", body)
    assert reply.status == 400, reply.body
    assert [each["source"]["pointer"] for each in reply.json["errors"]] == [pointer]
    assert managed(front, "GET", f"{program}/cards/wrong-card").json == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "{cards}/cards/strict-card/deduct_points", {"points": 5.01}, 400),
        ("PUT", "{cards}/cards/unknown-card/add_points", {"points": 1}, 404),
        ("PUT", "{cards}/cards/abc/add_points", {"points": 1}, 400),
        ("PUT", "99999/cards/strict-card/add_points", {"points": 1}, 404),
        ("PUT", "{profiles}/cards/strict-card/add_points", {"points": 1}, 400),
        ("PUT", "{cards}/profile/somebody/add_points", {"points": 1}, 400),
        ("GET", "{profiles}/cards", None, 400),
        ("GET", "99999/cards", None, 404),
        ("GET", "{cards}/cards?pageSize=0", None, 400),
        ("GET", "{cards}/cards?profileId=0", None, 400),
        ("GET", "{cards}/cards?sort=balance", None, 400),
        ("GET", "{cards}/cards/strict-card/logs?awaitsActivation=false", None, 400),
        ("PUT", "{cards}/cards/strict-card", {"status": "broken"}, 400),
        ("PUT", "{cards}/cards/strict-card", {}, 400),
        ("PUT", "{cards}/cards/strict-card", {"status": "active", "attributes": {"a": 1}}, 400),
        ("PUT", "{cards}/cards/strict-card/transfer", {"newCardIdentifier": "strict-card"}, 400),
        ("PUT", "{cards}/cards/strict-card/transfer", {"newCardIdentifier": "a b c d"}, 400),
        ("PUT", "{cards}/cards/strict-card/transfer", {}, 400),
        ("PUT", "{cards}/cards/unknown-card/transfer", {"newCardIdentifier": "fresh"}, 404),
        ("DELETE", "{cards}/cards/unknown-card", None, 404),
        ("POST", "{cards}/cards/batch", {"numberOfCards": 0}, 400),
        ("POST", "{cards}/cards/batch", {"numberOfCards": 20_001}, 400),
        ("POST", "{cards}/cards/batch", {"numberOfCards": 1, "batchId": "abc"}, 400),
        ("POST", "{cards}/cards/batch", {"numberOfCards": 1, "batchId": "a b c d"}, 400),
        ("POST", "{profiles}/cards/batch", {"numberOfCards": 1}, 400),
    ],
)
def test_what_cannot_be_done_with_cards(
    front: Shopfront,
    program: int,
    profiles: int,
    method: str,
    path: str,
    body: Any,
    status: int,
) -> None:
    if managed(front, "GET", f"{program}/cards/strict-card").status == 404:
        make(front, program, "strict-card")
        give(front, program, "strict-card", points=5)
    before = managed(front, "GET", f"{program}/cards").json
    reply = managed(front, method, path.format(cards=program, profiles=profiles), body)
    assert reply.status == status, reply.body
    assert reply.json["StatusCode"] == status
    assert managed(front, "GET", f"{program}/cards").json == before
    assert numbers(balances(front, program, "strict-card").balance) == (5, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"cardIdentifier": "abc"},
        {"cardIdentifier": "not a card"},
        {"cardIdentifier": "x" * 109},
        {"cardIdentifier": "taken-card"},
        {"cardIdentifier": "other-card", "customerProfileIds": ["not-there"]},
        {"cardIdentifier": "other-card", "customerProfileIds": ["a", "b", "c"]},
        {"cardIdentifier": "other-card", "status": "stolen"},
        {"cardIdentifier": "other-card", "attributes": {"colour": "red"}},
    ],
)
def test_what_is_no_card_is_not_made(front: Shopfront, program: int, body: dict[str, Any]) -> None:
    if managed(front, "GET", f"{program}/cards/taken-card").status == 404:
        make(front, program, "taken-card")
    before = managed(front, "GET", f"{program}/cards").json
    reply = front.call("POST", f"/v1/loyalty_programs/{program}/cards", body)
    assert reply.status == 400, reply.body
    assert managed(front, "GET", f"{program}/cards").json == before


def test_cards_of_a_sandbox_are_not_seen_by_a_live_key(front: Shopfront) -> None:
    sandbox = {**CARDS, "name": "sandboxed", "sandbox": True}
    hidden = int(front.manage("POST", "/v1/loyalty_programs", sandbox)["id"])
    with pytest.raises(ApiException) as refused:
        make(front, hidden, "hidden-card")
    assert refused.value.status == 404
    unknown = ActivateLoyaltyPoints.from_dict({"transactionUUIDs": [str(uuid4())]})
    with pytest.raises(NotFoundException):
        client(front).activate_loyalty_points(hidden, unknown)
    assert front.manage("GET", f"/v1/loyalty_programs/{hidden}/cards")["data"] == []
    path = f"/v1/loyalty_programs/{hidden}/cards/{quote('hidden-card')}/balances"
    assert front.call("GET", path).status == 404
