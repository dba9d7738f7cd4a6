"""Events without a session: once only, with the person, and gone with the person."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from habitue.model.errors import Refusal
from habitue.promotions.campaign import CodeSettings
from habitue.promotions.decide_event import EventCommand, EventExists
from habitue.promotions.effects import UpdateAttribute
from habitue.promotions.evaluate import Purpose
from habitue.promotions.program import Program
from habitue.store.database import Database
from habitue.usecases.configure.event_types import EventTypeFields, create_event_type
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.configure.stores import StoreFields, create_store
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.export_customer import export_customer
from habitue.usecases.read_events import read_event
from habitue.usecases.track_event import EventOutcome, track_event
from habitue.usecases.writing import Reply
from tests.building import NOW, Till, item, rule
from tests.harness.card_jobs import merge, unmerge
from tests.harness.ownership import belongings, misplaced, owners_of, rows_of
from tests.usecases.test_merges import id_of

UNCLAIMED = """
CREATE OR REPLACE FUNCTION read_resource_event(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_asked jsonb
) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT '{"exists": false}'::jsonb $$;
CREATE OR REPLACE FUNCTION write_resource_event(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO session_event (customer_id, id, application_id, type, created, integration_id)
    VALUES (a_customer_id, (a_changes ->> 'id')::bigint,
        (a_changes ->> 'application_id')::bigint, a_changes ->> 'type', a_now,
        a_changes ->> 'integration_id')
$$;
"""


@pytest.fixture
async def till(database: Database) -> Till:
    till = await Till.opened(database)
    await create_event_type(till.shop, EventTypeFields(name="visit"), NOW)
    await till.attribute("CustomerProfile", "nick", "string")
    return till


async def track(till: Till, profile: str, event_id: str = "", **fields: Any) -> EventOutcome:
    told: list[EventOutcome] = []

    def render(outcome: EventOutcome, program: Program) -> Reply:
        told.append(outcome)
        return Reply(200, b"{}")

    command = EventCommand(profile, "visit", {}, Purpose(), integration_id=event_id, **fields)
    await track_event(till.shop, till.application.id, command, till.now, render)
    return told[-1]


async def events(till: Till) -> list[tuple[Any, ...]]:
    rows = await till.shop.database.fetch(
        "SELECT type, integration_id FROM session_event ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def _at_once(till: Till, count: int) -> list[EventOutcome | BaseException]:
    """The same advanced event from many, each for another customer, so that nobody queues."""
    jobs = [track(till, f"p{number}", "one") for number in range(count)]
    return await asyncio.gather(*jobs, return_exceptions=True)


async def test_an_advanced_event_happens_once_however_many_tell_of_it(till: Till) -> None:
    results = await _at_once(till, 6)
    assert sum(isinstance(each, EventOutcome) for each in results) == 1
    assert sum(isinstance(each, EventExists) for each in results) == 5
    assert await events(till) == [("visit", "one")]
    rows = await rows_of(till.shop.database)
    assert len(rows["customer"]) == 1


async def test_without_the_claim_it_would_happen_again(till: Till) -> None:
    await till.shop.database.execute(UNCLAIMED)
    results = await _at_once(till, 3)
    assert all(isinstance(each, EventOutcome) for each in results)
    assert len(await events(till)) == 3


async def test_events_go_with_a_merge_and_come_back(till: Till) -> None:
    await track(till, "anna")
    await track(till, "berta", "b1")
    anna, berta = await id_of(till, "anna"), await id_of(till, "berta")
    before = await belongings(till.shop.database)
    await merge(till, anna, berta)
    rows = await rows_of(till.shop.database)
    assert misplaced(rows, owners_of(rows)) == []
    assert {each["customer_id"] for each in rows["session_event"]} == {anna}
    stored = await read_event(till.shop, till.application.id, "b1")
    assert (stored.customer_id, stored.profile_id) == (anna, "berta")
    with pytest.raises(EventExists):
        await track(till, "anna", "b1")
    await track(till, "berta", "b2")
    await unmerge(till, berta)
    rows = await belongings(till.shop.database)
    assert [each for each in rows["session_event"] if each["integration_id"] != "b2"] == before[
        "session_event"
    ]
    assert (await read_event(till.shop, till.application.id, "b2")).customer_id == berta


async def test_events_are_told_and_erased(till: Till) -> None:
    await till.campaign(
        rule("event.type == 'visit'", 'updateAttribute("Profile.Attributes.nick", "N")')
    )
    outcome = await track(till, "anna", "secret id")
    path = "Profile.Attributes.nick"
    assert [each.outcome for each in outcome.decision.effects] == [UpdateAttribute(path, "N")]
    assert outcome.customer.attributes == {"nick": "N"}
    held = json.loads(await export_customer(till.shop, await id_of(till, "anna")))
    assert [each["integration_id"] for each in held["events"]] == ["secret id"]
    await erase_customer(till.shop, till.application.id, "anna", NOW)
    (row,) = await till.shop.database.fetch(
        "SELECT to_jsonb(session_event)::text FROM session_event"
    )
    assert "secret" not in row[0]
    assert '"N"' not in row[0]
    with pytest.raises(Refusal):
        await read_event(till.shop, till.application.id, "secret id")


async def test_a_session_that_changes_hands_takes_the_effects_of_its_events(till: Till) -> None:
    await till.campaign(rule("session.total > 5", 'setDiscount("one off", 1)'))
    await till.put("s1", profile_id="guest", cart_items=[item("tea", 10)])
    await till.put("s1", profile_id="anna")
    rows = await till.shop.database.fetch("SELECT customer_id, effects::text FROM session_event")
    assert {row["customer_id"] for row in rows} == {await id_of(till, "anna")}
    assert [row["effects"].count("one off") for row in rows] == [1, 1]


async def test_an_event_has_no_cart(till: Till) -> None:
    await till.campaign(
        rule("event.type == 'visit'", 'setDiscount("one off", 1)'),
        rule("session.total >= 0", 'showNotification("Info", "cart", "a cart")'),
        rule("count(profile.audiences) == 0", 'showNotification("Info", "person", "somebody")'),
    )
    outcome = await track(till, "anna")
    assert [each.rule_index for each in outcome.decision.effects] == [2]
    assert outcome.customer.last_activity == till.now
    assert outcome.customer.session_count == 0


async def test_events_take_of_the_budget_of_their_store(till: Till) -> None:
    target = await till.campaign(
        name="target",
        coupon_settings=CodeSettings(("A", "B", "C"), "NEW-####"),
        limits=(LimitWish("createCoupon", Decimal(2), ("Store",)),),
    )
    await till.campaign(rule("event.type == 'visit'", f'createCoupon({target.id}, "")'))
    for store in ("BER", "BN"):
        fields = StoreFields(name=store, integration_id=store)
        await create_store(till.shop, till.application.id, fields, NOW)
    found = []
    for number, store in enumerate(("BER", "BER", "BER", "BN", "", "", "")):
        outcome = await track(till, f"p{number % 2}", store_integration_id=store)
        found.append(len(outcome.decision.effects))
    assert found == [1, 1, 0, 1, 1, 1, 1]
    rows = await till.shop.database.fetch(
        "SELECT name, store, granted - sum(remaining) FROM budget "
        "JOIN budget_slot ON budget_id = id GROUP BY 1, 2, granted ORDER BY 1, 2"
    )
    assert [tuple(row) for row in rows] == [
        ("createCoupon/Store", "BER", 2),
        ("createCoupon/Store", "BN", 1),
    ]
