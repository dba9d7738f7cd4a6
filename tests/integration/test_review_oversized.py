"""A body that is too long: whoever sends it to its end gets to read why it was refused."""

import http.client
from urllib.parse import urlsplit

import pytest

from habitue.edges.http.decoding import DISCARDED_BYTES_MAX
from habitue.model.limits import BODY_BYTES_MAX
from tests.serving import Shopfront

PATH = "/v2/customer_sessions/oversized"


def send(front: Shopfront, size: int, *, chunked: bool) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(front.base).netloc, timeout=30)
    headers = {
        "authorization": f"ApiKey-v1 {front.integration_key}",
        "content-type": "application/json",
    }
    body = b'{"customerSession": {"profileId": "' + b"x" * size
    try:
        content = iter([body[start : start + 65536] for start in range(0, len(body), 65536)])
        connection.request("PUT", PATH, content if chunked else body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [BODY_BYTES_MAX, 5 * BODY_BYTES_MAX])
def test_a_body_that_is_too_long_is_answered(front: Shopfront, size: int, chunked: bool) -> None:
    status, body = send(front, size, chunked=chunked)
    assert status == 413, body
    assert b"longer than" in body
    assert front.call("GET", PATH).status == 404


def test_nobody_is_listened_to_for_ever(front: Shopfront) -> None:
    with pytest.raises((OSError, http.client.HTTPException)):
        send(front, 3 * DISCARDED_BYTES_MAX, chunked=True)
    assert front.call("GET", PATH).status == 404
