"""What is read by its types alone is what the general way makes of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.edges.tracker.plain import plain_batch, plain_events
from habitue.edges.tracker.receiving import Sender, Sent, _events, moment, page_of
from habitue.model.documents import encode
from habitue.usecases.collect_events import Message
from habitue.usecases.identify_visitor import Device
from tests.tracker.conftest import SHOP, Tracked, event

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PAGE = page_of("https://shop.example/a?b=ü", "", "mobile")
SENDER = Sender(SHOP, Device(UUID(int=7), "device-1", "visit1"), PAGE)
NAMES = ("view", "category", "cart", "remove_from_cart", "wish", "remove_wish")

ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=100)
plain_ids = ids.filter(lambda text: not set(text) & set('"\\'))
items = st.fixed_dictionaries(
    {"id": plain_ids}, optional={"quantity": st.integers(1, 1000), "stock": plain_ids}
)
times = st.integers(0, 10**14 - 1)
messages = st.fixed_dictionaries(
    {
        "id": plain_ids,
        "at": times,
        "type": st.just("event"),
        "name": st.sampled_from(NAMES),
        "data": st.fixed_dictionaries({"items": st.lists(items, max_size=4)}),
        "dialect": st.sampled_from(["rr", "r46"]),
    }
)


def body(*listed: Any, **more: Any) -> dict[str, Any]:
    """What the script would send."""
    page = {"url": "https://shop.example/a?b=ü", "referrer": "", "title": 'Ä "b"\n'}
    said = {"shop": SHOP, "stream": "mobile", "page": page, "did": "device-1", "sid": "visit1"}
    return {**said, "consent": "granted", "sent": 10**13, **more, "messages": list(listed)}


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def told(raw: dict[str, Any]) -> list[Message]:
    """The general way, with what keeps messages of one moment in their order."""
    step, count = timedelta(microseconds=1), len(raw["messages"])
    ats = [
        moment(NOW, raw["sent"], each["at"]) - (count - index) * step
        for index, each in enumerate(raw["messages"])
    ]
    sent = [
        Sent(each["id"], at, "event", each["name"], each["data"])
        for at, each in zip(ats, raw["messages"], strict=True)
    ]
    return list(_events(NOW, SENDER, sent))


def compared(message: Message) -> tuple[str, int, str, Any]:
    document = msgspec.json.decode(encode(message.document))
    return message.key, message.age_us, message.name, document


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, max_size=4), times)
def test_a_plain_batch_says_what_the_general_way_makes(listed: list[Any], sent: int) -> None:
    raw = body(*listed, sent=sent)
    batch = plain_batch(written(raw))
    assert batch is not None
    assert batch.fields == {name: raw[name] for name in batch.fields}
    found = [compared(each) for each in plain_events(batch, SENDER)]
    assert found == [compared(each) for each in told(raw)]


VIEW = {**event("view", "1"), "at": 1, "data": {"items": [{"id": "1"}]}, "dialect": "rr"}


def with_item(**fields: Any) -> dict[str, Any]:
    return {**VIEW, "data": {"items": [{"id": "1", **fields}]}}


@pytest.mark.parametrize(
    "raw",
    [
        written([]),
        written(body(VIEW))[:-1],
        written(body(VIEW)).replace(b'"messages":', b'"messages" :'),
        written(body(VIEW)).replace(b'"messages":', b'"\\u006dessages":'),
        written(body(VIEW)).replace("ü".encode(), b"\xff"),
        written(body(VIEW)).replace("ü".encode(), b"\\u0000"),
        written(body(VIEW)).replace("ü".encode(), b"\\ud800"),
        written(body(VIEW, consent="denied")),
        written(body(VIEW, sent=None)),
        written(body(VIEW, page="shop.example")),
        written(body(VIEW, more=1)),
        written(body(*[VIEW] * 1001)),
        written(body({**VIEW, "id": " 1"})),
        written(body({**VIEW, "id": ""})),
        written(body({**VIEW, "id": "1" * 101})),
        written(body({**VIEW, "at": -1})),
        written(body({**VIEW, "at": True})),
        written(body({**VIEW, "type": "identify"})),
        written(body({**VIEW, "name": "purchase"})),
        written(body({**VIEW, "name": "own"})),
        written(body({**VIEW, "data": {"items": [], "full_cart": True}})),
        written(body({**VIEW, "data": {"id": "1"}})),
        written(body({**VIEW, "data": {"items": [{"id": str(each)} for each in range(1001)]}})),
        written(body(with_item(id=""))),
        written(body(with_item(id="a b"))),
        written(body(with_item(id="é"))),
        written(body(with_item(id="a\\b"))),
        written(body(with_item(id="1" * 256))),
        written(body(with_item(id=1))),
        written(body(with_item(quantity=0))),
        written(body(with_item(quantity=1001))),
        written(body(with_item(quantity="2"))),
        written(body(with_item(price=5))),
        written(body(with_item(stock=""))),
    ],
)
def test_what_is_doubtful_is_no_plain_batch(raw: bytes) -> None:
    assert plain_batch(written(body(VIEW))) is not None
    assert plain_batch(raw) is None


async def test_a_batch_that_is_known_in_part_stores_the_rest(tracked: Tracked, did: str) -> None:
    def view(number: int) -> dict[str, Any]:
        return {**VIEW, "id": f"m{number}", "data": {"items": [{"id": str(number)}]}}

    def send(*numbers: int) -> tuple[int, int]:
        raw = written({**body(*map(view, numbers)), "did": did})
        assert plain_batch(raw) is not None
        reply = tracked.front.send("POST", "/v1/collect", raw, {"content-type": "text/plain"})
        assert (reply.status, reply.json["warnings"]) == (200, [])
        return reply.json["stored"], reply.json["duplicates"]

    assert send(2, 4, 4) == (2, 1)
    assert send(1, 2, 3, 4, 5) == (3, 2)
    assert send(5, 1) == (0, 2)
    owner = await tracked.holder("device", did)
    documents = [json.loads(each.document) for each in await tracked.timeline(owner)]
    assert sorted(each["items"][0]["id"] for each in documents) == ["1", "2", "3", "4", "5"]
    assert {each["url"] for each in documents} == {"https://shop.example/a?b=ü"}


async def test_a_plain_batch_keeps_its_order(tracked: Tracked, did: str) -> None:
    listed = [{**VIEW, "id": f"m{n}", "data": {"items": [{"id": str(n)}]}} for n in range(40)]
    raw = written({**body(*listed), "did": did})
    tracked.front.send("POST", "/v1/collect", raw, {"content-type": "text/plain"})
    found = await tracked.timeline(await tracked.holder("device", did))
    shown = [json.loads(each.document)["items"][0]["id"] for each in found]
    assert shown == [str(n) for n in range(40)]
