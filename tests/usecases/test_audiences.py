"""Memberships belong to the person: joining cards, parting them, telling and erasing them."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from habitue.model.errors import InvalidInput, NotFound
from habitue.promotions.audiences import Audience, MembershipChange
from habitue.promotions.resources import Asking
from habitue.store import audiences
from habitue.store.database import Connection, Database
from habitue.usecases.change_memberships import MembershipWish, change_memberships
from habitue.usecases.configuration import Change, save_configuration
from habitue.usecases.configure.audiences import (
    AudienceFields,
    create_audience,
    delete_audience,
    empty_audience,
)
from habitue.usecases.erase_customer import erase_customer
from habitue.usecases.export_customer import export_customer
from habitue.usecases.import_audience import AudienceImporter, MemberLine
from habitue.usecases.resources import asked
from habitue.usecases.run_import import BatchPlace, ImportSource, run_import
from tests.building import NOW, Till, item, rule
from tests.harness.card_jobs import merge, unmerge
from tests.harness.ownership import belongings, misplaced, owners_of, rows_of
from tests.usecases.test_merges import id_of


@pytest.fixture
async def till(database: Database) -> Till:
    return await Till.opened(database)


async def audience(till: Till, name: str) -> Audience:
    return await create_audience(till.shop, AudienceFields(name=name), NOW, sandbox=False)


async def join(
    till: Till, profile: str, *audiences: Audience, joins: bool = True, at: datetime = NOW
) -> None:
    wishes = [MembershipWish(profile, MembershipChange(each.id, joins, "")) for each in audiences]
    await change_memberships(till.shop, till.application.id, wishes, at)


async def members(till: Till) -> list[tuple[int, int, int]]:
    rows = await till.shop.database.fetch(
        "SELECT customer_id, audience_id, root_id FROM audience_member ORDER BY 1, 2, 3"
    )
    return [tuple(row) for row in rows]


async def seen(till: Till, profile: str) -> frozenset[int]:
    outcome = await till.put(f"of {profile}", profile_id=profile)
    return outcome.state.resources.audiences


async def test_memberships_go_with_a_merge_and_come_back(till: Till) -> None:
    both, hers = await audience(till, "both"), await audience(till, "hers")
    await join(till, "anna", both)
    await join(till, "berta", both, hers)
    anna, berta = await id_of(till, "anna"), await id_of(till, "berta")
    before = await belongings(till.shop.database)
    await merge(till, anna, berta)
    assert await members(till) == sorted(
        [(anna, both.id, anna), (anna, both.id, berta), (anna, hers.id, berta)]
    )
    rows = await rows_of(till.shop.database)
    assert misplaced(rows, owners_of(rows)) == []
    assert await seen(till, "anna") == await seen(till, "berta") == {both.id, hers.id}
    await unmerge(till, berta)
    after = await belongings(till.shop.database)
    assert after["audience_member"] == before["audience_member"]
    assert await seen(till, "anna") == {both.id}


async def test_who_leaves_an_audience_leaves_it_whatever_card_named_it(till: Till) -> None:
    club = await audience(till, "club")
    await join(till, "anna", club)
    await join(till, "berta", club)
    await merge(till, await id_of(till, "anna"), await id_of(till, "berta"))
    await join(till, "berta", club, joins=False)
    assert await members(till) == []


async def test_memberships_are_told_and_erased(till: Till) -> None:
    club = await audience(till, "club")
    await join(till, "anna", club)
    await till.campaign(rule("session.total > 0", 'removeFromAudience("club")'))
    anna = await id_of(till, "anna")
    held = json.loads(await export_customer(till.shop, anna))
    assert [(each["id"], each["name"]) for each in held["audiences"]] == [(club.id, "club")]
    await join(till, "anna", await audience(till, "other"))
    await till.put("s1", profile_id="anna", cart_items=[item("tea", 1)])
    await erase_customer(till.shop, till.application.id, "anna", NOW)
    assert await members(till) == []
    sessions = await till.shop.database.fetch("SELECT document::text FROM session")
    assert [row["document"] for row in sessions if "anna" in row["document"]] == []


async def test_an_audience_takes_its_memberships_with_it(till: Till) -> None:
    club, other = await audience(till, "club"), await audience(till, "other")
    await join(till, "anna", club, other)
    await delete_audience(till.shop, club.id, sandbox=False)
    assert [each[1] for each in await members(till)] == [other.id]
    await empty_audience(till.shop, other.id, sandbox=False)
    assert await members(till) == []


UNGUARDED = """
CREATE OR REPLACE FUNCTION write_resource_audiences(
    a_customer_id bigint, a_root_id bigint, a_session_id bigint, a_now timestamptz,
    a_changes jsonb
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO audience_member (customer_id, audience_id, root_id, joined)
    SELECT a_customer_id, value::bigint, a_root_id, a_now
    FROM jsonb_array_elements_text(a_changes -> 'joins')
$$;
"""


async def _join_while_it_goes(till: Till, club: Audience) -> None:
    """Somebody joins who began before the audience went, and ends after it."""
    async with till.shop.database.transaction() as connection:
        await audiences.hold(connection, club.id)
        await audiences.remove_members(connection, club.id)
        joining = asyncio.create_task(join(till, "late", club))
        await asyncio.wait([joining], timeout=0.3)
        await save_configuration(
            connection, till.shop.configuration.version, [Change(club, deleted=True)]
        )
    with suppress(InvalidInput, NotFound):
        await joining


async def test_nobody_joins_an_audience_that_is_being_deleted(till: Till) -> None:
    await _join_while_it_goes(till, await audience(till, "club"))
    assert await members(till) == []


async def test_without_the_guard_somebody_would_stay_in_what_is_gone(till: Till) -> None:
    await till.shop.database.execute(UNGUARDED)
    club = await audience(till, "club")
    await _join_while_it_goes(till, club)
    assert [each[1] for each in await members(till)] == [club.id]


async def test_a_shop_without_audiences_asks_for_none(till: Till) -> None:
    assert asked(till.shop.program(till.application.id), Asking(till.now), ("audiences",)) is None
    await audience(till, "club")
    question = asked(till.shop.program(till.application.id), Asking(till.now), ("audiences",))
    assert question == b'{"audiences":{}}'


async def test_a_rule_that_fails_leaves_the_audiences_alone(till: Till) -> None:
    club = await audience(till, "club")
    await till.campaign(
        rule("session.total > 0", 'addToAudience("club")', 'addToAudience("unknown")')
    )
    outcome = await till.put("s1", profile_id="anna", cart_items=[item("tea", 1)])
    assert outcome.decision.effects == ()
    assert await members(till) == []
    await audience(till, "unknown")
    await till.put("s1", profile_id="anna", cart_items=[item("tea", 1)])
    assert {each[1] for each in await members(till)} >= {club.id}


async def test_who_joins_during_an_import_stays(till: Till) -> None:
    club = await audience(till, "club")
    for name in ("old", "kept"):
        await join(till, name, club, at=NOW - timedelta(hours=1))

    class Watched(AudienceImporter):
        """Somebody joins beside the file after the first row."""

        async def apply(
            self, connection: Connection, rows: Sequence[MemberLine], place: BatchPlace
        ) -> None:
            await super().apply(connection, rows, place)
            if place.first == 0:
                assert {await id_of(till, "old")} < {each[0] for each in await members(till)}
                await join(till, "meanwhile", club, at=NOW + timedelta(minutes=1))

    lines = [MemberLine(2, "kept"), MemberLine(3, "new")]
    source: ImportSource[MemberLine] = ImportSource(
        "AudienceMembership", "club", b"digest", lambda: iter(lines), "a test", batch=1
    )
    done = await run_import(till.shop, source, Watched(club), NOW)
    assert (done.row_count, done.done) == (2, 2)
    names = {name: await id_of(till, name) for name in ("kept", "new", "meanwhile")}
    assert [each[0] for each in await members(till)] == sorted(names.values())
