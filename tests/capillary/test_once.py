"""`Idempotency-Key` on every write of the registration protocol."""

from typing import Any

import pytest

from habitue.edges.capillary.door import CAPILLARY
from habitue.edges.operations import all_operations
from tests.capillary.conftest import Counter
from tests.capillary.registrations import created, identifier, mobile

CONFIGS = "/v2/organization/configs"
SOURCES = "/v2/org/7001/sources"
SERIES: dict[str, Any] = {"code": "ONCE1", "name": "Once", "type": "DIGITAL"}


def test_every_write_takes_a_key() -> None:
    writes = {
        each.id: each.idempotent
        for each in all_operations()
        if each.door is CAPILLARY and each.method != "GET"
    }
    assert {id_ for id_, idempotent in writes.items() if not idempotent} == {"getCustomersInBulk"}
    assert len(writes) >= 26


#: Method, path, body, another body; where the number of things written can be read, and it.
WRITES: list[tuple[str, str, Any, Any, str, int]] = [
    (
        "POST",
        "/v2/card/series",
        SERIES,
        {**SERIES, "code": "ONCE2"},
        "/v2/card/series/get/all",
        1,
    ),
    (
        "POST",
        "/v2/customFields",
        {"name": "pin", "scope": "customer_card"},
        {"name": "pen", "scope": "customer_card"},
        "/v2/organization/customFields?scope=customer_card",
        1,
    ),
    (
        "POST",
        SOURCES,
        {"name": "App", "sourceAccountIdentifier": "app-1", "sourceTypeName": "MOBILE_APP"},
        {"name": "App", "sourceAccountIdentifier": "app-2", "sourceTypeName": "MOBILE_APP"},
        SOURCES,
        1,
    ),
    (
        "POST",
        "/v2/genericStatus/card/labels",
        [{"label": "ONCE_MADE", "status": "NOT_ISSUED"}],
        [{"label": "ONCE_MORE", "status": "NOT_ISSUED"}],
        "/v2/genericStatus/card/labels",
        1,
    ),
    (
        "POST",
        "/v2/genericStatus/card/labelMapping",
        {"mapping": {"ACTIVE": [{"label": "ONCE_ACTIVE", "default": False}]}},
        {"mapping": {"ACTIVE": [{"label": "ONCE_BUSY", "default": False}]}},
        "/v2/genericStatus/card/labels",
        1,
    ),
    (
        "POST",
        CONFIGS,
        {"keyName": "CONF_MAX_CARDS_PER_ORG", "value": "6", "scope": "ORG"},
        {"keyName": "CONF_MAX_CARDS_PER_ORG", "value": "7", "scope": "ORG"},
        CONFIGS,
        1,
    ),
]


@pytest.mark.parametrize("case", WRITES, ids=[f"{each[0]} {each[1]}" for each in WRITES])
def test_what_a_shop_says_of_itself_is_written_once(
    counter: Counter, case: tuple[str, str, Any, Any, str, int]
) -> None:
    method, path, body, other, listed, more = case
    key = {"idempotency-key": f"once {path}".replace(" ", "-")}
    before = counter.send("GET", listed).json["data"]
    first = counter.send(method, path, body, key)
    assert first.status == 200, first.body
    again = counter.send(method, path, body, key)
    assert (again.status, again.body) == (200, first.body)
    told = counter.send("GET", listed).json["data"]
    assert len(told) == len(before) + more or (told != before and listed == CONFIGS)
    reused = counter.send(method, path, other, key)
    assert (reused.status, [each["code"] for each in reused.json["errors"]]) == (409, [409])
    assert counter.send("GET", listed).json["data"] == told


