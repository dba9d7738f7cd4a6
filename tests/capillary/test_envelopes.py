"""Statuses and bodies: what goes well, and every way in which a request is refused."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import structs

from habitue.customers.notices import Notice
from habitue.customers.refusals import CustomerBusy, CustomerExists, CustomerNotFound
from habitue.edges.capillary.codes import RequestFault
from habitue.edges.capillary.door import CAPILLARY, TILL_REALM
from habitue.edges.capillary.envelopes import (
    BulkRow,
    Item,
    Pagination,
    bulk,
    done,
    entity,
    identifier_changed,
    listing,
    status_set,
    success,
    warnings_of,
)
from habitue.edges.http.application import Application, build
from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.openapi import document
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.services import Services
from habitue.model.errors import (
    KeyReused,
    NotAllowed,
    NotFound,
    Refusal,
    StoreUnavailable,
    TooManyRequests,
)
from habitue.store.database import Database
from habitue.usecases.shop import Shop
from tests.capillary.conftest import make_till, till_headers
from tests.configure.shops import NOW, opened
from tests.edges.http.requests import Response, request

WARNING = {
    "status": False,
    "code": 8050,
    "message": "Same Customer found in other sources,Combining",
}
ITEMS = warnings_of([Notice("combined")])
ERROR = Item(False, 1, "x")

ANSWERS: list[tuple[Answer, int, Any]] = [
    (success(7), 200, {"createdId": 7, "warnings": [], "sideEffects": []}),
    (
        success(7, ITEMS, [{"type": "points"}]),
        200,
        {"createdId": 7, "warnings": [WARNING], "sideEffects": [{"type": "points"}]},
    ),
    (identifier_changed(7, ITEMS), 200, {"createdId": 7, "warnings": [WARNING]}),
    (entity(306), 200, {"entity": 306, "warnings": []}),
    (entity(["A1", "A2"]), 200, {"entity": ["A1", "A2"], "warnings": []}),
    (listing([{"id": 1}]), 200, {"data": [{"id": 1}], "warnings": [], "errors": []}),
    (
        listing([], Pagination(10, 20, 3)),
        200,
        {
            "data": [],
            "warnings": [],
            "errors": [],
            "pagination": {"limit": 10, "offset": 20, "total": 3},
        },
    ),
    (done(), 200, {"warnings": [], "errors": [], "success": True}),
    (status_set(), 200, {"warnings": [], "error": []}),
    (bulk([]), 200, {"response": [], "totalCount": 0, "failureCount": 0}),
    (
        bulk([BulkRow(1, [], [], "ok"), BulkRow(None, [ERROR], [])]),
        201,
        {
            "response": [
                {"entityId": 1, "errors": [], "warnings": [], "result": "ok"},
                {
                    "entityId": None,
                    "errors": [{"status": False, "code": 1, "message": "x"}],
                    "warnings": [],
                },
            ],
            "totalCount": 2,
            "failureCount": 1,
        },
    ),
]


@pytest.mark.parametrize(("answer", "status", "body"), ANSWERS)
def test_shapes_of_what_went_well(answer: Answer, status: int, body: Any) -> None:
    assert answer.status == status
    assert msgspec.json.decode(ENCODER.encode(answer.body)) == body


def test_bulk_that_failed_altogether_has_status_500() -> None:
    assert bulk([BulkRow(None, [ERROR], [])]).status == 500


class Body(msgspec.Struct, rename="camel"):
    """What the operation of these tests takes."""

    first_name: Annotated[str, msgspec.Meta(max_length=5)]
    count: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0


@pytest.fixture
async def shop(database: Database) -> Shop:
    """A shop with one till."""
    opened_shop = await opened(database)
    await make_till(opened_shop)
    return opened_shop


def set_status(shop: Shop, status: int) -> None:
    """Sets the status of business failures in this process."""
    organisation = shop.configuration.organisation
    settings = structs.replace(organisation.settings, failure_status=status)
    organisation = structs.replace(organisation, settings=settings)
    shop.configuration = structs.replace(shop.configuration, organisation=organisation)


def operation_of(problem: Callable[[], BaseException]) -> Operation:
    async def fail(call: Call[Any, Any, Any]) -> Answer:
        raise problem()

    return Operation("addCustomer", "POST", "/v2/customers", fail, CAPILLARY, body=Body)


def served(shop: Shop, problem: Callable[[], BaseException]) -> Application:
    return build([operation_of(problem)], Services(shop), clock=lambda: NOW)


async def refused(
    shop: Shop,
    problem: Callable[[], BaseException],
    body: bytes = b'{"firstName":"A"}',
    **more: Any,
) -> Response:
    headers = {**till_headers(), **more.pop("headers", {})}
    method, path = more.pop("method", "POST"), more.pop("path", "/v2/customers")
    return await request(served(shop, problem), method, path, body, headers)


def one(code: int, message: str) -> dict[str, Any]:
    return {"errors": [{"status": False, "code": code, "message": message}]}


EXISTS = one(8006, "Add failed, Customer already exists with id 9 for same source")
BUSY = one(521, "Multiple actions running for the same customer, Please try after some time")


@pytest.mark.parametrize("status", [400, 200, 500])
async def test_the_shop_chooses_the_status_of_business_failures(shop: Shop, status: int) -> None:
    set_status(shop, status)
    reply = await refused(shop, lambda: CustomerExists(9))
    assert (reply.status, reply.json()) == (status, EXISTS)
    reply = await refused(shop, lambda: CustomerNotFound("x"))
    assert reply.status == status
    assert reply.json() == one(8015, "Customer not found for the given identifiers")


#: What only HTTP knows has its own status, whatever the shop has chosen for the rest.
TECHNICAL: list[tuple[Callable[[], Refusal], int, dict[str, Any]]] = [
    (CustomerBusy, 409, BUSY),
    (
        KeyReused,
        409,
        one(409, "This Idempotency-Key was already used with a different request"),
    ),
    (lambda: NotAllowed("x"), 403, one(4000, "Not authorized. Access is denied!")),
    (lambda: NotFound("Till", 7), 404, one(404, "Till 7 does not exist")),
    (StoreUnavailable, 503, one(4001, "Authorization status unavailable!")),
    (
        lambda: TooManyRequests(100, 42),
        429,
        one(429, "The limit of 100 requests per minute is reached"),
    ),
    (
        lambda: RequestFault("attribution_type_missing", "x"),
        400,
        one(1061, "Attribution lookup type is not passed"),
    ),
]


@pytest.mark.parametrize("chosen", [400, 200])
async def test_the_rest_has_the_status_of_http(shop: Shop, chosen: int) -> None:
    set_status(shop, chosen)
    for problem, status, body in TECHNICAL:
        reply = await refused(shop, problem)
        assert (reply.status, reply.json()) == (status, body)
    assert (await refused(shop, lambda: TooManyRequests(100, 42))).headers["retry-after"] == "42"
    assert (await refused(shop, StoreUnavailable)).headers["retry-after"] == "1"
    assert (await refused(shop, CustomerBusy)).headers["retry-after"] == "1"


async def test_a_mistake_of_ours_is_told_without_its_trace(shop: Shop) -> None:
    reply = await refused(shop, lambda: RuntimeError("secret"))
    assert reply.status == 500
    assert reply.json() == {
        "warnings": [],
        **one(500, "All requests have failed due to errors"),
    }


MALFORMED: list[tuple[bytes, str]] = [
    (b"", "body"),
    (b"{", "body"),
    (b'{"firstName":"A",}', "body"),
    (b"\xff", "body"),
    (b"[]", "body"),
    (b"{}", "/firstName"),
    (b'{"firstName":7}', "/firstName"),
    (b'{"firstName":"too long"}', "/firstName"),
    (b'{"firstName":"A","count":"7"}', "/count"),
]


@pytest.mark.parametrize(("body", "place"), MALFORMED)
async def test_a_malformed_body_is_told_its_field(shop: Shop, body: bytes, place: str) -> None:
    reply = await refused(shop, lambda: CustomerExists(9), body)
    (error,) = reply.json()["errors"]
    assert (reply.status, error["status"], error["code"]) == (400, False, 400)
    assert error["message"].partition(":")[0] == place


async def test_all_wrong_fields_are_told_at_once(shop: Shop) -> None:
    reply = await refused(shop, lambda: CustomerExists(9), b'{"firstName":7,"count":99}')
    places = [error["message"].partition(":")[0] for error in reply.json()["errors"]]
    assert places == ["/firstName", "/count"]


async def test_paths_methods_and_media_types(shop: Shop) -> None:
    def no(problem: str = "x") -> BaseException:
        return CustomerExists(9)

    reply = await refused(shop, no, path="/v2/customers/nothing/here")
    assert (reply.status, reply.json()["errors"][0]["code"]) == (404, 404)
    reply = await refused(shop, no, method="DELETE")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert reply.json() == one(405, "DELETE is not possible here; possible: POST")
    reply = await refused(shop, no, headers={"content-type": "text/xml"})
    assert (reply.status, reply.json()["errors"][0]["code"]) == (415, 415)
    reply = await request(served(shop, no), "POST", "/v2/customers", b"{}")
    assert (reply.status, reply.headers["www-authenticate"]) == (401, TILL_REALM)
    assert reply.json() == one(4000, "Not authorized. Access is denied!")


def test_the_documentation_knows_both_ways_in() -> None:
    described = document([operation_of(RuntimeError)])
    schemes = described["components"]["securitySchemes"]
    assert schemes["till_password"]["scheme"] == "basic"
    assert schemes["till_token"]["name"] == "X-CAP-API-OAUTH-TOKEN"
