"""Requests that are wrong, forged or too many: a clear status, nothing stored, never a 5xx."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.customers.settings import RegistrationSettings
from habitue.customers.timeline import cart_after, read_event
from habitue.edges.tracker.addresses import NewDevices, address_of
from habitue.edges.tracker.wire import nested
from habitue.model.documents import encode
from habitue.model.errors import InvalidInput, TooManyRequests
from habitue.store.database import open_database
from habitue.store.location import External
from habitue.usecases.identify_visitor import Device, device_of
from habitue.usecases.shop import Shop
from tests.conftest import fresh_database
from tests.tracker.conftest import (
    SHOP,
    SHOP_LONG,
    Tracked,
    device_id,
    event,
    identify,
    tracked_shop,
)

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ORIGIN = "https://shop.example"


@pytest.fixture(scope="module")
async def guarded(server_url: str, template: str) -> AsyncIterator[Tracked]:
    """A shop with one origin, where an address may bring three devices a minute."""
    async with tracked_shop(
        server_url, template, tracker_origins=[ORIGIN], tracker_new_devices_per_minute=3
    ) as shop:
        yield shop


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"shop": "' + SHOP.encode() + b'", "messages": [{"id": "1", "type"', 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"\xff\xfe{}", 400),
        (b'{"shop": "\xc3\x28"}', 400),
        (b'{"shop": "\\ud800"}', 400),
        (b'{"shop": "a\\u0000"}', 400),
        (b"[" * 100_000, 400),
        (b'{"shop": 1e999999999}', 400),
        (b'{"shop": {}}', 401),
        (json.dumps({"shop": SHOP, "messages": {}}).encode(), 400),
        (json.dumps({"shop": SHOP, "messages": [{}] * 1001}).encode(), 400),
        (json.dumps({"shop": SHOP, "did": "a b", "messages": []}).encode(), 422),
        (b'{"shop": "' + b"x" * (4 * 1024 * 1024) + b'"}', 413),
    ],
)
async def test_bodies_that_are_none(tracked: Tracked, body: bytes, status: int) -> None:
    before = await tracked.count("customer")
    for path in ("/v1/collect", "/push", "/profile/set", "/subscriptions/manage"):
        kind = {"content-type": "text/plain"}
        reply = tracked.front.send("POST", path, body, kind)
        assert 400 <= reply.status < 500, (path, reply.status)
        if path == "/v1/collect":
            assert reply.status == status, reply.body
    assert await tracked.count("customer") == before


async def test_media_types_that_nobody_reads(tracked: Tracked) -> None:
    for kind in ("application/xml", "multipart/form-data", "text/plain; charset=utf-16"):
        reply = tracked.front.send("POST", "/v1/collect", b"{}", {"content-type": kind})
        assert reply.status == 415


@pytest.mark.parametrize(
    "query",
    ["%ff", "a[b][c][d][e][f][g]=1", "x=%00", "a[]]=1&[=2&]=3&=4&a[b=5"],
)
async def test_queries_that_are_none(tracked: Tracked, query: str) -> None:
    for path in (f"/1.0/event/view/{SHOP}/1", "/init", "/profile", "/v1/device"):
        assert tracked.get(f"{path}?{query}").status < 500


NASTY = [
    {"id": "\u202e" * 10, "price": "NaN", "amount": "Infinity"},
    {"id": 10**40, "price": -1, "quantity": -5},
    {"items": [[[[]]], None, True, {"id": {"a": 1}}, "x" * 300, 5]},
    {"query": {"a": []}, "order": [1], "custom": {"a": {"b": {"c": 1}}, "d" * 200: 1}},
    {"a" * 50: "b" * 5000, "\x01": 1, "deep": [[1], [[2]]], "text": "tab\there"},
    {"order_price": "1e400", "category": 1e14, "value": "12"},
    [1, "2", {"id": "3"}, None],
    "only text",
    17,
    True,
    None,
]


@pytest.mark.parametrize("payload", NASTY)
async def test_events_of_any_shape_are_stored(tracked: Tracked, did: str, payload: Any) -> None:
    names = ["view", "cart", "purchase", "search", "category", "own"]
    reply = tracked.collect(*(event(name, payload) for name in names), did=did)
    assert (reply.status, reply.json["stored"]) == (200, len(names))


@pytest.mark.parametrize("payload", [*NASTY, {"external_id": {"a": 1}, "links": 7, "kids": "["}])
async def test_offers_of_any_shape_are_taken(tracked: Tracked, did: str, payload: Any) -> None:
    for dialect in ("rr", "r46"):
        message = {**identify(dialect), "data": payload}
        assert tracked.collect(message, did=did).status == 200


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["view", "cart", "purchase", "wish", "search", "own"]), JSON_VALUES)
def test_reading_an_event_never_fails(name: str, raw: Any) -> None:
    document = read_event(name, raw)
    assert json.loads(encode(document)) is not None
    cart_after({}, name, document)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_forms_are_read_or_refused(raw: bytes) -> None:
    with suppress(InvalidInput):
        assert isinstance(nested(raw), dict)


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (b"a=1&b=x+y%20z", {"a": "1", "b": "x y z"}),
        (b"i[0][id]=1&i[0][n]=2&i[1][id]=3", {"i": [{"id": "1", "n": "2"}, {"id": "3"}]}),
        (b"i[][id]=1&i[][n]=2&i[][id]=3", {"i": [{"id": "1", "n": "2"}, {"id": "3"}]}),
        (b"t[]=a&t[]=b", {"t": ["a", "b"]}),
        (b"c[k]=v", {"c": {"k": "v"}}),
        (b"?&x=1&&", {"?": "", "x": "1"}),
    ],
)
def test_forms_nest_by_brackets(form: bytes, fields: Any) -> None:
    assert nested(form) == fields


async def test_only_named_origins_may_send(guarded: Tracked, did: str) -> None:
    wrong = guarded.collect(event("view", "1"), did=did, headers={"origin": "https://evil.example"})
    assert wrong.status == 403
    assert "access-control-allow-origin" not in wrong.headers
    assert await guarded.holder("device", did) is None
    right = guarded.collect(event("view", "1"), did=did, headers={"origin": ORIGIN})
    assert right.status == 200
    assert right.headers["access-control-allow-origin"] == ORIGIN
    assert right.headers["access-control-allow-credentials"] == "true"
    assert right.headers["vary"] == "origin"
    refused = guarded.collect(shop="f" * 24, headers={"origin": ORIGIN})
    assert refused.status == 404
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    for each in (right, refused):
        assert "retry-after" in each.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["/v1/collect", "/profile/set", f"/1.0/event/view/{SHOP}/5"])
async def test_browsers_may_ask_first(guarded: Tracked, path: str) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    reply = guarded.front.send("OPTIONS", path, None, asked)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in reply.headers["access-control-allow-methods"]
    evil = guarded.front.send("OPTIONS", path, None, {**asked, "origin": "null"})
    assert evil.status == 403


async def test_an_address_brings_so_many_devices_and_no_more(
    server_url: str, template: str
) -> None:
    async with tracked_shop(server_url, template, tracker_new_devices_per_minute=3) as shop:
        devices = [device_id() for _ in range(6)]
        statuses = [shop.collect(event("view", "1"), did=each).status for each in devices]
        assert statuses == [200, 200, 200, 429, 429, 429]
        last = shop.collect(identify(external_id="X"), did=device_id())
        assert (last.status, 0 < int(last.headers["retry-after"]) <= 60) == (429, True)
        assert shop.collect(event("view", "2"), did=devices[0]).json["stored"] == 1
        path = f"/profile/set?shop_id={SHOP_LONG}&did={device_id()}"
        assert shop.post(path, {"gender": "m"}).status == 429
        assert await shop.count("customer") == 3


async def test_processes_let_exactly_so_many_devices_in(server_url: str, template: str) -> None:
    async with (
        fresh_database(server_url, template) as url,
        open_database(External(url)) as database,
        open_database(External(url)) as other,
    ):
        processes = [(Shop(each), NewDevices()) for each in (database, other)]

        async def admit(number: int) -> bool:
            shop, devices = processes[number % 2]
            try:
                return await devices.admit(shop, device(number), "1.2.3.4", 10, NOW)
            except TooManyRequests:
                return False

        admitted = await asyncio.gather(*map(admit, range(60)))
        assert admitted.count(True) == 10
        # A minute of another address, and the next minute of this one, are counted by themselves.
        shop, devices = processes[0]
        assert await devices.admit(shop, device(61), "5.6.7.8", 1, NOW)
        later = NOW + timedelta(minutes=1)
        assert await devices.admit(shop, device(62), "1.2.3.4", 1, later)
        # What was let in and left nothing is given back, and then another one has room.
        with pytest.raises(TooManyRequests) as refused:
            await devices.admit(shop, device(63), "1.2.3.4", 1, later)
        assert refused.value.retry_seconds == 60
        await devices.give_back(shop, "1.2.3.4")
        assert await devices.admit(shop, device(63), "1.2.3.4", 1, later)


async def test_devices_are_remembered_in_bounded_memory(server_url: str, template: str) -> None:
    async with fresh_database(server_url, template) as url:
        async with open_database(External(url)) as database:
            shop, devices = Shop(database), NewDevices(devices_max=20, addresses_max=10)
            for number in range(50):
                devices.meet(device(number))
                address = str(number)
                assert await devices.admit(shop, device(1000 + number), address, 1, NOW)
                with pytest.raises(TooManyRequests):
                    await devices.admit(shop, device(2000 + number), address, 1, NOW)
            assert len(devices) == 30
        # Who was met is not asked about: there is no database any more.
        assert not await devices.admit(shop, device(49), "49", 1, NOW)


async def test_whoever_only_refuses_brings_no_device(server_url: str, template: str) -> None:
    async with tracked_shop(server_url, template, tracker_new_devices_per_minute=2) as shop:
        for _ in range(4):
            refusing = event("view", "1") | {"consent": "denied", "type": "unheard-of"}
            assert shop.collect(refusing, did=device_id()).status == 200
        statuses = [shop.collect(event("view", "1"), did=device_id()).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert await shop.count("customer") == 2


def device(number: int) -> Device:
    """One of many devices."""
    return device_of(f"device-{number}", "visit", RegistrationSettings())


def test_whose_address_counts() -> None:
    told = {"x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.0.0.1"}
    assert address_of("127.0.0.1", told, 0) == "127.0.0.1"
    assert address_of("127.0.0.1", told, 2) == "1.2.3.4"
    assert address_of("127.0.0.1", {}, 2) == "127.0.0.1"
    assert address_of("2001:db8:1:2:3::4", {}, 0) == "2001:db8:1:2::/64"
    assert address_of("junk", {}, 0) == "junk"
