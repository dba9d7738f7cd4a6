"""The life of an embedded server: first start, attaching, leaving, and what is refused."""

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest

from habitue.store.embedded import Attachment, Endpoint, attach
from habitue.store.embedded.layout import Layout
from habitue.store.failures import StartFailure
from tests.store.processes import (
    UserProcess,
    cluster_state,
    keeper_pid,
    postmaster_pid,
    user,
    wait_until_stopped,
)


def ignore(message: str) -> None:
    """A report to nobody."""


async def query(endpoint: Endpoint, statement: str) -> object:
    connection = await asyncpg.connect(
        host=endpoint.host, user=endpoint.user, database=endpoint.database, ssl=False
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def started(path: Path) -> tuple[Attachment, Endpoint]:
    attachment = await asyncio.to_thread(attach, path, ignore)
    return attachment, attachment.ensure(ignore)


async def test_first_start_creates_what_the_application_needs(data_dir: Path) -> None:
    reports: list[str] = []
    attachment = attach(data_dir, reports.append)
    endpoint = attachment.ensure(ignore)
    facts = {
        "SHOW server_encoding": "UTF8",
        "SHOW listen_addresses": "",
        "SHOW fsync": "on",
        "SHOW full_page_writes": "on",
        "SHOW data_checksums": "on",
        "SHOW timezone": "UTC",
        "SELECT datcollate FROM pg_database WHERE datname = current_database()": "C",
        "SELECT current_database()::text": "habitue",
        "SELECT current_user::text": "habitue",
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user": False,
    }
    assert {statement: await query(endpoint, statement) for statement in facts} == facts
    assert reports == ["Creating the database"]
    attachment.close()


def test_data_directory_is_closed_to_others(stopped_data_dir: Path) -> None:
    assert stopped_data_dir.stat().st_mode & 0o777 == 0o700
    assert (stopped_data_dir / "socket").stat().st_mode & 0o777 == 0o700
    assert (stopped_data_dir / "cluster").stat().st_mode & 0o777 == 0o700


async def test_second_user_attaches_at_once_and_the_last_one_stops_the_server(
    layout: Layout,
) -> None:
    first, _ = await started(layout.root)
    began = time.monotonic()
    with user(layout.root) as other:
        assert other.reports() == []
        assert time.monotonic() - began < 5.0
        began = time.monotonic()
        second, _ = await started(layout.root)
        assert time.monotonic() - began < 0.5
        keeper, postmaster = keeper_pid(layout), postmaster_pid(layout)
        second.close()
        first.close()
        assert (keeper_pid(layout), postmaster_pid(layout)) == (keeper, postmaster)
        assert other.leave() == ""
    # The last user has waited until the server had stopped.
    assert wait_until_stopped(layout) < 1.0
    assert cluster_state(layout) == "shut down"
    assert not (layout.cluster / "postmaster.pid").exists()


async def test_leaving_does_not_wait_for_a_server_that_others_use(layout: Layout) -> None:
    with user(layout.root) as other:
        other.reports()
        attachment, _ = await started(layout.root)
        began = time.monotonic()
        attachment.close()
        assert time.monotonic() - began < 1.0
        assert cluster_state(layout) == "in production"


async def test_what_was_stored_is_there_after_a_restart(layout: Layout) -> None:
    attachment, endpoint = await started(layout.root)
    await query(endpoint, "CREATE TABLE kept AS SELECT 7 AS n")
    attachment.close()
    attachment, endpoint = await started(layout.root)
    assert await query(endpoint, "SELECT n FROM kept") == 7
    attachment.close()


def test_several_first_users_create_one_cluster(data_dir: Path) -> None:
    users = [UserProcess(data_dir) for _ in range(4)]
    for process in users:
        process.reports()
    for process in users:
        assert process.leave() == ""
    assert wait_until_stopped(Layout(data_dir)) < 1
    assert cluster_state(Layout(data_dir)) == "shut down"


async def test_users_who_come_while_the_server_stops_start_it_again(layout: Layout) -> None:
    answers = []

    def come_and_go() -> None:
        for _ in range(8):
            attachment = attach(layout.root, ignore)
            answers.append(asyncio.run(query(attachment.ensure(ignore), "SELECT 1")))
            attachment.close()

    await asyncio.gather(*(asyncio.to_thread(come_and_go) for _ in range(3)))
    assert answers == [1] * 24
    wait_until_stopped(layout)
    assert cluster_state(layout) == "shut down"


async def test_path_too_long_for_a_socket(tmp_path: Path, stopped_data_dir: Path) -> None:
    attachment, endpoint = await started(tmp_path / ("x" * 120) / "data")
    assert await query(endpoint, "SELECT 1") == 1
    attachment.close()


def test_directory_with_other_files_is_refused_and_left_alone(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "holiday.jpg").write_text("sea")
    before = data_dir.stat()
    with pytest.raises(StartFailure) as refusal:
        attach(data_dir, ignore)
    assert "not a data directory of Habitue" in refusal.value.message
    assert "holiday.jpg" in refusal.value.message
    assert [entry.name for entry in data_dir.iterdir()] == ["holiday.jpg"]
    assert (data_dir.stat().st_uid, data_dir.stat().st_mode) == (before.st_uid, before.st_mode)


def test_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StartFailure) as refusal:
        attach(tmp_path / "data", ignore)
    assert str(tmp_path / "data") in refusal.value.message


def test_other_major_version_is_refused(layout: Layout) -> None:
    (layout.cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(StartFailure) as refusal:
        attach(layout.root, ignore)
    assert "was written by PostgreSQL 14" in refusal.value.message
    assert "habitue restore" in refusal.value.message
    wait_until_stopped(layout)
    assert not (layout.cluster / "postmaster.pid").exists()


def test_failed_start_shows_the_last_words_of_the_server(layout: Layout) -> None:
    with (layout.cluster / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(StartFailure) as refusal:
        attach(layout.root, ignore)
    assert "could not start" in refusal.value.message
    assert 'unrecognized configuration parameter "no_such_setting"' in refusal.value.message
    assert "\n" not in refusal.value.message


def test_missing_programs_are_named(layout: Layout, tmp_path: Path) -> None:
    with user(layout.root, {"HABITUE_POSTGRES_BIN": str(tmp_path)}) as process:
        refusal = process.refusal()
    assert f"HABITUE_POSTGRES_BIN names {tmp_path}, which holds no program" in refusal
