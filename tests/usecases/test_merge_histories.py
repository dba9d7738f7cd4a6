"""Random histories of customers that are joined and taken apart, against the model.

After each step every identifier, session, part and redemption stands with the customer that the
model says, counters and attributes are those of the model, and nothing is orphaned.
"""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any, TypeVar

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

from habitue.customers.claims import profile_key
from habitue.customers.merge import MergedWithItself, NotMerged
from habitue.customers.refusals import CustomerMerged
from habitue.promotions.effects import AcceptCoupon, RejectCoupon
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.configure.limits import LimitWish
from tests import building
from tests.building import Till, item
from tests.harness import ownership
from tests.harness.card_jobs import merge, tell, unmerge
from tests.harness.joined import PERSONAL_LIMIT, Joined, Visit
from tests.harness.judge import violations
from tests.harness.ownership import belongings, misplaced, owners_of, rows_of
from tests.harness.parts import give_part, move_identifier
from tests.harness.planted import plant

T = TypeVar("T")
HISTORIES = int(os.environ.get("HABITUE_MERGE_HISTORIES", "12"))
STEPS = 30
NAMES = st.sampled_from(["anna", "berta", "carla", "dora", "emma"])
VISITS = st.sampled_from(["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"])
TOLD = st.dictionaries(
    st.sampled_from(["Name", "City", "Country"]),
    st.none() | st.sampled_from(["x", "y"]),
    min_size=1,
)
PICKS = st.integers(0, 9)


