"""Resources are read with a profile and written with it, or not at all.

A resource of the test's own stands for those of the product: a stamp card, which counts to three.
"""

from datetime import UTC, datetime

import pytest

from habitue.customers.claims import STORE_SIDE_ID, profile_key
from habitue.store.customers import ProfileQuery, ProfileRow, ProfileWrite, load, save
from habitue.store.database import Database
from habitue.store.failures import GuardFailed
from habitue.store.privacy import erase

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
KEY = profile_key("anna", sandbox=False)

STAMPS = """
CREATE TABLE stamps (customer_id bigint PRIMARY KEY, root_id bigint, count int CHECK (count <= 3));
CREATE FUNCTION read_resource_stamps(bigint, bigint, bigint, jsonb) RETURNS jsonb STABLE
LANGUAGE sql AS $$
    SELECT jsonb_build_object('count', coalesce(
        (SELECT count FROM stamps WHERE customer_id = $1), 0), 'asked', $4)
$$;
CREATE FUNCTION write_resource_stamps(bigint, bigint, bigint, timestamptz, jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stamps VALUES ($1, $2, ($5 ->> 'add')::int)
    ON CONFLICT (customer_id) DO UPDATE SET count = stamps.count + excluded.count
    WHERE stamps.count + excluded.count <= 3;
    IF NOT FOUND THEN
        PERFORM guard_failed('stamps');
    END IF;
END $$;
CREATE FUNCTION erase_resource_stamps(bigint) RETURNS void LANGUAGE sql AS $$
    DELETE FROM stamps WHERE customer_id = $1
$$;
"""


async def _read(database: Database, asked: bytes | None) -> ProfileRow:
    (row,) = await load(database, ProfileQuery([KEY], None, NOW, asked))
    return row


def _write(row: ProfileRow, attributes: bytes, changes: bytes | None) -> ProfileWrite:
    version = row.customer.version if row.customer else 0
    known = (KEY, STORE_SIDE_ID, "anna", NOW, NOW)
    return ProfileWrite(row.customer_id, version, attributes, *known, changes=changes)


async def test_nothing_is_read_that_was_not_asked_for(database: Database) -> None:
    assert (await _read(database, None)).resources is None


async def test_what_is_asked_for_is_read_and_what_is_decided_is_written(database: Database) -> None:
    await database.execute(STAMPS)
    row = await _read(database, b'{"stamps": [7]}')
    assert row.resources == b'{"stamps": {"asked": [7], "count": 0}}'
    await save(database, [_write(row, b"{}", b'{"stamps": {"add": 2}}')])
    row = await _read(database, b'{"stamps": null}')
    assert row.resources == b'{"stamps": {"asked": null, "count": 2}}'
    assert [tuple(each) for each in await database.fetch("SELECT * FROM stamps")] == [
        (row.customer_id, row.customer_id, 2)
    ]


async def test_a_refused_change_leaves_the_profile_as_it_was(database: Database) -> None:
    await database.execute(STAMPS)
    await save(database, [_write(await _read(database, None), b"{}", b'{"stamps": {"add": 3}}')])
    before = await _read(database, b'{"stamps": 1}')
    with pytest.raises(GuardFailed):
        await save(database, [_write(before, b'{"Name": "A"}', b'{"stamps": {"add": 1}}')])
    after = await _read(database, b'{"stamps": 1}')
    assert (after.customer, after.resources) == (before.customer, before.resources)


async def test_erasing_a_person_erases_the_resources(database: Database) -> None:
    await database.execute(STAMPS)
    await save(database, [_write(await _read(database, None), b"{}", b'{"stamps": {"add": 1}}')])
    assert await erase(database, None, KEY, NOW, b"{}")
    assert await database.fetch("SELECT * FROM stamps") == []
