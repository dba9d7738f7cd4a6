"""A request's way through the application: matching, refusing, answering, counting, logging."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from habitue.edges.http import decoding
from habitue.edges.http.application import Settings, build
from habitue.edges.http.operation import Answer, Call, Operation
from habitue.edges.http.refusals import BodyTooSlow
from habitue.model.errors import Fault, InvalidInput, NotFound, SessionBusy, StoreUnavailable
from habitue.model.limits import BODY_BYTES_MAX
from tests.edges.http.requests import request
from tests.edges.http.shop import DOOR, KEY, OPERATIONS, Envelope, shop

SESSIONS = "/v2/customer_sessions/"
CART = b'{"customerSession":{"cartItems":[{"sku":"a","quantity":1,"price":9.990}]}}'


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("s1", "s1"),
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("my%20sess%2F1", "my sess/1"),
        ("%F0%9F%98%80", "😀"),
        ("a+b", "a+b"),
        ("a;b=c", "a;b=c"),
        ("%2E%2E", ".."),
        ("s1/", "s1"),
    ],
)
async def test_an_id_is_decoded_once(raw: str, decoded: str) -> None:
    response = await request(shop(), "GET", SESSIONS + raw, headers=KEY)
    assert response.status == 200
    assert response.json()["path"] == {"customerSessionId": decoded}


@pytest.mark.parametrize("raw", ["%FF", "%2", "%zz", "a%00b", "%C0%AF"])
async def test_an_id_that_cannot_be_decoded_is_refused(raw: str) -> None:
    response = await request(shop(), "GET", SESSIONS + raw, headers=KEY)
    assert response.status == 400
    assert response.json()["errors"][0]["source"] == {"parameter": "customerSessionId"}


async def test_slashes_at_the_beginning_are_ignored() -> None:
    response = await request(shop(), "GET", "//v2/customer_sessions/s1", headers=KEY)
    assert response.status == 200


async def test_a_fixed_segment_is_preferred_to_a_parameter() -> None:
    assert (await request(shop(), "GET", SESSIONS + "mine", headers=KEY)).status == 204


async def test_several_parameters_are_told_apart() -> None:
    path = "/v2/customer_sessions/s%2F1/lines/7"
    response = await request(shop(), "DELETE", path, headers=KEY)
    assert response.status == 204
    assert response.body == b""
    assert "content-length" not in response.headers


@pytest.mark.parametrize("path", ["/v2/none", "/v2/customer_sessions", "/v2/customer_sessions//x"])
async def test_an_unknown_path_is_refused_in_the_shape_of_the_nearest_door(path: str) -> None:
    response = await request(shop(), "GET", path)
    assert response.status == 404
    expected = {"message": "There is nothing under this path", "errors": [], "StatusCode": 404}
    assert response.json() == expected


async def test_an_unknown_path_of_no_door_is_refused_plainly() -> None:
    response = await request(shop(), "GET", "/")
    assert response.status == 404
    assert response.json() == {"message": "There is nothing under this path", "errors": []}


async def test_a_method_that_a_path_does_not_have() -> None:
    response = await request(shop(), "PATCH", SESSIONS + "s1", headers=KEY)
    assert response.status == 405
    assert response.headers["allow"] == "GET, PUT"


async def test_head_is_answered_like_get() -> None:
    assert (await request(shop(), "HEAD", SESSIONS + "s1", headers=KEY)).status == 200


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("7", 200),
        ("0", 200),
        ("-1", 400),
        ("x", 400),
        ("9007199254740991", 200),
        ("9007199254740992", 400),
        ("1" * 5000, 400),
        ("%D9%A1", 400),
    ],
)
async def test_a_whole_number_in_a_path(text: str, status: int) -> None:
    response = await request(shop(), "GET", "/v1/items/" + text, headers=KEY)
    assert response.status == status


async def test_a_request_without_a_key_is_refused_before_its_body_is_read() -> None:
    response = await request(shop(), "PUT", SESSIONS + "s1", b"not json")
    assert response.status == 401
    expected = {"message": "The key is unknown", "errors": [], "StatusCode": 401}
    assert response.json() == expected
    assert response.headers["www-authenticate"] == "ApiKey-v1"


async def test_a_key_may_be_refused_an_operation() -> None:
    assert (await request(shop(), "POST", "/v1/forbidden", headers=KEY)).status == 403


async def test_a_good_request_is_answered_in_full() -> None:
    response = await request(shop(), "PUT", SESSIONS + "s1?dry=True", CART, KEY)
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.body))
    assert b'"price":9.990' in response.body
    assert response.json()["query"]["dry"] is True
    assert response.json()["now"] == "2026-03-01T12:00:00Z"


async def test_validation_errors_have_the_shape_of_the_operation() -> None:
    body = b'{"customerSession":{"cartItems":[{"sku":"a","quantity":0}]}}'
    error = {
        "title": "minimum",
        "details": "quantity must be at least 1",
        "source": {"pointer": "/customerSession/cartItems/0/quantity"},
    }
    without = await request(shop(), "PUT", SESSIONS + "s1", body, KEY)
    assert without.status == 400
    assert without.json() == {"message": "The submitted data was invalid", "errors": [error]}
    event = await request(shop(), "POST", "/v2/events", body, KEY)
    assert event.json() == {**without.json(), "StatusCode": 400}


async def test_a_busy_session() -> None:
    response = await request(shop(SessionBusy()), "POST", "/v1/refuse", headers=KEY)
    assert response.status == 409
    message = "Too many requests are updating this session at the same time"
    assert response.json() == {"message": message, "errors": [], "StatusCode": 409}


async def test_something_that_does_not_exist() -> None:
    services = NotFound("Campaign", 7)
    response = await request(shop(services), "POST", "/v1/refuse", headers=KEY)
    assert response.status == 404
    details = "Campaign 7 does not exist"
    error = {"title": "Not found", "details": details, "source": {"resource": "Campaign"}}
    assert response.json() == {"message": details, "errors": [error], "StatusCode": 404}


async def test_a_fault_of_a_use_case_keeps_its_place() -> None:
    services = InvalidInput(Fault("/attributes/a~1b", "Unknown", "a/b is not defined"))
    response = await request(shop(services), "POST", "/v1/refuse", headers=KEY)
    assert response.status == 400
    assert response.json()["errors"][0]["source"] == {"pointer": "/attributes/a~1b"}


async def test_a_database_that_is_away() -> None:
    response = await request(shop(StoreUnavailable(3)), "POST", "/v1/refuse", headers=KEY)
    assert response.status == 503
    assert response.headers["retry-after"] == "3"
    assert response.json()["StatusCode"] == 503


async def test_a_mistake_of_ours_is_logged_and_not_shown(lines: list[Any]) -> None:
    headers = {**KEY, "x-request-id": "r-1"}
    response = await request(shop(), "POST", "/v1/fail", b'{"card":"1234"}', headers)
    assert response.status == 500
    assert response.headers["x-request-id"] == "r-1"
    assert b"secret" not in response.body
    assert response.json()["message"] == ("The request could not be processed; it is logged as r-1")
    failure, line = lines
    assert str(failure["exc_info"]) == "the secret is 42"
    assert failure["request_id"] == "r-1"
    assert (line["event"], line["status"]) == ("request", 500)


async def test_a_request_is_logged_without_its_body_or_key(lines: list[Any]) -> None:
    await request(shop(), "PUT", SESSIONS + "s1", CART, {**KEY, "x-request-id": "r-2"})
    (line,) = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "PUT",
        "operation": "updateCustomerSessionV2",
        "status": 200,
        "request_id": "r-2",
    }


@pytest.mark.parametrize("sent", ["", "x" * 129, 'a"b', "a b", "ü"])
async def test_an_odd_request_id_is_replaced(sent: str) -> None:
    application = shop()
    headers = {**KEY, "x-request-id": sent}
    first = await request(application, "GET", SESSIONS + "s", headers=headers)
    second = await request(application, "GET", SESSIONS + "s", headers=headers)
    assert first.headers["x-request-id"] != sent
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_client_that_goes_away_is_noted_and_not_answered(lines: list[Any]) -> None:
    response = await request(shop(), "PUT", SESSIONS + "s", [], KEY)
    assert response.status == 0
    assert [each["status"] for each in lines] == [499]


async def test_a_body_in_pieces() -> None:
    pieces = [CART[:7], b"", CART[7:]]
    response = await request(shop(), "PUT", SESSIONS + "s", pieces, KEY)
    assert response.status == 200


async def test_a_body_that_is_announced_as_too_long_is_not_read() -> None:
    headers = {**KEY, "content-length": str(BODY_BYTES_MAX + 1)}
    response = await request(shop(), "PUT", SESSIONS + "s", [], headers)
    assert response.status == 413
    assert response.headers["connection"] == "close"


async def test_a_body_that_does_not_arrive_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BODY_SECONDS", 0.01)

    async def receive() -> dict[str, Any]:
        if received:
            await asyncio.sleep(10)
        received.append(True)
        return {"type": "http.request", "body": b"{", "more_body": True}

    received: list[bool] = []
    with pytest.raises(BodyTooSlow, match=r"did not arrive within 0\.01 seconds"):
        await decoding.read_body(receive, {})


@pytest.mark.parametrize("pieces", [1, 5])
async def test_a_body_that_turns_out_too_long(pieces: int) -> None:
    body = [b" " * (BODY_BYTES_MAX // pieces + 1)] * pieces
    response = await request(shop(), "PUT", SESSIONS + "s", body, KEY)
    assert response.status == 413
    assert response.json()["StatusCode"] == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-encoding": "gzip"},
    ],
)
async def test_a_body_of_another_kind(headers: dict[str, str]) -> None:
    response = await request(shop(), "PUT", SESSIONS + "s", CART, {**KEY, **headers})
    assert response.status == 415
    assert response.json()["errors"] == []


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', ""]
)
async def test_a_body_that_is_json_in_other_words(kind: str) -> None:
    headers = {**KEY, "content-type": kind}
    assert (await request(shop(), "PUT", SESSIONS + "s", CART, headers)).status == 200


async def test_an_optional_body() -> None:
    assert (await request(shop(), "POST", "/v2/maybe", headers=KEY)).json()["body"] is None
    assert (await request(shop(), "POST", "/v2/maybe", CART, KEY)).json()["body"] is not None
    assert (await request(shop(), "POST", "/v2/maybe", b"{}", KEY)).status == 400


async def test_requests_are_counted_by_operation_and_status() -> None:
    settings = Settings()
    application = shop(settings=settings)
    for _ in range(3):
        await request(application, "GET", SESSIONS + "s", headers=KEY)
    await request(application, "GET", SESSIONS + "s")
    await request(application, "GET", "/none")
    counts = {
        tuple(sample.labels.values()): sample.value
        for metric in settings.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "habitue_http_request_seconds_count"
    }
    assert counts == {
        ("getCustomerSession", "200"): 3,
        ("getCustomerSession", "401"): 1,
        ("unmatched", "404"): 1,
    }


async def test_a_mounted_application_has_the_paths_that_no_operation_has() -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    application = shop(settings=Settings(mounts={"/console": page}))
    assert (await request(application, "GET", "/console/rules")).body == b"/console/rules"
    assert (await request(application, "GET", "/consoles")).status == 404


async def test_bytes_are_sent_as_they_are() -> None:
    async def page(call: Call[None, None, None]) -> Answer:
        return Answer(200, b"<p>", {"content-type": "text/html"})

    application = build([Operation("page", "GET", "/page", page, DOOR)], None)
    response = await request(application, "GET", "/page", headers=KEY)
    assert (response.body, response.headers["content-type"]) == (b"<p>", "text/html")


def test_two_operations_cannot_have_one_place_or_one_id() -> None:
    first = OPERATIONS[0]
    with pytest.raises(ValueError, match="updateCustomerSessionV2 is declared twice"):
        build([first, first], None)
    other = Operation("other", "PUT", "/v2/customer_sessions/{x}", first.handler, DOOR)
    with pytest.raises(ValueError, match=r"PUT /v2/customer_sessions/\{x\} is declared twice"):
        build([first, other], None)


@pytest.mark.parametrize("path", ["v2", "/a{b}", "/{1}", "/a b", "/{a:float}"])
def test_a_path_template_that_cannot_be(path: str) -> None:
    with pytest.raises(ValueError, match=r"a path begins|no part of a path"):
        Operation("x", "GET", path, OPERATIONS[0].handler, DOOR, body=Envelope)
