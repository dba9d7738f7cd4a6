"""A till of a fresh shop for every test that asks for one."""

import pytest

from habitue.store.database import Database
from tests.building import Till


@pytest.fixture
async def till(database: Database) -> Till:
    return await Till.opened(database)
