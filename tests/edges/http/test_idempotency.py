"""Idempotency keys: which are valid, and what makes two requests the same."""

import pytest

from habitue.edges.http.idempotency import idempotency_of
from habitue.model.errors import Fault, InvalidInput
from tests.edges.http.requests import request
from tests.edges.http.shop import KEY, shop

SAME = ("k1", "application 1", "PUT", b"/v2/s/1", b"dry=1", b"{}")


def test_the_same_request_has_the_same_promise() -> None:
    promise = idempotency_of(*SAME)
    assert promise == idempotency_of(*SAME)
    assert (len(promise.key_digest), len(promise.request_hash)) == (16, 32)


@pytest.mark.parametrize(
    ("other", "same_key", "same_request"),
    [
        (("k2", *SAME[1:]), False, True),
        (("k1", "application 2", *SAME[2:]), False, True),
        (("k1", "application 1", "POST", *SAME[3:]), False, False),
        (("k1", "application 1", "PUT", b"/v2/s/2", *SAME[4:]), False, False),
        ((*SAME[:4], b"dry=0", b"{}"), True, False),
        ((*SAME[:5], b"[]"), True, False),
        ((*SAME[:4], b"", b"dry=1{}"), True, False),
    ],
)
def test_what_tells_requests_apart(
    other: tuple[str, str, str, bytes, bytes, bytes], same_key: bool, same_request: bool
) -> None:
    first, second = idempotency_of(*SAME), idempotency_of(*other)
    assert (first.key_digest == second.key_digest) is same_key
    assert (first.request_hash == second.request_hash) is same_request


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb", "ü", "\x7f"])
def test_a_key_that_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        idempotency_of(key, *SAME[1:])
    details = "Idempotency-Key must be 1 to 255 visible ASCII characters"
    fault = Fault("", "pattern", details, parameter="Idempotency-Key")
    assert refusal.value.faults == (fault,)


async def test_only_operations_that_take_a_key_are_given_one() -> None:
    cart = b'{"customerSession":{"cartItems":[]}}'
    headers = {**KEY, "Idempotency-Key": "x" * 255}
    path = "/v2/customer_sessions/s1"
    first = await request(shop(), "PUT", path, cart, headers)
    again = await request(shop(), "PUT", path, cart, headers)
    assert len(first.json()["key_digest"]) == 32
    assert again.json()["key_digest"] == first.json()["key_digest"]
    event = await request(shop(), "POST", "/v2/events", cart, headers)
    assert event.json()["key_digest"] is None
    wrong = await request(shop(), "PUT", path, cart, {**KEY, "Idempotency-Key": "a b"})
    assert wrong.status == 400
    assert wrong.json()["errors"][0]["source"] == {"parameter": "Idempotency-Key"}
