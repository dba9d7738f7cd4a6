"""What staff ask about a customer, over the wire; and customers with loyalty cards."""

import asyncio
from typing import Any

import pytest

from tests.capillary.conftest import LOGIN, Counter, make_till, till_headers
from tests.capillary.people import make_arjun, make_meera, opened
from tests.capillary.registrations import (
    add,
    codes,
    created,
    customer,
    identifier,
    mobile,
    profile,
)

MERGE = {"type": "CHANGE_IDENTIFIER", "baseType": "MERGE"}


@pytest.fixture(scope="module")
async def meera(capillary_url: str) -> int:
    """Meera's id."""
    async with opened(capillary_url) as shop:
        return await make_meera(shop)


def code_of(counter: Counter, method: str, path: str) -> tuple[int, int]:
    """HTTP status and code of the one error that comes back."""
    reply = counter.send(method, f"/v2/customers/{path}")
    (error,) = reply.json["errors"]
    return reply.status, error["code"]


def test_history_tells_who_changed_what(counter: Counter, meera: int) -> None:
    path = f"/v2/customers/{meera}"
    context = {"USER-CONTEXT-ENTITY-TYPE": "staff"}
    for label in ("Suspended", "Active"):
        body = {"label": label, "reason": "review"}
        assert counter.send("PUT", f"{path}/status", body, context).status == 200
    reply = counter.send("GET", f"{path}/history?limit=1")
    assert reply.json["pagination"] == {"limit": 1, "offset": 0, "total": 2}
    (last,) = reply.json["data"]
    assert (last["kind"], last["userId"]) == ("status_changed", meera)
    assert last["changedBy"] == {
        "type": "TILL",
        "id": 0,
        "code": LOGIN,
        "context": "entityType=staff",
    }
    assert last["changes"]
    (first,) = counter.send("GET", f"{path}/history?limit=1&offset=1").json["data"]
    assert first["id"] < last["id"]


@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", 8101), ("limit=101", 8102), ("offset=-1", 8100), ("limit=x", 400)],
)
def test_history_says_what_is_wrong(counter: Counter, meera: int, query: str, code: int) -> None:
    assert code_of(counter, "GET", f"{meera}/history?{query}") == (400, code)


async def test_explanation_names_every_identifier_and_merge(
    counter: Counter, capillary_url: str
) -> None:
    async with opened(capillary_url) as shop:
        one = await make_arjun(shop, "6598111111")
        other = await make_arjun(shop, "6598222222")
    named = {"customerId": other, "targetCustomerId": one, "comments": "one person"}
    request_id = counter.send("POST", "/v2/requests", {**MERGE, **named}).json["createdId"]
    wish = [{**MERGE, "id": request_id, "status": "APPROVED"}]
    assert counter.send("PUT", "/v2/requests", wish).status == 200
    told: Any = counter.send("GET", f"/v2/customers/{other}/explain").json
    assert (told["id"], told["requestedId"]) == (one, other)
    assert sorted(told["joinedIds"]) == [one, other]
    links = {(each["type"], each["value"], each["userId"]) for each in told["identifiers"]}
    assert links == {("mobile", "6598111111", one), ("mobile", "6598222222", other)}
    (merge,) = told["merges"]
    assert (merge["victimId"], merge["survivorId"]) == (other, one)
    assert (merge["reason"], merge["requestId"]) == ("request", request_id)
    assert (merge["comments"], merge["mergedBy"]["code"]) == ("one person", LOGIN)
    assert "undoneOn" not in merge
    counter.send("POST", f"/v2/requests/{request_id}/undo")
    (undone,) = counter.send("GET", f"/v2/customers/{one}/explain").json["merges"]
    assert undone["undoneBy"]["code"] == LOGIN


async def test_a_person_is_exported_and_erased(counter: Counter, capillary_url: str) -> None:
    async with opened(capillary_url) as shop:
        arjun = await make_arjun(shop, "6598333333")
    path = f"/v2/customers/{arjun}"
    document = counter.send("GET", f"{path}/export")
    assert document.status == 200
    assert b"6598333333" in document.body
    assert b"Arjun" in document.body
    erased = counter.send("DELETE", path)
    assert (erased.status, erased.json) == (200, {"warnings": [], "errors": [], "success": True})
    lookup = "lookup?source=ALL&identifierName=mobile&identifierValue=6598333333"
    assert code_of(counter, "GET", lookup) == (400, 8015)
    assert code_of(counter, "GET", f"{arjun}?source=ALL") == (400, 8026)
    assert code_of(counter, "GET", f"{arjun}/export") == (400, 8026)
    assert code_of(counter, "DELETE", str(arjun)) == (400, 8015)
    assert counter.send("POST", "/v2/bulk/getCustomers", [arjun]).json["data"] == []
    found = counter.send("GET", "/v2/customers/search?q=6598333333").json
    assert found["pagination"]["total"] == 0


