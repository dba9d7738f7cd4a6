"""Checks of the operations on points and on loyalty cards."""

from typing import Any

from talon_one.models import (
    ActivateLoyaltyPoints,
    DeleteLoyaltyTransactionsRequest,
    GenerateLoyaltyCard,
    LoyaltyCardRegistration,
)

from tests.conformance.scene import Answer, Scene

#: The names of an entry's fields where cards and customers are told of it alike.
_ENTRY: dict[str, Any] = {
    "id": "?", "transactionUUID": "?", "created": "?", "startDate": "immediate",
    "expiryDate": "unlimited", "subledgerId": "",
}  # fmt: skip
_NOTHING = {
    "activePoints": 0, "pendingPoints": 0, "spentPoints": 0, "expiredPoints": 0,
    "negativePoints": 0,
}  # fmt: skip


def _ledger(points: int = 0) -> dict[str, Any]:
    return {
        "currentBalance": points, "pendingBalance": 0, "negativeBalance": 0, "expiredBalance": 0,
        "spentBalance": 0, "tentativeCurrentBalance": points, "tentativePendingBalance": 0,
        "tentativeNegativeBalance": 0,
    }  # fmt: skip


def balances(scene: Scene) -> Answer:
    scene.gives("una", points=120, name="gift")
    scene.gives("una", points=7, name="later", pendingDuration="30D")
    scene.gives("una", points=3, name="star", subledgerId="stars")
    answer = scene.api.get_loyalty_balances(scene.ids["club"], "una", include_tiers=True)
    silver = {
        "id": "?", "name": "Silver", "startDate": "?", "expiryDate": "?",
        "downgradePolicy": "one_down",
    }  # fmt: skip
    tier = {"currentTier": silver, "pointsToNextTier": 180, "nextTierName": "Gold"}
    stars = {**_NOTHING, "activePoints": 3, "pointsToNextTier": 97, "nextTierName": "Silver"}
    return answer, {
        "balance": {**_NOTHING, "activePoints": 120, "pendingPoints": 7, **tier},
        "subledgerBalances": {"stars": stars},
    }


def transactions(scene: Scene) -> Answer:
    scene.gives("vea", points=12, name="gift")
    entry = {**_ENTRY, "programId": scene.ids["club"], "name": "gift", "amount": 12}
    wanted = {"hasMore": False, "data": [{**entry, "type": "addition"}]}
    return scene.api.get_loyalty_program_profile_transactions(scene.ids["club"], "vea"), wanted


def points(scene: Scene) -> Answer:
    scene.gives("wes", points=12, name="gift")
    entry = {**_ENTRY, "programId": scene.ids["club"], "name": "gift", "amount": 12}
    wanted = {"hasMore": False, "data": [entry]}
    return scene.api.get_loyalty_program_profile_points(scene.ids["club"], "wes"), wanted


def activate(scene: Scene) -> Answer:
    scene.gives("xan", points=9, name="waiting", pendingDuration="on_action", validityDuration="9D")
    path = f"/v1/loyalty_programs/{scene.ids['club']}/profile/xan/transactions"
    (entry,) = scene.front.call("GET", f"{path}?awaitsActivation=true").json["data"]
    body = {"transactionUUIDs": [entry["transactionUUID"]]}
    sent = ActivateLoyaltyPoints.from_dict(body)
    answer = scene.api.activate_loyalty_points(scene.ids["club"], sent)
    activated = {
        "created": "?", "programID": scene.ids["club"], "type": "addition", "amount": 9,
        "startDate": "?", "expiryDate": "?", "name": "waiting", "subLedgerID": "",
        "validityDuration": "9D",
    }  # fmt: skip
    return answer, {"ledgerEntries": [activated]}


def delete_transactions(scene: Scene) -> Answer:
    scene.gives("yve", points=9, name="gift")
    scene.gives("yve", points=3, name="star", subledgerId="stars")
    body = {"scope": "SelectedSubledgers", "subledgerIds": [""]}
    sent = DeleteLoyaltyTransactionsRequest.from_dict(body)
    club = scene.ids["club"]
    assert scene.api.delete_loyalty_transactions_from_ledgers(club, "yve", sent) is None
    entry = {**_ENTRY, "programId": club, "name": "star", "amount": 3, "subledgerId": "stars"}
    left = scene.api.get_loyalty_program_profile_points(club, "yve")
    return left, {"hasMore": False, "data": [entry]}


