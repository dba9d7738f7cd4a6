"""Bad input over the wire: a 4xx that names the field, and nothing stored or counted."""

from typing import Any

import pytest

from habitue.model.limits import CART_LINES_MAX, CART_UNITS_MAX
from habitue.store.database import open_database
from habitue.store.location import External
from tests.building import stored
from tests.serving import Shopfront, rule

SESSION = "/v2/customer_sessions/s"
LINE = {"sku": "a", "quantity": 1, "price": 1}


def session(**fields: Any) -> dict[str, Any]:
    return {"customerSession": fields}


async def refused(front: Shopfront, shop_url: str, **request: Any) -> tuple[int, list[str]]:
    """Status and places of the faults of a request that must leave no trace."""
    async with open_database(External(shop_url)) as database:
        before = await stored(database)
        reply = front.call(**request)
        assert await stored(database) == before
    errors = reply.json["errors"]
    assert reply.headers["content-type"] == "application/json"
    assert isinstance(reply.json["message"], str)
    return reply.status, [next(iter(error["source"].values())) for error in errors]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"\xff\xfe{}", 400),
        (b'{"customerSession": {"profileId": "\xff"}}', 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"[" * 100_000, 400),
        (b'{"customerSession": ' * 5_000 + b"{}" + b"}" * 5_000, 400),
        (b'{"customerSession": {"cartItems": [{"sku": "a", "quantity": 1, "price": NaN}]}}', 400),
        (b'{"customerSession": {"additionalCosts": {"x": {"price": 1e999}}}}', 400),
        (b'{"customerSession": {"additionalCosts": {"x": {"price": 1e99999999}}}}', 400),
        (b'{"customerSession": {"profileId": "a\\u0000b"}}', 400),
        (b'{"customerSession": {"profileId": "\\ud800"}}', 400),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else None,
)
async def test_bodies_that_are_no_request(
    front: Shopfront, shop_url: str, body: bytes, status: int
) -> None:
    found, _ = await refused(front, shop_url, method="PUT", path=SESSION, body=body)
    assert found == status


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/customerSession"),
        ({"customerSession": None}, "/customerSession"),
        (session(state="paid"), "/customerSession/state"),
        (session(state=1), "/customerSession/state"),
        (session(profileId=1), "/customerSession/profileId"),
        (session(profileId="x" * 1001), "/customerSession/profileId"),
        (session(couponCodes="SALE"), "/customerSession/couponCodes"),
        (session(couponCodes=["x" * 101]), "/customerSession/couponCodes/0"),
        (session(couponCodes=["x"] * 101), "/customerSession/couponCodes"),
        (session(referralCode="x" * 101), "/customerSession/referralCode"),
        (session(loyaltyCards=["a", "b"]), "/customerSession/loyaltyCards"),
        (session(identifiers=list("abcdef")), "/customerSession/identifiers"),
        (session(storeIntegrationId="nowhere"), "/customerSession/storeIntegrationId"),
        (session(evaluableCampaignIds=[1]), "/customerSession/evaluableCampaignIds"),
        (session(attributes={"Nope": 1}), "/customerSession/attributes/Nope"),
        (session(attributes=[]), "/customerSession/attributes"),
        (session(additionalCosts={"Nope": {"price": 1}}), "/customerSession/additionalCosts/Nope"),
        (session(cartItems={}), "/customerSession/cartItems"),
        (session(cartItems=[LINE] * (CART_LINES_MAX + 1)), "/customerSession/cartItems"),
        (
            session(cartItems=[{**LINE, "quantity": CART_UNITS_MAX + 1}]),
            "/customerSession/cartItems",
        ),
        (session(cartItems=[{**LINE, "quantity": 0}]), "/customerSession/cartItems/0/quantity"),
        (session(cartItems=[{**LINE, "quantity": -1}]), "/customerSession/cartItems/0/quantity"),
        (session(cartItems=[{**LINE, "quantity": 1.5}]), "/customerSession/cartItems/0/quantity"),
        (session(cartItems=[{**LINE, "quantity": "1"}]), "/customerSession/cartItems/0/quantity"),
        (session(cartItems=[{**LINE, "price": -0.01}]), "/customerSession/cartItems/0/price"),
        (session(cartItems=[{**LINE, "price": "1"}]), "/customerSession/cartItems/0/price"),
        (session(cartItems=[{**LINE, "price": 10**16}]), "/customerSession/cartItems/0/price"),
        (session(cartItems=[{**LINE, "price": None}]), "/customerSession/cartItems/0/price"),
        (session(cartItems=[{**LINE, "sku": ""}]), "/customerSession/cartItems/0/sku"),
        (session(cartItems=[{"quantity": 1, "price": 1}]), "/customerSession/cartItems/0/sku"),
        (
            session(cartItems=[LINE, {**LINE, "attributes": {"x/y": 1}}]),
            "/customerSession/cartItems/1/attributes/x~1y",
        ),
        ({**session(), "responseContent": ["everything"]}, "/responseContent/0"),
    ],
)
async def test_every_field_wrong_in_turn(
    front: Shopfront, shop_url: str, body: Any, pointer: str
) -> None:
    status, places = await refused(front, shop_url, method="PUT", path=SESSION, body=body)
    assert (status, places) == (400, [pointer])