async def test_only_a_key_that_was_made_for_it_exports_and_erases(
    counter: Counter, capillary_url: str
) -> None:
    async with opened(capillary_url) as shop:
        await make_till(shop, "checkout-7", "ordinary", permissions=())
    number = mobile()
    path = f"/v2/customers/{created(counter, identifier('mobile', number))}"
    body = {"key": "checkout-7", "secret": "ordinary"}
    token = counter.front.send("POST", "/v3/oauth/token/generate", body).json["data"]["accessToken"]
    ordinary = till_headers("checkout-7", "ordinary")
    for headers in (ordinary, {"x-cap-api-oauth-token": token}):
        for method, where in (("GET", f"{path}/export"), ("DELETE", path)):
            refused = counter.front.send(method, where, None, headers)
            assert (refused.status, refused.json["errors"][0]["code"]) == (403, 4000)
            assert number.encode() not in refused.body
        assert counter.front.send("GET", f"{path}?source=ALL", None, headers).status == 200
    assert counter.send("GET", f"{path}/export").status == 200
    assert counter.send("DELETE", path).status == 200


def test_a_referral_code_is_kept_told_and_erased(counter: Counter, capillary_url: str) -> None:
    number = mobile()
    body = customer(profile(identifier("mobile", number)), referralCode=" FRIEND-7 ")
    status, answer = add(counter, body)
    assert (status, answer["warnings"]) == (200, [])
    path = f"/v2/customers/{answer['createdId']}"
    (first,) = counter.send("GET", f"{path}/history").json["data"]
    told = {each["path"]: each["after"] for each in first["changes"]}
    assert told["referral_code"] == "FRIEND-7"
    # The first code that was told stays: that is who has sent the person here.
    app = profile(identifier("mobile", number), source="MOBILE_APP", accountId="app-1")
    assert add(counter, customer(app, referralCode="OTHER-8"))[0] == 200
    more = {**customer(profile(firstName="Meera")), "referralCode": "OTHER-9"}
    assert counter.send("PUT", f"{path}?source=INSTORE", more).status == 200
    exported = counter.send("GET", f"{path}/export").body
    assert b"FRIEND-7" in exported
    assert b"OTHER-" not in exported
    assert counter.send("DELETE", path).status == 200
    assert b"FRIEND-7" not in asyncio.run(dumped(capillary_url))


async def dumped(url: str) -> bytes:
    """Every part of a card and every change of one that stands in the database."""
    async with opened(url) as shop:
        tables = ("card_part", "customer_change")
        rows = [
            await shop.database.fetch(f"SELECT row_to_json(t)::text FROM {t} t") for t in tables
        ]
        return "".join(str(row[0]) for each in rows for row in each).encode()


def test_an_endless_referral_code_is_refused(counter: Counter) -> None:
    number = mobile()
    body = customer(profile(identifier("mobile", number)), referralCode="x" * 101)
    reply = counter.send("POST", "/v2/customers", body)
    assert (reply.status, reply.json["errors"][0]["code"]) == (400, 400)
    assert "/referralCode" in reply.json["errors"][0]["message"]
    lookup = f"lookup?source=ALL&identifierName=mobile&identifierValue={number}"
    assert code_of(counter, "GET", lookup) == (400, 8015)


@pytest.mark.parametrize("what", ["history", "explain", "export"])
def test_nobody_has_nothing(counter: Counter, what: str) -> None:
    assert code_of(counter, "GET", f"9007199254740991/{what}") == (400, 8015)
    assert code_of(counter, "GET", f"me/{what}") == (400, 400)


def test_erasing_nobody_is_refused(counter: Counter) -> None:
    assert code_of(counter, "DELETE", "9007199254740991") == (400, 8015)


def test_cards_that_a_registration_joined_are_taken_apart_again(counter: Counter) -> None:
    phone, address = mobile(), "taken.apart@orchard.sg"
    one = created(counter, identifier("mobile", phone), source="ECOMMERCE")
    other = created(counter, identifier("email", address), source="MARTJACK")
    before = [counter.send("GET", f"/v2/customers/{each}?source=ALL").json for each in (one, other)]
    both = profile(identifier("mobile", phone), identifier("email", address), firstName="Ann")
    status, body = add(counter, customer(both))
    assert (status, body["createdId"], codes(body)) == (200, one, [8050, 8051])
    reply = counter.send("POST", f"/v2/customers/{other}/unmerge")
    assert (reply.status, reply.json) == (200, {"createdId": other, "warnings": []})
    after = [counter.send("GET", f"/v2/customers/{each}?source=ALL").json for each in (one, other)]
    assert after[1] == before[1]
    assert [each["source"] for each in after[0]["profiles"]] == ["ECOMMERCE", "INSTORE"]
    (merge,) = counter.send("GET", f"/v2/customers/{other}/explain").json["merges"]
    assert (merge["victimId"], merge["survivorId"], merge["undoneBy"]["code"]) == (
        other,
        one,
        LOGIN,
    )


def test_what_was_never_joined_is_not_taken_apart(counter: Counter) -> None:
    one = created(counter, identifier("mobile", mobile()))
    assert code_of(counter, "POST", f"{one}/unmerge") == (400, 9012)
    assert code_of(counter, "POST", "999999999/unmerge") == (400, 8015)
