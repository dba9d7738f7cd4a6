"""Orders of pages as closed sessions, and what a visitor leaves behind when cards change."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from habitue.customers.card import Actor
from habitue.customers.merge import MergeReason
from habitue.store.privacy import erase, read_holdings
from habitue.usecases.configure.registration_settings import update_registration_settings
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.unmerge_customers import unmerge_customers
from tests.tracker.conftest import SHOP, Tracked, device_id, event, identify, tracked_shop


@pytest.fixture(scope="module")
async def ordering(server_url: str, template: str) -> AsyncIterator[Tracked]:
    """A shop whose orders become sessions."""
    async with tracked_shop(server_url, template, tracker_new_devices_per_minute=0) as shop:
        shop.front.open_shop()
        await shop.shop.refresh()
        application = shop.front.application_id
        await update_registration_settings(shop.shop, {"orders_application_id": application})
        shop.collect(identify(external_id="first"), did=device_id())  # it reads the new rules
        yield shop


def purchase(order: str, *items: tuple[str, int, Any], **more: Any) -> dict[str, Any]:
    """A message about an order."""
    lines = [{"id": id_, "amount": amount, "price": price} for id_, amount, price in items]
    return event("purchase", {"order": order, "products": lines, **more})


def session(shop: Tracked, order: str) -> Any:
    """The order's session as the session door shows it; None for none."""
    reply = shop.front.call("GET", f"/v2/customer_sessions/order%3A{order}")
    return reply.json["customerSession"] if reply.status == 200 else None


async def test_an_order_is_one_closed_session(ordering: Tracked, did: str) -> None:
    order = purchase("N318", ("37", 3, 318), ("187", 1, "5000.50"))
    ordering.collect(identify(external_id="O-1"), order, did=did)
    found = session(ordering, "N318")
    assert (found["state"], found["profileId"]) == ("closed", "O-1")
    assert found["total"] == 5954.5
    assert [(each["sku"], each["quantity"]) for each in found["cartItems"]] == [
        ("37", 3),
        ("187", 1),
    ]
    ordering.collect(order, did=did)
    ordering.collect(purchase("N318", ("37", 3, 318), ("187", 1, "5000.50")), did=did)
    person = await ordering.holder("externalId", "O-1")
    counted = await ordering.database.fetchrow(
        "SELECT session_count, closed_sessions, total_sales FROM customer WHERE id = $1", person
    )
    assert tuple(counted or ()) == (1, 1, found["total"])


async def test_an_order_told_product_by_product_is_one_session(ordering: Tracked, did: str) -> None:
    ordering.collect(identify(external_id="O-2"), did=did)
    at = f"session={did}&pvid=1&transaction=RR-1"

    def tell(product: int) -> int:
        path = f"/1.0/event/order/{SHOP}/{product}?qnt={product}&price=10&{at}"
        return ordering.get(path).status

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(tell, [1, 2, 3, 4, 1, 2])) == [200] * 6
    found = session(ordering, "RR-1")
    assert found["state"] == "closed"
    assert found["total"] == 100
    assert sorted(each["sku"] for each in found["cartItems"]) == ["1", "2", "3", "4"]
    closed = await ordering.database.fetchval(
        "SELECT closed_sessions FROM customer WHERE id = $1",
        await ordering.holder("externalId", "O-2"),
    )
    assert closed == 1


async def test_another_device_does_not_change_an_order(ordering: Tracked, did: str) -> None:
    ordering.collect(identify(external_id="O-3"), purchase("N3", ("1", 1, 10)), did=did)
    before = session(ordering, "N3")
    thief = device_id()
    reply = ordering.collect(purchase("N3", ("2", 9, 1)), did=thief)
    assert reply.json["stored"] == 1
    assert session(ordering, "N3") == before


async def test_somebody_known_by_an_address_owns_the_order(ordering: Tracked, did: str) -> None:
    email = "buyer@examplemail.com"
    ordering.collect(purchase("N4", ("1", 1, 10), email=email), did=did)
    person = ordering.customer("email", email)
    assert person == await ordering.holder("device", did)
    assert session(ordering, "N4")["profileId"] == f"visitor:{person}"
    part = await ordering.part(person)
    assert part["consents"] == []
    (found,) = await ordering.timeline(person)
    assert email not in found.document.decode()


async def test_without_the_setting_an_order_is_an_event(tracked: Tracked, did: str) -> None:
    tracked.collect(purchase("N5", ("1", 1, 10)), did=did)
    assert await tracked.count("session") == 0
    (found,) = await tracked.timeline(await tracked.holder("device", did))
    assert json.loads(found.document) == {
        "items": [{"id": "1", "quantity": 1, "price": 10}],
        "order": "N5",
    }


async def test_events_go_with_cards_that_are_joined_and_parted(tracked: Tracked) -> None:
    one, two = device_id(), device_id()
    tracked.collect(identify(external_id="M-1"), event("view", "a"), did=one)
    tracked.collect(identify(external_id="M-2"), event("view", "b"), did=two)
    first = await tracked.holder("externalId", "M-1")
    second = await tracked.holder("externalId", "M-2")
    assert first is not None
    assert second is not None
    now, actor = datetime.now(UTC), Actor("STAFF")
    reason = MergeReason(kind="request")
    await merge_customers(tracked.shop, first, second, actor, reason, now)
    assert await tracked.holder("device", two) == first
    assert len(await tracked.timeline(first)) == 2
    tracked.collect(event("view", "c"), did=two)
    await unmerge_customers(tracked.shop, second, actor, now)
    assert [e.document for e in await tracked.timeline(first)] == [b'{"items": [{"id": "a"}]}']
    assert [e.document for e in await tracked.timeline(second)] == [
        b'{"items": [{"id": "b"}]}',
        b'{"items": [{"id": "c"}]}',
    ]


async def test_what_a_person_did_is_shown_to_them_and_goes_with_them(tracked: Tracked) -> None:
    device, sent = device_id(), event("view", "a")
    tracked.collect(identify(external_id="E-1", first_name="Ann"), sent, did=device)
    person = await tracked.holder("externalId", "E-1")
    assert person is not None
    held = await read_holdings(tracked.database, person)
    assert held is not None
    document = json.loads(held.document)
    assert [each["name"] for each in document["timeline"]] == ["view"]
    assert len(document["devices"]) == 1
    assert await erase(tracked.database, person, None, datetime.now(UTC), b"{}")
    assert await tracked.timeline(person) == []
    kept = "SELECT count(*) FROM customer_device WHERE customer_id = $1"
    assert await tracked.database.fetchval(kept, person) == 0
    # Whatever arrives again of what was erased is not stored again.
    assert tracked.collect(sent, did=device).json["duplicates"] == 1
