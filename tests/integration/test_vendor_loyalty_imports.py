"""Files of loyalty programs through the vendor's own client: imported, and every point once."""

import json
from typing import Any

import pytest
from talon_one.exceptions import BadRequestException, NotFoundException

from tests.integration.test_vendor_loyalty import CLUB, balances, client, numbers, staff
from tests.integration.test_vendor_loyalty_cards import CARDS, make
from tests.serving import MANAGEMENT_KEY, Reply, Shopfront


@pytest.fixture(scope="module")
def club(front: Shopfront) -> int:
    """A profile-based program; its id."""
    return int(front.manage("POST", "/v1/loyalty_programs", CLUB)["id"])


@pytest.fixture(scope="module")
def cards(front: Shopfront) -> int:
    """A card-based program; its id."""
    return int(front.manage("POST", "/v1/loyalty_programs", CARDS)["id"])


def upload(
    front: Shopfront, path: str, content: str | bytes, key: str | None = None, cut: int = 0
) -> Reply:
    """Sends a file; `cut` leaves out the end of the form."""
    raw = content.encode() if isinstance(content, str) else content
    head = b'--frontier\r\nContent-Disposition: form-data; name="upFile"; filename="a.csv"\r\n'
    body = head + b"Content-Type: text/csv\r\n\r\n" + raw + b"\r\n--frontier--\r\n"
    headers = {
        "authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}",
        "content-type": "multipart/form-data; boundary=frontier",
    }
    if key is not None:
        headers["idempotency-key"] = key
    return front.send("POST", f"/v1/loyalty_programs/{path}", body[: len(body) - cut], headers)


def lines(reply: Reply) -> list[tuple[str, str]]:
    """Line and title of what is wrong with a file."""
    assert reply.status == 400, reply.body
    return [(each["source"]["line"], each["title"]) for each in reply.json["errors"]]


def test_points_are_imported_once(front: Shopfront, club: int) -> None:
    table = (
        "customerprofileid,amount,startdate,expirydate,subledgerid,reason\n"
        "imp-ada,100,,,,welcome\n"
        "imp-bob,12.5,2024-01-01T00:00:00Z,2099-01-01T00:00:00+02:00,,\n"
        'imp-ada,30,on_action,unlimited,,"later, perhaps"\n'
        "imp-ada,7,immediate,,stamps,\n"
    )
    done = staff(front).import_loyalty_points(club, True, table)
    assert (done.entity, done.amount, done.account_id) == ("LoyaltyLedger", 4, 1)
    again = staff(front).import_loyalty_points(club, True, table)
    assert again.id == done.id
    told = balances(front, club, "imp-ada", include_tiers=True)
    assert numbers(told.balance) == (100, 30, 0, 0, 0)
    assert told.balance.current_tier.name == "Silver"
    assert numbers(told.subledger_balances["stamps"]) == (7, 0, 0, 0, 0)
    (lot,) = client(front).get_loyalty_program_profile_points(club, "imp-bob").data
    assert (lot.amount, lot.expiry_date) == (12.5, "2098-12-31T22:00:00Z")
    log = client(front).get_loyalty_program_profile_transactions(
        club, "imp-ada", loyalty_transaction_type="import"
    )
    assert [(each.amount, each.name) for each in log.data] == [
        (7, ""),
        (30, "later, perhaps"),
        (100, "welcome"),
    ]
    shown = front.manage("GET", f"/v1/imports/{done.id}")
    assert (shown["amount"], shown["total"], shown["finished"] is None) == (4, 4, False)
    assert front.manage("GET", "/v1/imports")["data"][0]["id"] == done.id
    with_key = upload(front, f"{club}/import_points", table, "another-month")
    assert with_key.json["id"] != done.id
    assert numbers(balances(front, club, "imp-ada").balance) == (200, 60, 0, 0, 0)
    clash = upload(front, f"{club}/import_points", table + "imp-ada,1,,,,\n", "another-month")
    assert clash.status == 409


def test_points_are_imported_to_cards(front: Shopfront, cards: int) -> None:
    make(front, cards, "imp-card", status="inactive")
    table = "identifier,amount,validityDuration\nimp-card,5,10D\nimp-card,2.5,\n"
    assert staff(front).import_loyalty_points(cards, False, table).amount == 2
    shown = staff(front).get_loyalty_card(cards, "imp-card")
    assert shown.ledger.current_balance == 7.5
    bad = upload(front, f"{cards}/import_points", "identifier,amount\nnone-such,5\nimp-card,5\n")
    assert lines(bad) == [("2", "Unknown")]
    assert staff(front).get_loyalty_card(cards, "imp-card").ledger.current_balance == 7.5


