"""What an embedded server survives: every process killed in every combination, and leftovers."""

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from habitue.store.database import Database, open_database
from habitue.store.embedded import attach, binaries, status
from habitue.store.embedded.layout import Layout, is_free, open_lock, try_lock
from habitue.store.embedded.previous import wait_for_previous_server
from habitue.store.location import Embedded
from tests.store.processes import (
    PATIENCE_SECONDS,
    cluster_state,
    keeper_pid,
    kill,
    postmaster_pid,
    user,
    wait_until,
    wait_until_stopped,
)

_SLEEP = "print('ready', flush=True); time.sleep(600)"


def ignore(message: str) -> None:
    """A report to nobody."""


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has nothing to do with us, and ends at the first signal it gets."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_server_stops_cleanly_when_its_users_are_killed(layout: Layout) -> None:
    with user(layout.root) as first, user(layout.root) as second:
        first.reports()
        second.reports()
        first.kill()
        assert cluster_state(layout) == "in production"
        second.kill()
        wait_until_stopped(layout)
    assert cluster_state(layout) == "shut down"


def test_server_stops_cleanly_when_its_keeper_is_killed(layout: Layout) -> None:
    with user(layout.root) as process:
        process.reports()
        kill(keeper_pid(layout))
        wait_until_stopped(layout)
        assert cluster_state(layout) == "shut down"


def test_requests_to_end_do_not_take_the_server_from_its_users(layout: Layout) -> None:
    with user(layout.root) as process:
        process.reports()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(keeper_pid(layout), number)
        with user(layout.root) as other:
            assert other.reports() == []
            assert cluster_state(layout) == "in production"


async def test_database_comes_back_when_the_keeper_was_killed(layout: Layout) -> None:
    async with open_database(Embedded(layout.root), files=()) as database:
        await database.execute("CREATE TABLE kept AS SELECT 7 AS n")
        first = keeper_pid(layout)
        kill(first)
        await asyncio.to_thread(wait_until_stopped, layout)
        assert await database.fetchval("SELECT n FROM kept") == 7
        assert keeper_pid(layout) != first
    assert cluster_state(layout) == "shut down"


async def test_database_comes_back_when_the_server_was_killed(layout: Layout) -> None:
    async with open_database(Embedded(layout.root), files=()) as database:
        for expected in (1, 2, 3):
            await _count(database)
            kill(postmaster_pid(layout))
            await asyncio.to_thread(wait_until_stopped, layout)
            assert await database.fetchval("SELECT count(*) FROM counted") == expected
    assert cluster_state(layout) == "shut down"


async def test_database_comes_back_when_one_backend_was_killed(layout: Layout) -> None:
    async with open_database(
        Embedded(layout.root), files=(), patience_seconds=PATIENCE_SECONDS
    ) as database:
        await _count(database)
        kill(await database.fetchval("SELECT pg_backend_pid()"))
        await asyncio.to_thread(wait_until_stopped, layout)
        assert await database.fetchval("SELECT count(*) FROM counted") == 1
    assert cluster_state(layout) == "shut down"


async def test_everything_is_recovered_after_everything_was_killed(layout: Layout) -> None:
    with user(layout.root) as process:
        process.reports()
        async with open_database(Embedded(layout.root), files=()) as database:
            await _count(database)
            # The keeper cannot act any more, so the server dies without shutting down.
            os.kill(keeper_pid(layout), signal.SIGSTOP)
            kill(postmaster_pid(layout))
            kill(keeper_pid(layout))
            process.kill()
    wait_until_stopped(layout)
    assert cluster_state(layout) == "in production"
    async with open_database(Embedded(layout.root), files=()) as database:
        assert await database.fetchval("SELECT count(*) FROM counted") == 1


def test_start_waits_for_a_server_that_is_still_shutting_down(layout: Layout) -> None:
    with user(layout.root) as killed:
        killed.reports()
        postmaster = postmaster_pid(layout)
        os.kill(postmaster, signal.SIGSTOP)
        kill(keeper_pid(layout))
        wait_until(lambda: is_free(layout.keeper_lock), "the keeper ends")
        killed.kill()
    reports: list[str] = []

    def report(message: str) -> None:
        reports.append(message)
        os.kill(postmaster, signal.SIGCONT)

    attachment = attach(layout.root, report)
    assert reports[0] == "Waiting for the previous server to finish, 1 s so far"
    assert postmaster_pid(layout) != postmaster
    attachment.close()
    assert cluster_state(layout) == "shut down"


def test_server_that_nobody_has_asked_to_stop_is_asked(layout: Layout) -> None:
    """What a killed keeper leaves where the kernel does not tell its server."""
    lock = open_lock(layout.server_lock)
    assert try_lock(lock, fcntl.LOCK_EX)
    orphan = _holder_of(
        lock, "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); " + _SLEEP
    )
    os.close(lock)
    (layout.cluster / "postmaster.pid").write_text(f"{orphan.pid}\n")
    _wait_for_previous(layout)
    assert orphan.wait() == -signal.SIGINT