class World:
    """One database with the model's campaign, and a loop to use it from synchronous code."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database
        self.till = self.run(self._opened())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _opened(self) -> Till:
        till = await Till.opened(self.database)
        wish = LimitWish("redeemCoupon", Decimal(PERSONAL_LIMIT), ("Profile",))
        five = building.rule("couponValid()", 'setDiscount("five", 5)')
        self.five = await till.campaign(five, name="five", limits=(wish,))
        spender = 'updateAttribute("Profile.Attributes.City", "big spender")'
        await till.campaign(building.rule("session.total >= 100", spender), name="spender")
        return till

    async def emptied(self) -> None:
        """Nothing but the configuration is left, and a coupon that may be used for ever."""
        for table in (*ownership.TABLES, "customer_merge"):
            await self.database.execute(f"DELETE FROM {table}")
        await self.till.coupon(self.five, "SALE", usage_limit=0)


class Histories(RuleBasedStateMachine):
    """One history; `world` is set by the test."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.model = Joined()
        self.world.run(self.world.emptied())
        for name in ("anna", "berta", "carla", "dora"):
            self.tell(name, {"Name": name})

    def root_of(self, name: str) -> int:
        """The root that holds the name; the customer comes to be where nobody does."""
        if name not in self.model.names:
            id_ = self.world.run(_holder(self.world.database, name))
            self.model.names[name] = id_
            self.model.log.append(("born", id_))
        return self.model.names[name]

    @rule(name=NAMES, told=TOLD)
    def tell(self, name: str, told: dict[str, Any]) -> None:
        self.world.run(tell(self.world.till, name, told))
        self.model.log.append(("told", self.root_of(name), told))

    @rule(
        visit=VISITS,
        name=st.none() | NAMES,
        state=st.sampled_from(["open", "open", "closed"]),
        total=st.sampled_from([10, 20, 100]),
        with_coupon=st.booleans(),
    )
    def put(self, visit: str, name: str | None, state: str, total: int, with_coupon: bool) -> None:
        old = self.model.visits.get(visit)
        if old is not None and old.state != "open":
            return
        found = self.world.run(
            self.world.till.put(
                visit,
                profile_id=name,
                state=state,
                cart_items=[item("tea", total)],
                coupon_codes=["SALE"] if with_coupon else [],
            )
        )
        root = self.root_of(name) if name else old.root if old else None
        free = root is not None and self.model.may_redeem(root)
        kinds = [type(each.outcome) for each in found.decision.effects]
        assert kinds.count(AcceptCoupon) == (with_coupon and free)
        assert kinds.count(RejectCoupon) == (with_coupon and not free)
        redeemed = with_coupon and free and state == "closed"
        self.model.visits[visit] = Visit(root, state, total, redeemed)
        if total >= 100 and root is not None:
            self.model.log.append(("told", root, {"City": "big spender"}))

    @rule(visit=VISITS, reopened=st.booleans())
    def take_back(self, visit: str, reopened: bool) -> None:
        old = self.model.visits.get(visit)
        if old is None or old.state != "closed":
            return
        if reopened:
            self.world.run(self.world.till.reopen(visit))
        else:
            self.world.run(self.world.till.put(visit, state="cancelled"))
        old.state, old.redeemed = "open" if reopened else "cancelled", False

    @precondition(lambda self: len(self.model.standing()) > 1)
    @rule(one=PICKS, other=PICKS)
    def merge(self, one: int, other: int) -> None:
        standing = self.model.standing()
        survivor = standing.pop(one % len(standing))
        victim = standing[other % len(standing)]
        self.world.run(merge(self.world.till, survivor, victim))
        self.model.merge(survivor, victim)

    @precondition(lambda self: self.model.merges)
    @rule(one=PICKS)
    def unmerge(self, one: int) -> None:
        victims = sorted(self.model.merges)
        victim = victims[one % len(victims)]
        found = self.world.run(unmerge(self.world.till, victim))
        self.model.unmerge(victim)
        assert set(found) == self.model.family(victim)

    @precondition(lambda self: self.model.merges)
    @rule(one=PICKS, other=PICKS)
    def impossible(self, one: int, other: int) -> None:
        """What is joined is not joined again, and what stands for itself is not split."""
        roots = sorted(self.model.roots)
        victims = sorted(self.model.merges)
        root, victim = roots[one % len(roots)], victims[other % len(victims)]
        if root != victim:
            self.refused(merge(self.world.till, root, victim), CustomerMerged)
            self.refused(merge(self.world.till, victim, root), CustomerMerged)
        self.refused(merge(self.world.till, root, root), MergedWithItself)
        standing = self.model.standing()
        self.refused(unmerge(self.world.till, standing[one % len(standing)]), NotMerged)

    @precondition(lambda self: len(self.model.standing()) > 1)
    @rule(one=PICKS, other=PICKS)
    def there_and_back(self, one: int, other: int) -> None:
        """Undoing a merge at once gives both back, row by row."""
        standing = self.model.standing()
        survivor = standing.pop(one % len(standing))
        victim = standing[other % len(standing)]
        before = self.world.run(belongings(self.world.database))
        self.world.run(merge(self.world.till, survivor, victim))
        self.world.run(unmerge(self.world.till, victim))
        assert self.world.run(belongings(self.world.database)) == before

    @rule(name=NAMES)
    def give_part(self, name: str) -> None:
        if name in self.model.names:
            root = self.model.names[name]
            self.world.run(give_part(self.world.database, root, self.model.owner(root)))
            self.model.parts.add(root)

    @rule(name=NAMES, one=PICKS)
    def move_identifier(self, name: str, one: int) -> None:
        """The name becomes that of another root; a customer may be left without a name."""
        others = sorted(self.model.roots)
        if name not in self.model.names or len(self.model.names) < 2:
            return
        source, target = self.model.names[name], others[one % len(others)]
        owners = self.model.owner(source), self.model.owner(target)
        self.world.run(move_identifier(self.world.database, name, owners[0], owners[1], target))
        self.model.names[name] = target

    def refused(self, request: Coroutine[Any, Any, Any], refusal: type[Exception]) -> None:
        with pytest.raises(refusal):
            self.world.run(request)

    @invariant()
    def everything_stands_where_the_model_has_it(self) -> None:
        model, database = self.model, self.world.database
        rows = self.world.run(rows_of(database))
        assert misplaced(rows, owners_of(rows)) == []
        wrong = self.world.run(violations(database))
        assert [each for each in wrong if "cannot be found" not in each] == []
        owners = {id_: owner for id_, owner in owners_of(rows).items() if id_ in model.roots}
        assert owners == {root: model.owner(root) for root in model.roots}
        identifiers = {
            each["value"]: (ownership.place(each), each["claim_key"])
            for each in rows["customer_identifier"]
        }
        claims = {each["claim_key"]: ownership.place(each) for each in rows["claim"]}
        assert {name: at for name, (at, _) in identifiers.items()} == {
            name: (model.owner(root), root) for name, root in model.names.items()
        }
        assert all(claims[claim] == at for at, claim in identifiers.values())
        assert {ownership.place(each) for each in rows["card_part"]} == {
            (model.owner(root), root) for root in model.parts
        }

    @invariant()
    def sessions_and_redemptions_stand_there_too(self) -> None:
        model = self.model
        rows = self.world.run(rows_of(self.world.database))
        visits = {each["id"]: each["integration_id"] for each in rows["session"]}
        places = {visits[each["id"]]: ownership.place(each) for each in rows["session"]}
        assert set(places) == set(model.visits)
        for name, visit in model.visits.items():
            if visit.root is not None:
                assert places[name] == (model.owner(visit.root), visit.root)
        for each in rows["session_event"] + rows["redemption"]:
            assert ownership.place(each) == places[visits[each["session_id"]]]
        redeemed = sorted(visits[each["session_id"]] for each in rows["redemption"])
        assert redeemed == sorted(name for name, each in model.visits.items() if each.redeemed)

    @invariant()
    def customers_are_what_the_model_says(self) -> None:
        model = self.model
        rows = self.world.run(rows_of(self.world.database, ("customer",)))["customer"]
        found = {each["id"]: each for each in rows if each["id"] in model.standing()}
        attributes = model.attributes()
        for id_, customer in found.items():
            assert customer["attributes"] == attributes[id_]
            assert customer["joined"] == (len(model.family(id_)) > 1)
            counted = (
                customer["session_count"],
                customer["closed_sessions"],
                customer["total_sales"],
            )
            assert counted == model.counters(id_)


async def _holder(database: Database, name: str) -> int:
    rows = await database.fetch(
        "SELECT customer_id FROM claim WHERE claim_key = $1", profile_key(name, sandbox=False)
    )
    return int(rows[0]["customer_id"])


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
            Histories.world = World(runner, runner.run(opened(stack)))
            run_state_machine_as_test(
                Histories,
                settings=settings(
                    max_examples=histories,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    derandomize=bug is not None or settings().derandomize,
                    phases=[Phase.generate] if bug else [Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())


def test_random_merges(database_url: str) -> None:
    play(database_url, HISTORIES)


def test_a_session_without_root_is_found(database_url: str) -> None:
    with pytest.raises(AssertionError):
        play(database_url, 60, bug="no root for a new session")
