"""One real PostgreSQL for the whole run, and a fresh database for every test that asks for one.

The server is the embedded one, in memory where the machine has a file system there, unless
HABITUE_TEST_DATABASE_URL names another (its role must be allowed to create databases). The schema
is migrated once, into a template from which each test's database is copied.

`make test` lets two processes share the tests out (pytest-xdist), each with a server of its own.
What is shared out is a file, for its tests may share a database. Files that need the machine for
themselves, because they race processes, kill servers, drive a browser or watch the clock, are one
share together: no two of them ever run at once. That share is the longest, so it is dealt first,
and after it the long files: with short ones last, the two processes end together.

Property tests draw the same cases in every run, so that what passed yesterday passes today unless
something was changed. `make explore` draws others each time, and is for looking for new faults.

    database        an open `Database`, empty but for what the migrations put into it
    database_url    its URL, for a test that starts a process of its own against it
"""

import asyncio
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from habitue.store.database import Database, open_database
from habitue.store.embedded import Endpoint, attach
from habitue.store.location import External

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile("repeatable")

URL_VARIABLE = "HABITUE_TEST_DATABASE_URL"
DROP_TRIES_MAX = 100
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 2 * 1024**3
ALONE = "alone"
ALONE_PLACES = (
    "tests/bench/",
    "tests/edges/http/test_server.py",
    "tests/harness/",
    "tests/integration/test_database_away.py",
    "tests/integration/test_review_moments.py",
    "tests/integration/test_waiting.py",
    "tests/store/test_embedded",
    "tests/test_demo.py",
    "tests/test_readme.py",
    "tests/tracker/browser/",
    "tests/usecases/test_guards.py",
    "tests/usecases/test_loyalty_card_races.py",
    "tests/usecases/test_points_races.py",
    "tests/usecases/test_turn_queue.py",
)
LONG_PLACES = (
    "tests/customers/test_fields.py",
    "tests/edges/cli/test_database_commands.py",
    "tests/integration/test_openapi_fuzz.py",
    "tests/promotions/test_decisions.py",
    "tests/rules/",
    "tests/store/test_dump.py",
    "tests/test_tidy.py",
    "tests/tracker/",
    "tests/usecases/test_loyalty_cards.py",
    "tests/usecases/test_merge_histories.py",
    "tests/usecases/test_points_machine.py",
    "tests/usecases/test_random_histories.py",
)
# Of objects that are new since the last collection. The default, 700, looks through them all the
# time where Hypothesis draws large values: a seventh of the processor time of such tests.
GARBAGE_THRESHOLD = 100_000
# What a test stores need not survive the machine, nor be tidied up: a worker that does so in a
# test's database is a connection that no test can end.
SERVER_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
}
_numbers = itertools.count(1)


class Shares(LoadScopeScheduling):  # type: ignore[misc]
    """Deals a file to one process, and all that want to be alone to one."""

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.partition("::")[0]
        return ALONE if place.startswith(ALONE_PLACES) else place


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    """How tests are dealt: this hook is asked first, whatever `--dist` says."""
    return Shares(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests that want to be alone first, long files next."""
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Leaves the modules that are there by now out of every later collection of garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 50, 1000)


def _turn(item: pytest.Item) -> int:
    """When an item is dealt: before those with a greater number."""
    if item.nodeid.startswith(ALONE_PLACES):
        return 0
    return 1 if item.nodeid.startswith(LONG_PLACES) else 2


def _url_of_another(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@pytest.fixture(scope="session")
def embedded_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """The embedded server of this test run."""
    directory = _in_memory() or tmp_path_factory.mktemp("postgres")
    attachment = attach(directory, lambda message: None)
    try:
        yield attachment.ensure(lambda message: None)
    finally:
        attachment.close()
        shutil.rmtree(directory)


def _in_memory() -> Path | None:
    """A new directory that is no disk's, on machines that have room for one."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < MEMORY_BYTES_MIN:
        return None
    return Path(tempfile.mkdtemp(prefix="habitue-tests-", dir=MEMORY))


@pytest.fixture(scope="session")
async def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database on the server of this test run, to be used for nothing but commands."""
    named = os.environ.get(URL_VARIABLE)
    if named:
        return named
    endpoint: Endpoint = request.getfixturevalue("embedded_endpoint")
    connection = await asyncpg.connect(endpoint.as_superuser().url)
    for name, value in SERVER_SETTINGS.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = {value}")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    return endpoint.url


@pytest.fixture(scope="session")
async def template(server_url: str) -> AsyncIterator[str]:
    """The name of a database with the newest schema and no connections."""
    name = f"habitue_template_{os.getpid()}"
    await _command(server_url, f"CREATE DATABASE {name} TEMPLATE template0")
    async with open_database(External(_url_of_another(server_url, name)), schema="upgrade"):
        pass
    yield name
    await _drop(server_url, name)


@asynccontextmanager
async def fresh_database(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a new database with the newest schema, dropped at the end of the block."""
    name = f"habitue_test_{os.getpid()}_{next(_numbers)}"
    await _command(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield _url_of_another(server_url, name)
    finally:
        await _drop(server_url, name)


@pytest.fixture
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a database of this test's own."""
    async with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of this test's own, open."""
    async with open_database(External(database_url)) as opened:
        yield opened


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"


async def _drop(server_url: str, name: str) -> None:
    """Drops a database; one that the server is tidying up at the moment, a little later."""
    for _ in range(DROP_TRIES_MAX):
        try:
            await _command(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectInUseError):
            await asyncio.sleep(0.2)
        else:
            return
    raise AssertionError(f"{name} is still in use")


async def _command(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
