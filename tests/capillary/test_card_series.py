"""Card series and labels over the wire: the contract's example, and its codes."""

from typing import Any

import pytest

from tests.capillary.conftest import Counter
from tests.capillary.test_organisation import codes, get

SERIES = "/v2/card/series"
MAPPING = "/v2/genericStatus/card/labelMapping"
LABELS = "/v2/genericStatus/card/labels"
GOLD: dict[str, Any] = {
    "code": "GOLDPHY25",
    "name": "Gold physical",
    "type": "PHYSICAL",
    "expiryDays": 365,
    "cardExpiryEnabled": True,
    "cardGenerationConfiguration": {
        "prefix": "GOLD",
        "suffix": "2025",
        "offset": 0,
        "length": 16,
        "method": "DEFAULT",
    },
    "cardGenerationEnabled": True,
    "isActive": True,
    "trigger": "SERIES_ID",
    "maxActiveCardsPerCustomer": 1,
}


def other(code: str, prefix: str, **changes: Any) -> dict[str, Any]:
    """A series beside the one of the example."""
    form = {**GOLD["cardGenerationConfiguration"], "prefix": prefix}
    return {**GOLD, "code": code, "cardGenerationConfiguration": form, **changes}


@pytest.fixture(scope="module")
def gold(counter: Counter) -> int:
    """The id of the series of the example."""
    reply = counter.send("POST", SERIES, GOLD)
    assert reply.status == 200, reply.body
    assert reply.json["warnings"] == []
    id_: int = reply.json["entity"]
    return id_


def test_a_series_is_read_alone_and_among_all(counter: Counter, gold: int) -> None:
    told = get(counter, f"{SERIES}/{gold}")
    form = told.pop("cardGenerationConfiguration")
    assert {name: told[name] for name in GOLD if name in told} == {
        name: value for name, value in GOLD.items() if name != "cardGenerationConfiguration"
    }
    assert {name: form[name] for name in GOLD["cardGenerationConfiguration"]} == GOLD[
        "cardGenerationConfiguration"
    ]
    assert (told["id"], form["seriesId"], told["warnings"]) == (gold, gold, [])
    rows = get(counter, f"{SERIES}/get/all")
    assert (rows["warnings"], rows["errors"]) == ([], [])
    assert gold in [row["id"] for row in rows["data"]]


def test_a_series_is_changed_and_deactivated_by_a_body_of_blanks(counter: Counter) -> None:
    made = counter.send("POST", SERIES, other("SILVER25", "SILVER")).json["entity"]
    reply = counter.send("PUT", f"{SERIES}/{made}", {"name": "Silver", "expiryDays": "100"})
    assert (reply.json["name"], reply.json["expiryDays"]) == ("Silver", 100)
    blanks = {
        "code": "",
        "name": "",
        "type": "PHYSICAL",
        "expiryDays": "",
        "cardExpiryEnabled": True,
        "cardGenerationConfiguration": {
            "prefix": "",
            "suffix": "",
            "length": "",
            "method": "DEFAULT",
        },
        "cardGenerationEnabled": False,
        "isActive": 0,
        "trigger": "SEIES_ID",
        "maxActiveCardsPerCustomer": 3,
    }
    told = counter.send("PUT", f"{SERIES}/{made}", blanks).json
    assert (told["isActive"], told["cardGenerationEnabled"], told["code"]) == (
        False,
        False,
        "SILVER25",
    )
    assert told["maxActiveCardsPerCustomer"] == 3
    assert get(counter, f"{SERIES}/{made}") == told


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": ""}, 3001),
        ({"code": "GOLDPHY25"}, 3002),
        ({"type": ""}, 3003),
        ({"type": "PAPER"}, 3020),
        ({"code": "GOLD 25"}, 3032),
        ({"code": "X" * 51}, 3000),
        ({"cardGenerationConfiguration": GOLD["cardGenerationConfiguration"]}, 3006),
        ({"cardGenerationConfiguration": None}, 3007),
        ({"expiryDays": -1}, 3019),
        ({"expiryDays": "-1"}, 3019),
        ({"cardGenerationConfiguration": {"prefix": "x" * 51}}, 3022),
        ({"cardGenerationConfiguration": {"suffix": "x" * 51}}, 3023),
        ({"cardGenerationConfiguration": {"prefix": "A", "length": 4}}, 3028),
        ({"cardGenerationConfiguration": {"prefix": "A", "length": 151}}, 3029),
        ({"cardGenerationConfiguration": {"prefix": "A", "offset": -1}}, 3047),
        ({"cardGenerationConfiguration": {"prefix": "A", "method": "DICE"}}, 701),
        ({"maxActiveCardsPerCustomer": -1}, 3034),
        ({"trigger": "OU_ID"}, 3032),
        ({"expiryDays": "soon"}, 400),
        ({"isActive": "perhaps"}, 400),
    ],
)
def test_a_bad_series_has_its_code_and_is_not_made(
    counter: Counter, gold: int, changes: dict[str, Any], code: int
) -> None:
    before = get(counter, f"{SERIES}/get/all")
    assert codes(counter, "POST", SERIES, {**other("NEW25", "NEW"), **changes}) == [code]
    assert get(counter, f"{SERIES}/get/all") == before


