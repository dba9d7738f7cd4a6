"""What is read of a customer as one person: the golden view, and the right to write."""

from typing import Any

from tests.capillary.conftest import Counter


def _registered(counter: Counter, *profiles: Any, **more: Any) -> int:
    id_ = 0
    for profile in profiles:
        reply = counter.send("POST", "/v2/customers", {"profiles": [profile], **more})
        assert reply.status == 200, reply.body
        id_ = reply.json["createdId"]
    return id_


def _mobile(number: str) -> dict[str, str]:
    return {"type": "mobile", "value": number}


def test_each_value_comes_with_where_it_was_told(counter: Counter) -> None:
    store = {
        "firstName": "Meera",
        "lastName": "Tan",
        "source": "INSTORE",
        "identifiers": [_mobile("6591230001")],
        "commChannels": [
            {"type": "mobile", "value": "6591230001", "primary": True, "verified": True}
        ],
    }
    app = {
        "firstName": "M.",
        "source": "MOBILE_APP",
        "accountId": "app-1",
        "identifiers": [_mobile("6591230001")],
    }
    id_ = _registered(counter, store, app, extendedFields={"city": "Singapore"})
    shown = counter.send("GET", f"/v2/customers/{id_}/goldenView").json
    told = {name: (each["value"], each["source"]) for name, each in shown["traits"].items()}
    assert told == {"first_name": ("M.", "MOBILE_APP"), "last_name": ("Tan", "INSTORE")}
    assert shown["traits"]["first_name"]["accountId"] == "app-1"
    assert shown["extendedFields"]["city"]["value"] == "Singapore"
    assert shown["contacts"]["mobile"]["value"] == "6591230001"
    assert shown["contacts"]["mobile"]["verified"] is True
    assert shown["loyaltyType"] == "loyalty"


def test_whether_somebody_may_be_written_to(counter: Counter) -> None:
    profile = {
        "source": "INSTORE",
        "identifiers": [_mobile("6591230002")],
        "commChannels": [{"type": "mobile", "value": "6591230002", "subscribed": "true"}],
    }
    id_ = _registered(counter, profile)
    path = f"/v2/customers/{id_}/permissions"
    news = counter.send("GET", f"{path}?channel=mobile").json["permissions"]
    assert [(each["allowed"], each["reason"], each["source"]) for each in news] == [
        (True, "granted", "INSTORE")
    ]
    optout = {"subscriptions": [{"channel": "SMS", "priority": "BULK", "type": "OPTOUT"}]}
    assert counter.send("POST", f"/v2/customers/{id_}/subscriptions", optout).status == 200
    shown = counter.send("GET", path).json["permissions"]
    assert [
        (each["channel"], each["purpose"], each["allowed"], each["reason"]) for each in shown
    ] == [
        ("mobile", "BULK", False, "withdrawn"),
        ("mobile", "TRANS", True, "not_needed"),
    ]
    label = {"label": "Suspended", "reason": "review", "createdOn": "2026-01-01T00:00:00Z"}
    where = "source=INSTORE&identifierName=mobile&identifierValue=6591230002"
    assert counter.send("PUT", f"/v2/customers/lookup/status?{where}", label).status == 200
    nobody = counter.send("GET", "/v2/customers/999999/goldenView")
    assert (nobody.status, nobody.json["errors"][0]["code"]) == (400, 8015)
