"""Random histories of points in a real database, against the independent model.

The audit runs with every step. HABITUE_HISTORIES sets how many histories are made,
HABITUE_HISTORY_STEPS how long they are; planted bugs show that the harness sees.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from habitue.loyalty.ledger import Ledger, LedgerDecision
from habitue.loyalty.program import LoyaltyProgram
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.shop import Shop
from tests.harness.planted import plant
from tests.loyalty.points_machine import PointsMachine
from tests.usecases.points_shop import (
    TABLES,
    add_customer,
    complaints,
    open_club,
    query_of,
    read,
    save_alone,
    save_together,
)

HISTORIES = int(os.environ.get("HABITUE_HISTORIES", "20"))
STEPS = int(os.environ.get("HABITUE_HISTORY_STEPS", "25"))
OWNERS = ("ada", "ben")


class World:
    """One database with two customers, and a loop to use it from synchronous code."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database
        self.shop: Shop
        self.club: LoyaltyProgram
        self.shop, self.club = runner.run(open_club(database))
        self.ids = [runner.run(add_customer(database, name)) for name in OWNERS]

    async def emptied(self) -> None:
        for table in TABLES:
            await self.database.execute(f"DELETE FROM {table}")


class InDatabase(PointsMachine):
    """Ledgers that are kept in PostgreSQL; `world` is set by the test."""

    world: World

    def reset(self) -> None:
        self.world.runner.run(self.world.emptied())

    depths = (0, 1, 3, None)

    def load(self, owner: int, depth: int | None = None) -> Ledger:
        keys = [UUID(name) for name in self.models[owner].lots]
        query = query_of(self.world.club, OWNERS[owner], *keys)
        return self.world.runner.run(read(self.world.shop, query, self.now, depth))

    def keep(self, *decisions: LedgerDecision) -> None:
        if len(decisions) == 1:
            (decision,) = decisions
            owner = OWNERS[self.world.ids.index(decision.before.root_id)]
            query = query_of(self.world.club, owner)
            self.world.runner.run(save_alone(self.world.shop, query, self.now, decision))
            return
        saved = [(each.before.root_id, each) for each in decisions]
        self.world.runner.run(save_together(self.world.database, self.now, *saved))

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.world.runner.run(complaints(self.world.database)) == []


def play(database_url: str, histories: int, *, bug: str | None = None) -> None:
    """Plays that many histories; with a planted bug always the same ones."""

    async def opened(stack: AsyncExitStack) -> Database:
        location = External(database_url)
        database = await stack.enter_async_context(open_database(location, pool_size_max=2))
        if bug is not None:
            await plant(database, bug)
        return database

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            InDatabase.world = World(runner, runner.run(opened(stack)))
            run_state_machine_as_test(
                InDatabase,
                settings=settings(
                    max_examples=histories,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    derandomize=bug is not None or settings().derandomize,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())


def test_random_histories(database_url: str) -> None:
    play(database_url, HISTORIES)


@pytest.mark.parametrize(
    "bug",
    [
        *("no change of the lots", "no change of the balance", "no end of the holds"),
        *("no sum of what is earned", "no sum of what is spent"),
        "no change of the lots that are spent from",
    ],
)
def test_planted_bugs_are_found(database_url: str, bug: str) -> None:
    # The sequences are always the same; the ids in them are not, so that a rare one may need more.
    with pytest.raises(AssertionError):
        play(database_url, 400, bug=bug)
