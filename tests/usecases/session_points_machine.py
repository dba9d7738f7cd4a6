"""Sessions that give and take points, in a real database, beside the model.

The model of the ledger is the independent one in whole numbers; that of sessions, here, knows which
units of a cart earned what and what a session paid with. The audit runs with every step.
"""

import asyncio
from collections.abc import Coroutine
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import randrange
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from habitue.loyalty.ledger import Cause
from habitue.loyalty.program import LoyaltyProgram
from habitue.loyalty.refusals import NotAwaiting
from habitue.loyalty.settling import begin, settled
from habitue.promotions.effects import (
    AddLoyaltyPoints,
    DeductLoyaltyPoints,
    RollbackAddedPoints,
    RollbackDeductedPoints,
)
from habitue.promotions.evaluate import Purpose
from habitue.promotions.returned import ReturnWish
from habitue.store.loyalty import PointsQuery
from habitue.usecases.activate_points import Answering, activate_session
from habitue.usecases.adjust_points import Adjustment, add_points
from habitue.usecases.delete_points import delete_points
from habitue.usecases.make_program_cards import CardWish, make_card
from habitue.usecases.points_told import points_told
from habitue.usecases.session_state import SessionOutcome
from habitue.usecases.settle_points import settle_due
from habitue.usecases.writing import Reply
from tests.building import Till, item
from tests.loyalty.points_machine import (
    CAUSE,
    FLOORS,
    NOW,
    TIER_HOURS,
    balances_in,
    lots_in,
    lots_of,
    points,
    tier_in,
    tier_of,
    told_of,
)
from tests.loyalty.points_model import PointsModel
from tests.usecases.points_shop import TABLES, complaints, query_of, read, save_program
from tests.usecases.points_till import of_points

T = TypeVar("T")

#: What points of a cart wait for and how long they last then, in hours, by the kind of the cart.
KINDS: dict[str, tuple[int | None, int | None]] = {
    "now": (0, None),
    "later": (24, 48),
    "action": (None, 30),
}
CARTS = st.lists(st.tuples(st.integers(1, 2_000), st.integers(1, 3)), min_size=1, max_size=3)
PICKS = st.integers(0, 1_000)
GIFT = 3_000


@dataclass
class Sold:
    """A session: its lines as prices in hundredths and quantities, and what stands of its points.

    `units` are names and amounts of what units earned, `paid` that of what it paid with.
    """

    name: str
    owner: int
    kind: str
    lines: list[tuple[int, int]]
    pays: int
    state: str = "open"
    returned: dict[int, int] = field(default_factory=dict)
    units: dict[tuple[int, int], tuple[str, int]] = field(default_factory=dict)
    paid: tuple[str, int] | None = None

    def left(self, line: int) -> int:
        return self.lines[line][1] - self.returned.get(line, 0)


