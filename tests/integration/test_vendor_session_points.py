"""Points of sessions through the vendor's own client: effects, balances, and taking back."""

from typing import Any

import msgspec
import pytest
from talon_one.models import IntegrationRequest, NewReferral, ReturnIntegrationRequest

from habitue.model.documents import encode
from tests.building import rule
from tests.integration.test_vendor_loyalty import CLUB, balances, client, customer, numbers
from tests.serving import Shopfront


@pytest.fixture(scope="module")
def club(front: Shopfront) -> int:
    """A program of the application, with a campaign that gives ten points for each unit."""
    fields = {
        **CLUB,
        "name": "cartClub",
        "subscribedApplications": [front.application_id],
        "returnPolicy": "unlimited",
    }
    id_ = int(front.manage("POST", "/v1/loyalty_programs", fields)["id"])
    front.manage("POST", "/v1/attributes", PAYS)
    front.campaign(
        _sent("session.total > 0", f'addLoyaltyPointsPerItem("unit", {id_}, "", 50)'),
        _sent(
            'session.attributes["pays"] == true',
            f'deductLoyaltyPoints("pays", {id_}, "", 30)',
            'setDiscount("paid with points", 3)',
            title="pays with points",
        ),
    )
    return id_


def _sent(when: str, *then: str, title: str = "the rule") -> dict[str, Any]:
    """A rule as JSON, with plain numbers."""
    made: dict[str, Any] = msgspec.json.decode(encode(rule(when, *then, title=title)))
    return made


def put(front: Shopfront, session: str, state: str, profile: str, **fields: Any) -> Any:
    body = {
        "customerSession": {
            "profileId": profile,
            "state": state,
            "cartItems": [{"name": "tea", "sku": "tea", "quantity": 2, "price": 10}],
            **fields,
        },
        "responseContent": ["customerSession", "loyalty"],
    }
    request = IntegrationRequest.from_dict(body)
    return client(front).update_customer_session_v2(session, request)


def kinds(state: Any) -> list[str]:
    return [effect.effect_type for effect in state.effects]


def test_a_cart_earns_pays_and_gives_back(front: Shopfront, club: int) -> None:
    zoe = customer(front, "zoe")
    opened = put(front, "z1", "open", zoe)
    assert kinds(opened) == ["addLoyaltyPoints", "addLoyaltyPoints", "changeLoyaltyTierLevel"]
    first = opened.effects[0].props
    assert (first["programId"], first["subLedgerId"], first["value"]) == (club, "", 50)
    assert (first["cartItemPosition"], first["cartItemSubPosition"]) == (0, 0)
    assert first["recipientIntegrationId"] == zoe
    ledger = opened.loyalty.programs[str(club)].ledger
    assert (ledger.current_balance, ledger.tentative_current_balance) == (0, 100)
    tier = opened.effects[2].props
    assert (tier["newTierName"], tier["ruleTitle"]) == ("Silver", "the rule")
    closed = put(front, "z1", "closed", zoe)
    assert [each.props.get("transactionUUID") for each in closed.effects[:2]] == [
        each.props["transactionUUID"] for each in opened.effects[:2]
    ]
    ledger = closed.loyalty.programs[str(club)].ledger
    assert (ledger.current_balance, ledger.current_tier.name) == (100, "Silver")
    assert ledger.points_to_next_tier == 200
    assert numbers(balances(front, club, zoe).balance) == (100, 0, 0, 0, 0)

    back = client(front).return_cart_items(
        "z1",
        ReturnIntegrationRequest.from_dict(
            {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}}
        ),
    )
    assert kinds(back) == ["rollbackAddedLoyaltyPoints"]
    props = back.effects[0].props
    assert (props["value"], props["cartItemSubPosition"]) == (50, 0)
    assert props["transactionUUID"] == first["transactionUUID"]
    assert numbers(balances(front, club, zoe).balance) == (50, 0, 0, 0, 0)


def test_points_pay(front: Shopfront, club: int) -> None:
    max_ = customer(front, "max")
    put(front, "m1", "closed", max_)
    paid = put(front, "m2", "closed", max_, attributes={"pays": True})
    deducted = next(each for each in paid.effects if each.effect_type == "deductLoyaltyPoints")
    assert (deducted.props["value"], deducted.props["ruleTitle"]) == (30, "pays with points")
    assert numbers(balances(front, club, max_).balance) == (170, 0, 30, 0, 0)
    reopened = client(front).reopen_customer_session("m2")
    assert kinds(reopened) == [
        "rollbackAddedLoyaltyPoints",
        "rollbackAddedLoyaltyPoints",
        "rollbackDeductedLoyaltyPoints",
        "rollbackDiscount",
    ]
    assert reopened.effects[2].props["value"] == 30
    assert "expiryDate" in reopened.effects[2].props
    assert numbers(balances(front, club, max_).balance) == (100, 0, 0, 0, 0)


def test_whoever_brings_a_friend_earns(front: Shopfront, club: int) -> None:
    customer(front, "ola")
    brings = f'addLoyaltyPoints("brought", {club}, "", 15, "", "", false, "Advocate")'
    campaign_id = front.campaign(_sent("referralValid()", brings), features=["referrals"])
    wish = {"advocateProfileIntegrationId": "ola", "campaignId": campaign_id}
    code = client(front).create_referral(NewReferral.from_dict(wish)).code
    closed = put(front, "o1", "closed", customer(front, "pia"), referralCode=code)
    _, given = (each for each in closed.effects if each.campaign_id == campaign_id)
    assert (given.effect_type, given.props["value"]) == ("addLoyaltyPoints", 15)
    assert given.props["recipientIntegrationId"] == "ola"
    assert numbers(balances(front, club, "ola").balance) == (15, 0, 0, 0, 0)
    assert numbers(balances(front, club, "pia").balance) == (100, 0, 0, 0, 0)
    reopened = client(front).reopen_customer_session("o1")
    taken = [each for each in reopened.effects if each.effect_type.startswith("rollbackAdded")]
    recipients = sorted(each.props["recipientIntegrationId"] for each in taken)
    assert recipients == ["ola", "pia", "pia"]
    assert numbers(balances(front, club, "ola").balance) == (0, 0, 0, 0, 0)


PAYS = {
    "entity": "CustomerSession",
    "name": "pays",
    "title": "pays",
    "type": "boolean",
    "description": "",
    "suggestions": [],
    "editable": True,
    "subscribedApplicationsIds": [],
}
