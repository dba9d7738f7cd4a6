"""A small application for the tests: one cart, and a door that takes the key "k"."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.datastructures import Headers

from habitue.edges.http.application import Application, Settings, build
from habitue.edges.http.door import PlainDoor
from habitue.edges.http.numbers import Integer, Number
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.talon_one.errors import (
    ErrorResponse,
    ErrorResponseWithStatus,
    error_type,
    refuse,
)
from habitue.model.errors import NotAllowed, Refusal, Unauthorized

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = {"authorization": "ApiKey-v1 k"}


class Item(msgspec.Struct, rename="camel"):
    sku: Annotated[str, Meta(min_length=1, max_length=20)]
    quantity: Annotated[int, Meta(ge=1, le=10_000)]
    price: Number | UnsetType = UNSET
    attributes: dict[str, Any] = {}


class Cart(msgspec.Struct, rename="camel"):
    cart_items: Annotated[list[Item], Meta(max_length=3)]
    state: Literal["open", "closed", "cancelled"] = "open"
    coupon_codes: list[Annotated[str, Meta(max_length=5)]] | UnsetType | None = UNSET
    starts: Annotated[datetime, Meta(tz=True)] | None = None
    position: Integer | None = None
    attributes: dict[str, Any] = {}


class Envelope(msgspec.Struct, rename="camel"):
    customer_session: Cart


class Options(msgspec.Struct, rename="camel"):
    dry: bool = False
    now: Annotated[datetime, Meta(tz=True)] | None = None
    campaign_ids: list[Integer] | None = None
    subledger_id: list[str] = []
    silent: Literal["yes", "no"] = "yes"
    page_size: Annotated[int, Meta(ge=1, le=1000)] = 50
    minimum: Number | None = None
    name: str | None = None


class Seen(msgspec.Struct):
    path: dict[str, str]
    query: Options | None = None
    body: Envelope | None = None
    now: datetime | None = None
    key_digest: str | None = None


class ShopDoor(PlainDoor):
    """Talon.One's errors, and one key."""

    name = "shop"

    async def authenticate(self, headers: Headers, services: Any, now: datetime) -> str:
        if headers.get("authorization") != "ApiKey-v1 k":
            raise Unauthorized("The key is unknown")
        return "application 1"

    def permit(self, principal: str, operation: Operation) -> None:
        if operation.id == "forbidden":
            raise NotAllowed("This key may not do this")

    def scope(self, principal: str) -> str:
        return principal

    def security(self) -> dict[str, Any]:
        return {"api_key": {"type": "apiKey", "in": "header", "name": "Authorization"}}

    def refuse(self, refusal: Refusal, operation: Operation | None) -> Answer:
        return refuse(refusal, operation)

    def error_type(
        self, status: int, operation: Operation
    ) -> type[ErrorResponse] | type[ErrorResponseWithStatus]:
        return error_type(status, operation)


async def echo(call: Call[str, Options, Envelope]) -> Answer:
    """What the handler saw, for the test to see."""
    promise = call.idempotency
    digest = None if promise is None else promise.key_digest.hex()
    return Answer(200, Seen(call.path, call.query, call.body, call.now, digest))


async def nothing(call: Call[str, None, None]) -> Answer:
    return Answer(204)


async def fail(call: Call[str, None, None]) -> Answer:
    raise RuntimeError("the secret is 42")


async def refuse_by_services(call: Call[str, None, None]) -> Answer:
    raise call.services


async def number(call: Call[str, None, None]) -> Answer:
    return Answer(200, b"%d" % call.integer("itemId"))


DOOR = ShopDoor()
OPERATIONS = [
    Operation(
        id="updateCustomerSessionV2",
        method="PUT",
        path="/v2/customer_sessions/{customerSessionId}",
        handler=echo,
        door=DOOR,
        summary="Update a session",
        group="Sessions",
        body=Envelope,
        query=Options,
        responses={200: Seen},
        idempotent=True,
    ),
    Operation(
        id="getCustomerSession",
        method="GET",
        path="/v2/customer_sessions/{customerSessionId}",
        handler=echo,
        door=DOOR,
        query=Options,
        responses={200: Seen},
    ),
    Operation("echoEvent", "POST", "/v2/events", echo, DOOR, body=Envelope),
    Operation("maybe", "POST", "/v2/maybe", echo, DOOR, body=Envelope, body_optional=True),
    Operation("sibling", "GET", "/v2/customer_sessions/mine", nothing, DOOR),
    Operation("nothing", "DELETE", "/v2/customer_sessions/{id}/lines/{lineId}", nothing, DOOR),
    Operation("forbidden", "POST", "/v1/forbidden", nothing, DOOR),
    Operation("fail", "POST", "/v1/fail", fail, DOOR),
    Operation("refuse", "POST", "/v1/refuse", refuse_by_services, DOOR),
    Operation("number", "GET", "/v1/items/{itemId:int}", number, DOOR, responses={200: int}),
]


def shop(services: Any = None, settings: Settings | None = None) -> Application:
    """The application, at noon of 2026-03-01."""
    return build(OPERATIONS, services, clock=lambda: NOW, settings=settings)
