"""Cards whose label forbids that they are joined: a visitor is served, and nothing is joined."""

from datetime import UTC, datetime

import pytest

from habitue.customers.merge import MERGE_ACTION
from habitue.customers.organisation import StatusLabel
from habitue.usecases.configuration import Change, save_configuration
from tests.capillary.conftest import till_headers
from tests.tracker.conftest import Tracked, device_id, identify, warnings_of


@pytest.mark.parametrize("frozen", ["lead", "customer"])
async def test_a_label_keeps_cards_apart_and_the_visitor_is_served(
    tracked: Tracked, frozen: str
) -> None:
    lead, shop, address = device_id(), device_id(), f"{frozen}.frozen@examplemail.com"
    tracked.collect(identify(email=address), did=lead)
    tracked.collect(identify(external_id=f"F-{frozen}"), did=shop)
    guest = await tracked.holder("email", address)
    person = await tracked.holder("externalId", f"F-{frozen}")
    await _freeze(tracked, guest if frozen == "lead" else person)
    reply = tracked.collect(
        identify(external_id=f"F-{frozen}", email=address, name="Ann"), did=shop
    )
    assert (reply.status, warnings_of(reply)) == (200, [("email", "held_by_another")])
    assert tracked.customer("email", address) == guest
    assert await tracked.holder("device", shop) == person


async def _freeze(tracked: Tracked, customer_id: int | None) -> None:
    """Gives the customer a label under which cards are not joined."""
    label = StatusLabel(
        900, "Frozen", "SUSPENDED", datetime(2026, 1, 1, tzinfo=UTC), blocks=(MERGE_ACTION,)
    )
    version = (await tracked.shop.refresh()).version
    if 900 not in tracked.shop.configuration.organisation.status_labels:
        await save_configuration(tracked.database, version, [Change(label)])
    told = {"label": "Frozen", "reason": "to be looked at"}
    path = f"/v2/customers/{customer_id}/status"
    reply = tracked.front.send("PUT", path, told, till_headers())
    assert reply.status == 200, reply.body
