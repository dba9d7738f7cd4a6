"""Random histories of points of customers who are joined, taken apart and erased, in a database.

The model keeps whole numbers by root: who is joined with whom is a tree, and points belong to the
root under whose name they were earned, whoever spends or holds them. HABITUE_HISTORIES sets how
many histories are made.
"""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from habitue.loyalty import decide
from habitue.loyalty.ledger import balances_of
from habitue.loyalty.settling import settled
from habitue.loyalty.terms import Terms
from habitue.model.errors import Refusal
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.erase_customer import erase_card
from habitue.usecases.merge_customers import merge_customers
from habitue.usecases.unmerge_customers import unmerge_customers
from tests.harness.card_jobs import ACTOR, REASON
from tests.harness.planted import plant
from tests.loyalty.points_machine import CAUSE, NOW
from tests.usecases.points_shop import (
    TABLES,
    act,
    add_customer,
    complaints,
    open_club,
    query_of,
    read,
)

T = TypeVar("T")
HISTORIES = int(os.environ.get("HABITUE_HISTORIES", "8"))
STEPS = 20
PEOPLE = 4
WHO = st.integers(0, PEOPLE - 1)
AMOUNTS = st.integers(1, 50)


@dataclass
class Earned:
    """Points of a root; `end` None never comes."""

    root: int
    born: int
    end: int | None
    left: int


@dataclass(eq=False)
class Held:
    """What is held of one lot under a key."""

    key: int
    lot: Earned
    part: int


def drawn(lots: list[Earned], amount: int) -> list[tuple[Earned, int]]:
    """Takes so much from the lots; what each of them gives."""
    parts = []
    for lot in lots:
        part = min(lot.left, amount)
        lot.left -= part
        amount -= part
        parts += [(lot, part)] if part else []
    return parts


