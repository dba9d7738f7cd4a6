"""One customer behind both doors: registered at the till, checking out in the web shop."""

from typing import Any

import pytest

from tests.capillary.conftest import Counter
from tests.serving import Shopfront, make_management_key, rule


@pytest.fixture(scope="module")
async def front(capillary_url: str, counter: Counter) -> Shopfront:
    """The same server with an application and a campaign for people of one city."""
    await make_management_key(capillary_url)
    front = counter.front
    front.open_shop()
    is_local = ["=", [".", "Profile", "Attributes", "City"], "Singapore"]
    front.campaign(rule(is_local, ["setDiscount", "local", 5]))
    return front


def _discounts(front: Shopfront, session_id: str, profile_id: str) -> list[Any]:
    item = {"sku": "tea", "name": "tea", "quantity": 1, "price": 20, "position": 0}
    reply = front.put(session_id, profileId=profile_id, cartItems=[item], state="open")
    assert reply.status == 200, reply.body
    return [(each["effectType"], each["props"].get("value")) for each in reply.json["effects"]]


def _register(counter: Counter, source: str, *identifiers: tuple[str, str]) -> Any:
    profile = {
        "source": source,
        "firstName": "Meera",
        "lastName": "Tan",
        "identifiers": [{"type": kind, "value": value} for kind, value in identifiers],
    }
    body = {"profiles": [profile], "extendedFields": {"city": "Singapore"}}
    reply = counter.send("POST", "/v2/customers", body)
    assert reply.status == 200, reply.body
    return reply.json


def test_a_rule_sees_what_the_till_has_told(counter: Counter, front: Shopfront) -> None:
    _register(counter, "INSTORE", ("mobile", "6590000001"), ("externalId", "web-1"))
    assert _discounts(front, "cart-1", "web-1") == [("setDiscount", 5)]
    assert _discounts(front, "cart-2", "web-2") == []


def test_a_web_customer_who_registers_stays_one(counter: Counter, front: Shopfront) -> None:
    assert _discounts(front, "cart-3", "web-3") == []
    answer = _register(counter, "INSTORE", ("mobile", "6590000003"), ("externalId", "web-3"))
    assert [each["code"] for each in answer["warnings"]] == [8050]
    assert _discounts(front, "cart-3", "web-3") == [("setDiscount", 5)]


def test_cards_that_turn_out_to_be_one_share_their_sessions(
    counter: Counter, front: Shopfront
) -> None:
    assert _discounts(front, "cart-5", "web-5") == []
    web = _register(counter, "ECOMMERCE", ("integrationId", "web-5"))["createdId"]
    till = _register(counter, "INSTORE", ("mobile", "6590000005"))["createdId"]
    assert web != till
    both = _register(counter, "MARTJACK", ("mobile", "6590000005"), ("externalId", "web-5"))
    assert both["createdId"] == till
    assert [each["code"] for each in both["warnings"]] == [8050, 8051]
    assert _discounts(front, "cart-5", "web-5") == [("setDiscount", 5)]
    exported = counter.send("GET", f"/v2/customers/{till}/export").json
    assert [each["integration_id"] for each in exported["sessions"]] == ["cart-5"]
