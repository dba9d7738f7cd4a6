"""Cards of sessions and events through the vendor's own client: effects, balances, taking back."""

from typing import Any

import pytest
from talon_one.models import IntegrationEventV2Request, ReturnIntegrationRequest

from tests.integration.test_vendor_loyalty import client, customer, numbers
from tests.integration.test_vendor_loyalty_cards import CARDS, balances, give, make
from tests.integration.test_vendor_session_points import _sent, kinds, put
from tests.serving import Shopfront


@pytest.fixture(scope="module")
def program(front: Shopfront) -> int:
    """A card-based program of the application: a unit earns ten points, and forty pay."""
    fields = {
        **CARDS,
        "name": "tillCards",
        "subscribedApplications": [front.application_id],
        "returnPolicy": "unlimited",
        "tiers": [{"name": "Silver", "minPoints": 60}],
    }
    id_ = int(front.manage("POST", "/v1/loyalty_programs", fields)["id"])
    front.campaign(
        _sent("session.total > 0", f'addLoyaltyPointsPerItem("unit", {id_}, "", 10)'),
        _sent(
            f"loyaltyCardValid({id_}) and session.total > 50",
            f'deductLoyaltyPoints("pays", {id_}, "", 40)',
            title="pays with the card",
        ),
        _sent('event.type == "visit"', f'addLoyaltyPoints("visit", {id_}, "", 5)'),
    )
    front.manage("POST", "/v1/event_types", {"name": "visit", "title": "A visit"})
    return id_


def test_a_card_earns_pays_and_gives_back(front: Shopfront, program: int) -> None:
    make(front, program, "till-card-1")
    ida = customer(front, "ida")
    opened = put(front, "c1", "open", ida, loyaltyCards=["till-card-1"])
    assert kinds(opened) == ["addLoyaltyPoints", "addLoyaltyPoints"]
    props = opened.effects[0].props
    assert (props["programId"], props["value"], props["cardIdentifier"]) == (
        program,
        10,
        "till-card-1",
    )
    assert props["recipientIntegrationId"] == ida
    assert opened.customer_session.loyalty_cards == ["till-card-1"]
    (card,) = opened.loyalty.cards
    assert (card.identifier, card.program_name, card.status) == (
        "till-card-1",
        "tillCards",
        "active",
    )
    ledger = card.ledger
    assert (ledger.current_balance, ledger.tentative_current_balance) == (0, 20)
    assert ledger.points_to_next_tier == 60
    closed = put(front, "c1", "closed", ida)
    assert closed.loyalty.cards[0].ledger.current_balance == 20
    assert numbers(balances(front, program, "till-card-1").balance) == (20, 0, 0, 0, 0)
    assert client(front).get_customer_session("c1").customer_session.loyalty_cards == [
        "till-card-1"
    ]

    body = {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}}
    back = client(front).return_cart_items("c1", ReturnIntegrationRequest.from_dict(body))
    assert kinds(back) == ["rollbackAddedLoyaltyPoints"]
    assert back.effects[0].props["cardIdentifier"] == "till-card-1"
    assert numbers(balances(front, program, "till-card-1").balance) == (10, 0, 0, 0, 0)

    give(front, program, "till-card-1", points=50)
    dear = [{"name": "pot", "sku": "pot", "quantity": 1, "price": 60}]
    paid = put(front, "c2", "closed", ida, loyaltyCards=["till-card-1"], cartItems=dear)
    spent = next(each for each in paid.effects if each.effect_type == "deductLoyaltyPoints")
    assert (spent.props["value"], spent.props["cardIdentifier"]) == (40, "till-card-1")
    assert paid.loyalty.cards[0].ledger.current_tier.name == "Silver"
    assert numbers(balances(front, program, "till-card-1").balance) == (30, 0, 40, 0, 0)
    reopened = client(front).reopen_customer_session("c2")
    assert kinds(reopened) == ["rollbackAddedLoyaltyPoints", "rollbackDeductedLoyaltyPoints"]
    assert {each.props["cardIdentifier"] for each in reopened.effects} == {"till-card-1"}
    assert numbers(balances(front, program, "till-card-1").balance) == (60, 0, 0, 0, 0)


def test_a_card_that_there_is_not_is_told_among_the_failures(
    front: Shopfront, program: int
) -> None:
    eva = customer(front, "eva")
    body: dict[str, Any] = {
        "customerSession": {
            "profileId": eva,
            "cartItems": [{"name": "tea", "sku": "tea", "quantity": 1, "price": 10}],
            "loyaltyCards": ["no-such-card"],
        },
        "responseContent": ["ruleFailureReasons", "loyalty"],
    }
    found = front.call("PUT", "/v2/customer_sessions/c9", body)
    assert found.status == 200
    answer = found.json
    assert answer["effects"] == []
    assert "cards" not in answer["loyalty"]
    details = [each.get("details") for each in answer["ruleFailureReasons"]]
    assert "there is no card of tillCards here, and its points are on cards" in details
    body["customerSession"]["loyaltyCards"] = ["one-card", "two-card"]
    assert front.call("PUT", "/v2/customer_sessions/c9", body).status == 400


def test_an_event_earns_on_its_card(front: Shopfront, program: int) -> None:
    make(front, program, "event-card")
    customer(front, "uta")
    body = {
        "profileId": "uta",
        "type": "visit",
        "attributes": {},
        "loyaltyCards": ["event-card"],
        "responseContent": ["loyalty"],
    }
    request = IntegrationEventV2Request.from_dict(body)
    state = client(front).track_event_v2(request, silent="no")
    assert [each.effect_type for each in state.effects] == ["addLoyaltyPoints"]
    assert state.effects[0].props["cardIdentifier"] == "event-card"
    assert state.loyalty.cards[0].ledger.current_balance == 5
    assert numbers(balances(front, program, "event-card").balance) == (5, 0, 0, 0, 0)