@pytest.mark.parametrize("query", ["?now=2030-01-01T00:00:00Z", "?dry=maybe", "?dry=true&now=soon"])
async def test_wrong_parameters(front: Shopfront, shop_url: str, query: str) -> None:
    path, body = SESSION + query, session(cartItems=[LINE])
    status, places = await refused(front, shop_url, method="PUT", path=path, body=body)
    assert (status, len(places)) == (400, 1)


async def test_a_wrong_content_type(front: Shopfront, shop_url: str) -> None:
    status, _ = await refused(
        front,
        shop_url,
        method="PUT",
        path=SESSION,
        body=b"a=1",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert status == 415


async def test_illegal_transitions_and_unknown_ids(front: Shopfront, shop_url: str) -> None:
    put = {"method": "PUT", "path": SESSION}
    state = ["/customerSession/state"]
    assert await refused(front, shop_url, **put, body=session(state="cancelled")) == (400, state)
    assert (await refused(front, shop_url, method="GET", path="/v2/customer_sessions/zzz"))[
        0
    ] == 404
    assert (await refused(front, shop_url, method="PUT", path="/v2/customer_sessions/zzz/reopen"))[
        0
    ] == 404
    front.put("done", cartItems=[LINE], state="closed")
    for body in (session(), session(state="closed")):
        found = await refused(
            front, shop_url, method="PUT", path="/v2/customer_sessions/done", body=body
        )
        assert found == (400, state)


async def test_rules_that_do_not_type_check(front: Shopfront, shop_url: str) -> None:
    campaign = front.campaign(rule(["and", True], ["setDiscount", "one", 1]))
    path = f"/v1/applications/{front.application_id}/campaigns/{campaign}/rulesets"
    rules = [rule(["and", [">", [".", "Session", "Totl"], 1]], ["setDiscont", "x", 1])]
    async with open_database(External(shop_url)) as database:
        before = await database.fetchval("SELECT version FROM configuration")
        headers = {"authorization": "ManagementKey-v1 a-management-key-of-the-tests"}
        reply = front.send("POST", path, {"rules": rules, "bindings": []}, headers)
        assert await database.fetchval("SELECT version FROM configuration") == before
    assert reply.status == 400
    assert [error["source"]["pointer"] for error in reply.json["errors"]] == [
        "/rules/0/condition/1/1",
        "/rules/0/effects/0",
    ]


async def test_a_key_reused_for_another_request(front: Shopfront, shop_url: str) -> None:
    headers = {"idempotency-key": "k-1"}
    path = "/v2/customer_sessions/idempotent"
    first = front.call("PUT", path, session(cartItems=[LINE]), headers)
    again = front.call("PUT", path, session(cartItems=[LINE]), headers)
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert front.call("GET", path).json["customerSession"]["updateCount"] == 1
    found = await refused(
        front, shop_url, method="PUT", path=path, body=session(cartItems=[]), headers=headers
    )
    assert found == (409, [])