class SessionsMachine(RuleBasedStateMachine):
    """Two customers at a till, and a clock; `runner`, `till` and `club` are set by the test. In a
    program of cards each of them shows one, whose points they are."""

    runner: asyncio.Runner
    till: Till
    club: LoyaltyProgram
    round = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(
        policy=st.sampled_from(["only_pending", "within_balance", "unlimited"]),
        downgrade=st.sampled_from(["one_down", "balance_based"]),
    )
    def opened(self, policy: Any, downgrade: Any) -> None:
        type(self).round += 1
        self.hour = 0
        self.till.now = NOW
        for table in TABLES:
            self.run(self.till.shop.database.execute(f"DELETE FROM {table}"))
        changed = msgspec.structs.replace(
            self.club, return_policy=policy, tiers_downgrade=downgrade
        )
        type(self).club = self.run(save_program(self.till.shop, changed))
        self.owners = [f"{name}-{self.round}" for name in ("ada", "ben")]
        self.models = [
            PointsModel(policy, FLOORS, TIER_HOURS, downgrade == "one_down") for _ in self.owners
        ]
        for name in self.owners:
            self.run(self.till.tell(name, {}))
            if self.club.card_based:
                card = make_card(self.till.shop, self.club, CardWish(name), randrange, NOW)
                self.run(card)
        self.sessions: list[Sold] = []
        for owner in range(2):
            self.gift(owner, GIFT)

    def picked(self, pick: int, *states: str) -> Sold | None:
        found = [each for each in self.sessions if each.state in states]
        return found[pick % len(found)] if found else None

    def query(self, owner: int) -> PointsQuery:
        """The ledger of a customer, or of the card."""
        if self.club.card_based:
            return PointsQuery(None, None, self.club.id, "", card=self.owners[owner])
        return query_of(self.club, self.owners[owner])

    def put(self, sold: Sold, state: str, **more: Any) -> SessionOutcome:
        """Sends the whole session."""
        return self.run(
            self.till.put(
                sold.name,
                profile_id=self.owners[sold.owner],
                cart_items=[item("tea", str(points(price)), count) for price, count in sold.lines],
                attributes={"kind": sold.kind, "pays": points(sold.pays)},
                loyalty_cards=(self.owners[sold.owner],) if self.club.card_based else (),
                state=state,
                **more,
            )
        )

    def gives(self, sold: Sold, outcome: SessionOutcome, model: PointsModel) -> None:
        """Has the model give and take what the session does, under the names that were told."""
        told = of_points(outcome)
        spent = [each for each in told if isinstance(each, DeductLoyaltyPoints)]
        earned = [each for each in told if isinstance(each, AddLoyaltyPoints)]
        pays = 0 < sold.pays <= model.active
        assert [each.value for each in spent] == ([points(sold.pays)] if pays else [])
        for each in spent:
            assert model.spend(str(each.key), sold.pays)
            sold.paid = (str(each.key), sold.pays)
        wanted = [
            (line, unit, points(price))
            for line, (price, count) in enumerate(sold.lines)
            for unit in range(count)
        ]
        assert [(it.position, it.sub_position, it.value) for it in earned] == wanted
        for given in earned:
            assert given.position is not None
            assert given.sub_position is not None
            price = sold.lines[given.position][0]
            sold.units[given.position, given.sub_position] = (str(given.key), price)
            model.earn(str(given.key), price, *KINDS[sold.kind])

    def takes_back(
        self, sold: Sold, units: list[tuple[int, int]], *, paid: bool
    ) -> list[tuple[type, Decimal]]:
        """Has the model take back what those units earned, and what was paid; what is told."""
        model = self.models[sold.owner]
        told: list[tuple[type, Decimal]] = []
        if paid and sold.paid is not None:
            before = model.spent
            assert model.reimburse(sold.paid[0])
            told.append((RollbackDeductedPoints, points(before - model.spent)))
            sold.paid = None
        for unit in units:
            name, amount = sold.units[unit]
            taken = model.take_back(name, amount)
            told.append((RollbackAddedPoints, points(taken)))
            if taken >= amount:
                del sold.units[unit]
        return sorted(((kind, value) for kind, value in told if value), key=str)

    @staticmethod
    def told_back(outcome: SessionOutcome) -> list[tuple[type, Decimal]]:
        return sorted(((type(each), each.value) for each in of_points(outcome)), key=str)

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.hour += hours
        self.till.now = NOW + timedelta(hours=self.hour)
        for model in self.models:
            model.wait(hours)

    @rule()
    def settle(self) -> None:
        """The job comes by."""
        self.run(settle_due(self.till.shop, self.till.now))

    @rule(owner=st.integers(0, 1), amount=st.integers(1, 3_000))
    def gift(self, owner: int, amount: int) -> None:
        key = uuid4()
        given = Adjustment(key, points(amount), "", CAUSE)
        self.run(add_points(self.till.shop, self.query(owner), "somebody", given, self.till.now))
        self.models[owner].earn(str(key), amount, 0, None)

    @rule(
        owner=st.integers(0, 1),
        kind=st.sampled_from(sorted(KINDS)),
        lines=CARTS,
        pays=st.one_of(st.just(0), st.integers(1, GIFT)),
        closes=st.booleans(),
    )
    def sell(
        self, owner: int, kind: str, lines: list[tuple[int, int]], pays: int, closes: bool
    ) -> None:
        """A session comes to be, open or closed; a dry run before says the same."""
        sold = Sold(f"s{len(self.sessions)}-{self.round}", owner, kind, lines, pays)
        self.put(sold, "closed", purpose=Purpose(dry=True))
        self.sessions.append(sold)
        self.close(sold) if closes else self.promise(sold)

    def promise(self, sold: Sold) -> None:
        """An open session tells what it would leave, and leaves nothing."""
        outcome = self.put(sold, "open")
        trial, copy = deepcopy(self.models[sold.owner]), deepcopy(sold)
        before = balances_in(trial)
        self.gives(copy, outcome, trial)
        shop = self.till.shop
        shown = points_told(shop.program(self.till.application.id), outcome)
        (told,) = shown.cards or shown.programs
        assert told.ledgers[""].current == before
        assert told.ledgers[""].tentative == balances_in(trial)

    def close(self, sold: Sold) -> None:
        outcome = self.put(sold, "closed")
        sold.units, sold.paid, sold.returned = {}, None, {}
        self.gives(sold, outcome, self.models[sold.owner])
        sold.state = "closed"

    @precondition(lambda self: self.picked(0, "open"))
    @rule(pick=PICKS)
    def close_one(self, pick: int) -> None:
        sold = self.picked(pick, "open")
        assert sold is not None
        self.close(sold)

    @precondition(lambda self: self.picked(0, "closed", "returned"))
    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        sold = self.picked(pick, "closed", "returned")
        assert sold is not None
        outcome = self.run(self.till.put(sold.name, state="cancelled"))
        wanted = self.takes_back(sold, list(sold.units), paid=True)
        assert self.told_back(outcome) == wanted
        sold.state = "cancelled"

    @precondition(lambda self: self.picked(0, "closed"))
    @rule(pick=PICKS)
    def reopen(self, pick: int) -> None:
        sold = self.picked(pick, "closed")
        assert sold is not None
        outcome = self.run(self.till.reopen(sold.name))
        wanted = self.takes_back(sold, list(sold.units), paid=True)
        assert self.told_back(outcome) == wanted
        sold.state = "open"

    @precondition(lambda self: self.picked(0, "closed", "returned"))
    @rule(pick=PICKS, line=PICKS, count=st.integers(1, 3))
    def give_back(self, pick: int, line: int, count: int) -> None:
        sold = self.picked(pick, "closed", "returned")
        assert sold is not None
        lines = [each for each in range(len(sold.lines)) if sold.left(each)]
        if not lines:
            return
        at = lines[line % len(lines)]
        first, count = sold.returned.get(at, 0), min(count, sold.left(at))
        outcome = self.run(self.till.give_back(sold.name, ReturnWish(position=at, quantity=count)))
        units = [(at, each) for each in range(first, first + count)]
        wanted = self.takes_back(sold, [each for each in units if each in sold.units], paid=False)
        assert self.told_back(outcome) == wanted
        sold.returned[at] = first + count
        sold.state = "returned"

    @precondition(lambda self: self.sessions)
    @rule(pick=PICKS)
    def activate(self, pick: int) -> None:
        """The points of one session that await an action become active."""
        sold = self.sessions[pick % len(self.sessions)]
        model = self.models[sold.owner]
        names = [name for name, _ in sold.units.values()]
        waiting = [
            name
            for name in names
            if name in model.lots and model.lots[name].start is None and model.lots[name].left
        ]
        answering = Answering(lambda activated: Reply(200, str(len(activated)).encode()))
        work = activate_session(
            self.till.shop,
            self.club,
            self.till.application.id,
            sold.name,
            Cause(),
            self.till.now,
            answering,
        )
        if not waiting:
            with pytest.raises(NotAwaiting):
                self.run(work)
            return
        assert self.run(work).body == str(len(waiting)).encode()
        for name in waiting:
            assert model.activate(name)

    @precondition(lambda self: not self.club.card_based)
    @rule(owner=st.integers(0, 1), really=st.integers(0, 8))
    def delete(self, owner: int, really: int) -> None:
        if really == 0:
            query = query_of(self.club, self.owners[owner])
            self.run(
                delete_points(
                    self.till.shop, query, "somebody", None, uuid4(), CAUSE, self.till.now
                )
            )
            self.models[owner].delete()

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        for owner, model in enumerate(self.models):
            stored = self.run(read(self.till.shop, self.query(owner), self.till.now))
            ledger = settled(stored, self.club, self.till.now)
            assert told_of(ledger) == balances_in(model)
            assert lots_of(ledger) == lots_in(model)
            assert tier_of(begin(ledger, self.club, self.till.now)) == tier_in(model)
            assert model.books_close()

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.run(complaints(self.till.shop.database)) == []
