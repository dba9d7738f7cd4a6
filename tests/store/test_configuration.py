"""The configuration is read anew by all who ask at a time, and they see what was saved before."""

import asyncio

from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.shop import Shop
from tests.usecases.points_shop import open_club


async def test_all_who_ask_see_what_was_saved_before(database: Database, database_url: str) -> None:
    async with open_database(External(database_url), pool_size_max=2) as other:
        reader = Shop(other)
        for number in range(1, 4):
            saver, club = await open_club(database, name=f"club {number}")
            told = await asyncio.gather(*(reader.refresh() for _ in range(20)))
            assert {each.version for each in told} == {saver.configuration.version}
            assert [len(each.loyalty_programs) for each in told] == [number] * 20
            assert all(each.loyalty_programs[club.id] == club for each in told)
        again = await asyncio.gather(*(reader.refresh() for _ in range(3)))
        assert [each is reader.configuration for each in again] == [True] * 3
