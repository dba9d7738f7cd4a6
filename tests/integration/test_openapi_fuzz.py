"""The served OpenAPI document, fuzzed: no 5xx, no undocumented status, no answer off its schema."""

import itertools
import os
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.configure.keys import create_key
from habitue.usecases.configure.registration_settings import update_registration_settings
from habitue.usecases.shop import Shop
from tests.capillary.conftest import make_till, till_headers
from tests.serving import FAR, MANAGEMENT_KEY, Shopfront, rule
from tests.tracker.conftest import SHOP_LONG

SHARES = 4
SHOP_NAMES = ("shop", "shop_id", "partnerId")
CASES_PER_OPERATION = int(os.environ.get("HABITUE_FUZZ_CASES", "8"))


@pytest.fixture(scope="module")
async def fuzzed(front: Shopfront, shop_url: str) -> Shopfront:
    """A shop with something in it, with a till and a tracker key."""
    async with open_database(External(shop_url)) as database:
        shop = Shop(database)
        await shop.refresh()
        await create_key(shop, SHOP_LONG, "tracker", "pages", None, FAR, datetime.now(UTC))
        await make_till(shop, permissions=("privacy",))
        await update_registration_settings(shop, {"tracker_new_devices_per_minute": 0})
    campaign = front.campaign(rule(["and", ["couponValid"]], ["setDiscount", "one", 1]))
    front.coupon(campaign, "FUZZ-ME")
    front.put("stored", profileId="maria", cartItems=[{"sku": "a", "quantity": 1, "price": 1}])
    return front


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("share", range(SHARES))
def test_no_request_makes_the_server_fail(fuzzed: Shopfront, share: int) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{fuzzed.base}/openapi.json")
    tried = {}
    for result in itertools.islice(schema.get_all_operations(), share, None, SHARES):
        operation = result.ok()
        tried[operation.label] = fuzz(operation, fuzzed)
    assert len(tried) > 200 // SHARES
    assert min(tried.values()) > 0
    assert fuzzed.send("GET", "/ready").status == 200


def fuzz(operation: Any, front: Shopfront) -> int:
    """How many requests were made of one operation; the first that fails a check raises."""
    count = 0
    # A till is answered 500 where all of many were refused; the body is then the documented one.
    all_refused = "500" in operation.definition.raw["responses"]
    checks = [each for each in CHECKS if not (all_refused and each is not_a_server_error)]
    headers = {"authorization": _authorization(operation, front)}

    @settings(
        max_examples=CASES_PER_OPERATION,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        nonlocal count
        count += 1
        named_shop(case)
        case.call_and_validate(headers=headers, checks=checks)

    one()
    return count


def named_shop(case: Any) -> None:
    """Requests of the tracker name the shop, wherever it stands; most of the others' are let in."""
    for fields in (case.path_parameters, case.query, case.body):
        if isinstance(fields, dict):
            known = {name: SHOP_LONG for name in SHOP_NAMES if name in fields}
            fields.update(known)
            if fields.get("did") or (known and "messages" in fields):
                fields["did"] = "fuzzed-device"


def _authorization(operation: Any, front: Shopfront) -> str:
    schemes = [name for each in operation.definition.raw.get("security", []) for name in each]
    if "management_key" in schemes:
        return f"ManagementKey-v1 {MANAGEMENT_KEY}"
    if "till_password" in schemes:
        return till_headers()["authorization"]
    return f"ApiKey-v1 {front.integration_key}"
