"""Random histories of a small shop, on the real database, against an independent model.

After every step the answer is the model's, the stored state is the model's, and the judge finds
nothing wrong. HABITUE_HISTORIES sets how many histories are made, HABITUE_HISTORY_STEPS how long
they are.
"""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import asdict
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

from habitue.model.errors import InvalidInput, NotFound
from habitue.promotions import effects as kinds
from habitue.promotions.decide_profile import ProfileCommand
from habitue.promotions.effects import Effect
from habitue.promotions.evaluate import Purpose
from habitue.promotions.returned import ReturnWish
from habitue.store.database import Database, open_database
from habitue.store.location import External
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.update_profile import update_profiles
from habitue.usecases.writing import Reply
from tests import building
from tests.building import Till, item
from tests.harness import model
from tests.harness.judge import violations
from tests.harness.planted import plant
from tests.usecases.test_idempotent_updates import key

HISTORIES = int(os.environ.get("HABITUE_HISTORIES", "40"))
STEPS = int(os.environ.get("HABITUE_HISTORY_STEPS", "25"))
T = TypeVar("T")

NAMES = st.sampled_from(["s1", "s2", "s3"])
OWNERS = st.sampled_from(["", "maria", "paul"])
CODES = st.lists(st.sampled_from(["ONE", "TWO", "LOTS", "MARIAS", "NONE"]), unique=True, max_size=4)
CARTS = st.sampled_from(
    [(0, 0), (100, 1), (9_999, 1), (10_000, 1), (12_345, 1), (5_000, 2), (3_334, 3), (6_000, 3)]
)
COUNTS = st.sampled_from([None, 1, 1, 2, 3])
DRY_STATES = st.sampled_from(["open", "closed"])
STATES = st.sampled_from(["open", "open", "closed", "closed", "cancelled"])


def plain(effects: tuple[Effect, ...]) -> tuple[model.Effect, ...]:
    """Effects of the engine in the words of the model."""
    return tuple(_plain(each.outcome) for each in effects)


def _plain(outcome: kinds.Outcome) -> model.Effect:
    match outcome:
        case kinds.AcceptCoupon(value=code):
            return ("accept", code)
        case kinds.RejectCoupon(value=code, reason=reason):
            return ("reject", code, reason)
        case kinds.SetDiscount(name=name, value=value):
            return ("discount", name, str(int(value * 1000)))
        case kinds.RollbackCoupon(value=code):
            return ("rollback", code)
        case kinds.SetDiscountPerItem(name=name, value=value, sub_position=unit):
            return ("unit", name, str(int(value * 1000)), str(unit))
        case kinds.RollbackDiscount(name=name, value=value, position=0, sub_position=unit):
            return ("rollback unit", name, str(int(value * 1000)), str(unit))
        case kinds.RollbackDiscount(name=name, value=value):
            return ("rollback discount", name, str(int(value * 1000)))
    raise AssertionError(f"the model has no word for {outcome}")


