"""The shop that every operation is called on, and the vendor's client, which notes what is called.

Words: a *check* calls one operation and hands out the answer, as the client has read it, with what
it has to be, field by field. Each has customers and codes of its own.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from talon_one import IntegrationApi

from tests.integration.test_vendor_client import client
from tests.integration.test_vendor_loyalty import CLUB
from tests.integration.test_vendor_loyalty_cards import CARDS
from tests.serving import Shopfront, rule

Answer: TypeAlias = tuple[Any, Any]
FEATURES = ("coupons", "referrals", "loyalty", "giveaways", "achievements")
TEA = [{"name": "Tea", "sku": "tea", "quantity": 2, "price": 10}]


def method_of(operation: str) -> str:
    """The method of the client for the operation of that id."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


class Noting:
    """The vendor's client, which notes the operations that are called.

    Those that this release of it does not know are sent by `send`, as its methods do it.
    """

    def __init__(self, api: IntegrationApi) -> None:
        self._api = api
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.called.append(name)
        return getattr(self._api, name)

    def send(self, operation: str, method: str, path: str, body: Any = None) -> Any:
        """Sends a request the way that the client's own methods do; the answer's JSON."""
        assert not hasattr(self._api, method_of(operation)), "the client has a method for it"
        self.called.append(method_of(operation))
        client_ = self._api.api_client
        sent = client_.param_serialize(
            method=method,
            resource_path=path,
            header_params={"Content-Type": "application/json", "Accept": "application/json"},
            body=body,
            auth_settings=["api_key_v1"],
        )
        answer = client_.call_api(*sent)
        answer.read()
        assert 200 <= answer.status < 300, answer.data
        return json.loads(answer.data or b"null")


@dataclass
class Scene:
    """The shop, with the ids of what it has."""

    front: Shopfront
    api: Noting
    ids: dict[str, int] = field(default_factory=dict)

    def staff(self, method: str, path: str, body: Any = None) -> Any:
        """A request of staff that must succeed."""
        return self.front.manage(method, path, body)

    def closes(self, session_id: str, profile_id: str, **fields: Any) -> Any:
        """Closes a session of two teas; the answer."""
        sent = {"profileId": profile_id, "cartItems": TEA, "state": "closed", **fields}
        reply = self.front.put(session_id, **sent)
        assert reply.status == 200, reply.body
        return reply.json

    def gives(self, profile_id: str, **fields: Any) -> None:
        """Staff gives points of the club to a customer who is made known before."""
        self.front.call("PUT", f"/v2/customer_profiles/{profile_id}", {})
        path = f"/v1/loyalty_programs/{self.ids['club']}/profile/{profile_id}/add_points"
        self.staff("PUT", path, fields)


Check: TypeAlias = Callable[[Scene], Answer]


def opened(front: Shopfront) -> Scene:
    """The shop, opened."""
    scene = Scene(front, Noting(client(front)))
    ids = scene.ids
    application = f"/v1/applications/{front.application_id}"
    one_off = rule(["and", ["couponValid"]], ["setDiscountPerItem", "one off", 1], title="One off")
    ids["coupons"] = front.campaign(one_off, name="Coupons", features=FEATURES)
    friend = rule(["and", ["referralValid"]], ["setDiscount", "friend", 5], title="A friend")
    ids["friends"] = front.campaign(friend, name="Friends", features=FEATURES)
    subscribed = {"subscribedApplications": [front.application_id]}
    club = {**CLUB, **subscribed, "defaultValidity": "unlimited"}
    ids["club"] = scene.staff("POST", "/v1/loyalty_programs", club)["id"]
    ids["cards"] = scene.staff("POST", "/v1/loyalty_programs", CARDS)["id"]
    teas = {"name": "teas", "title": "Teas", "description": "many of them", "target": 10}
    path = f"{application}/campaigns/{ids['coupons']}/achievements"
    ids["teas"] = scene.staff("POST", path, teas)["id"]
    scene.staff("POST", "/v1/event_types", {"name": "review", "title": "Review"})
    review = rule(
        ["and", ["=", [".", "Event", "Type"], "review"]],
        ["increaseAchievementProgress", ids["teas"], 4],
        ["addLoyaltyPoints", "thanks", ids["club"], "", 5],
        title="Reviews",
    )
    features = (*FEATURES, "advancedEvents")
    ids["reviews"] = front.campaign(review, name="Reviews", features=features)
    level = {"entity": "CustomerProfile", "name": "level", "title": "Level", "type": "string"}
    scene.staff("POST", "/v1/attributes", {**level, "description": "", "suggestions": []})
    return scene


def plain(answer: Any) -> Any:
    """An answer as JSON has it, of what the client has read."""
    if hasattr(answer, "to_dict"):
        return answer.to_dict()
    return list(map(plain, answer)) if isinstance(answer, list) else answer


def profile(integration_id: str, **fields: Any) -> dict[str, Any]:
    """A customer profile."""
    return {
        "id": "?", "created": "?", "integrationId": integration_id, "attributes": {},
        "accountId": 1, "closedSessions": 0, "totalSales": 0, "audienceMemberships": [],
        "lastActivity": "?", "sandbox": False, **fields,
    }  # fmt: skip


def effect(scene: Scene, campaign: str, title: str, kind: str, **props: Any) -> dict[str, Any]:
    """An effect of the only rule of that campaign."""
    return {
        "campaignId": scene.ids[campaign], "rulesetId": "?", "ruleIndex": 0, "ruleName": title,
        "effectType": kind, "props": props,
    }  # fmt: skip


def state(*effects: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """The answer to an update."""
    return {"effects": list(effects), "createdCoupons": [], "createdReferrals": [], **parts}
