"""The served OpenAPI document, fuzzed: no 5xx, no undocumented status, no answer off its schema."""

import os
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

from tests.serving import MANAGEMENT_KEY, Shopfront, rule

CASES_PER_OPERATION = int(os.environ.get("HABITUE_FUZZ_CASES", "12"))


@pytest.fixture(scope="module")
def fuzzed(front: Shopfront) -> Shopfront:
    """A shop with something in it."""
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


def test_no_request_makes_the_server_fail(fuzzed: Shopfront) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{fuzzed.base}/openapi.json")
    tried = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        tried[operation.label] = fuzz(operation, fuzzed)
    assert len(tried) > 30
    assert min(tried.values()) > 0
    assert fuzzed.send("GET", "/ready").status == 200


def fuzz(operation: Any, front: Shopfront) -> int:
    """How many requests were made of one operation; the first that fails a check raises."""
    count = 0
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
        case.call_and_validate(headers=headers, checks=CHECKS)

    one()
    return count


def _authorization(operation: Any, front: Shopfront) -> str:
    schemes = [name for each in operation.definition.raw.get("security", []) for name in each]
    if "management_key" in schemes:
        return f"ManagementKey-v1 {MANAGEMENT_KEY}"
    return f"ApiKey-v1 {front.integration_key}"
