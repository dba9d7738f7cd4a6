"""Fields, sources and source accounts over the wire: the contract's answers, and its codes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from tests.capillary.conftest import Counter

SOURCES = "/v2/org/7001/sources"
APP = {
    "name": "The app",
    "sourceAccountIdentifier": "app-1",
    "sourceTypeName": "MOBILE_APP",
    "toMirror": 0,
    "configs": {"android": "1", "ios": "0"},
}


def get(counter: Counter, path: str) -> Any:
    """The answer to a read that succeeds."""
    reply = counter.send("GET", path)
    assert reply.status == 200, reply.body
    return reply.json


def errors(counter: Counter, method: str, path: str, body: Any = None) -> list[tuple[int, str]]:
    """The codes and texts of a refusal."""
    reply = counter.send(method, path, body)
    assert 400 <= reply.status < 500, reply.body
    assert all(each["status"] is False for each in reply.json["errors"])
    return [(each["code"], each["message"]) for each in reply.json["errors"]]


def codes(counter: Counter, method: str, path: str, body: Any = None) -> list[int]:
    """The codes of a refusal."""
    return [code for code, _ in errors(counter, method, path, body)]


def test_extended_fields_are_listed_by_entity(counter: Counter) -> None:
    told = get(counter, "/v2/extendedFields")
    assert (told["warnings"], told["errors"], told["success"]) == ([], [], True)
    assert told["entity"]["REGULAR_LINEITEM"] == []
    assert told["entity"]["CUSTOMER"][0] == {
        "id": 21,
        "name": "gender",
        "createdBy": -1,
        "createdOn": "2026-11-01",
        "modifiedBy": -1,
        "modifiedOn": "2026-11-01",
        "label": "Gender",
        "entityType": "CUSTOMER",
        "dataType": "STANDARD_ENUM",
        "parentId": -1,
    }
    names = {each["name"] for each in told["entity"]["CUSTOMER"]}
    assert {"city", "zip", "preferred_store", "nationality", "age_group"} <= names
    assert {each["name"] for each in told["entity"]["CARD"]} == {
        "card_balance",
        "preferred_language",
    }


def test_one_extended_field_is_told_with_its_options(counter: Counter) -> None:
    told = get(counter, "/v2/extendedFields/gender")
    assert (told["options"][:2], told["warnings"]) == (["Male", "Female"], [])
    told = get(counter, "/v2/extendedFields/card_balance?entityType=CARD")
    assert (told["dataType"], told["options"]) == ("DOUBLE", [])
    assert codes(counter, "GET", "/v2/extendedFields/card_balance") == [404]
    assert codes(counter, "GET", "/v2/extendedFields/gender?entityType=MOON") == [404]


def test_a_custom_field_is_defined_and_listed(counter: Counter) -> None:
    body = {
        "name": "employee",
        "label": "Employee",
        "scope": "loyalty_registration",
        "isCompulsory": "1",
        "options": "true, false",
    }
    reply = counter.send("POST", "/v2/customFields", body)
    assert (reply.status, reply.json["warnings"]) == (200, [])
    (row,) = get(counter, "/v2/organization/customFields?scope=loyalty_registration")["data"]
    assert row == {
        "id": reply.json["entity"],
        "name": "employee",
        "type": "text",
        "dataType": "String",
        "label": "Employee",
        "scope": "loyalty_registration",
        "defaultValue": "",
        "phase": "1",
        "position": 0,
        "rule": "",
        "serverRule": "",
        "regex": "",
        "error": "",
        "options": "true,false",
        "isDisabled": 0,
        "isCompulsory": 1,
        "disableAtServer": 0,
        "isUpdatable": 1,
        "isPiiData": 0,
        "isPsiData": 0,
    }
    assert codes(counter, "POST", "/v2/customFields", body) == [409]
    assert get(counter, "/v2/organization/customFields?scope=customer_card")["data"] == []
    assert len(get(counter, "/v2/organization/customFields")["data"]) == 1


def test_a_disabled_custom_field_is_listed_on_wish(counter: Counter) -> None:
    body = {"name": "old", "scope": "customer_card", "isDisabled": True}
    assert counter.send("POST", "/v2/customFields", body).status == 200
    path = "/v2/organization/customFields?scope=customer_card"
    assert get(counter, path)["data"] == []
    (row,) = get(counter, f"{path}&includeDisabled=true")["data"]
    assert (row["name"], row["isDisabled"], row["disableAtServer"]) == ("old", 1, 1)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["/name"]),
        ({"name": "x", "regex": "("}, ["/regex"]),
        ({"name": "x", "scope": "moon"}, ["/scope"]),
        ({"name": "x", "isDisabled": "maybe"}, ["/isDisabled"]),
        ({"name": 5}, ["/name"]),
    ],
)
def test_a_bad_custom_field_is_refused_with_its_place(
    counter: Counter, body: Mapping[str, Any], places: list[str]
) -> None:
    before = get(counter, "/v2/organization/customFields?includeDisabled=true")
    told = errors(counter, "POST", "/v2/customFields", body)
    assert [(code, text.partition(":")[0]) for code, text in told] == [
        (400, place) for place in places
    ]
    assert get(counter, "/v2/organization/customFields?includeDisabled=true") == before


def test_an_unknown_scope_is_told(counter: Counter) -> None:
    assert codes(counter, "GET", "/v2/organization/customFields?scope=moon") == [3204]


def test_sources_are_listed_with_their_channels(counter: Counter) -> None:
    told = get(counter, "/v2/meta/sources")
    assert (told["warnings"], told["errors"]) == ([], [])
    by_id = {each["id"]: each for each in told["data"]}
    assert by_id[3] == {
        "id": 3,
        "name": "WECHAT",
        "commChannels": ["email", "mobile", "wechat"],
    }
    assert by_id[5]["commChannels"] == ["email", "mobile", "postmail", "whatsapp"]


def test_a_source_account_is_added_read_and_changed(counter: Counter) -> None:
    made = counter.send("POST", SOURCES, APP).json
    uuid = made["uuid"]
    assert UUID(uuid).hex == uuid
    assert {name: made[name] for name in APP if name != "toMirror"} == {
        name: value for name, value in APP.items() if name != "toMirror"
    }
    assert (made["toMirror"], made["isActive"], made["sourceTypeId"]) == (False, True, 18)
    assert made["commChannels"] == ["android", "ios", "whatsapp"]
    assert made["warnings"] == []
    assert get(counter, f"{SOURCES}/{uuid}") == made
    assert get(counter, f"{SOURCES}/{made['id']}") == made
    assert codes(counter, "POST", SOURCES, APP) == [3220]
    change = {**APP, "name": "Our app", "isActive": False, "toMirror": True}
    changed = counter.send("PUT", f"{SOURCES}/{uuid}", change).json
    assert (changed["name"], changed["isActive"], changed["toMirror"]) == ("Our app", False, True)
    kept = counter.send("PUT", f"{SOURCES}/{uuid}", {"configs": {"ios": "1"}}).json
    assert (kept["toMirror"], kept["configs"]) == (True, {"ios": "1"})
    (row,) = get(counter, SOURCES)["data"]
    assert {**row, "warnings": []} == kept


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "", {**APP, "sourceTypeName": "MOON"}, 3218),
        ("POST", "", {**APP, "sourceTypeName": "INSTORE"}, 3218),
        ("POST", "", {**APP, "sourceTypeName": ""}, 3218),
        ("POST", "", {**APP, "sourceAccountIdentifier": " "}, 3217),
        ("POST", "", {**APP, "name": "x" * 300}, 3216),
        ("POST", "", {**APP, "toMirror": "perhaps"}, 400),
        ("PUT", "/9999", APP, 3219),
        ("GET", "/9999", None, 3213),
    ],
)
def test_a_bad_source_account_has_its_code(
    counter: Counter, method: str, path: str, body: Any, code: int
) -> None:
    before = get(counter, SOURCES)
    assert codes(counter, method, SOURCES + path, body) == [code]
    assert get(counter, SOURCES) == before


def test_what_a_registration_rests_on_stays(counter: Counter) -> None:
    body = {**APP, "sourceTypeName": "LINE", "sourceAccountIdentifier": "line-1"}
    made = counter.send("POST", SOURCES, body).json
    path = f"{SOURCES}/{made['uuid']}"
    assert codes(counter, "PUT", path, {"sourceTypeName": "WECHAT"}) == [3218]
    assert codes(counter, "PUT", path, {"sourceAccountIdentifier": "line-2"}) == [3217]
    assert get(counter, path) == made
