"""A key that comes twice is one request: it acts once, and its answer is given again."""

import asyncio
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import pytest

from habitue.model.errors import InvalidInput, KeyReused
from habitue.model.idempotency import Idempotency
from habitue.promotions.evaluate import Purpose
from habitue.usecases.writing import Reply
from tests.building import Till, item, rule, stored

CART = [item("tea", 10)]


def key(name: str, body: str = "body") -> Idempotency:
    return Idempotency(
        blake2b(name.encode(), digest_size=16).digest(),
        blake2b(body.encode(), digest_size=32).digest(),
    )


async def test_the_same_request_is_answered_again_and_does_not_act(till: Till) -> None:
    campaign = await till.campaign(rule("couponValid()", 'setDiscount("5 off", 5)'))
    await till.coupon(campaign)
    fields: dict[str, Any] = {
        "profile_id": "maria",
        "cart_items": CART,
        "coupon_codes": ["SALE"],
        "state": "closed",
    }
    assert await till.send("s1", key("k"), b'{"first":1}', **fields) == Reply(200, b'{"first":1}')
    before = await stored(till.shop.database)
    till.wait(hours=23)
    for _ in range(3):
        reply = await till.send("s1", key("k"), b'{"other":2}', **fields)
        assert reply == Reply(200, b'{"first":1}')
    assert await stored(till.shop.database) == before
    assert before["coupon"][0]["usage_counter"] == 1


async def test_the_key_with_another_request_is_refused(till: Till) -> None:
    await till.send("s1", key("k"), b"{}", cart_items=CART)
    before = await stored(till.shop.database)
    with pytest.raises(KeyReused):
        await till.send("s1", key("k", "other"), b"{}", cart_items=CART)
    with pytest.raises(KeyReused):
        await till.send("s2", key("k", "other"), b"{}", cart_items=CART)
    assert await stored(till.shop.database) == before


@pytest.mark.parametrize(
    ("elapsed", "free"),
    [
        (timedelta(hours=24, microseconds=-1), False),
        (timedelta(hours=24), True),
        (timedelta(hours=24, microseconds=1), True),
        (timedelta(days=30), True),
    ],
)
async def test_a_key_is_free_again_after_a_day(till: Till, elapsed: timedelta, free: bool) -> None:
    await till.send("s1", key("k"), b"1", cart_items=CART)
    till.now += elapsed
    reply = await till.send("s1", key("k"), b"2", cart_items=CART)
    assert reply.body == (b"2" if free else b"1")
    assert (await till.read()).update_count == (2 if free else 1)
    assert len((await stored(till.shop.database))["receipt"]) == 1
    if free:
        assert (await till.send("s1", key("k"), b"3", cart_items=CART)).body == b"2"


async def test_a_refused_request_leaves_its_key_free(till: Till) -> None:
    with pytest.raises(InvalidInput):
        await till.send("s1", key("k"), b"1", cart_items=[item("tea", -1)])
    assert (await stored(till.shop.database))["receipt"] == []
    assert (await till.send("s1", key("k"), b"2", cart_items=CART)).body == b"2"


async def test_a_dry_run_takes_no_key(till: Till) -> None:
    await till.put(purpose=Purpose(dry=True), idempotency=key("k"), cart_items=CART)
    assert (await stored(till.shop.database))["receipt"] == []


async def test_keys_are_apart(till: Till) -> None:
    for name in ("a", "b", "c"):
        await till.send("s1", key(name), name.encode(), cart_items=CART)
    assert (await till.read()).update_count == 3
    assert (await till.send("s1", key("b"), b"x", cart_items=CART)).body == b"b"


@pytest.mark.parametrize("sessions", [("s1", "s1"), ("s1", "s2")])
async def test_twenty_senders_of_one_key_are_one(till: Till, sessions: tuple[str, ...]) -> None:
    """Also where they name different sessions, so that no row but the receipt is shared."""
    replies = await asyncio.gather(
        *(
            till.send(sessions[number % 2], key("k"), str(number).encode(), cart_items=CART)
            for number in range(20)
        )
    )
    assert len({reply.body for reply in replies}) == 1
    tables = await stored(till.shop.database)
    assert len(tables["session"]) == len(tables["session_event"]) == len(tables["receipt"]) == 1
    assert len(tables["customer"]) == len(tables["claim"]) == 1


async def test_different_requests_with_one_key_at_once_are_one_and_refusals(till: Till) -> None:
    results = await asyncio.gather(
        *(till.send("s1", key("k", str(n)), b"{}", cart_items=CART) for n in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Reply) for each in results) == 1
    assert sum(isinstance(each, KeyReused) for each in results) == 9
    assert (await till.read()).update_count == 1