BAD_ROWS: list[tuple[str, str]] = [
    ("imp-cem,0,,,,,", "Invalid amount"),
    ("imp-cem,-5,,,,,", "Invalid amount"),
    ("imp-cem,0.001,,,,,", "Invalid amount"),
    ("imp-cem,1000000000000,,,,,", "Invalid amount"),
    ("imp-cem,NaN,,,,,", "Invalid number"),
    ("imp-cem,,,,,,", "Missing"),
    (",5,,,,,", "Missing"),
    ("imp-cem,5,soon,,,,", "Invalid date"),
    ("imp-cem,5,2026-01-01,,,,", "Invalid date"),
    ("imp-cem,5,9999-12-31T00:00:00Z,,,,", "Invalid date"),
    ("imp-cem,5,,2020-01-01T00:00:00Z,,,", "Invalid date"),
    ("imp-cem,5,,9999-12-31T23:59:59Z,,,", "Invalid date"),
    ("imp-cem,5,2098-01-01T00:00:00Z,2097-01-01T00:00:00Z,,,", "Invalid date"),
    ("imp-cem,5,,2098-01-01T00:00:00Z,5D,,", "Not allowed"),
    ("imp-cem,5,,,5,,", "Invalid duration"),
    ("imp-cem,5,,,," + "s" * 65 + ",", "Too long"),
    ("imp-cem,5,,,,," + "r" * 256, "Too long"),
    ("x" * 1_001 + ",5,,,,,", "Too long"),
    ("imp-cem,5", "Unreadable"),
    ('imp-cem,"5,,,,,', "Unreadable"),
]


@pytest.mark.parametrize(("row", "title"), BAD_ROWS)
def test_a_bad_row_leaves_everything_as_it_was(
    front: Shopfront, club: int, row: str, title: str
) -> None:
    header = "customerprofileid,amount,startdate,expirydate,validityDuration,subledgerid,reason"
    reply = upload(front, f"{club}/import_points", f"{header}\nimp-dee,5,,,,,\n{row}\n")
    assert lines(reply) == [("3", title)]
    with pytest.raises(NotFoundException):
        balances(front, club, "imp-dee")


def test_many_bad_rows_are_told_at_once(front: Shopfront, club: int) -> None:
    table = "customerprofileid,amount\n" + "imp-eve,0\n" * 300
    found = lines(upload(front, f"{club}/import_points", table))
    assert (len(found), found[0], found[-1]) == (
        *(100, ("2", "Invalid amount")),
        ("101", "Invalid amount"),
    )


@pytest.mark.parametrize(
    ("table", "status"),
    [
        ("customerprofileid\nada\n", 400),
        ("customerprofileid,amount,colour\nada,5,red\n", 400),
        ("identifier,amount\nada,5\n", 400),
        (b"customerprofileid,amount\nM\xfcller,5\n", 400),
        ("", 400),
    ],
)
def test_files_with_other_columns_are_refused(
    front: Shopfront, club: int, table: str | bytes, status: int
) -> None:
    assert upload(front, f"{club}/import_points", table).status == status


def test_what_is_no_file_is_refused(front: Shopfront, club: int) -> None:
    table = "customerprofileid,amount\nimp-fay,5\n"
    cut = upload(front, f"{club}/import_points", table, cut=8)
    assert (cut.status, cut.json["errors"][0]["source"]) == (400, {"parameter": "upFile"})
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    path = f"/v1/loyalty_programs/{club}/import_points"
    assert front.send("POST", path, {"upFile": table}, headers).status == 415
    assert front.send("POST", path, None, headers).status == 415
    assert upload(front, "99999/import_points", table).status == 404
    with pytest.raises(BadRequestException):
        staff(front).import_loyalty_points(club, True, "nonsense")
    with pytest.raises(NotFoundException):
        balances(front, club, "imp-fay")


def test_an_empty_table_is_an_import_of_nothing(front: Shopfront, club: int) -> None:
    done: Any = json.loads(
        upload(front, f"{club}/import_points", "customerprofileid,amount\n").body
    )
    assert done["amount"] == 0
    assert front.manage("GET", f"/v1/imports/{done['id']}")["finished"] is not None


def test_cards_are_imported(front: Shopfront, cards: int) -> None:
    table = (
        "identifier,state,customerprofileids,attributes\n"
        "card-0001,active,card-ada;card-bob,\n"
        "card-0002,Inactive,,{}\n"
        "card+0003@x,active,card-ada,\n"
    )
    done = staff(front).import_loyalty_cards(cards, table)
    assert (done.entity, done.amount) == ("LoyaltyCard", 3)
    assert staff(front).import_loyalty_cards(cards, table).id == done.id
    first = staff(front).get_loyalty_card(cards, "card-0001")
    assert [each.integration_id for each in first.profiles] == ["card-ada", "card-bob"]
    assert staff(front).get_loyalty_card(cards, "card-0002").status == "inactive"
    again = upload(front, f"{cards}/import_cards", table + "card-0004,active,,\n")
    assert lines(again) == [(str(line), "Taken") for line in (2, 3, 4)]
    assert staff(front).get_loyalty_cards(cards, identifier="card-0004").data == []