class JoinedPoints(RuleBasedStateMachine):
    """Four customers and a clock; `runner` and `database` are set by the test."""

    runner: asyncio.Runner
    database: Database
    round = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        type(self).round += 1
        for table in TABLES:
            self.run(self.database.execute(f"DELETE FROM {table}"))
        self.shop, self.club = self.run(open_club(self.database, tiers=(), name=self.label("club")))
        self.names = [self.label(f"person{each}") for each in range(PEOPLE)]
        self.ids = [self.run(add_customer(self.database, name)) for name in self.names]
        self.parent: dict[int, int] = {}
        self.erased: set[int] = set()
        self.lots: list[Earned] = []
        self.holds: list[Held] = []
        self.hour = self.keys = 0
        for who in range(PEOPLE):
            self.earn(who, 40, None)

    def label(self, word: str) -> str:
        return f"{word}-{self.round}"

    @property
    def now(self) -> Any:
        return NOW + timedelta(hours=self.hour)

    def top(self, root: int) -> int:
        while root in self.parent:
            root = self.parent[root]
        return root

    def spendable(self, root: int) -> list[Earned]:
        """The lots of all who are joined with that one, in the order of spending."""
        found = [
            lot
            for lot in self.lots
            if self.top(lot.root) == self.top(root)
            and lot.left
            and (lot.end is None or lot.end > self.hour)
        ]
        return sorted(found, key=lambda lot: (lot.end is None, lot.end or 0, lot.born))

    def held(self, who: int) -> list[Held]:
        """What is held of all who are joined with that one."""
        return [each for each in self.holds if self.top(each.lot.root) == self.top(who)]

    def acts(self, who: int, action: Any) -> bool:
        self.keys += 1
        query = query_of(self.club, self.names[who])
        try:
            self.run(act(self.shop, query, self.now, partial(action, key=UUID(int=self.keys))))
        except Refusal:
            return False
        return True

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.hour += hours

    @rule(who=WHO, amount=AMOUNTS, lasts=st.one_of(st.none(), st.integers(1, 60)))
    def earn(self, who: int, amount: int, lasts: int | None) -> None:
        end = None if lasts is None else self.hour + lasts
        terms = Terms(self.now, None if lasts is None else self.now + timedelta(hours=lasts))
        earned = partial(decide.earn, amount=Decimal(amount), terms=terms, cause=CAUSE)
        told = self.acts(who, earned)
        assert told is (self.top(who) not in self.erased)
        if told:
            self.lots.append(Earned(who, self.keys, end, amount))

    @rule(who=WHO, amount=AMOUNTS)
    def spend(self, who: int, amount: int) -> None:
        told = self.acts(who, partial(decide.deduct, amount=Decimal(amount), cause=CAUSE))
        lots = self.spendable(who)
        known = self.top(who) not in self.erased
        assert told is (known and amount <= sum(lot.left for lot in lots))
        if told:
            drawn(lots, amount)

    @rule(who=WHO, amount=AMOUNTS)
    def hold(self, who: int, amount: int) -> None:
        kept = partial(decide.hold, amount=Decimal(amount), expires=None, cause=CAUSE)
        told = self.acts(who, kept)
        lots = self.spendable(who)
        known = self.top(who) not in self.erased
        assert told is (known and amount <= sum(lot.left for lot in lots))
        if told:
            self.holds += [Held(self.keys, lot, part) for lot, part in drawn(lots, amount)]

    @precondition(lambda self: self.holds)
    @rule(who=st.one_of(st.none(), WHO), pick=st.integers(0, 100), pays=st.booleans())
    def end_a_hold(self, who: int | None, pick: int, pays: bool) -> None:
        """Of a hold that several had together each has what came out of their own lots."""
        picked = self.holds[pick % len(self.holds)]
        key, who = picked.key, picked.lot.root if who is None else who
        own = [each for each in self.held(who) if each.key == key]
        held = Decimal(sum(each.part for each in own) or 1)
        end = partial(decide.void_hold, hold_key=UUID(int=key), cause=CAUSE)
        if pays:
            end = partial(decide.post_hold, hold_key=UUID(int=key), amount=held, cause=CAUSE)
        assert self.acts(who, end) is (bool(own) and self.top(who) not in self.erased)
        if self.top(who) not in self.erased:
            self.holds = [each for each in self.holds if each not in own]
            for each in own if not pays else ():
                each.lot.left += each.part

    @rule(survivor=WHO, victim=WHO)
    def merge(self, survivor: int, victim: int) -> None:
        survivor, victim = self.top(survivor), self.top(victim)
        if survivor != victim and not {survivor, victim} & self.erased:
            ids = self.ids[survivor], self.ids[victim]
            self.run(merge_customers(self.shop, *ids, ACTOR, REASON, self.now))
            self.parent[victim] = survivor

    @rule(who=WHO)
    def unmerge(self, who: int) -> None:
        if who in self.parent and self.top(who) not in self.erased:
            self.run(unmerge_customers(self.shop, self.ids[who], ACTOR, self.now))
            del self.parent[who]

    @rule(who=WHO, really=st.integers(0, 5))
    def erase(self, who: int, really: int) -> None:
        if really == 0 and self.top(who) not in self.erased:
            self.run(erase_card(self.shop, self.ids[self.top(who)], ACTOR, self.now))
            self.erased.add(self.top(who))

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        for who, name in enumerate(self.names):
            if self.top(who) not in self.erased:
                ledger = self.run(read(self.shop, query_of(self.club, name), self.now))
                told = balances_of(settled(ledger, self.club, self.now))
                assert told.active == sum(lot.left for lot in self.spendable(who))
                assert told.held == sum(each.part for each in self.held(who))

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.run(complaints(self.database)) == []


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
            JoinedPoints.runner, JoinedPoints.database = runner, runner.run(opened(stack))
            run_state_machine_as_test(
                JoinedPoints,
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


@pytest.mark.parametrize("bug", ["no change of the lots", "no end of the holds"])
def test_planted_bugs_are_found(database_url: str, bug: str) -> None:
    with pytest.raises(AssertionError):
        play(database_url, 100, bug=bug)