def test_server_that_hangs_is_stopped_in_the_end(layout: Layout) -> None:
    lock = open_lock(layout.server_lock)
    assert try_lock(lock, fcntl.LOCK_EX)
    # Whoever runs the tests in the background may have left us deaf to the other signal, too.
    heard = "signal.signal(signal.SIGQUIT, signal.SIG_DFL); "
    deaf = f"import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); {heard}{_SLEEP}"
    orphan = _holder_of(lock, deaf)
    os.close(lock)
    (layout.cluster / "postmaster.pid").write_text(f"{orphan.pid}\n")
    _wait_for_previous(layout)
    assert orphan.wait() == -signal.SIGQUIT


def test_process_without_the_lock_gets_no_signal_whatever_the_pid_file_says(
    layout: Layout, bystander: "subprocess.Popen[bytes]"
) -> None:
    lock = open_lock(layout.server_lock)
    assert try_lock(lock, fcntl.LOCK_EX)
    holder = _holder_of(lock, "import time; print('ready', flush=True); time.sleep(2)")
    os.close(lock)
    (layout.cluster / "postmaster.pid").write_text(f"{bystander.pid}\n")
    _wait_for_previous(layout)
    assert holder.wait() == 0
    assert bystander.poll() is None


def test_stale_pid_file_that_names_another_process(
    layout: Layout, bystander: "subprocess.Popen[bytes]"
) -> None:
    (layout.cluster / "postmaster.pid").write_text(
        f"{bystander.pid}\n{layout.cluster}\n1700000000\n5432\n{layout.sockets}\n\n0 0\nready\n"
    )
    attachment = attach(layout.root, ignore)
    assert postmaster_pid(layout) != bystander.pid
    attachment.close()
    assert bystander.poll() is None
    assert cluster_state(layout) == "shut down"


def test_half_created_cluster_is_created_again(data_dir: Path) -> None:
    half = data_dir / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (data_dir / "attach.lock").touch()
    attachment = attach(data_dir, ignore)
    assert not half.exists()
    attachment.close()
    assert cluster_state(Layout(data_dir)) == "shut down"


@pytest.mark.parametrize("stage", ["base", "global/pg_control", "pg_hba.conf"])
def test_creation_that_was_killed_is_repaired(data_dir: Path, stage: str) -> None:
    layout = Layout(data_dir)
    with user(data_dir) as process:
        wait_until(lambda: (layout.unfinished_cluster / stage).exists(), stage)
        kill(keeper_pid(layout))
        process.kill()
    attachment = attach(data_dir, ignore)
    attachment.close()
    assert not layout.unfinished_cluster.exists()
    assert cluster_state(layout) == "shut down"


def test_long_recovery_is_reported_and_waited_for(layout: Layout, tmp_path: Path) -> None:
    with user(layout.root) as process:
        process.reports()
        os.kill(keeper_pid(layout), signal.SIGSTOP)
        kill(postmaster_pid(layout))
        kill(keeper_pid(layout))
    wait_until_stopped(layout)
    slow = _slow_postgres(tmp_path / "slow", seconds=2.4)
    with user(layout.root, {"HABITUE_POSTGRES_BIN": str(slow)}) as process:
        reports = process.reports()
        seconds = range(1, len(reports) + 1)
        assert reports == [f"Recovering after a crash, {n} s so far" for n in seconds]
        assert len(reports) >= 2
        assert process.leave() == ""
    assert cluster_state(layout) == "shut down"


def test_keeper_that_is_killed_while_starting_is_replaced(layout: Layout, tmp_path: Path) -> None:
    slow = _slow_postgres(tmp_path / "slow", seconds=0.5)
    with user(layout.root, {"HABITUE_POSTGRES_BIN": str(slow)}) as process:
        wait_until(lambda: status.read(layout).state == "starting", "a keeper")
        kill(keeper_pid(layout))
        process.reports()
        assert process.leave() == ""
    assert cluster_state(layout) == "shut down"


def _holder_of(lock: int, program: str) -> "subprocess.Popen[bytes]":
    """A process that holds the server lock, as the processes of a server do."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], pass_fds=(lock,), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process


def _wait_for_previous(layout: Layout) -> None:
    lock = open_lock(layout.server_lock)
    wait_for_previous_server(layout, lock, lambda seconds: None, 0.2, 0.6)
    os.close(lock)


async def test_start_that_takes_long_can_be_given_up(layout: Layout) -> None:
    lock = open_lock(layout.server_lock)
    assert try_lock(lock, fcntl.LOCK_EX)
    reports: list[str] = []

    async def start() -> None:
        async with open_database(Embedded(layout.root), files=(), report=reports.append):
            pass

    starting = asyncio.create_task(start())
    await asyncio.to_thread(wait_until, lambda: bool(reports), "the start waits")
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    os.close(lock)
    assert reports[0] == "Waiting for the previous server to finish, 1 s so far"
    await asyncio.to_thread(wait_until_stopped, layout)


async def _count(database: Database) -> None:
    await database.execute("CREATE TABLE IF NOT EXISTS counted (n int)")
    await database.execute("INSERT INTO counted VALUES (1)")


def _slow_postgres(directory: Path, seconds: float) -> Path:
    """PostgreSQL's programs, of which `postgres` takes its time before it begins."""
    real = binaries.find(os.environ).program("postgres")
    directory.mkdir()
    program = directory / "postgres"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] || sleep {seconds}\nexec {real} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return directory