class World:
    """One database with the model's campaigns, and a loop to use it from synchronous code."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database
        self.till = self.run(self._opened())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _opened(self) -> Till:
        till = await Till.opened(self.database)
        await till.campaign(
            building.rule("session.total >= 100", 'setDiscount("ten", session.total * 0.1)'),
            name="ten",
            reevaluate_on_return=True,
        )
        wish = LimitWish("redeemCoupon", Decimal(model.PERSONAL_LIMIT), ("Profile",))
        five = building.rule("couponValid()", 'setDiscount("five", 5)')
        self.five = await till.campaign(five, name="five", limits=(wish,))
        welcome = 'session.first_session and profile.attributes["Name"] == "known"'
        await till.campaign(building.rule(welcome, 'setDiscount("welcome", 3)'), name="welcome")
        await till.campaign(building.rule("true", 'setDiscountPerItem("unit", 1)'), name="unit")
        return till

    async def emptied(self) -> None:
        """Nothing but the configuration is left."""
        tables = "claim, customer, customer_identifier, session, session_event, redemption, coupon"
        for table in [*tables.split(", "), "receipt"]:
            await self.database.execute(f"DELETE FROM {table}")


class History(RuleBasedStateMachine):
    """One history; `world` is set by the test."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.shop = model.Shop()
        self.keys = 0

    @initialize()
    def begin(self) -> None:
        self.world.run(self.world.emptied())

    @rule(
        name=NAMES,
        state=STATES,
        owner=st.none() | OWNERS,
        cart=st.none() | CARTS,
        codes=st.none() | CODES,
        repeats=st.sampled_from([0, 0, 2]),
    )
    def put(
        self,
        name: str,
        state: str,
        owner: str | None,
        cart: model.Cart | None,
        codes: list[str] | None,
        repeats: int,
    ) -> None:
        fields = _fields(owner, cart, codes)
        submitted = None if codes is None else tuple(codes)
        try:
            expected = self.shop.put(name, state, owner, cart, submitted)
        except model.Refused as refusal:
            self.refused(str(refusal), self.world.till.put(name, state=state, **fields))
            return
        self.keys += 1
        found = self.world.run(
            self.world.till.put(name, state=state, idempotency=key(str(self.keys)), **fields)
        )
        assert plain(found.decision.effects) == expected
        for _ in range(repeats):
            again = self.world.till.send(name, key(str(self.keys)), b"x", state=state, **fields)
            assert self.world.run(again) == Reply(200, b"{}")

    @rule(
        name=st.sampled_from(["s1", "s2", "s3", "s4", "s5", "s6"]),
        owner=st.sampled_from(["maria", "paul"]),
        codes=CODES.filter(bool),
    )
    def buy(self, name: str, owner: str, codes: list[str]) -> None:
        """A purchase in one request, with coupons."""
        self.put(name, "closed", owner, (2_500, 4), codes, 0)

    @precondition(lambda self: self.sold())
    @rule(number=st.integers(0, 5), state=st.sampled_from(["open", "cancelled"]))
    def take_back(self, number: int, state: str) -> None:
        """A closed session is reopened or cancelled, one with returns only cancelled."""
        name = self.sold()[number % len(self.sold())]
        if state == "open":
            self.reopen(name)
        else:
            self.put(name, state, None, None, None, 0)

    @precondition(lambda self: self.sold())
    @rule(
        number=st.integers(0, 5),
        parcels=st.lists(COUNTS, min_size=1, max_size=3),
        run_rules=st.booleans(),
    )
    def return_units(self, number: int, parcels: list[int | None], run_rules: bool) -> None:
        """Units of a closed session come back."""
        name = self.sold()[number % len(self.sold())]
        for count in parcels:
            self.give_back(name, count, run_rules, False)

    @rule(name=NAMES, count=COUNTS, run_rules=st.booleans(), dry=st.booleans())
    def give_back(self, name: str, count: int | None, run_rules: bool, dry: bool) -> None:
        """Units of any session are to come back, or would if they did."""
        wish = ReturnWish(0, None, count)
        request = self.world.till.give_back(name, wish, run_rules=run_rules, dry=dry)
        try:
            expected = self.shop.give_back(name, count, run_rules=run_rules, dry=dry)
        except model.Refused as refusal:
            self.refused(str(refusal), request)
            return
        assert plain(self.world.run(request).decision.effects) == expected

    @rule(name=NAMES, owner=OWNERS, cart=CARTS, codes=CODES, state=DRY_STATES)
    def dry(self, name: str, owner: str, cart: model.Cart, codes: list[str], state: str) -> None:
        expected = self.shop.dry(name, owner, cart, tuple(codes))
        fields = _fields(owner, cart, codes)
        found = self.world.run(
            self.world.till.put(name, purpose=Purpose(dry=True), state=state, **fields)
        )
        assert plain(found.decision.effects) == expected

    @rule(name=NAMES)
    def reopen(self, name: str) -> None:
        try:
            expected = self.shop.reopen(name)
        except model.Refused as refusal:
            self.refused(str(refusal), self.world.till.reopen(name))
            return
        found = self.world.run(self.world.till.reopen(name))
        assert plain(found.decision.effects) == expected

    @rule(owner=st.sampled_from(["maria", "paul"]))
    def name_customer(self, owner: str) -> None:
        self.shop.name_customer(owner)
        till = self.world.till
        command = ProfileCommand(owner, {"Name": "known"})
        self.world.run(
            update_profiles(
                till.shop, till.application.id, [command], till.now, lambda *_: Reply(200, b"{}")
            )
        )

    @precondition(lambda self: len(self.shop.coupons) < 4)
    @rule(code=st.sampled_from(["ONE", "TWO", "LOTS", "MARIAS"]))
    def make_coupon(self, code: str) -> None:
        if code in self.shop.coupons:
            return
        limit = {"ONE": 1, "TWO": 2}.get(code, 0)
        recipient = "maria" if code == "MARIAS" else ""
        self.shop.coupons[code] = model.Coupon(limit, recipient)
        self.world.run(
            self.world.till.coupon(self.world.five, code, usage_limit=limit, recipient=recipient)
        )

    def sold(self) -> list[str]:
        """The names of the closed sessions, whether something came back or not."""
        return [name for name, each in self.shop.sessions.items() if each.state in model.SOLD]

    def refused(self, field: str, request: Coroutine[Any, Any, Any]) -> None:
        """The engine refuses the request too, for the same reason."""
        with pytest.raises((InvalidInput, NotFound)) as caught:
            self.world.run(request)
        refusal = caught.value
        if isinstance(refusal, InvalidInput):
            pointer = field if field.startswith("/") else f"/customerSession/{field}"
            assert [each.pointer for each in refusal.faults] == [pointer]
        else:
            assert field == "not found"

    @invariant()
    def the_books_are_right(self) -> None:
        assert self.world.run(violations(self.world.database)) == []

    @invariant()
    def what_is_stored_is_what_the_model_has(self) -> None:
        sessions, owners, coupons = self.world.run(_stored(self.world.till))
        assert sessions == {
            name: {**asdict(each), "redeemed": tuple(sorted(each.redeemed))}
            for name, each in self.shop.sessions.items()
        }
        assert owners == {name: each.sessions for name, each in self.shop.owners.items()}
        assert coupons == {code: self.shop.uses(code) for code in self.shop.coupons}


