"""Batches of the script: each message once, each visitor on one timeline."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.tracker.conftest import (
    SHOP,
    SHOP_LONG,
    Tracked,
    device_id,
    event,
    identify,
    warnings_of,
)


async def test_an_event_of_an_unknown_device_makes_an_anonymous_customer(
    tracked: Tracked, did: str
) -> None:
    reply = tracked.collect(event("view", "37"), did=did)
    assert reply.status == 200
    assert reply.json == {
        "status": "success",
        "did": did,
        "sid": "visit1",
        "stored": 1,
        "duplicates": 0,
        "warnings": [],
    }
    owner = await tracked.holder("device", did)
    (found,) = await tracked.timeline(owner)
    assert (found.name, found.visit) == ("view", "visit1")
    assert json.loads(found.document) == {"items": [{"id": "37"}]}
    anonymous = await tracked.database.fetchval(
        "SELECT anonymous FROM customer WHERE id = $1", owner
    )
    assert anonymous is True


async def test_both_forms_of_the_shop_key_are_one_shop(tracked: Tracked, did: str) -> None:
    message = event("view", "1")
    assert tracked.collect(message, did=did, shop=SHOP).json["stored"] == 1
    again = tracked.collect(message, did=did, shop=SHOP_LONG).json
    assert (again["stored"], again["duplicates"]) == (0, 1)


@pytest.mark.parametrize(
    ("shop", "status"),
    [
        ("", 401),
        ("nonsense", 422),
        ("f" * 24, 404),
        (SHOP + "000000", 404),
        (SHOP + "0", 422),
    ],
)
async def test_other_shop_keys_are_refused(tracked: Tracked, shop: str, status: int) -> None:
    before = await tracked.count("customer_event")
    reply = tracked.collect(event("view", "1"), did=device_id(), shop=shop)
    assert reply.status == status
    assert reply.json["status"] == "error"
    assert reply.json["message"] == reply.json["payload"]["message"]
    assert await tracked.count("customer_event") == before


async def test_identifying_keeps_what_the_device_did_before(tracked: Tracked, did: str) -> None:
    tracked.collect(event("view", "1"), did=did, sid="older")
    reply = tracked.collect(
        identify(external_id="C-1", email="Olga.1@examplemail.com", phone="+7 (111) 222-33-01"),
        event("cart", {"id": 5, "amount": 2}),
        did=did,
    )
    assert reply.json["warnings"] == []
    customer = tracked.customer("externalId", "C-1")
    assert customer == await tracked.holder("device", did)
    assert tracked.customer("email", "olga.1@examplemail.com") == customer
    assert tracked.customer("mobile", "%2B71112223301") == customer
    names = [each.name for each in await tracked.timeline(customer)]
    assert names == ["view", "cart"]


async def test_the_visit_moves_to_the_person_and_older_ones_stay(tracked: Tracked) -> None:
    first, second = device_id(), device_id()
    tracked.collect(identify(external_id="C-2"), did=first)
    person = await tracked.holder("externalId", "C-2")
    tracked.collect(event("view", "old"), did=second, sid="yesterday")
    tracked.collect(event("view", "new"), did=second, sid="today")
    visitor = await tracked.holder("device", second)
    assert visitor != person
    tracked.collect(identify(external_id="C-2"), did=second, sid="today")
    assert await tracked.holder("device", second) == person
    assert [json.loads(each.document)["items"] for each in await tracked.timeline(person)] == [
        [{"id": "new"}]
    ]
    assert [json.loads(each.document)["items"] for each in await tracked.timeline(visitor)] == [
        [{"id": "old"}]
    ]


async def test_a_device_changes_hands(tracked: Tracked, did: str) -> None:
    tracked.collect(identify(external_id="C-3"), event("view", "a"), did=did, sid="s3")
    tracked.collect(identify(external_id="C-4"), event("view", "b"), did=did, sid="s4")
    three, four = (
        await tracked.holder("externalId", "C-3"),
        await tracked.holder("externalId", "C-4"),
    )
    assert three != four
    assert await tracked.holder("device", did) == four
    assert len(await tracked.timeline(three)) == 1
    assert len(await tracked.timeline(four)) == 1


async def test_replayed_and_reordered_batches_change_nothing(tracked: Tracked, did: str) -> None:
    first = [identify(external_id="C-5", first_name="Ann"), event("view", "1")]
    second = [identify(external_id="C-6"), event("view", "2")]
    assert tracked.collect(*first, did=did).json["stored"] == 2
    assert tracked.collect(*second, did=did).json["stored"] == 2
    owner = await tracked.holder("device", did)
    before = await tracked.count("customer_event")
    for batch in (first, second, first[::-1], [*second, *first]):
        reply = tracked.collect(*batch, did=did).json
        assert (reply["stored"], reply["duplicates"]) == (0, len(batch))
    assert await tracked.holder("device", did) == owner
    assert await tracked.holder("externalId", "C-6") == owner
    assert await tracked.count("customer_event") == before


async def test_what_was_said_earlier_and_arrives_later_does_not_move_the_device(
    tracked: Tracked, did: str
) -> None:
    at = 1_700_000_000_000
    late = identify(external_id="C-7", first_name="Late") | {"at": at - 60_000}
    tracked.collect(identify(external_id="C-8") | {"at": at}, did=did, sent=at)
    tracked.collect(late, did=did, sent=at)
    assert await tracked.holder("device", did) == await tracked.holder("externalId", "C-8")
    seven = await tracked.profile(await tracked.holder("externalId", "C-7"))
    assert seven["told"]["first_name"]["value"] == "Late"


async def test_concurrent_replays_are_stored_once(tracked: Tracked, did: str) -> None:
    batch = [event("view", str(number)) for number in range(20)]
    batch.insert(10, identify(external_id="C-9", email="nine@examplemail.com"))
    with ThreadPoolExecutor(8) as pool:
        replies = [
            each.json for each in pool.map(lambda _: tracked.collect(*batch, did=did), range(16))
        ]
    assert sum(each["stored"] for each in replies) == 21
    assert sum(each["duplicates"] for each in replies) == 15 * 21
    person = await tracked.holder("externalId", "C-9")
    assert await tracked.holder("device", did) == person
    assert len(await tracked.timeline(person)) == 20


async def test_times_are_corrected_by_the_senders_clock(tracked: Tracked, did: str) -> None:
    years_off = 915_148_800_000  # 1999
    tracked.collect(
        event("view", "1", at=years_off - 5_000),
        event("view", "2", at=years_off + 10_000),
        event("view", "3", at=0),
        event("view", "4", at="soon"),
        did=did,
        sent=years_off,
    )
    found = {
        json.loads(each.document)["items"][0]["id"]: datetime.now(UTC) - each.at
        for each in await tracked.timeline(await tracked.holder("device", did))
    }
    assert timedelta(seconds=5) <= found["1"] < timedelta(seconds=15)
    assert found["2"] < timedelta(seconds=10)
    assert timedelta(days=30) <= found["3"] < timedelta(days=30, seconds=10)
    assert found["4"] < timedelta(seconds=10)


async def test_what_was_done_in_one_millisecond_keeps_its_order(tracked: Tracked, did: str) -> None:
    at = 1_700_000_000_000
    tracked.collect(*(event("view", str(n), at=at) for n in range(40)), did=did, sent=at + 9)
    tracked.collect(*(event("view", str(n)) for n in range(40, 80)), did=did)
    found = await tracked.timeline(await tracked.holder("device", did))
    shown = [json.loads(each.document)["items"][0]["id"] for each in found]
    assert shown == [str(n) for n in range(80)]
    assert found[-1].at <= datetime.now(UTC)


async def test_the_cookie_is_set_once_and_names_the_device(tracked: Tracked) -> None:
    first = tracked.get(f"/v1/device?shop={SHOP}")
    assert len(first.json["did"]) == 24
    cookie = first.headers["set-cookie"]
    assert cookie == (
        f"habitue_did={first.json['did']}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    )
    sent = {"cookie": cookie.partition(";")[0]}
    again = tracked.get(f"/v1/device?shop={SHOP}&did=another1", sent)
    assert again.json == first.json
    secure = tracked.get(f"/v1/device?shop={SHOP}", {"origin": "https://shop.example"})
    assert secure.headers["set-cookie"].endswith("; SameSite=Lax; Secure")
    reply = tracked.collect(event("view", "1"), headers=sent)
    assert reply.json["did"] == first.json["did"]
    assert "set-cookie" not in reply.headers


async def test_a_message_that_cannot_be_understood_costs_no_other(
    tracked: Tracked, did: str
) -> None:
    good = event("view", "1")
    reply = tracked.collect(
        {"type": "event", "name": "view"},
        {"id": "b", "type": "nonsense"},
        {"id": "c", "type": "event", "name": "имя"},
        {"id": "d", "type": "segment", "name": "explode", "data": {}},
        "no message",  # type: ignore[arg-type]
        good,
        did=did,
    )
    assert reply.status == 200
    assert reply.json["stored"] == 1
    assert warnings_of(reply) == [
        ("id", "invalid"),
        ("type", "invalid"),
        ("name", "invalid"),
        ("id", "invalid"),
        ("type", "unknown"),
    ]


async def test_a_refused_consent_stores_nothing(tracked: Tracked, did: str) -> None:
    reply = tracked.collect(event("view", "1"), did=did, consent="denied")
    assert (reply.status, reply.json["stored"]) == (200, 0)
    assert await tracked.holder("device", did) is None