@pytest.mark.parametrize(
    ("row", "title"),
    [
        ("abc,active,,", "Invalid length"),
        ("a b c d,active,,", "Invalid identifier"),
        ("card-0009,blocked,,", "enum"),
        ("card-0009,,,", "enum"),
        ("card-0009,active,a;b;c,", "Too many"),
        ('card-0009,active,,"{""colour"": 1}"', "Not supported"),
        ("card-0008,active,,", "Taken"),
    ],
)
def test_a_bad_card_keeps_all_cards_out(front: Shopfront, cards: int, row: str, title: str) -> None:
    table = f"identifier,state,customerprofileids,attributes\ncard-0008,active,,\n{row}\n"
    assert lines(upload(front, f"{cards}/import_cards", table)) == [("3", title)]
    assert staff(front).get_loyalty_cards(cards, identifier="card-0008").data == []


def test_tiers_are_imported(front: Shopfront, club: int) -> None:
    for name in ("tier-ada", "tier-bob"):
        front.call("PUT", f"/v2/customer_profiles/{name}", {"attributes": {}})
    table = (
        "subledgerid,customerprofileid,tiername,expirydate\n"
        ",tier-ada,Gold,2098-03-21T07:32:14Z\n"
        "stamps,tier-bob,Silver,2098-03-21T07:32:14+01:00\n"
    )
    done = staff(front).import_loyalty_customers_tiers(club, table)
    assert (done.entity, done.amount) == ("LoyaltyTier", 2)
    told = balances(front, club, "tier-ada", include_tiers=True).balance
    assert (told.current_tier.name, told.next_tier_name) == ("Gold", None)
    assert told.current_tier.expiry_date.isoformat() == "2098-03-21T08:32:14+01:00"
    longer = table.replace("2098", "2099")
    staff(front).import_loyalty_customers_tiers(club, longer)
    later = balances(front, club, "tier-ada", include_tiers=True).balance.current_tier
    assert (later.name, later.start_date) == ("Gold", told.current_tier.start_date)
    assert later.expiry_date.year == 2099
    wrong = (
        ",nobody,Gold,2098-01-01T00:00:00Z\n"
        ",tier-ada,Lead,2098-01-01T00:00:00Z\n"
        ",tier-ada,Gold,2020-01-01T00:00:00Z\n"
        ",tier-ada,Gold,9999-12-31T00:00:00Z\n"
        ",tier-ada,Gold,\n"
    )
    refused = upload(front, f"{club}/import_customers_tiers", table.splitlines()[0] + "\n" + wrong)
    assert lines(refused) == [
        ("2", "Unknown"),
        ("3", "Unknown"),
        ("4", "Invalid date"),
        ("5", "Invalid date"),
        ("6", "Missing"),
    ]
    again = balances(front, club, "tier-ada", include_tiers=True).balance.current_tier
    assert again == later


def test_programs_without_ends_of_tiers_import_none(front: Shopfront, cards: int) -> None:
    plain = {**CLUB, "name": "plain", "tiersExpirationPolicy": None, "tiersExpireIn": None}
    program = front.manage("POST", "/v1/loyalty_programs", plain)["id"]
    table = "customerprofileid,tiername,expirydate\ntier-ada,Gold,2098-03-21T07:32:14Z\n"
    for refused in (program, cards):
        assert upload(front, f"{refused}/import_customers_tiers", table).status == 400


def test_days_of_joining_are_imported(front: Shopfront, club: int, cards: int) -> None:
    front.call("PUT", "/v2/customer_profiles/join-ada", {"attributes": {}})
    front.call("PUT", "/v2/customer_profiles/join-bob", {"attributes": {}})
    assert front.call("POST", f"/v1/loyalty_programs/{club}/profile/join-bob/join").status == 200
    table = (
        "customerprofileid,newjoindate\n"
        "join-ada,2024-03-21T07:32:14Z\n"
        "join-bob,2020-01-01T00:00:00+01:00\n"
    )
    done = upload(front, f"{club}/import_join_dates", table)
    assert (done.status, done.json["amount"]) == (200, 2)
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    path = f"/v1/loyalty_programs/{club}/export_join_dates"
    exported = front.send("GET", path, None, headers).body.decode().splitlines()
    assert f"{club},join-ada,2024-03-21T07:32:14Z" in exported
    assert f"{club},join-bob,2019-12-31T23:00:00Z" in exported
    joins = f"/v1/loyalty_programs/{club}/profile/join-ada/join"
    assert front.call("POST", joins).status == 400
    header = table.splitlines()[0]
    wrong = f"{header}\nnobody,2024-03-21T07:32:14Z\njoin-ada,2098-01-01T00:00:00Z\n"
    assert lines(upload(front, f"{club}/import_join_dates", wrong)) == [
        ("2", "Unknown"),
        ("3", "Invalid date"),
    ]
    assert front.send("GET", path, None, headers).body.decode().splitlines() == exported
    assert upload(front, f"{cards}/import_join_dates", table).status == 400