def _fields(owner: str | None, cart: model.Cart | None, codes: list[str] | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"profile_id": owner, "coupon_codes": codes}
    if cart is not None:
        price, units = cart
        fields["cart_items"] = [item("tea", str(Decimal(price) / 100), units)] if units else []
    return fields


async def _stored(till: Till) -> tuple[dict[str, Any], dict[str, int], dict[str, int]]:
    """Sessions in the model's shape, session counts of customers, uses of coupons."""
    database = till.shop.database
    tables = await building.stored(database)
    owners = await database.fetch(
        "SELECT value, session_count FROM customer_identifier JOIN customer ON id = customer_id"
    )
    sessions = {}
    for row in tables["session"]:
        session = await till.read(row["integration_id"])
        redemptions = tables["redemption"]
        redeemed = [each["code"] for each in redemptions if each["session_id"] == row["id"]]
        sessions[session.integration_id] = {
            "owner": session.profile_id,
            "state": session.state,
            "cart": next(((int(it.price * 100), it.quantity) for it in session.cart_items), (0, 0)),
            "back": sum(each.returned_quantity for each in session.cart_items),
            "codes": session.coupon_codes,
            "updates": session.update_count,
            "first": session.first_session,
            "effects": plain(session.effects),
            "redeemed": tuple(sorted(redeemed)),
        }
    return (
        sessions,
        {each["value"]: each["session_count"] for each in owners},
        {each["code"]: each["usage_counter"] for each in tables["coupon"]},
    )


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
            History.world = World(runner, runner.run(opened(stack)))
            run_state_machine_as_test(
                History,
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


def test_random_histories(database_url: str) -> None:
    play(database_url, HISTORIES)


@pytest.mark.parametrize(
    ("bug", "complaint"),
    [
        ("no release of the counter", "uses and has"),
        ("no count of the sales", "sales, not"),
        ("no move of the events", "session_event of session"),
    ],
)
def test_planted_bugs_are_found(database_url: str, bug: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        play(database_url, 100, bug=bug)