def test_one_series_only_is_for_everybody_or_for_an_org_unit(counter: Counter) -> None:
    first = other("EVERY1", "EVERY1", trigger="REGISTRATION")
    assert counter.send("POST", SERIES, first).status == 200
    second = other("EVERY2", "EVERY2", trigger="REGISTRATION")
    assert codes(counter, "POST", SERIES, second) == [3038]
    unit = {"trigger": "OU_ID", "conceptCode": "orchard"}
    assert counter.send("POST", SERIES, other("UNIT1", "UNIT1", **unit)).status == 200
    assert codes(counter, "POST", SERIES, other("UNIT2", "UNIT2", **unit)) == [3043]


def test_an_unknown_series_is_told(counter: Counter) -> None:
    assert codes(counter, "GET", f"{SERIES}/99999") == [3004]
    assert codes(counter, "PUT", f"{SERIES}/99999", {"name": "x"}) == [3004]
    assert codes(counter, "GET", f"{SERIES}/nine") == [400]


def test_labels_are_mapped_by_status_and_as_a_list(counter: Counter) -> None:
    body: Any = {"mapping": {"NOT_ISSUED": [{"label": "CARD_GENERATED", "default": "true"}]}}
    reply = counter.send("POST", MAPPING, body)
    assert (reply.status, reply.json) == (200, {"warnings": [], "errors": [], "success": True})
    body = [{"status": "ACTIVE", "label": "CARD ISSUED"}]
    assert counter.send("POST", LABELS, body).status == 200
    rows = {row["label"]: row for row in get(counter, LABELS)["data"]}
    assert len(rows) == 8
    generated = rows["CARD_GENERATED"]
    assert (generated["status"], generated["default"], generated["type"]) == (
        "NOT_ISSUED",
        True,
        "CARD",
    )
    assert (rows["NOT_ISSUED"]["default"], rows["NOT_ISSUED"]["description"]) == (
        False,
        "default",
    )
    assert (rows["CARD ISSUED"]["default"], rows["ACTIVE"]["default"]) == (False, True)
    assert set(generated) == {
        "createdOn",
        "updatedOn",
        "description",
        "entityStatusId",
        "id",
        "isActive",
        "label",
        "orgId",
        "status",
        "type",
        "actions",
        "default",
    }


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({}, 3014),
        ({"LOST": [{"label": "GONE"}]}, 3016),
        ({"ACTIVE": [{"label": "A", "default": True}, {"label": "B", "default": True}]}, 3035),
        ({"ACTIVE": [{"label": "A"}], "EXPIRED": [{"label": "a"}]}, 3036),
        ({"EXPIRED": [{"label": "ACTIVE"}]}, 409),
        ({"ACTIVE": [{"label": " "}]}, 400),
        ({"ACTIVE": [{}]}, 400),
        ({"ACTIVE": [{"label": "A", "default": "perhaps"}]}, 400),
    ],
)
def test_a_bad_mapping_has_its_code_and_adds_nothing(
    counter: Counter, mapping: dict[str, Any], code: int
) -> None:
    before = get(counter, LABELS)
    assert codes(counter, "POST", MAPPING, {"mapping": mapping}) == [code]
    assert get(counter, LABELS) == before


def test_labels_of_customers_say_what_they_stop(counter: Counter) -> None:
    rows = get(counter, "/v2/genericStatus/customer/labels")["data"]
    assert [(row["label"], row["status"], row["default"]) for row in rows] == [
        ("Active", "ACTIVE", True),
        ("Suspended", "SUSPENDED", True),
        ("Deleted", "DELETED", True),
        ("Fraud suspected", "FRAUD_SUSPECTED", True),
        ("Fraud confirmed", "FRAUD_CONFIRMED", True),
        ("Internal", "INTERNAL", True),
        ("Pending deletion", "PENDING_DELETION", True),
    ]
    assert rows[0]["actions"] == {}
    assert rows[2]["actions"]["transactions"] == "BLOCK"
    assert rows[6]["actions"] == {"communications": "BLOCK"}