def test_what_was_refused_leaves_its_key_free(counter: Counter) -> None:
    key = {"idempotency-key": "mended"}
    path = "/v2/card/series"
    bad = counter.send("POST", path, {**SERIES, "code": "ONCE3", "type": "PAPER"}, key)
    assert bad.status == 400
    mended = counter.send("POST", path, {**SERIES, "code": "ONCE3"}, key)
    assert mended.status == 200
    assert counter.send("POST", path, {**SERIES, "code": "ONCE3"}, key).body == mended.body


def test_cards_are_changed_once(counter: Counter) -> None:
    made = [{"label": "CHANGED_ONCE", "status": "NOT_ISSUED"}]
    assert counter.send("POST", "/v2/genericStatus/card/labels", made).status == 200
    form = {"prefix": "CHG", "length": 8, "method": "DEFAULT"}
    series = {**SERIES, "code": "CHANGED", "cardGenerationEnabled": True}
    series["cardGenerationConfiguration"] = form
    id_ = counter.send("POST", "/v2/card/series", series).json["entity"]
    order = {"seriesId": id_, "count": 2, "statusLabel": "NOT_ISSUED"}
    one, two = counter.send("POST", "/v2/card/generate", order).json["entity"]
    body = {"cardNumber": one, "statusLabel": "CHANGED_ONCE", "statusInfo": {"reason": "print"}}
    key = {"idempotency-key": "change"}
    log = f"/v2/card/statusLog?number={one}"
    entries = len(counter.send("GET", log).json["data"])
    first = counter.send("PUT", "/v2/card", body, key)
    assert first.status == 200, first.body
    assert (first.status, first.json["warnings"]) == (200, [])
    assert counter.send("PUT", "/v2/card", body, key).body == first.body
    assert len(counter.send("GET", log).json["data"]) == entries + 1
    # Without the key the label is said to be set already.
    bare = counter.send("PUT", "/v2/card", body).json
    assert [each["code"] for each in bare["warnings"]] == [3039]
    assert counter.send("PUT", "/v2/card", {**body, "cardNumber": two}, key).status == 409
    rows = [{**body, "cardNumber": two}, {**body, "cardNumber": "nobody's"}]
    many = counter.send("PUT", "/v2/card/bulk", rows, {"idempotency-key": "many"})
    assert (many.status, many.json["failureCount"]) == (201, 1)
    again = counter.send("PUT", "/v2/card/bulk", rows, {"idempotency-key": "many"})
    assert (again.status, again.body) == (201, many.body)


def test_where_all_were_refused_the_key_stays_free(counter: Counter) -> None:
    key = {"idempotency-key": "all-refused"}
    nobody = [{"cardNumber": "NOBODYS1", "statusLabel": "ACTIVE"}]
    assert counter.send("PUT", "/v2/card/bulk", nobody, key).status == 500
    others = [{"cardNumber": "NOBODYS2", "statusLabel": "ACTIVE"}]
    assert counter.send("PUT", "/v2/card/bulk", others, key).status == 500


def test_customers_are_merged_parted_and_erased_once(counter: Counter) -> None:
    ids = [created(counter, identifier("mobile", mobile())) for _ in "ab"]
    victim, survivor = ids
    merge = {"type": "CHANGE_IDENTIFIER", "baseType": "MERGE"}
    asked = {**merge, "customer": {"id": victim}, "targetCustomer": {"id": survivor}}
    request = counter.send("POST", "/v2/requests", asked).json["createdId"]
    approved = [{**merge, "id": request, "status": "APPROVED"}]
    for method, path, body in (
        ("PUT", "/v2/requests", approved),
        ("POST", f"/v2/customers/{victim}/unmerge", None),
        ("DELETE", f"/v2/customers/{survivor}", None),
    ):
        key = {"idempotency-key": f"{method}-{survivor}"}
        first = counter.send(method, path, body, key)
        again = counter.send(method, path, body, key)
        assert (first.status, again.status, again.body) == (200, 200, first.body), path
        # The same without the key has happened already, and says so where it can be told.
        bare = counter.send(method, path, body)
        assert method == "DELETE" or bare.status != 200, path
