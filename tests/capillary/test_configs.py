"""Rules of registration under the vendor's keys, over the wire."""

from typing import Any

import pytest

from tests.capillary.conftest import Counter
from tests.capillary.test_organisation import codes, get

CONFIGS = "/v2/organization/configs"


def put(counter: Counter, key: str, value: Any, **more: Any) -> Any:
    """The answer to setting a key."""
    reply = counter.send("POST", CONFIGS, {"keyName": key, "value": value, **more})
    assert reply.status == 200, reply.body
    return reply.json


@pytest.mark.parametrize(
    ("key", "sent", "value", "default"),
    [
        ("CONF_MAX_CARDS_PER_ORG", "6", "6", "0"),
        ("CONF_MAX_CARDS_PER_ORG", 7, "7", "0"),
        ("CONF_REGISTRATION_PRIMARY_KEY", "external_id", "externalId", "mobile"),
        ("CONF_PRIMARY_IDENTIFIER_STRICT_CHECK", True, "true", "false"),
        ("CONF_SKIP_SECONDARY_ID_ON_PRIMARY_MISMATCH", "1", "true", "false"),
        ("CONF_REJECT_EMPTY_OR_NULL_EF_VALUES", "false", "false", "true"),
        ("CONF_MIN_REGISTRATION_DATE", "2020-01-01", "2020-01-01T00:00:00Z", ""),
        (
            "CONF_MIN_REGISTRATION_DATE",
            "2020-01-01T00:00:00+08:00",
            "2019-12-31T16:00:00Z",
            "",
        ),
    ],
)
def test_a_key_is_set_read_and_set_back(
    counter: Counter, key: str, sent: Any, value: str, default: str
) -> None:
    told = put(counter, key, sent, scope="ORG")
    assert (told["keyName"], told["value"], told["warnings"]) == (key, value, [])
    found = get(counter, f"{CONFIGS}/{key}")
    assert found == {
        "entityId": told["entityId"],
        "keyName": key,
        "value": value,
        "scope": "ORG",
        "warnings": [],
    }
    assert put(counter, key, "")["value"] == default
    if not default:
        assert codes(counter, "GET", f"{CONFIGS}/{key}") == [3209]


def test_what_always_holds_can_be_said_again_and_not_changed(counter: Counter) -> None:
    key = "CONF_CLIENT_V2_API_ENABLED"
    assert put(counter, key, "1")["value"] == "true"
    assert codes(counter, "POST", CONFIGS, {"keyName": key, "value": "0"}) == [3212]
    assert get(counter, f"{CONFIGS}/{key}")["value"] == "true"


def test_all_keys_with_a_value_are_listed(counter: Counter) -> None:
    rows = get(counter, CONFIGS)["data"]
    keys = [row["keyName"] for row in rows]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == 25
    assert {row["scope"] for row in rows} == {"ORG"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"keyName": "CONF_MOON", "value": "1"}, 3206),
        ({"keyName": "CONF_MAX_CARDS_PER_ORG", "value": "many"}, 3212),
        ({"keyName": "CONF_MAX_CARDS_PER_ORG", "value": "99999"}, 3212),
        ({"keyName": "CONF_MAX_CARDS_PER_ORG", "value": -1}, 3212),
        ({"keyName": "CONF_REGISTRATION_PRIMARY_KEY", "value": "face"}, 3212),
        ({"keyName": "CONF_MIN_REGISTRATION_DATE", "value": "01-01-2020"}, 3212),
        ({"keyName": "CONF_ALLOW_EMAIL_UPDATE", "value": "perhaps"}, 3212),
        ({"keyName": "CONF_ALLOW_EMAIL_UPDATE", "value": "1", "scope": "STORE"}, 3211),
        ({"value": "1"}, 400),
        ({"keyName": "CONF_ALLOW_EMAIL_UPDATE"}, 400),
    ],
)
def test_a_bad_key_or_value_has_its_code_and_changes_nothing(
    counter: Counter, body: dict[str, Any], code: int
) -> None:
    before = get(counter, CONFIGS)
    assert codes(counter, "POST", CONFIGS, body) == [code]
    assert get(counter, CONFIGS) == before
    assert codes(counter, "GET", f"{CONFIGS}/CONF_MOON") == [3209]
