"""Points of profiles through the vendor's own client, over a real socket."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import talon_one
from talon_one import IntegrationApi, ManagementApi
from talon_one.exceptions import BadRequestException, NotFoundException
from talon_one.models import (
    ActivateLoyaltyPoints,
    AddLoyaltyPoints,
    DeductLoyaltyPoints,
    DeleteLoyaltyTransactionsRequest,
)

from tests.serving import MANAGEMENT_KEY, Shopfront

CLUB = {
    "name": "club",
    "title": "The club",
    "timezone": "Europe/Berlin",
    "defaultValidity": "1Y_U",
    "defaultPending": "immediate",
    "allowSubledger": True,
    "cardBased": False,
    "sandbox": False,
    "programJoinPolicy": "points_activated",
    "tiers": [{"name": "Gold", "minPoints": 300}, {"name": "Silver", "minPoints": 100}],
    "tiersExpirationPolicy": "tier_start_date",
    "tiersExpireIn": "1Y",
    "tiersDowngradePolicy": "one_down",
}


def client(front: Shopfront) -> Any:
    configuration = talon_one.Configuration(
        host=front.base,
        api_key_prefix={"api_key_v1": "ApiKey-v1"},
        api_key={"api_key_v1": front.integration_key},
    )
    return IntegrationApi(talon_one.ApiClient(configuration))


def staff(front: Shopfront) -> Any:
    configuration = talon_one.Configuration(
        host=front.base,
        api_key_prefix={"api_key_v1": "ManagementKey-v1"},
        api_key={"api_key_v1": MANAGEMENT_KEY},
    )
    return ManagementApi(talon_one.ApiClient(configuration))


@pytest.fixture(scope="module")
def club(front: Shopfront) -> int:
    """A program; its id."""
    return int(front.manage("POST", "/v1/loyalty_programs", CLUB)["id"])


def customer(front: Shopfront, name: str) -> str:
    """A new profile."""
    reply = front.call("PUT", f"/v2/customer_profiles/{name}", {"attributes": {}})
    assert reply.status == 200, reply.body
    return name


def add(front: Shopfront, club: int, profile: str, **fields: Any) -> None:
    staff(front).add_loyalty_points(str(club), profile, AddLoyaltyPoints.from_dict(fields))


def balances(front: Shopfront, club: int, profile: str, **query: Any) -> Any:
    return client(front).get_loyalty_balances(club, profile, **query)


def numbers(balance: Any) -> tuple[float, float, float, float, float]:
    return (
        balance.active_points,
        balance.pending_points,
        balance.spent_points,
        balance.expired_points,
        balance.negative_points,
    )


def test_programs(front: Shopfront, club: int) -> None:
    found = staff(front).get_loyalty_program(club)
    assert (found.name, found.default_validity, found.account_id) == ("club", "1Y_U", 1)
    assert [(tier.name, tier.min_points) for tier in found.tiers] == [
        ("Gold", 300),
        ("Silver", 100),
    ]
    assert [each.id for each in staff(front).get_loyalty_programs().data] == [club]
    changed = front.manage("PUT", f"/v1/loyalty_programs/{club}", {"description": "Welcome"})
    assert (changed["description"], changed["defaultValidity"]) == ("Welcome", "1Y_U")
    assert [tier["id"] for tier in changed["tiers"]] == [tier.id for tier in found.tiers]
    with pytest.raises(NotFoundException):
        staff(front).get_loyalty_program(club + 1_000)


def test_points_come_and_go(front: Shopfront, club: int) -> None:
    ada = customer(front, "ada")
    add(front, club, ada, points=120.5, name="Compensation")
    add(front, club, ada, points=30, pendingDuration="5D", validityDuration="unlimited")
    add(front, club, ada, points=7, subledgerId="stamps")
    staff(front).remove_loyalty_points(
        str(club), ada, DeductLoyaltyPoints.from_dict({"points": 20.25, "name": "Gift"})
    )
    told = balances(front, club, ada, include_tiers=True, include_projected_tier=True)
    assert numbers(told.balance) == (100.25, 30, 20.25, 0, 0)
    assert {name: numbers(each) for name, each in told.subledger_balances.items()} == {
        "stamps": (7, 0, 0, 0, 0)
    }
    assert told.balance.current_tier.name == "Silver"
    assert told.balance.current_tier.downgrade_policy == "one_down"
    assert told.balance.current_tier.start_date.utcoffset() in (
        timedelta(hours=1),
        timedelta(hours=2),
    )
    assert (told.balance.next_tier_name, told.balance.points_to_next_tier) == ("Gold", 199.75)
    assert told.balance.projected_tier.projected_tier_name == "Silver"
    assert told.balance.projected_tier.projected_active_points == 130.25
    only = balances(front, club, ada, subledger_id="stamps")
    assert (only.balance, numbers(only.subledger_balances["stamps"])) == (None, (7, 0, 0, 0, 0))


def test_balances_then_and_some_day(front: Shopfront, club: int) -> None:
    before = datetime.now(UTC)
    bob = customer(front, "bob")
    add(front, club, bob, points=50, validUntil=(before + timedelta(days=2)).isoformat())
    add(front, club, bob, points=9, pendingDuration="3D")

    def at(moment: datetime) -> tuple[float, float, float, float, float]:
        return numbers(balances(front, club, bob, end_date=moment).balance)

    assert at(before - timedelta(days=1)) == (0, 0, 0, 0, 0)
    assert at(datetime.now(UTC)) == (50, 9, 0, 0, 0)
    assert at(before + timedelta(days=2, hours=1)) == (0, 9, 0, 50, 0)
    assert at(before + timedelta(days=4)) == (9, 0, 0, 50, 0)
    assert numbers(balances(front, club, bob).balance) == (50, 9, 0, 0, 0)


def test_lists_and_tiers_then_and_some_day(front: Shopfront, club: int) -> None:
    before = datetime.now(UTC)
    tom = customer(front, "tom")
    add(front, club, tom, points=110, validUntil=(before + timedelta(days=2)).isoformat())
    soon, later = before + timedelta(seconds=30), before + timedelta(days=3)

    def amounts(status: str, at: datetime) -> list[float]:
        path = f"/v1/loyalty_programs/{club}/profile/{tom}/points"
        query = urlencode({"status": status, "endDate": at.isoformat()})
        return [each["amount"] for each in front.call("GET", f"{path}?{query}").json["data"]]

    assert [amounts("active", each) for each in (before, soon, later)] == [[], [110], []]
    assert [amounts("expired", each) for each in (before, soon, later)] == [[], [], [110]]
    tiers = [
        balances(front, club, tom, end_date=each, include_tiers=True).balance.current_tier
        for each in (before - timedelta(days=1), soon, before + timedelta(days=500))
    ]
    assert [None if tier is None else tier.name for tier in tiers] == [None, "Silver", None]
    path = f"/v1/loyalty_programs/{club}/profile/{tom}/points?endDate=yesterday"
    assert front.call("GET", path).status == 400


def test_points_and_transactions_are_listed(front: Shopfront, club: int) -> None:
    cem = customer(front, "cem")
    add(front, club, cem, points=10, name="first", validityDuration="unlimited")
    add(front, club, cem, points=20, name="second", pendingDuration="on_action")
    staff(front).remove_loyalty_points(str(club), cem, DeductLoyaltyPoints.from_dict({"points": 4}))
    api = client(front)
    active = api.get_loyalty_program_profile_points(club, cem)
    assert [
        (each.name, each.amount, each.start_date, each.expiry_date) for each in active.data
    ] == [("first", 6, "immediate", "unlimited")]
    pending = api.get_loyalty_program_profile_points(club, cem, status="pending")
    assert [
        (each.name, each.amount, each.start_date, each.validity_duration) for each in pending.data
    ] == [("second", 20, "on_action", "1Y_U")]
    assert api.get_loyalty_program_profile_points(club, cem, status="expired").data == []
    log = api.get_loyalty_program_profile_transactions(club, cem)
    assert [(each.type, each.amount, each.name) for each in log.data] == [
        ("subtraction", 4, ""),
        ("addition", 20, "second"),
        ("addition", 10, "first"),
    ]
    page = api.get_loyalty_program_profile_transactions(club, cem, page_size=2, skip=0)
    assert (page.has_more, len(page.data)) == (True, 2)
    waiting = api.get_loyalty_program_profile_transactions(club, cem, awaits_activation=True)
    assert [each.transaction_uuid for each in waiting.data] == [pending.data[0].transaction_uuid]
    with pytest.raises(BadRequestException):
        api.get_loyalty_program_profile_transactions(club, cem, awaits_activation=False)
    imported = api.get_loyalty_program_profile_transactions(
        club, cem, loyalty_transaction_type="import"
    )
    assert (imported.data, imported.has_more) == ([], False)
    same = staff(front).get_loyalty_program_profile_ledger_transactions(club, cem)
    assert [each.id for each in same.data] == [each.id for each in log.data]


def test_points_are_activated_once(front: Shopfront, club: int) -> None:
    dee = customer(front, "dee")
    terms = {"pendingDuration": "on_action", "validityDuration": "1D_U"}
    add(front, club, dee, points=150, name="For patience", **terms)
    api = client(front)
    (lot,) = api.get_loyalty_program_profile_points(club, dee, status="pending").data
    body = ActivateLoyaltyPoints.from_dict({"transactionUUIDs": [lot.transaction_uuid]})
    (entry,) = api.activate_loyalty_points(club, body).ledger_entries
    assert (entry.type, entry.amount, entry.sub_ledger_id) == ("addition", 150, "")
    assert (entry.name, entry.customer_session_id) == ("For patience", None)
    assert entry.expiry_date > entry.start_date + timedelta(days=1)
    told = balances(front, club, dee, include_tiers=True)
    assert numbers(told.balance) == (150, 0, 0, 0, 0)
    assert told.balance.current_tier.name == "Silver"
    with pytest.raises(BadRequestException):
        api.activate_loyalty_points(club, body)
    unknown = ActivateLoyaltyPoints.from_dict({"transactionUUIDs": [str(uuid4())]})
    with pytest.raises(BadRequestException):
        api.activate_loyalty_points(club, unknown)
    with pytest.raises(NotFoundException):
        api.activate_loyalty_points(club, ActivateLoyaltyPoints.from_dict({"sessionId": "none"}))
    assert front.call("POST", f"/v1/loyalty_programs/{club}/activate_points", {}).status == 400
    assert numbers(balances(front, club, dee).balance) == (150, 0, 0, 0, 0)


def join(front: Shopfront, club: int, profile: str) -> int:
    """The status of joining, which this release of the client does not know yet."""
    return front.call("POST", f"/v1/loyalty_programs/{club}/profile/{profile}/join").status


def test_joining(front: Shopfront, club: int) -> None:
    assert join(front, club, "eve-is-new") == 200
    assert numbers(balances(front, club, "eve-is-new").balance) == (0, 0, 0, 0, 0)
    assert join(front, club, "eve-is-new") == 400
    fay = customer(front, "fay")
    add(front, club, fay, points=1, pendingDuration="1D")
    assert join(front, club, fay) == 200
    gil = customer(front, "gil")
    add(front, club, gil, points=1)
    assert join(front, club, gil) == 400
    assert join(front, club + 1_000, "eve-is-new") == 404


def test_transactions_are_deleted(front: Shopfront, club: int) -> None:
    gus = customer(front, "gus")
    add(front, club, gus, points=10)
    add(front, club, gus, points=5, subledgerId="stamps")
    api = client(front)
    selected = DeleteLoyaltyTransactionsRequest.from_dict(
        {"scope": "SelectedSubledgers", "subledgerIds": ["stamps"]}
    )
    api.delete_loyalty_transactions_from_ledgers(club, gus, selected)
    told = balances(front, club, gus)
    assert (numbers(told.balance), told.subledger_balances) == ((10, 0, 0, 0, 0), {})
    everything = DeleteLoyaltyTransactionsRequest.from_dict({"scope": "AllSubledgers"})
    api.delete_loyalty_transactions_from_ledgers(club, gus, everything)
    assert numbers(balances(front, club, gus).balance) == (0, 0, 0, 0, 0)
    assert api.get_loyalty_program_profile_transactions(club, gus).data == []
    assert api.get_loyalty_program_profile_points(club, gus).data == []
    add(front, club, gus, points=3)
    assert [
        each.amount for each in api.get_loyalty_program_profile_transactions(club, gus).data
    ] == [3]
    path = f"/v1/loyalty_programs/{club}/profile/{gus}/delete_transactions"
    assert front.call("POST", path, {"scope": "SelectedSubledgers"}).status == 400


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"points": 0}, "/points"),
        ({"points": -5}, "/points"),
        ({"points": 0.001}, "/points"),
        ({"points": 1000000000000}, "/points"),
        ({"points": "7"}, "/points"),
        ({}, "/points"),
        ({"points": 1, "validityDuration": "5"}, "/validityDuration"),
        ({"points": 1, "validityDuration": "9000Y"}, "/validityDuration"),
        ({"points": 1, "pendingDuration": "1h_D"}, "/pendingDuration"),
        ({"points": 1, "pendingUntil": "2020-01-01T00:00:00Z"}, "/pendingUntil"),
        ({"points": 1, "validUntil": "2020-01-01T00:00:00Z"}, "/validUntil"),
        ({"points": 1, "validUntil": "9999-12-31T23:59:59Z"}, "/validUntil"),
        (
            {"points": 1, "validUntil": "2099-01-01T00:00:00Z", "validityDuration": "1D"},
            "/validUntil",
        ),
        ({"points": 1, "subledgerId": "s" * 65}, "/subledgerId"),
        ({"points": 1, "name": "n" * 256}, "/name"),
        ({"points": 1, "applicationId": 99999}, "/applicationId"),
    ],
)
def test_wrong_points_are_refused(
    front: Shopfront, club: int, body: dict[str, Any], pointer: str
) -> None:
    front.call("PUT", "/v2/customer_profiles/hal", {"attributes": {}})
    path = f"/v1/loyalty_programs/{club}/profile/hal"
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    reply = front.send("PUT", f"{path}/add_points", body, headers)
    assert reply.status == 400, reply.body
    assert [each["source"]["pointer"] for each in reply.json["errors"]] == [pointer]
    assert numbers(balances(front, club, "hal").balance) == (0, 0, 0, 0, 0)


def test_only_active_points_are_deducted(front: Shopfront, club: int) -> None:
    ida = customer(front, "ida")
    add(front, club, ida, points=10)
    add(front, club, ida, points=10, pendingDuration="1D")
    with pytest.raises(BadRequestException):
        staff(front).remove_loyalty_points(
            str(club), ida, DeductLoyaltyPoints.from_dict({"points": 10.01})
        )
    assert numbers(balances(front, club, ida).balance) == (10, 10, 0, 0, 0)
    with pytest.raises(NotFoundException):
        add(front, club, "nobody-at-all", points=1)
    with pytest.raises(NotFoundException):
        balances(front, club, "nobody-at-all")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "other"}, "/name"),
        ({"timezone": "UTC"}, "/timezone"),
        ({"cardBased": True}, "/cardBased"),
        ({"pointsScale": 1}, "/pointsScale"),
        ({"defaultValidity": "5W_D"}, "/defaultValidity"),
        ({"defaultPending": "soon"}, "/defaultPending"),
        ({"tiersExpireIn": None}, "/tiersExpireIn"),
        ({"tiersExpirationPolicy": "absolute_expiration"}, "/tierCycleStartDate"),
        ({"tiers": [{"name": "a", "minPoints": 1}, {"name": "a", "minPoints": 2}]}, "/tiers"),
        ({"tiers": [{"name": "a", "minPoints": 0.001}]}, "/tiers/0/minPoints"),
        ({"subscribedApplications": [99999]}, "/subscribedApplications/0"),
    ],
)
def test_what_a_program_cannot_become(
    front: Shopfront, club: int, change: dict[str, Any], pointer: str
) -> None:
    path = f"/v1/loyalty_programs/{club}"
    before = front.manage("GET", path)
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    reply = front.send("PUT", path, change, headers)
    assert reply.status == 400, reply.body
    assert [each["source"]["pointer"] for each in reply.json["errors"]] == [pointer]
    assert front.manage("GET", path) == before


def test_a_program_is_changed_while_customers_have_points(front: Shopfront) -> None:
    path = "/v1/loyalty_programs"
    live = int(front.manage("POST", path, {**CLUB, "name": "live", "title": "Live"})["id"])
    jon = customer(front, "jon")
    add(front, live, jon, points=150)
    told = balances(front, live, jon, include_tiers=True).balance
    assert (told.current_tier.name, told.next_tier_name) == ("Silver", "Gold")
    tiers = [{"name": "Silver", "minPoints": 100}, {"name": "Bronze", "minPoints": 10}]
    changed = front.manage(
        "PUT",
        f"{path}/{live}",
        {"tiers": [*tiers, {"name": "Gold", "minPoints": 152}], "defaultPending": "2D"},
    )
    assert [each["name"] for each in changed["tiers"]] == ["Gold", "Silver", "Bronze"]
    assert balances(front, live, jon, include_tiers=True).balance.points_to_next_tier == 2
    add(front, live, jon, points=5)
    assert numbers(balances(front, live, jon).balance) == (150, 5, 0, 0, 0)
    add(front, live, jon, points=5, pendingDuration="immediate")
    assert balances(front, live, jon, include_tiers=True).balance.current_tier.name == "Gold"
    front.manage("PUT", f"{path}/{live}", {"tiers": tiers})
    assert balances(front, live, jon, include_tiers=True).balance.current_tier is None
    add(front, live, jon, points=1, pendingDuration="immediate")
    told = balances(front, live, jon, include_tiers=True).balance
    assert (told.current_tier.name, numbers(told)) == ("Silver", (156, 5, 0, 0, 0))


def test_a_name_is_taken_once(front: Shopfront, club: int) -> None:
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    assert front.send("POST", "/v1/loyalty_programs", CLUB, headers).status == 409
    names = [each["name"] for each in front.manage("GET", "/v1/loyalty_programs")["data"]]
    assert names.count("club") == 1