def join(scene: Scene) -> Answer:
    path = f"/v1/loyalty_programs/{scene.ids['club']}/profile/zed/join"
    scene.api.send("joinLoyaltyProgram", "POST", path)
    found = scene.front.call("GET", "/v1/customer_profiles/zed/inventory?loyalty=true").json
    club = found["loyalty"]["programs"][str(scene.ids["club"])]
    return {"joined": club["joinDate"], "name": club["name"]}, {"joined": "?", "name": "club"}


def _card(scene: Scene, identifier: str, *names: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "?", "created": "?", "programID": scene.ids["cards"], "programName": "cards",
        "programTitle": "Cards", "status": "active", "identifier": identifier,
        "usersPerCardLimit": 2,
        "profiles": [{"integrationId": each, "timestamp": "?"} for each in names],
        "ledger": _ledger(), "subledgers": {}, "modified": "?", **fields,
    }  # fmt: skip


def _makes(scene: Scene, identifier: str, *names: str) -> Any:
    for each in names:
        scene.front.call("PUT", f"/v2/customer_profiles/{each}", {})
    body = {"cardIdentifier": identifier, "customerProfileIds": list(names)}
    return scene.api.generate_loyalty_card(scene.ids["cards"], GenerateLoyaltyCard.from_dict(body))


def _fills(scene: Scene, identifier: str) -> int:
    _makes(scene, identifier, f"of-{identifier}")
    path = f"/v1/loyalty_programs/{scene.ids['cards']}/cards/{identifier}/add_points"
    scene.staff("PUT", path, {"points": 7, "name": "gift", "validityDuration": "unlimited"})
    return scene.ids["cards"]


def make_card(scene: Scene) -> Answer:
    return _makes(scene, "card-1", "amy"), _card(scene, "card-1", "amy")


def link(scene: Scene) -> Answer:
    _makes(scene, "card-2", "ben")
    scene.front.call("PUT", "/v2/customer_profiles/cat", {})
    sent = LoyaltyCardRegistration.from_dict({"integrationId": "cat"})
    answer = scene.api.link_loyalty_card_to_profile(scene.ids["cards"], "card-2", sent)
    return answer, _card(scene, "card-2", "ben", "cat")


def unlink(scene: Scene) -> Answer:
    _makes(scene, "card-3", "dee", "edd")
    sent = LoyaltyCardRegistration.from_dict({"integrationId": "dee"})
    answer = scene.api.unlink_loyalty_card_from_profile(scene.ids["cards"], "card-3", sent)
    return answer, _card(scene, "card-3", "edd")


def card_balances(scene: Scene) -> Answer:
    answer = scene.api.get_loyalty_card_balances(_fills(scene, "card-4"), "card-4")
    profiles = [{"integrationId": "of-card-4", "timestamp": "?"}]
    balance = {**_NOTHING, "activePoints": 7}
    return answer, {"balance": balance, "subledgerBalances": {}, "profiles": profiles}


def card_transactions(scene: Scene) -> Answer:
    cards = _fills(scene, "card-5")
    entry = {**_ENTRY, "programId": cards, "name": "gift", "amount": 7}
    found = {**entry, "type": "addition", "cardIdentifier": "card-5"}
    answer = scene.api.get_loyalty_card_transactions(cards, "card-5")
    return answer, {"hasMore": False, "data": [found]}


def card_points(scene: Scene) -> Answer:
    cards = _fills(scene, "card-6")
    entry = {**_ENTRY, "programId": cards, "name": "gift", "amount": 7}
    answer = scene.api.get_loyalty_card_points(cards, "card-6")
    return answer, {"hasMore": False, "data": [entry]}


CHECKS = {
    "getLoyaltyBalances": balances,
    "getLoyaltyProgramProfileTransactions": transactions,
    "getLoyaltyProgramProfilePoints": points,
    "activateLoyaltyPoints": activate,
    "deleteLoyaltyTransactionsFromLedgers": delete_transactions,
    "joinLoyaltyProgram": join,
    "generateLoyaltyCard": make_card,
    "linkLoyaltyCardToProfile": link,
    "unlinkLoyaltyCardFromProfile": unlink,
    "getLoyaltyCardBalances": card_balances,
    "getLoyaltyCardTransactions": card_transactions,
    "getLoyaltyCardPoints": card_points,
}
